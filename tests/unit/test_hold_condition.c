/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which calls a condition means. */
#include <limits.h>

#include <guestscope/hold/condition.h>

#include "unit.h"

/* The process's memory: three strings, the last cut off by the end of what is mapped. */
#define TEXT 0x1000
#define QUOTED 0x1004
#define CUT 0x1009
#define LONG 0x2000
static const char memory[] = "vda\0a\"b\\\0vdb"; /* and no NUL behind it, see read_memory() */

static size_t read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	size_t have = sizeof(memory) - 1, skip = (size_t)(address - TEXT);

	assert_null(arg);
	assert_int_equal(size, GS_CALL_STRING_MAX);
	if (address == LONG) {
		memset(to, 'x', size);
		return size;
	}
	if (address < TEXT || skip >= have)
		return 0;
	memcpy(to, memory + skip, have - skip);
	return have - skip;
}

static const struct gs_call call = {
	.tid = 4711,
	.args = {3, UINT64_MAX, 0xdeadbeefffffffff, TEXT, QUOTED, CUT},
	.read = read_memory,
};

static bool holds_of(const struct gs_call *which, const char *text)
{
	GS_CLEANUP(gs_condition_destroy) struct gs_condition *condition = NULL;

	assert_ok(gs_condition_parse(text, &condition));
	return gs_condition_holds(condition, which);
}

static bool holds(const char *text)
{
	return holds_of(&call, text);
}

