/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU's own checker complains of: its rules one by one, as it was seen to apply them. */
#include <guestscope/base/text.h>
#include <guestscope/devstate/compat_script.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

/* "kind section/description name other before after\n", without those that it does not have. */
static struct gs_error *note(void *arg, const struct gs_compat_finding *finding)
{
	const char *const names[] = {finding->name, finding->other};

	gs_text_puts(arg, gs_compat_kind_name(finding->kind));
	if (finding->section)
		gs_text_printf(arg, " %s", finding->section);
	if (finding->description)
		gs_text_printf(arg, "/%s", finding->description);
	for (int i = 0; i < 2; i++)
		gs_text_printf(arg, "%s%s", names[i] ? " " : "", names[i] ? names[i] : "");
	if (finding->before || finding->after)
		gs_text_printf(arg, " %llu %llu", (unsigned long long)finding->before,
			       (unsigned long long)finding->after);
	gs_text_puts(arg, "\n");
	return NULL;
}

static void check(const char *before, const char *after, const char *expected)
{
	auto_state struct gs_devstate *a = fake_devstate(before), *b = fake_devstate(after);
	gs_autofree char *found = NULL;
	struct gs_text notes = {0};

	assert_ok(gs_devstate_compat_script(a, b, note, &notes));
	assert_ok(gs_text_finish(&notes, &found));
	assert_string_equal(found ? found : "", expected);
}

#define MACHINE(name) "{'vmschkmachine': {'Name': '" name "'}}"
#define ONE(device) FAKE_EXPORT(device)
#define NO_LIST(type, version, minimum) ONE(FAKE_DEVICE_V(type, version, minimum, ""))
#define LIST(fields) ", 'Fields': [" fields "]"
#define FIELDS(fields) ONE(FAKE_DEVICE("d", LIST(fields)))
#define SUBSECTIONS(list) ONE(FAKE_DEVICE("d", ", 'Fields': [], 'Subsections': [" list "]"))
#define SUBSECTION(version, minimum) FAKE_DESCRIPTION("d/s", version, minimum, "")
#define F(name) FAKE_FIELD(name, "4")
#define UNUSED(size) FAKE_FIELD("unused", size)
#define VERSIONED(name, version) FAKE_FIELD_X(name, version, "false", "4", "")
#define ARRAY(name, num, size) FAKE_FIELD_X(name, "0", "false", size, ", 'num': " num)
#define STRUCT(name, fields)                   \
	FAKE_FIELD_X(name, "0", "false", "99", \
		     ", 'Description': " FAKE_DESCRIPTION("s", "1", "1", LIST(fields)))

static void test_sections(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE("b", "") "," FAKE_DEVICE("a", "")), NO_LIST("c", "1", "1"),
	      "section b\nsection a\n");
	check(MACHINE("pc"), MACHINE("q35"), "machine pc q35\n");
	check(NO_LIST("e1000", "1", "1"), NO_LIST("e1000-82540em", "1", "1"),
	      "description e1000/e1000 e1000-82540em\n");
	check(NO_LIST("d", "1", "1"), ONE("'d': {'version_id': 1, 'minimum_version_id': 1}"),
	      "entry d Description\n");
}

static void test_versions(void **unused)
{
	(void)unused;
	check(NO_LIST("d", "3", "1"), NO_LIST("d", "2", "1"), "version d 3 2\nversion d/d 3 2\n");
	/* Not of the section, as it does not count there. */
	check(NO_LIST("d", "1", "1"), NO_LIST("d", "3", "2"), "minimum d/d 1 2\n");
	check(FIELDS(VERSIONED("a", "2")), FIELDS(VERSIONED("a", "1")), "version d/d 2 1\n");
}

static void test_lists(void **unused)
{
	(void)unused;
	check(FIELDS(""), NO_LIST("d", "1", "1"), "entry d/d Fields\n");
	check(NO_LIST("d", "1", "1"), FIELDS(F("a")), "");
	check(SUBSECTIONS(SUBSECTION("2", "1")), FIELDS(""), "entry d/d Subsections\n");
	check(SUBSECTIONS(SUBSECTION("2", "1")), SUBSECTIONS(""), "subsection d/d d/s\n");
	/* Each of that name counts. */
	check(SUBSECTIONS(SUBSECTION("2", "1")),
	      SUBSECTIONS(SUBSECTION("1", "1") "," SUBSECTION("4", "3")),
	      "version d/d/s 2 1\nminimum d/d/s 2 3\n");
}

static void test_fields(void **unused)
{
	(void)unused;
	check(FIELDS(F("a") "," F("b") "," F("c")),
	      FIELDS(F("a") "," F("x") "," ARRAY("c", "9", "1")), "field d/d b x\n");
	check(FIELDS(F("a") "," F("b")), FIELDS(F("a")), "end d/d b\n");
	check(FIELDS(F("a")), FIELDS(F("a") "," F("b")), "");
	check(FIELDS(F("a") "," F("b")), FIELDS(FAKE_FIELD("a", "2") "," F("x")),
	      "size d/d a 4 2\nfield d/d b x\n");
	check(FIELDS(ARRAY("a", "2", "4")), FIELDS(ARRAY("a", "3", "4")), "");
	check(FIELDS(STRUCT("a", F("x"))), FIELDS(F("a")), "no-description d/d a\n");
	check(FIELDS(STRUCT("a", F("x"))), FIELDS(STRUCT("a", F("y"))), "field d/s x y\n");
}

