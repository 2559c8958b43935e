/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of it when one saves and the other loads: fields, one change at a time, both ways. */
#include "fake_check.h"

#define V(name, version, size) FAKE_FIELD_X(name, version, "false", size, "")

/* ---- one more, one less ---- */

static void test_append(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(F("x", "4") "," F("y", "2")),
	      "BREAK; BREAK a/y:field-unsent @4", "BREAK; BREAK a/y:field-left @4");
}

static void test_append_version(void **unused)
{
	(void)unused;
	check(FIELDS_V("1", F("x", "4")), FIELDS_V("2", F("x", "4") "," V("y", "2", "2")), "OK",
	      "BREAK; BREAK a:version-above @0");
	/* Of a version that the other one has, too. */
	check(FIELDS_V("2", F("x", "4")), FIELDS_V("2", F("x", "4") "," V("y", "2", "2")),
	      "BREAK; BREAK a/y:field-unsent @4", "BREAK; BREAK a/y:field-left @4");
	/* Nobody ever sends it. */
	check(FIELDS_V("2", F("x", "4")), FIELDS_V("2", F("x", "4") "," V("y", "3", "2")), "OK",
	      "OK");
}

static void test_insert_version(void **unused)
{
	(void)unused;
	check(FIELDS_V("1", F("x", "4") "," F("z", "4")),
	      FIELDS_V("2", F("x", "4") "," V("y", "2", "2") "," F("z", "4")), "OK",
	      "BREAK; BREAK a:version-above @0");
}

static void test_append_conditional(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(F("x", "4") "," FC("y", "2")),
	      "CONDITIONAL if loader's y; CONDITIONAL a/y:field-unsent if loader's y @4",
	      "CONDITIONAL if saver's y; CONDITIONAL a/y:field-left if saver's y @4");
}

/* Two differences of one length are two findings where they cannot make up for each other. */
static void test_two(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(F("v", "2") "," F("x", "4") "," F("y", "2")),
	      "BREAK; BREAK a/v:field-unsent @0; BREAK a/y:field-unsent @4",
	      "BREAK; BREAK a/v:field-left @0; BREAK a/y:field-left @6");
}

/* ---- versions and predicates ---- */

static void test_version_of_field(void **unused)
{
	(void)unused;
	check(FIELDS_V("2", F("x", "4") "," F("y", "4")),
	      FIELDS_V("3", F("x", "4") "," V("y", "3", "4")), "BREAK; BREAK a/y:field-gate @4",
	      "BREAK; BREAK a:version-above @0");
	check(FIELDS_V("2", F("x", "4")), FIELDS_V("2", V("x", "2", "4")), "OK", "OK");
}

/* hpet: the minimum rises, and with it go the versions of the fields. */
static void test_versions_dropped(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_DEVICE_V("a", "2", "1", ", 'Fields': [" V("x", "2", "4") "]") ","),
	      TELLING(FAKE_DEVICE_V("a", "2", "2", ", 'Fields': [" F("x", "4") "]") ","), "OK",
	      "OK");
}

static void test_predicate_added(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(FC("x", "4")),
	      "CONDITIONAL if !loader's x; CONDITIONAL a/x:field-gate if !loader's x @0",
	      "CONDITIONAL if !saver's x; CONDITIONAL a/x:field-gate if !saver's x @0");
}

static void test_predicate_of_both(void **unused)
{
	(void)unused;
	check(FIELDS(FC("x", "4") "," F("y", "4")), FIELDS(FC("x", "4") "," F("y", "4")), "OK",
	      "OK");
	check(FIELDS(FC("x", "4") "," F("y", "4")), FIELDS(FC("x", "8") "," F("y", "4")),
	      "CONDITIONAL if x; CONDITIONAL a/x:field-size if x @0",
	      "CONDITIONAL if x; CONDITIONAL a/x:field-size if x @0");
}

