/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: exactness, refusals with their offsets, round trips, framing at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <guestscope/base/json.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

static struct gs_json *parse_bytes(const char *text, size_t size)
{
	struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err = gs_json_parse(text, size, &value);

	if (err)
		fail_msg("%.*s: %s", (int)(size < 80 ? size : 80), text, err->message);
	return value;
}

static struct gs_json *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void assert_prints(const char *text, const char *expected)
{
	gs_autojson struct gs_json *value = parse(text);
	gs_autofree char *printed = gs_json_print(value, GS_JSON_COMPACT);

	assert_string_equal(printed, expected);
}

static void test_numbers_keep_their_text(void **state)
{
	static const char *const texts[] = {
		"18446744073709551615",
		"18446744073709551616",
		"1.10",
		"1e3",
		"-0",
		"0.0",
		"9007199254740993",
		"1E+3",
		"-12.5e-7",
		"1e999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_prints(texts[i], texts[i]);
}

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		uint64_t value;
	} cases[] = {
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"0", true, 0},
		{"-1", false, 0},
		{"1.0", false, 0},
		{"1e3", false, 0},
		{"\"1\"", false, 0},
		{"true", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gs_autojson struct gs_json *value = parse(cases[i].text);
		uint64_t v = 42;

		assert_int_equal(gs_json_u64(value, &v), cases[i].fits);
		assert_true(v == (cases[i].fits ? cases[i].value : 42));
	}
}

static void test_i64(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} cases[] = {
		{"-9223372036854775808", true, INT64_MIN}, {"-9223372036854775809", false, 0},
		{"9223372036854775807", true, INT64_MAX},  {"9223372036854775808", false, 0},
		{"-2130706432", true, -2130706432},        {"-0", true, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gs_autojson struct gs_json *value = parse(cases[i].text);
		int64_t v = 42;

		assert_int_equal(gs_json_i64(value, &v), cases[i].fits);
		assert_true(v == (cases[i].fits ? cases[i].value : 42));
	}
}

static void test_double(void **state)
{
	gs_autojson struct gs_json *half = parse("5e-1"), *huge = parse("1e999");
	double v = 0;

	(void)state;
	assert_true(gs_json_double(half, &v));
	assert_true(v == 0.5);
	assert_false(gs_json_double(huge, &v));
	assert_false(gs_json_double(NULL, &v));
}

static void test_built_numbers(void **state)
{
	gs_autojson struct gs_json *array = gs_json_new_array();
	gs_autofree char *printed = NULL;

	(void)state;
	assert_true(gs_json_append(array, gs_json_new_u64(UINT64_MAX)));
	assert_true(gs_json_append(array, gs_json_new_i64(INT64_MIN)));
	assert_true(gs_json_append(array, gs_json_new_double(0.1)));
	assert_true(gs_json_append(array, gs_json_new_double(1.0 / 3)));
	assert_true(gs_json_append(array, gs_json_new_double(1.0 / 0.0)));
	assert_true(gs_json_append(array, gs_json_new_hex(0xffffffff81000000)));
	printed = gs_json_print(array, GS_JSON_COMPACT);
	assert_string_equal(printed, "[18446744073709551615,-9223372036854775808,0.1,"
				     "0.3333333333333333,null,\"0xffffffff81000000\"]");
}

static void test_strings(void **state)
{
	gs_autojson struct gs_json *value = parse("\"\\u0041\\u00e9\\ud83d\\ude00\\n\\/\"");

	(void)state;
	assert_string_equal(gs_json_string(value), "A\xc3\xa9\xf0\x9f\x98\x80\n/");
	assert_prints("\"A\xc3\xa9\xf0\x9f\x98\x80\x7f\"", "\"A\\u00e9\\ud83d\\ude00\\u007f\"");
	assert_prints("\"\\u001b\\b\\f\\n\\r\\t\\\\\\\"\"", "\"\\u001b\\b\\f\\n\\r\\t\\\\\\\"\"");
	assert_prints("\"\"", "\"\"");
}

