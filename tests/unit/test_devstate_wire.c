/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes in a stream: what is counted, and how sure it is. */
#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

/* An export that tells lengths, of device "a" with these fields. */
#define TELLING(fields)                                                           \
	FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" fields "]") "," FAKE_DEVICE( \
		"z", ", 'Fields': [" FAKE_FIELD_X("n", "0", "false", "1", ", 'num': 1") "]"))

static void assert_wire(struct gs_wire_size size, enum gs_wire_certainty certainty, uint64_t bytes)
{
	assert_int_equal(size.certainty, certainty);
	assert_int_equal(size.bytes, bytes);
}

/* The wire size of the first field of "a", and of all of "a". */
static void check(const char *text, enum gs_wire_certainty certainty, uint64_t bytes)
{
	auto_state struct gs_devstate *state = fake_devstate(text);
	const struct gs_vmsd *description = gs_devstate_find(state, "a")->description;
	size_t conditional, subsections;

	assert_wire(gs_vmsd_field_wire(state, &description->fields[0]), certainty, bytes);
	assert_wire(gs_vmsd_wire(state, description, &conditional, &subsections), certainty, bytes);
}

static void test_leaf(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_FIELD("x", "4")), GS_WIRE_EXACT, 4);
	check(TELLING(FAKE_FIELD_X("x", "0", "false", "2", ", 'num': 10")), GS_WIRE_EXACT, 20);
	check(TELLING(FAKE_FIELD_X("x", "0", "false", "2", ", 'num': 0")), GS_WIRE_EXACT, 0);
	check(TELLING(FAKE_FIELD("x", "0")), GS_WIRE_UNKNOWN, 0);
}

/* QEMU before 8.1 told no lengths: anything may be an array. */
static void test_untold(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" FAKE_FIELD("x", "4") "]")),
	      GS_WIRE_AT_LEAST, 4);
}

#define NESTED(size, more, fields)                                            \
	FAKE_FIELD_X("s", "0", "false", size,                                 \
		     more ", 'Description': " FAKE_DESCRIPTION("n", "1", "1", \
							       ", 'Fields': [" fields "]"))

static void test_struct(void **unused)
{
	(void)unused;
	/* Its size in C is of no interest. */
	check(TELLING(NESTED("2736", "", FAKE_FIELD("x", "4") "," FAKE_FIELD("y", "2"))),
	      GS_WIRE_EXACT, 6);
	check(TELLING(NESTED("2736", ", 'num': 3", FAKE_FIELD("x", "4"))), GS_WIRE_EXACT, 12);
	check(TELLING(NESTED("0", "", FAKE_FIELD("x", "4"))), GS_WIRE_EXACT, 4);
	check(TELLING(NESTED("8", "", FAKE_FIELD("x", "0"))), GS_WIRE_UNKNOWN, 0);
	check(TELLING(NESTED("8", "", FAKE_FIELD("x", "0") "," FAKE_FIELD("y", "1"))),
	      GS_WIRE_AT_LEAST, 1);
}

static void test_overflow(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_FIELD_X("x", "0", "false", "2", ", 'num': 18446744073709551615")),
	      GS_WIRE_UNKNOWN, 0);
	check(TELLING(NESTED("1", "",
			     FAKE_FIELD("x", "18446744073709551615") "," FAKE_FIELD(
				     "y", "18446744073709551615"))),
	      GS_WIRE_AT_LEAST, UINT64_MAX);
}

/* What is there only by a predicate, or from a later version on, or in a subsection. */
static void test_parts(void **unused)
{
	auto_state struct gs_devstate *state =
		fake_devstate(TELLING(FAKE_FIELD_X("x", "0", "true", "4", "") "," FAKE_FIELD_X(
			"late", "2", "false", "8",
			"") "," FAKE_FIELD_X("p", "0", "false", "99",
					     ", 'Description': " FAKE_DESCRIPTION(
						     "p", "1", "1",
						     ", 'Fields': [" FAKE_FIELD_X(
							     "c", "5", "true", "256",
							     "") "," FAKE_FIELD("d",
										"16") "], "
										      "'Subsections"
										      "': "
										      "[" FAKE_DESCRIPTION(
											      "p/q",
											      "1",
											      "1",
											      "") "]"))));
	const struct gs_vmsd *description = gs_devstate_find(state, "a")->description;
	size_t conditional = 0, subsections = 0;

	(void)unused;
	assert_wire(gs_vmsd_wire(state, description, &conditional, &subsections), GS_WIRE_EXACT,
		    16);
	assert_int_equal(conditional, 2);
	assert_int_equal(subsections, 1);
	/* By itself, a field has no other place to say that there may be more. */
	assert_wire(gs_vmsd_field_wire(state, &description->fields[2]), GS_WIRE_AT_LEAST, 16);
	assert_wire(gs_vmsd_field_wire(state, &description->fields[0]), GS_WIRE_EXACT, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),   cmocka_unit_test(test_untold),
		cmocka_unit_test(test_struct), cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