/* What decides may have changed with the name. */
static void test_predicate_renamed(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," FC("p", "1")), FIELDS(F("x", "4") "," FC("q", "1")),
	      "CONDITIONAL if saver's p & !loader's q | !saver's p & loader's q; CONDITIONAL "
	      "a/p:field-gate if saver's p & !loader's q | !saver's p & loader's q @4",
	      "CONDITIONAL if saver's q & !loader's p | !saver's q & loader's p; CONDITIONAL "
	      "a/q:field-gate if saver's q & !loader's p | !saver's q & loader's p @4");
}

/* Two that are not sent together: in some world one is taken for the other. */
static void test_predicates_cross(void **unused)
{
	(void)unused;
	check(FIELDS(FC("p", "4") "," F("x", "4")), FIELDS(F("x", "4") "," FC("q", "4")),
	      "SILENT; SILENT a/p:field-order @0+; CONDITIONAL a/p:field-left if saver's p @0; "
	      "CONDITIONAL a/q:field-unsent if loader's q @4+",
	      "SILENT; SILENT a/p:field-order @0+; CONDITIONAL a/p:field-unsent if loader's p @0; "
	      "CONDITIONAL a/q:field-left if saver's q @4");
}

/* ---- sizes ---- */

static void test_num(void **unused)
{
	(void)unused;
	check(FIELDS(ARRAY("x", "4", "2") "," F("y", "4")),
	      FIELDS(ARRAY("x", "8", "2") "," F("y", "4")), "BREAK; BREAK a/x:field-size @8",
	      "BREAK; BREAK a/x:field-size @8");
}

static void test_width(void **unused)
{
	(void)unused;
	check(FIELDS(ARRAY("x", "4", "2")), FIELDS(ARRAY("x", "2", "4")),
	      "SILENT; SILENT a/x:field-width @0", "SILENT; SILENT a/x:field-width @0");
	/* Buffers have none. */
	check(FIELDS(ARRAY("x", "4", "3")), FIELDS(ARRAY("x", "3", "4")),
	      "INFO; INFO a/x:field-repacked", "INFO; INFO a/x:field-repacked");
}

static void test_size(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "4")), FIELDS(F("x", "8") "," F("y", "4")),
	      "BREAK; BREAK a/x:field-size @0", "BREAK; BREAK a/x:field-size @0");
	/* What is not told is not compared. */
	check(FIELDS(F("x", "0") "," F("y", "4")), FIELDS(F("x", "0") "," F("y", "4")), "OK", "OK");
}

/* ---- the same bytes ---- */

static void test_rename(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(F("y", "4")), "INFO; INFO a/x:field-renamed",
	      "INFO; INFO a/y:field-renamed");
}

/* A rename does not hide what comes behind it. */
static void test_rename_and_size(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("m", "1") "," F("z", "2")),
	      FIELDS(F("y", "4") "," F("m", "1") "," F("z", "4")),
	      "BREAK; INFO a/x:field-renamed; BREAK a/z:field-size @5",
	      "BREAK; INFO a/y:field-renamed; BREAK a/z:field-size @5");
}

static void test_to_unused(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "4")), FIELDS(ARRAY("unused", "8", "1")),
	      "INFO; INFO a/x:field-repacked", "INFO; INFO a/unused:field-repacked");
	check(FIELDS(STRUCT("s", SUB("t", F("x", "4") "," F("y", "4")))),
	      FIELDS(ARRAY("unused", "8", "1")), "INFO; INFO a/s/x:field-repacked",
	      "INFO; INFO a/unused:field-repacked");
}

static void test_wrap(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "4")),
	      FIELDS(F("x", "4") "," STRUCT("s", SUB("t", F("y", "4")))),
	      "INFO; INFO a/y:field-repacked", "INFO; INFO a/s/y:field-repacked");
}

/* ---- other fields ---- */

static void test_swap(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "4")), FIELDS(F("y", "4") "," F("x", "4")),
	      "SILENT; SILENT a/x:field-order @0", "SILENT; SILENT a/x:field-order @0");
}

static void test_moved(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "8") "," F("z", "2")),
	      FIELDS(F("y", "8") "," F("z", "2") "," F("x", "4")),
	      "SILENT; SILENT a/x:field-order @0", "SILENT; SILENT a/x:field-order @0");
}