static void test_built_strings_are_valid(void **state)
{
	gs_autojson struct gs_json *value = gs_json_new_string("a\xff"
							       "b\xc3"),
				   *null;

	(void)state;
	assert_string_equal(gs_json_string(value), "a\xef\xbf\xbd"
						   "b\xef\xbf\xbd");
	null = gs_json_new_string(NULL);
	assert_int_equal(gs_json_type(null), GS_JSON_NULL);
}

/* Offsets count from 0 and name the byte that is to blame. */
static void test_refusals(void **state)
{
#define REFUSED(literal, where, why)                     \
	{                                                \
		literal, sizeof(literal) - 1, where, why \
	}
	static const struct {
		const char *text;
		size_t size;
		size_t off;
		const char *why;
	} cases[] = {
		REFUSED("", 0, "ends before a value"),
		REFUSED("  ", 2, "ends before a value"),
		REFUSED("{\"a\":1,\"b\":2,\"a\":3}", 13, "duplicate key"),
		REFUSED("{\"a\":1,\"\\u0061\":3}", 7, "duplicate key"),
		REFUSED("[{\"b\":{\"a\":1},\"a\":2,\"b\":1}]", 20, "duplicate key"),
		REFUSED("[1,]", 3, "expected a value"),
		REFUSED("{\"a\":1,}", 7, "expected a key"),
		REFUSED("[,1]", 1, "expected a value"),
		REFUSED("[1 2]", 3, "expected ',' or ']'"),
		REFUSED("{\"a\" 1}", 5, "expected ':'"),
		REFUSED("{\"a\":}", 5, "expected a value"),
		REFUSED("{a:1}", 1, "unexpected byte"),
		REFUSED("{1:1}", 1, "expected a key"),
		REFUSED("{\"a\":1]", 6, "expected ',' or '}'"),
		REFUSED("[1}", 2, "expected ',' or ']'"),
		REFUSED("[", 1, "ends before a value"),
		REFUSED("{\"a\":1", 6, "expected ',' or '}'"),
		REFUSED("1 1", 2, "more text"),
		REFUSED("{}}", 2, "more text"),
		REFUSED("\"\\ud800\"", 1, "lone surrogate"),
		REFUSED("\"\\udc00\\ud800\"", 1, "lone surrogate"),
		REFUSED("\"x\\ud800\\u0041\"", 2, "lone surrogate"),
		REFUSED("\"\\u0000\"", 1, "\\u0000"),
		REFUSED("\"a\0b\"", 2, "control character"),
		REFUSED("\"a\nb\"", 2, "control character"),
		REFUSED("\"\\u12g4\"", 1, "four hex digits"),
		REFUSED("\"\\u12", 1, "four hex digits"),
		REFUSED("\"\\x41\"", 1, "unknown escape"),
		REFUSED("\"\\", 1, "unknown escape"),
		REFUSED("\"abc", 4, "ends inside a string"),
		REFUSED("\"\x80\"", 1, "invalid UTF-8"),
		REFUSED("\"\xc0\xaf\"", 1, "invalid UTF-8"),
		REFUSED("\"\xed\xa0\x80\"", 1, "invalid UTF-8"),
		REFUSED("\"\xf4\x90\x80\x80\"", 1, "invalid UTF-8"),
		REFUSED("\"\xc3", 1, "invalid UTF-8"),
		REFUSED("01", 0, "leading zero"),
		REFUSED("-01", 1, "leading zero"),
		REFUSED("1.", 2, "expected a digit"),
		REFUSED(".5", 0, "unexpected byte"),
		REFUSED("+1", 0, "unexpected byte"),
		REFUSED("-", 1, "expected a digit"),
		REFUSED("1e+", 3, "expected a digit"),
		REFUSED("0x10", 1, "unexpected byte"),
		REFUSED("nul", 0, "unknown word"),
		REFUSED("nullx", 4, "unexpected byte"),
		REFUSED("NaN", 0, "unexpected byte"),
		REFUSED("'a'", 0, "unexpected byte"),
		REFUSED("1\0", 1, "unexpected byte"),
		REFUSED("\xff", 0, "unexpected byte"),
		REFUSED("[1]/**/", 3, "unexpected byte"),
	};
	char prefix[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gs_json *value = NULL;
		gs_autoerror struct gs_error *err =
			gs_json_parse(cases[i].text, cases[i].size, &value);

		if (!err)
			fail_msg("accepted: %s", cases[i].text);
		assert_null(value);
		assert_int_equal(err->code, GS_ERROR_CORRUPT);
		snprintf(prefix, sizeof(prefix), "json offset %zu: ", cases[i].off);
		if (strncmp(err->message, prefix, strlen(prefix)) != 0 ||
		    !strstr(err->message, cases[i].why))
			fail_msg("%s: '%s' instead of '%s%s'", cases[i].text, err->message, prefix,
				 cases[i].why);
	}
}

