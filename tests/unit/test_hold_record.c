/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of holds: what is written is what is read, and nothing else is taken. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/record.h>

#include "unit.h"

static const char exec_hold[] =
	"{\"id\": 4711, \"start\": 88123, \"pid\": 4711, \"state\": \"held\", "
	"\"program\": \"/bin/x\", \"argv\": [\"x\", \"\"], \"cwd\": \"/\", "
	"\"lineage\": [{\"pid\": 4711, \"name\": \"x\"}, {\"pid\": 1, \"name\": \"init\"}], "
	"\"at\": null, \"keeper\": {\"pid\": 4700, \"start\": 88001}, \"debugger\": null, "
	"\"since\": 1700000000, \"until\": null}";

static const char thread_hold[] =
	"{\"id\": 4713, \"start\": 88124, \"pid\": 4711, \"state\": \"debugged\", "
	"\"program\": \"\", \"argv\": [], \"cwd\": \"\", \"lineage\": [], \"at\": {\"kind\": \"clone\", "
	"\"symbol\": \"work.part.0\", \"offset\": 4, \"name\": \"work\", \"module\": "
	"\"/lib/x.so\", "
	"\"build-id\": \"fe12\", \"file\": \"x.c\", \"line\": 7, \"address\": "
	"\"0xffffffff81000000\", "
	"\"args\": [\"0x1\", \"0xffffffffffffffff\", \"0x0\", \"0x3\", \"0x4\", \"0x5\"], "
	"\"strings\": [null, \"vda\", null, null, null, null], \"mechanism\": \"int3\", "
	"\"thread\": \"worker\", \"condition\": \"arg0 == 1\"}, "
	"\"keeper\": {\"pid\": 4700, \"start\": 88001}, \"debugger\": 4800, "
	"\"since\": 1700000000, \"until\": 1700000600}";

static struct gs_json *parse_json(const char *text)
{
	struct gs_json *json = NULL;

	assert_ok(gs_json_parse(text, strlen(text), &json));
	return json;
}

static void comes_back(const char *text)
{
	gs_autojson struct gs_json *json = parse_json(text), *again = NULL;
	gs_autofree char *printed = NULL;
	struct gs_hold_record record;

	assert_ok(gs_hold_record_parse(json, &record));
	again = gs_hold_record_json(&record);
	printed = gs_json_print(again, GS_JSON_SPACED);
	assert_string_equal(printed, text);
	gs_hold_record_deinit(&record);
}

static void test_round_trip(void **state)
{
	(void)state;
	comes_back(exec_hold);
	comes_back(thread_hold);
}

static void is_refused(const struct gs_json *json, const char *what)
{
	struct gs_hold_record record;
	gs_autoerror struct gs_error *err = gs_hold_record_parse(json, &record);

	if (!err)
		fail_msg("taken: %s", what);
	assert_int_equal(err->code, GS_ERROR_CORRUPT);
}

/* Of the value at @parent in @text, each member is left out, and each is something else. */
static void test_members(const char *text, const char *parent)
{
	gs_autojson struct gs_json *names = parse_json(text);
	const struct gs_json *of = parent ? gs_json_get(names, parent) : names;

	gs_json_for_each (member, of) {
		const char *key = gs_json_key(member);
		gs_autojson struct gs_json *json = parse_json(text);
		struct gs_json *object = parent ? gs_json_get_mutable(json, parent) : json;

		gs_json_destroy(gs_json_detach(object, key));
		is_refused(json, key);
		assert_true(gs_json_set(object, key, gs_json_new_bool(true)));
		is_refused(json, key);
	}
}

static void test_strict(void **state)
{
	(void)state;
	test_members(exec_hold, NULL);
	test_members(exec_hold, "keeper");
	test_members(thread_hold, NULL);
	test_members(thread_hold, "at");
}

static void test_values(void **state)
{
	static const char *const wrong[][2] = {
		{"\"id\": 4713", "\"id\": 0"},
		{"\"pid\": 4711", "\"pid\": 4294967296"},
		{"0xffffffffffffffff", "0x10000000000000000"},
		{"\"0x3\", ", ""},
		{"\"0x3\"", "\"3\""},
		{"\"fe12\"", "\"fe1\""},
		{"debugged", "free"},
		{"int3", "dr7"},
		{"clone", "copy"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *at = strstr(thread_hold, wrong[i][0]);
		gs_autofree char *text = gs_strf("%.*s%s%s", (int)(at - thread_hold), thread_hold,
						 wrong[i][1], at + strlen(wrong[i][0]));
		gs_autojson struct gs_json *json = parse_json(text);

		is_refused(json, wrong[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