/* ---- structs ---- */

#define S(version, fields) FIELDS(STRUCT("s", DESCRIBED("t", version, "0", fields, "")))

static void test_struct_version(void **unused)
{
	(void)unused;
	check(S("1", F("x", "4")), S("2", F("x", "4")), "OK", "OK");
}

/* Each side goes by its own version, whatever the other one's is. */
static void test_struct_field(void **unused)
{
	(void)unused;
	check(S("1", F("x", "4")), S("2", F("x", "4") "," V("y", "2", "4")),
	      "BREAK; BREAK a/s/y:field-unsent @4", "BREAK; BREAK a/s/y:field-left @4");
	check(S("1", F("x", "4") "," V("y", "2", "4")), S("2", F("x", "4") "," V("y", "2", "4")),
	      "BREAK; BREAK a/s/y:field-gate @4", "BREAK; BREAK a/s/y:field-gate @4");
}

static void test_struct_minimum(void **unused)
{
	(void)unused;
	check_with(FIELDS(STRUCT("s", DESCRIBED("t", "1", "1", F("x", "4"), ""))),
		   FIELDS(STRUCT("s", DESCRIBED("t", "1", "2", F("x", "4"), ""))), NULL,
		   "BREAK; BREAK a/s:nested-minimum", "OK");
}

static void test_struct_sizes_in_c(void **unused)
{
	(void)unused;
	check(FIELDS(STRUCT("s", SUB("t", F("x", "4")))),
	      FIELDS(FAKE_FIELD_X("s", "0", "false", "40", IN(SUB("t", F("x", "4"))))), "OK", "OK");
}

static void test_structs(void **unused)
{
	(void)unused;
	check(FIELDS(STRUCTS("s", "2", SUB("t", F("x", "4")))),
	      FIELDS(STRUCTS("s", "3", SUB("t", F("x", "4")))),
	      "BREAK; BREAK a/s[2]/x:field-unsent @8", "BREAK; BREAK a/s[2]/x:field-left @8");
	check(FIELDS(STRUCTS("s", "2", SUB("t", F("x", "4") "," F("y", "4")))),
	      FIELDS(STRUCTS("s", "2", SUB("t", F("y", "4") "," F("x", "4")))),
	      "SILENT; SILENT a/s[0]/x:field-order @0", "SILENT; SILENT a/s[0]/y:field-order @0");
}

/* ---- lengths that are not told ---- */

static void test_untold(void **unused)
{
	(void)unused;
	check(UNTOLD(F("x", "4")), FIELDS(ARRAY("x", "5", "4")), "OK", "OK");
	/* What makes it fit is assumed; but of two of them, which one? */
	check(UNTOLD(F("x", "1")), FIELDS(F("unused", "5")), "INFO; INFO a/x:field-renamed",
	      "INFO; INFO a/unused:field-renamed");
	check(UNTOLD(F("x", "1") "," F("y", "1")), FIELDS(F("unused", "1") "," F("v", "5")),
	      "UNKNOWN; UNKNOWN a/x:field-size @0", "UNKNOWN; UNKNOWN a/unused:field-size @0");
	/* No length makes it fit. */
	check(UNTOLD(F("x", "8")), FIELDS(F("y", "4")), "BREAK; BREAK a/x:field-size @0",
	      "BREAK; BREAK a/y:field-size @0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_append_version),
		cmocka_unit_test(test_insert_version),
		cmocka_unit_test(test_append_conditional),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_version_of_field),
		cmocka_unit_test(test_versions_dropped),
		cmocka_unit_test(test_predicate_added),
		cmocka_unit_test(test_predicate_of_both),
		cmocka_unit_test(test_predicate_renamed),
		cmocka_unit_test(test_predicates_cross),
		cmocka_unit_test(test_num),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_and_size),
		cmocka_unit_test(test_to_unused),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_struct_version),
		cmocka_unit_test(test_struct_field),
		cmocka_unit_test(test_struct_minimum),
		cmocka_unit_test(test_struct_sizes_in_c),
		cmocka_unit_test(test_structs),
		cmocka_unit_test(test_untold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