/* @depth arrays around nothing, then @closing of them closed; the caller frees. */
static char *nested(size_t depth, size_t closing)
{
	char *text = calloc(1, depth + closing + 1);

	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', closing);
	return text;
}

static void test_depth(void **state)
{
	gs_autofree char *deepest = nested(GS_JSON_DEPTH_MAX, GS_JSON_DEPTH_MAX);
	gs_autofree char *deeper = nested(GS_JSON_DEPTH_MAX + 1, GS_JSON_DEPTH_MAX + 1);
	gs_autofree char *endless = nested(1 << 20, 0);
	struct gs_json *value = NULL;
	struct gs_error *err;

	(void)state;
	assert_prints(deepest, deepest);
	err = gs_json_parse(deeper, strlen(deeper), &value);
	assert_non_null(err);
	assert_string_equal(err->message, "json offset 1024: nested too deeply");
	gs_error_destroy(err);
	err = gs_json_parse(endless, strlen(endless), &value);
	assert_non_null(err);
	gs_error_destroy(err);
}

static void test_print_layouts(void **state)
{
	gs_autojson struct gs_json *value = parse("{\"a\":[1,{}],\"b\":{\"c\":[]},\"d\":true}");
	gs_autofree char *pretty = gs_json_print(value, GS_JSON_PRETTY);
	gs_autofree char *spaced = gs_json_print(value, GS_JSON_SPACED);
	gs_autofree char *compact = gs_json_print(value, GS_JSON_COMPACT);

	(void)state;
	assert_string_equal(spaced, "{\"a\": [1, {}], \"b\": {\"c\": []}, \"d\": true}");
	assert_string_equal(compact, "{\"a\":[1,{}],\"b\":{\"c\":[]},\"d\":true}");
	assert_string_equal(pretty, "{\n"
				    "  \"a\": [\n"
				    "    1,\n"
				    "    {}\n"
				    "  ],\n"
				    "  \"b\": {\n"
				    "    \"c\": []\n"
				    "  },\n"
				    "  \"d\": true\n"
				    "}");
}

static void test_reading(void **state)
{
	gs_autojson struct gs_json *value =
		parse("{\"Return\":0,\"return\":{\"status\":\"running\",\"list\":[4,5]}}");
	const struct gs_json *list = gs_json_path(value, "return", "list", NULL);

	(void)state;
	assert_string_equal(gs_json_string(gs_json_path(value, "return", "status", NULL)),
			    "running");
	assert_null(gs_json_path(value, "RETURN", NULL));
	assert_null(gs_json_path(value, "Return", "status", "more", NULL));
	assert_int_equal(gs_json_count(list), 2);
	assert_string_equal(gs_json_number_text(gs_json_at(list, 1)), "5");
	assert_null(gs_json_at(list, 2));
	assert_null(gs_json_at(value, 0));
	assert_string_equal(gs_json_key(gs_json_next(gs_json_first(value))), "return");
	assert_int_equal(gs_json_count(gs_json_get(value, "Return")), 0);
	assert_int_equal(gs_json_type(NULL), GS_JSON_NULL);
	assert_null(gs_json_string(list));
	assert_false(gs_json_is_true(NULL));
}