static void test_renames(void **unused)
{
	(void)unused;
	check(ONE(FAKE_DEVICE("apic", LIST(F("timer")))),
	      ONE(FAKE_DEVICE("apic", LIST(F("timer_expiry")))), "");
	check(FIELDS(F("timer")), FIELDS(F("timer_expiry")), "field d/d timer timer_expiry\n");
	/* Of descriptions, the section's name decides. */
	check(ONE("'ich9-ahci': {'version_id': 1, 'minimum_version_id': 1, "
		  "'Description': " FAKE_DESCRIPTION("ahci", "1", "1", "") "}"),
	      ONE("'ich9-ahci': {'version_id': 1, 'minimum_version_id': 1, "
		  "'Description': " FAKE_DESCRIPTION("ich9_ahci", "1", "1", "") "}"),
	      "");
}

static void test_structs(void **unused)
{
	(void)unused;
	check(FIELDS(F("a") "," F("b") "," F("c")),
	      FIELDS(STRUCT("s", F("a") "," F("b")) "," F("c")), "");
	check(FIELDS(STRUCT("s", F("a") "," F("b")) "," F("c")),
	      FIELDS(F("a") "," F("b") "," F("c")), "");
	/* Only by their first field, and not through another one. */
	check(FIELDS(F("a") "," F("b")), FIELDS(STRUCT("s", F("x") "," F("a")) "," F("b")),
	      "field d/d a s\n");
	check(FIELDS(F("a") "," F("b")), FIELDS(STRUCT("s", STRUCT("t", F("a"))) "," F("b")),
	      "field d/d a s\n");
}

static void test_unused(void **unused)
{
	(void)unused;
	check(FIELDS(F("a") "," F("b") "," F("c")), FIELDS(UNUSED("8") "," F("c")), "");
	check(FIELDS(UNUSED("8") "," F("c")), FIELDS(F("a") "," F("b") "," F("c")), "");
	check(FIELDS(F("a") "," F("b")), FIELDS(UNUSED("3") "," F("y")), "unused d/d b\n");
	check(FIELDS(UNUSED("5") "," F("x")), FIELDS(F("a") "," F("b")), "unused d/d b\n");
	check(FIELDS(F("a")), FIELDS(UNUSED("8")), "");
	check(FIELDS(UNUSED("8")), FIELDS(F("a")), "end d/d unused\n");
	/* num is that of the first; of those after it, it is not looked at. */
	check(FIELDS(ARRAY("a", "2", "4") "," F("c")), FIELDS(UNUSED("8") "," F("c")), "");
	check(FIELDS(F("a") "," ARRAY("b", "2", "2") "," F("c")), FIELDS(UNUSED("8") "," F("c")),
	      "unused d/d c\n");
	check(FIELDS(ARRAY("a", "4611686018427387904", "16")),
	      FIELDS(UNUSED("18446744073709551615")), "");
}

/* Hundreds of subsections of one name, at two depths, on both sides: found out, and soon. */
static void test_hostile(void **unused)
{
	gs_autofree char *text = NULL;
	auto_state struct gs_devstate *state = NULL;
	struct gs_text out = {0};

	(void)unused;
	gs_text_puts(&out, "{'vmschkmachine': {'Name': 'none'}, 'd': {'version_id': 1, "
			   "'minimum_version_id': 1, 'Description': {'name': 'd', 'version_id': 1, "
			   "'minimum_version_id': 1, 'Subsections': [");
	for (int i = 0; i < 300; i++) {
		gs_text_printf(&out,
			       "%s{'name': 'd/s', 'version_id': 1, 'minimum_version_id': 1, "
			       "'Subsections': [",
			       i ? "," : "");
		for (int j = 0; j < 300; j++)
			gs_text_printf(&out, "%s%s", j ? "," : "",
				       FAKE_DESCRIPTION("d/s/t", "1", "1", ""));
		gs_text_puts(&out, "]}");
	}
	gs_text_puts(&out, "]}}}");
	assert_ok(gs_text_finish(&out, &text));
	state = fake_devstate(text);
	assert_error(gs_devstate_compat_script(state, state, note, NULL), GS_ERROR_UNSUPPORTED,
		     "more than 67108864 comparisons");
}

static void test_exit(void **unused)
{
	(void)unused;
	assert_int_equal(gs_compat_exit(0), 0);
	assert_int_equal(gs_compat_exit(255), 255);
	assert_int_equal(gs_compat_exit(256), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_lists),    cmocka_unit_test(test_fields),
		cmocka_unit_test(test_renames),  cmocka_unit_test(test_structs),
		cmocka_unit_test(test_unused),   cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