static void test_numbers(void **state)
{
	static const char *const yes[] = {
		"arg0 == 3",
		"arg0==0x3",
		"arg0 == 0X3",
		"  arg0\t!=\t4 ",
		"arg0 < 4",
		"arg0 <= 3",
		"arg0 > -1",
		"arg0 >= 3",
		"arg0 & 0xfe",
		"arg1 == -1",
		"arg1 < 0",
		"tid == 4711",
		"arg1 == 0xffffffffffffffff",
		"arg1 > -9223372036854775808",
		"arg3 == 4096",
		"arg0 < 9223372036854775807",
		"(int)arg2 == -1",
		"(int) arg2<0",
		"(unsigned)arg2 == 0xffffffff",
		"arg2 != -1",
		"arg2 & 0x80000000",
	};
	static const char *const no[] = {
		"arg0 == 4",       "arg0 != 3",
		"arg0 < 3",        "arg0 <= 2",
		"arg0 > 3",        "arg0 >= 4",
		"arg0 & 4",        "arg1 > 0",
		"arg2 == -1",      "(unsigned)arg2 == -1",
		"tid != 4711",     "arg0 == -3",
		"(int)arg2 & 0x0",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!holds(yes[i]))
			fail_msg("%s does not hold", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (holds(no[i]))
			fail_msg("%s holds", no[i]);
}

static void test_strings(void **state)
{
	(void)state;
	assert_true(holds("arg3 == \"vda\""));
	assert_false(holds("arg3 == \"vd\""));
	assert_false(holds("arg3 != \"vda\""));
	assert_true(holds("arg3 != \"vdaa\""));
	assert_true(holds("arg3 ~ \"vd[ab]\""));
	assert_false(holds("arg3 ~ \"vd\\\\*\"")); /* the glob vd\*: a star */
	assert_false(holds("arg3 ~ \"d\""));
	/* Not to be read, as a whole or at all: unequal to all. */
	for (const char *arg = "015"; *arg; arg++) {
		char text[40];

		for (size_t i = 0; i < 3; i++) {
			static const char *const rest[] = {"!= \"vda\"", "== \"vdb\"", "~ \"*\""};

			snprintf(text, sizeof(text), "arg%c %s", *arg, rest[i]);
			assert_int_equal(holds(text), i == 0);
		}
	}
	/* Escapes, and a backslash of the glob's own. */
	assert_true(holds("arg4 == \"a\\\"b\\\\\""));
	assert_true(holds("arg4 ~ \"a\\\"?\\\\\\\\\""));
	assert_false(holds("arg4 ~ \"a\\*\""));
}

static void test_what_is_read(void **state)
{
	struct gs_call other = call;
	(void)state;

	other.args[5] = LONG;
	assert_true(holds_of(&other, "arg5 ~ \"xxx*\""));
	assert_false(holds_of(&other, "arg5 == \"xxx\""));
	other.read = NULL; /* nothing, where it is decided already */
	assert_false(holds_of(&other, "arg0 == 4 && arg3 == \"x\""));
	assert_true(holds_of(&other, "arg0 == 3 || arg3 == \"x\""));
}

static void test_precedence(void **state)
{
	(void)state;
	assert_true(holds("arg0 == 3 || arg0 == 4 && arg1 == 0"));
	assert_true(holds("arg0 == 4 && arg1 == 0 || arg0 == 3"));
	assert_false(holds("arg0 == 3 && arg1 == 0 || arg0 == 4"));
	assert_false(holds("arg0 == 4 || arg0 == 3 && arg1 == 0"));
	assert_true(holds("arg0==3&&arg1==-1&&tid==4711"));
	assert_false(holds("arg0==3&&arg1==-1&&tid==1"));
	assert_true(holds("arg0==1||arg0==2||arg0==3"));
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", "1: expected arg0 to arg5, or tid, it ends here"},
		{"arg6 == 1", "4: expected arg0 to arg5, or tid, found '6 == 1'"},
		{"arg01 == 1", "4: expected arg0 to arg5, or tid, found '01 == 1'"},
		{"(int)tid == 1", "6: expected arg0 to arg5, found 'tid == 1'"},
		{"arg0 = 1", "6: expected == != < <= > >= & or ~, found '= 1'"},
		{"arg0 && arg1", "6: expected == != < <= > >= & or ~, found '&& arg1'"},
		{"arg0 == ", "9: expected a number or a string, it ends here"},
		{"arg0 == 0x", "9: expected a number of 64 bits, found '0x'"},
		{"arg0 == 9223372036854775808",
		 "9: expected a number of 64 bits, found '9223372036854775808'"},
		{"arg0 == -0xffffffffffffffff",
		 "9: expected a number of 64 bits, found '-0xffffffffffffffff'"},
		{"arg0 ~ 3", "8: expected a string, found '3'"},
		{"arg0 < \"a\"", "8: expected a number (strings are for argN, and == != ~), "
				 "found '\"a\"'"},
		{"tid == \"a\"", "8: expected a number (strings are for argN, and == != ~), "
				 "found '\"a\"'"},
		{"arg0 == \"a", "9: expected a string that ends in '\"', found '\"a'"},
		{"arg0 == 3 arg1", "11: expected && or ||, found 'arg1'"},
		{"arg0 == 3 ||", "13: expected arg0 to arg5, or tid, it ends here"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gs_condition *condition = NULL;
		char message[128];

		snprintf(message, sizeof(message), "condition, column %s", bad[i].message);
		assert_error(gs_condition_parse(bad[i].text, &condition), GS_ERROR_INVALID,
			     message);
		assert_null(condition);
	}
}

static void test_limits(void **state)
{
	char text[70 * 16 + 1] = "", string[GS_CALL_STRING_MAX + 20];
	struct gs_condition *condition = NULL;
	(void)state;

	for (int i = 0; i < 64; i++)
		strcat(text, i ? "||arg0==1" : "arg0==1");
	assert_false(holds(text));
	strcat(text, "||arg0==3");
	assert_error(gs_condition_parse(text, &condition), GS_ERROR_INVALID, NULL);
	for (int size = GS_CALL_STRING_MAX - 2; size < GS_CALL_STRING_MAX; size++) {
		snprintf(string, sizeof(string), "arg5 == \"%0*d\"", size, 0);
		if (size == GS_CALL_STRING_MAX - 2)
			assert_false(holds(string));
		else
			assert_error(gs_condition_parse(string, &condition), GS_ERROR_INVALID,
				     NULL);
	}
	assert_null(condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),      cmocka_unit_test(test_strings),
		cmocka_unit_test(test_what_is_read), cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_bad),          cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