static void test_set_and_copy(void **state)
{
	gs_autojson struct gs_json *object = gs_json_new_object();
	gs_autofree char *printed = NULL;

	(void)state;
	assert_true(gs_json_set(object, "a", gs_json_new_u64(1)));
	assert_true(gs_json_set(object, "A", gs_json_new_null()));
	assert_true(gs_json_set(object, "z", gs_json_new_bool(true)));
	assert_true(gs_json_set(object, "a", gs_json_new_string("x")));
	assert_true(gs_json_set(object, "y", gs_json_copy(gs_json_get(object, "a"))));
	assert_true(gs_json_set(object, "z", gs_json_copy(gs_json_get(object, "y"))));
	assert_true(gs_json_set(object, "last", gs_json_new_array()));
	assert_false(gs_json_set(object, "b", NULL));
	assert_false(gs_json_set(NULL, "b", gs_json_new_null()));
	assert_false(gs_json_append(NULL, gs_json_new_null()));
	printed = gs_json_print(object, GS_JSON_COMPACT);
	assert_string_equal(printed,
			    "{\"a\":\"x\",\"A\":null,\"z\":\"x\",\"y\":\"x\",\"last\":[]}");
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{"{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1}", true},
		{"{\"a\":1}", "{\"a\":1.0}", false},
		{"{\"a\":1}", "{\"b\":1}", false},
		{"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
		{"[1,2]", "[2,1]", false},
		{"[1,2]", "[1,2,3]", false},
		{"\"\\u0041\"", "\"A\"", true},
		{"null", "false", false},
		{"true", "false", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		gs_autojson struct gs_json *a = parse(cases[i].a), *b = parse(cases[i].b);

		assert_int_equal(gs_json_equal(a, b), cases[i].equal);
		assert_int_equal(gs_json_equal(b, a), cases[i].equal);
	}
}

/* Everything that a peer may send, with what separates the values of a stream. */
static const char *const stream_values[] = {
	"{\"QMP\": {\"version\": {}}}\r\n",
	"{\n    \"return\": {\n        \"a\": [\n            1\n        ]\n    }\n}\n",
	"\"a \\\" } \\\\\"",
	"[\"{\", \"]\", \"\\\\\"]",
	"[]",
	"  123 ",
	"-1.5e3\n",
	"null\r\n",
	"\xc3\xa9" /* BAD, then a stray byte */,
	"{\"x\":\"\xc3\xa9\"}",
	"}",
	"\xff",
	"{\"half\": \xff",
	"{\"half\": \"\xff",
	"7{}",
	"true\"x\"",
	"{]",
};

/* What the framer makes of @text in pieces of @piece bytes, as text: D12 B13 ... */
static char *frame_all(const char *text, size_t size, size_t piece)
{
	static const char letters[] = {'M', 'D', 'B'};
	struct gs_json_framer framer = {0};
	struct gs_text log = {0};
	enum gs_json_frame frame;
	size_t pos = 0, used, left;
	char *ret = NULL;

	while (pos < size) {
		left = piece - pos % piece < size - pos ? piece - pos % piece : size - pos;
		frame = gs_json_framer_feed(&framer, text + pos, left, &used);
		assert_true(used <= left && (frame != GS_JSON_FRAME_MORE || used == left));
		pos += used;
		if (frame != GS_JSON_FRAME_MORE)
			gs_text_printf(&log, "%c%zu ", letters[frame], pos);
	}
	assert_null(gs_text_finish(&log, &ret));
	return ret;
}

static void test_framer_results(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"{}", "D2 "},
		{"\r\n {\"a\":[]}\r\n[1]", "D11 D16 "},
		{"123", ""},
		{"123\n", "D4 "},
		{"123{}", "D3 D5 "},
		{"}", "B1 "},
		{"{}}", "D2 B3 "},
		{",", "B1 "},
		{"\xff{}", "B1 D3 "},
		{"{\"a\":\"\xff{}", "B7 D9 "},
		{"{\"a\":\x01{}", "B6 D8 "},
		{"{]", "D2 "},
		{"%p ", "B1 D3 "},
		{"\"a\\\"}\"", "D6 "},
		{"{\"a\": 'b'}", "D10 "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = strlen(cases[i].text);
		gs_autofree char *log = frame_all(cases[i].text, size, size);

		assert_string_equal(log, cases[i].expected);
	}
}

