/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Baselines: what a line says, and what is wrong with one that says nothing. */
#include <guestscope/devstate/baseline.h>

#include "unit.h"

#define auto_baseline GS_CLEANUP(gs_baseline_destroy) struct gs_baseline *

static struct gs_error *parse(const char *text, struct gs_baseline **ret)
{
	return gs_baseline_parse("w", text, strlen(text), ret);
}

static void assert_waiver(const struct gs_baseline *b, const char *id, const char *expires,
			  const char *reason, size_t line)
{
	const struct gs_waiver *waiver;
	size_t place;

	assert_true(gs_baseline_find(b, id, &place));
	waiver = gs_baseline_at(b, place);
	assert_string_equal(waiver->expires, expires);
	assert_string_equal(waiver->reason, reason);
	assert_int_equal(waiver->line, line);
}

static void test_lines(void **state)
{
	auto_baseline b = NULL;
	size_t place = 77;

	(void)state;
	assert_ok(parse(
		"# comment\n\n \t\n"
		"forward:b/x:field-left 2027-06-30 why not\n"
		"  backward:CPU hotplug state/x:name\t2028-02-29 \t because  of 2030-01-01 \r\n"
		"forward:a:type 1999-12-31 x",
		&b));
	assert_int_equal(gs_baseline_count(b), 3);
	assert_waiver(b, "forward:b/x:field-left", "2027-06-30", "why not", 4);
	assert_waiver(b, "backward:CPU hotplug state/x:name", "2028-02-29",
		      "because  of 2030-01-01", 5);
	assert_waiver(b, "forward:a:type", "1999-12-31", "x", 6);
	assert_false(gs_baseline_find(b, "forward:a:typ", &place));
	assert_false(gs_baseline_find(b, "forward:a:type ", &place));
	assert_int_equal(place, 77);
	assert_null(gs_baseline_at(b, 3));
}

static void test_nothing(void **state)
{
	auto_baseline b = NULL;
	size_t place;

	(void)state;
	assert_ok(parse("", &b));
	assert_int_equal(gs_baseline_count(b), 0);
	assert_false(gs_baseline_find(b, "", &place));
	assert_false(gs_baseline_find(NULL, "a", &place));
	assert_int_equal(gs_baseline_count(NULL), 0);
	assert_null(gs_baseline_at(NULL, 0));
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a", "w:1: no day (YYYY-MM-DD) behind the finding's id"},
		{"# x\na 2027-1-1 b", "w:2: no day (YYYY-MM-DD) behind the finding's id"},
		{"a 2027-01-01x b", "w:1: no day (YYYY-MM-DD) behind the finding's id"},
		{"2027-01-01 b", "w:1: no finding's id before the day"},
		{"a 2027-01-01", "w:1: no reason behind the day"},
		{"\n\na 2027-01-01 \t\r\n", "w:3: no reason behind the day"},
		{"a 2027-02-29 b", "w:1: there is no such day"},
		{"a 2027-13-01 b", "w:1: there is no such day"},
		{"a 2027-00-01 b", "w:1: there is no such day"},
		{"b 2027-01-01 x\na 2027-01-01 x\na 2028-01-01 y", "w:3: waived in line 2 already"},
	};
	struct gs_baseline *b = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_error(parse(cases[i].text, &b), GS_ERROR_INVALID, cases[i].message);
	assert_error(gs_baseline_parse("w", "a 2027-01-01 \0b", 15, &b), GS_ERROR_INVALID,
		     "w: no text: a NUL at offset 13");
	assert_null(b);
}

/* What is written is read, whatever is in it; but for what no line can hold. */
static void test_written(void **state)
{
	gs_autotext struct gs_text text = {0};
	auto_baseline b = NULL;

	(void)state;
	gs_baseline_put(&text, "forward:a\nb \xff/\033[31m:name", "2027-01-01", "two\nlines");
	gs_baseline_put(&text, "forward:\xc3\xa4:name", "2027-01-02", "one");
	assert_string_equal(text.data,
			    "forward:a\\x0ab \\xff/\\x1b[31m:name 2027-01-01 two\\x0alines\n"
			    "forward:\xc3\xa4:name 2027-01-02 one\n");
	assert_ok(parse(text.data, &b));
	assert_waiver(b, "forward:a\nb \xff/\033[31m:name", "2027-01-01", "two\\x0alines", 1);
	assert_waiver(b, "forward:\xc3\xa4:name", "2027-01-02", "one", 2);
}

static void test_days(void **state)
{
	(void)state;
	assert_true(gs_is_day("2000-02-29"));
	assert_true(gs_is_day("2027-12-31"));
	assert_false(gs_is_day("1900-02-29"));
	assert_false(gs_is_day("2027-04-31"));
	assert_false(gs_is_day("2027-01-00"));
	assert_false(gs_is_day("2027-01-1"));
	assert_false(gs_is_day("2027-01-011"));
	assert_false(gs_is_day("+027-01-01"));
	assert_false(gs_is_day(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_wrong), cmocka_unit_test(test_written),
		cmocka_unit_test(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
