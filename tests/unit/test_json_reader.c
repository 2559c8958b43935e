/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON read without a tree: values as they are asked for, and refusals with their offsets. */
#include <guestscope/base/json_reader.h>
#include <guestscope/base/text.h>

#include "unit.h"

static void assert_slice(struct gs_json_slice slice, const char *expected)
{
	assert_int_equal(slice.size, strlen(expected));
	assert_memory_equal(slice.text, expected, slice.size);
}

static void open_text(struct gs_json_reader *r, const char *text)
{
	gs_json_reader_init(r, text, strlen(text));
}

static void test_values(void **state)
{
	gs_autoreader struct gs_json_reader r;
	struct gs_json_slice key, slice;
	bool more, value = false;

	(void)state;
	open_text(&r, " {\"a\" : [true, -1.50e3 ,\"x\\u00e9\\n\"], \"b\\t\":{}, \"long enough for "
		      "eight\": null}\n");
	assert_int_equal(gs_json_reader_type(&r), GS_JSON_OBJECT);
	assert_ok(gs_json_reader_enter(&r, GS_JSON_OBJECT));
	assert_ok(gs_json_reader_member(&r, &key, &more));
	assert_true(more);
	assert_slice(key, "a");
	assert_ok(gs_json_reader_enter(&r, GS_JSON_ARRAY));
	assert_ok(gs_json_reader_element(&r, &more));
	assert_ok(gs_json_reader_bool(&r, &value));
	assert_true(value);
	assert_ok(gs_json_reader_element(&r, &more));
	assert_ok(gs_json_reader_number(&r, &slice));
	assert_slice(slice, "-1.50e3");
	assert_ok(gs_json_reader_element(&r, &more));
	assert_ok(gs_json_reader_string(&r, &slice));
	assert_slice(slice, "x\xc3\xa9\n");
	assert_ok(gs_json_reader_element(&r, &more));
	assert_false(more);
	assert_ok(gs_json_reader_member(&r, &key, &more));
	assert_slice(key, "b\t");
	assert_ok(gs_json_reader_skip(&r, &slice));
	assert_slice(slice, "{}");
	assert_ok(gs_json_reader_member(&r, &key, &more));
	assert_true(gs_json_slice_is(key, "long enough for eight"));
	assert_ok(gs_json_reader_skip(&r, NULL));
	assert_ok(gs_json_reader_member(&r, &key, &more));
	assert_false(more);
	assert_ok(gs_json_reader_end(&r));
}

static void test_other_types(void **state)
{
	gs_autoreader struct gs_json_reader r;
	struct gs_json_slice slice;
	bool value;

	(void)state;
	open_text(&r, " 1");
	assert_error(gs_json_reader_string(&r, &slice), GS_ERROR_INVALID,
		     "json offset 1: expected string, found number");
	assert_ok(gs_json_reader_number(&r, &slice));
	assert_slice(slice, "1");
	open_text(&r, "null");
	assert_error(gs_json_reader_bool(&r, &value), GS_ERROR_INVALID, NULL);
	open_text(&r, "{}");
	assert_error(gs_json_reader_enter(&r, GS_JSON_ARRAY), GS_ERROR_INVALID, NULL);
	open_text(&r, "+");
	assert_error(gs_json_reader_number(&r, &slice), GS_ERROR_CORRUPT,
		     "json offset 0: expected a value");
	open_text(&r, "");
	assert_error(gs_json_reader_number(&r, &slice), GS_ERROR_CORRUPT,
		     "json offset 0: the text ends too early");
}

/* What is passed over is judged, too. */
static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		size_t off;
	} cases[] = {{"[1,]", 3},
		     {"[1 2]", 3},
		     {"{\"a\" 1}", 5},
		     {"{\"a\":1,}", 7},
		     {"{\"a\":}", 5},
		     {"{1:2}", 1},
		     {"[", 1},
		     {"\"abcdefghi", 10},
		     {"\"12345678\x01\"", 9},
		     {"\"1234567\xff\"", 8},
		     {"\"\\ud800\"", 1},
		     {"nul", 0},
		     {"01", 0},
		     {"1 1", 2},
		     {"[}", 1},
		     {"\"a\\x\"", 2}};
	char expected[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gs_autoreader struct gs_json_reader r;
		gs_autoerror struct gs_error *err = NULL;

		open_text(&r, cases[i].text);
		err = gs_json_reader_skip(&r, NULL);
		if (!err)
			err = gs_json_reader_end(&r);
		snprintf(expected, sizeof(expected), "json offset %zu: ", cases[i].off);
		if (!err || strncmp(err->message, expected, strlen(expected)) != 0)
			fail_msg("%s: %s, not at %zu", cases[i].text,
				 err ? err->message : "accepted", cases[i].off);
	}
}

static void test_depth(void **state)
{
	gs_autoreader struct gs_json_reader r;
	char text[2 * GS_JSON_DEPTH_MAX + 2];

	(void)state;
	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	gs_json_reader_init(&r, text + 1, sizeof(text) - 2);
	assert_ok(gs_json_reader_skip(&r, NULL));
	assert_ok(gs_json_reader_end(&r));
	gs_json_reader_init(&r, text, sizeof(text));
	assert_error(gs_json_reader_skip(&r, NULL), GS_ERROR_CORRUPT,
		     "json offset 1024: nested too deeply");
}

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		uint64_t value;
	} cases[] = {{"0", true, 0},
		     {"18446744073709551615", true, UINT64_MAX},
		     {"18446744073709551616", false, 0},
		     {"99999999999999999999", false, 0},
		     {"-1", false, 0},
		     {"1.0", false, 0},
		     {"1e3", false, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gs_json_slice text = {cases[i].text, strlen(cases[i].text)};
		uint64_t value = 7;

		assert_int_equal(gs_json_slice_u64(text, &value), cases[i].fits);
		assert_int_equal(value, cases[i].fits ? cases[i].value : 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),   cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_u64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