static void test_framer_at_every_split(void **state)
{
	gs_autotext struct gs_text stream = {0};
	gs_autofree char *whole = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(stream_values) / sizeof(*stream_values); i++)
		gs_text_puts(&stream, stream_values[i]);
	whole = frame_all(stream.data, stream.size, stream.size);
	for (size_t piece = 1; piece < stream.size; piece++) {
		gs_autofree char *log = frame_all(stream.data, stream.size, piece);

		assert_string_equal(log, whole);
	}
}

static void test_framer_and_parser_agree(void **state)
{
	gs_autofree char *deep = nested(GS_JSON_DEPTH_MAX, GS_JSON_DEPTH_MAX);
	const char *const texts[] = {"{\"a\": {\"b\": [1, \"]\"]}}", "\"\\\\\"", deep};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		gs_autojson struct gs_json *value = parse(texts[i]);
		struct gs_json_framer framer = {0};
		size_t used;

		assert_non_null(value);
		assert_int_equal(gs_json_framer_feed(&framer, texts[i], strlen(texts[i]), &used),
				 GS_JSON_FRAME_DONE);
		assert_int_equal(used, strlen(texts[i]));
	}
}

/* Repeats @item, numbered if it holds a %zu, until @size bytes between @open and @close. */
static void repeat(struct gs_text *t, char open, const char *item, char close, size_t size)
{
	gs_text_append(t, &open, 1);
	for (size_t i = 0; t->size + 100 < size; i++) {
		gs_text_puts(t, i ? "," : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		gs_text_printf(t, item, i);
#pragma GCC diagnostic pop
	}
	gs_text_append(t, &close, 1);
	assert_false(t->failed);
}

/* Far above what linear work needs even under a sanitizer, far below what quadratic work would. */
#define REASONABLE_MS 60000

static void test_huge_array(void **state)
{
	gs_autotext struct gs_text text = {0};
	uint64_t start = gs_now_ms();
	struct gs_json_framer framer = {0};
	gs_autojson struct gs_json *value = NULL;
	gs_autofree char *printed = NULL;
	size_t used;

	(void)state;
	repeat(&text, '[',
	       "{\"index\":%zu,\"file\":\"/var/lib/images/guest.qcow2\",\"list\":[true,null]}", ']',
	       64 << 20);
	assert_int_equal(gs_json_framer_feed(&framer, text.data, text.size, &used),
			 GS_JSON_FRAME_DONE);
	assert_int_equal(used, text.size);
	value = parse_bytes(text.data, text.size);
	printed = gs_json_print(value, GS_JSON_COMPACT);
	assert_string_equal(printed, text.data);
	assert_true(gs_now_ms() - start < REASONABLE_MS);
}

static void test_huge_object(void **state)
{
	gs_autotext struct gs_text text = {0};
	uint64_t start = gs_now_ms();
	gs_autojson struct gs_json *value = NULL;

	(void)state;
	repeat(&text, '{', "\"a rather long common prefix of all keys %zu\":0", '}', 16 << 20);
	value = parse_bytes(text.data, text.size);
	assert_true(gs_json_equal(value, value));
	assert_true(gs_now_ms() - start < REASONABLE_MS);
}

static void test_too_many_values(void **state)
{
	gs_autotext struct gs_text text = {0};
	struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err = NULL;

	(void)state;
	repeat(&text, '[', "0", ']', 2 * GS_JSON_VALUES_MAX + 200);
	err = gs_json_parse(text.data, text.size, &value);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "too many values"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_keep_their_text),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_i64),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_built_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_built_strings_are_valid),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_print_layouts),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_set_and_copy),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_framer_results),
		cmocka_unit_test(test_framer_at_every_split),
		cmocka_unit_test(test_framer_and_parser_agree),
		cmocka_unit_test(test_huge_array),
		cmocka_unit_test(test_huge_object),
		cmocka_unit_test(test_too_many_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
