/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lint: each mistake is found where it is, and nothing else is. */
#include <guestscope/base/text.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

/* "error never-migrated a b/c: it is...\n" for each finding. */
static struct gs_error *note(void *arg, const struct gs_lint_finding *finding)
{
	gs_text_printf(arg, "%s %s %s %s: %s\n", finding->is_error ? "error" : "remark",
		       gs_lint_code_name(finding->code), finding->device, finding->path,
		       finding->text);
	return NULL;
}

static void check(const char *text, const char *expected)
{
	auto_state struct gs_devstate *state = fake_devstate(text);
	gs_autofree char *found = NULL;
	struct gs_text notes = {0};

	assert_ok(gs_devstate_lint(state, note, &notes));
	assert_ok(gs_text_finish(&notes, &found));
	assert_string_equal(found, expected);
}

static void test_sound(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE_V(
		      "a", "2", "1",
		      ", 'Fields': [" FAKE_FIELD_X("x", "2", "false", "4", "") "," FAKE_FIELD_X(
			      "by-predicate", "9", "true", "4", "") "]")),
	      "");
}

static void test_never(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" FAKE_FIELD("x", "4") "," FAKE_FIELD_X(
						   "late", "2", "false", "4", "") "]")),
	      "error never-migrated a a/late: it is there from version 2 on, but the "
	      "description's version is 1: nobody ever sends it\n");
}

static void test_minimum(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE_V("a", "1", "2", ", 'Fields': [" FAKE_FIELD("x", "4") "]")),
	      "error minimum-above a a: it is saved as version 1, and loaded from version 2 on: "
	      "not what it has saved itself\n");
}

#define SUBSECTION(name) FAKE_DESCRIPTION(name, "1", "1", ", 'Fields': [" FAKE_FIELD("x", "4") "]")

static void test_subsections(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Subsections': [" SUBSECTION("a/x") "," SUBSECTION(
						   "a/y") "," SUBSECTION("a/x") "]")),
	      "error duplicate-subsection a a/a/x: there is a subsection of that name before it, "
	      "and that is the one which is loaded\n");
	check(FAKE_EXPORT(FAKE_DEVICE(
		      "ab", ", 'Subsections': [" SUBSECTION("a/x") "," SUBSECTION("abc") "]")),
	      "error subsection-prefix ab ab/a/x: its name does not begin with 'ab': who loads "
	      "that takes it for somebody else's\n");
}

static void test_empty(void **unused)
{
	(void)unused;
	check(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': []") "," FAKE_DEVICE(
		      "b", "") "," FAKE_DEVICE_V("c", "0", "0", "")),
	      "remark empty a a: its list of fields is empty: at most that it is there says "
	      "something\n"
	      "remark empty b b: it has no list of fields\n"
	      "remark unmigratable c c: it refuses to be saved, as far as an export tells\n");
}

/* Down to structs in subsections of structs; each knows its own parent and version. */
static void test_depth(void **unused)
{
	(void)unused;
	check(
		FAKE_EXPORT(FAKE_DEVICE(
			"dev",
			", 'Fields': [" FAKE_FIELD_X(
				"s", "0", "false", "8",
				", 'Description': " FAKE_DESCRIPTION(
					"inner", "5", "5",
					", 'Fields': [" FAKE_FIELD_X("ok", "5", "false", "4", "") "], 'Subsections': [" FAKE_DESCRIPTION(
						"dev/sub", "1", "3",
						", 'Fields': [" FAKE_FIELD_X(
							"f", "2", "false", "4",
							"") "]") "]")) "," FAKE_FIELD_X("last", "3",
											"false",
											"1",
											"") "]")),
		"error subsection-prefix dev dev/inner/dev/sub: its name does not begin with "
		"'inner': who loads that takes it for somebody else's\n"
		"error minimum-above dev dev/inner/dev/sub: it is saved as version 1, and loaded "
		"from version 3 on: not what it has saved itself\n"
		"error never-migrated dev dev/inner/dev/sub/f: it is there from version 2 on, but "
		"the description's version is 1: nobody ever sends it\n"
		"error never-migrated dev dev/last: it is there from version 3 on, but the "
		"description's version is 1: nobody ever sends it\n");
}

static struct gs_error *refuse(void *arg, const struct gs_lint_finding *finding)
{
	(void)finding;
	++*(int *)arg;
	return gs_error_create(GS_ERROR_BUSY, "enough");
}

static void test_stop(void **unused)
{
	auto_state struct gs_devstate *state =
		fake_devstate(FAKE_EXPORT(FAKE_DEVICE("a", "") "," FAKE_DEVICE("b", "")));
	int count = 0;

	(void)unused;
	assert_error(gs_devstate_lint(state, refuse, &count), GS_ERROR_BUSY, "enough");
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),   cmocka_unit_test(test_never),
		cmocka_unit_test(test_minimum), cmocka_unit_test(test_subsections),
		cmocka_unit_test(test_empty),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
