/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emitter: the same calls in each format, layout, escapes, failing output. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <guestscope/base/emit.h>

/* What @say emits in @format, for the caller to free. */
static char *emitted(void (*say)(struct gs_emit *e), enum gs_emit_format format, bool color)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_emit_create(out, format, color);
	gs_autoerror struct gs_error *err = NULL;

	assert_non_null(e);
	say(e);
	err = gs_emit_finish(e);
	assert_null(err);
	fclose(out);
	return text;
}

static void assert_emits(void (*say)(struct gs_emit *e), enum gs_emit_format format,
			 const char *expected)
{
	gs_autofree char *text = emitted(say, format, false);

	assert_string_equal(text, expected);
}

static const struct gs_emit_column range_columns[] = {
	{"start", "START", true}, {"size", "SIZE", true}, {"name", "NAME", false},
	{"secret", NULL, false},  {NULL, "NOTE", false},
};

static void say_range(struct gs_emit *e, uint64_t start, uint64_t size, const char *name)
{
	gs_emit_row(e);
	gs_emit_address(e, "start", NULL, start);
	gs_emit_bytes(e, "size", NULL, size);
	gs_emit_string(e, "name", NULL, name);
	gs_emit_u64(e, "secret", NULL, 7);
	gs_emit_string(e, NULL, "NOTE", "x");
}

static void say_document(struct gs_emit *e)
{
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "format", "Format", "elf");
	gs_emit_bytes(e, "size", "Memory size", 4096);
	gs_emit_u64(e, "max", "Max", UINT64_MAX);
	gs_emit_i64(e, "min", "Min", INT64_MIN);
	gs_emit_double(e, "rate", "Rate", 0.5, 2);
	gs_emit_bool(e, "done", "Done", true);
	gs_emit_null(e, "unknown", "Unknown");
	gs_emit_string(e, "hidden", NULL, "json only");
	gs_emit_string(e, NULL, "Shown", "text only");
	gs_emit_begin(e, "kernel", "Kernel");
	gs_emit_string(e, "release", "Release", "6.1");
	gs_emit_begin(e, "deep", "Deep");
	gs_emit_address(e, "base", "Base", 0xffffffff81000000);
	gs_emit_end(e);
	gs_emit_end(e);
	gs_emit_table(e, "ranges", "Ranges", range_columns, 5);
	say_range(e, 0, 1 << 30, "low");
	say_range(e, UINT64_C(1) << 32, 4096, "a long name");
	gs_emit_end(e);
	gs_emit_string(e, "last", "Last", "");
	gs_emit_line(e, "%d files", 3);
	gs_emit_line(e, "end");
	gs_emit_end(e);
}

static void test_text(void **state)
{
	(void)state;
	assert_emits(say_document, GS_EMIT_TEXT,
		     "Format:       elf\n"
		     "Memory size:  4 KiB\n"
		     "Max:          18446744073709551615\n"
		     "Min:          -9223372036854775808\n"
		     "Rate:         0.50\n"
		     "Done:         yes\n"
		     "Unknown:      -\n"
		     "Shown:        text only\n"
		     "\n"
		     "Kernel:\n"
		     "  Release:  6.1\n"
		     "\n"
		     "  Deep:\n"
		     "    Base:  0xffffffff81000000\n"
		     "\n"
		     "Ranges:\n"
		     "        START   SIZE  NAME         NOTE\n"
		     "          0x0  1 GiB  low          x\n"
		     "  0x100000000  4 KiB  a long name  x\n"
		     "\n"
		     "Last:\n"
		     "\n"
		     "3 files\n"
		     "end\n");
}

static void test_json(void **state)
{
	(void)state;
	assert_emits(say_document, GS_EMIT_JSON,
		     "{\n"
		     "  \"format\": \"elf\",\n"
		     "  \"size\": 4096,\n"
		     "  \"max\": 18446744073709551615,\n"
		     "  \"min\": -9223372036854775808,\n"
		     "  \"rate\": 0.5,\n"
		     "  \"done\": true,\n"
		     "  \"unknown\": null,\n"
		     "  \"hidden\": \"json only\",\n"
		     "  \"kernel\": {\n"
		     "    \"release\": \"6.1\",\n"
		     "    \"deep\": {\n"
		     "      \"base\": \"0xffffffff81000000\"\n"
		     "    }\n"
		     "  },\n"
		     "  \"ranges\": [\n"
		     "    {\n"
		     "      \"start\": \"0x0\",\n"
		     "      \"size\": 1073741824,\n"
		     "      \"name\": \"low\",\n"
		     "      \"secret\": 7\n"
		     "    },\n"
		     "    {\n"
		     "      \"start\": \"0x100000000\",\n"
		     "      \"size\": 4096,\n"
		     "      \"name\": \"a long name\",\n"
		     "      \"secret\": 7\n"
		     "    }\n"
		     "  ],\n"
		     "  \"last\": \"\"\n"
		     "}\n");
}

static void say_events(struct gs_emit *e)
{
	for (int i = 0; i < 2; i++) {
		gs_emit_begin(e, NULL, NULL);
		gs_emit_line(e, "event %d", i);
		gs_emit_u64(e, "event", NULL, i);
		gs_emit_end(e);
	}
}

static void test_streams(void **state)
{
	(void)state;
	assert_emits(say_events, GS_EMIT_JSONL, "{\"event\":0}\n{\"event\":1}\n");
	assert_emits(say_events, GS_EMIT_TEXT, "event 0\nevent 1\n");
}

static void say_lists(struct gs_emit *e)
{
	gs_emit_table(e, NULL, "", range_columns, 2);
	say_range(e, 0, 1, "unseen");
	gs_emit_end(e);
}

static void test_table_as_document(void **state)
{
	(void)state;
	assert_emits(say_lists, GS_EMIT_TEXT, "START  SIZE\n  0x0   1 B\n");
	assert_emits(say_lists, GS_EMIT_JSONL,
		     "[{\"start\":\"0x0\",\"size\":1,\"name\":\"unseen\",\"secret\":7}]\n");
}

static void say_tree_row(struct gs_emit *e, unsigned int depth, const char *name)
{
	gs_emit_row_below(e, depth);
	gs_emit_u64(e, "depth", NULL, depth);
	gs_emit_string(e, "name", NULL, name);
}

static const struct gs_emit_column tree_columns[] = {{"depth", NULL, false},
						     {"name", "NAME", true}};

static void say_tree(struct gs_emit *e)
{
	gs_emit_table(e, NULL, "", tree_columns, 2);
	say_tree_row(e, 0, "a");
	say_tree_row(e, 1, "b");
	say_tree_row(e, 2, "c");
	say_tree_row(e, 1, "d");
	say_tree_row(e, 0, "e");
	say_tree_row(e, 5, "nobody's child");
	gs_emit_end(e);
}

static void test_tree(void **state)
{
	(void)state;
	assert_emits(say_tree, GS_EMIT_TEXT,
		     "NAME\n"
		     "a\n"
		     "├─b\n"
		     "│ └─c\n"
		     "└─d\n"
		     "e\n"
		     "nobody's child\n");
	assert_emits(say_tree, GS_EMIT_JSONL,
		     "[{\"depth\":0,\"name\":\"a\"},{\"depth\":1,\"name\":\"b\"},"
		     "{\"depth\":2,\"name\":\"c\"},{\"depth\":1,\"name\":\"d\"},"
		     "{\"depth\":0,\"name\":\"e\"},{\"depth\":5,\"name\":\"nobody's child\"}]\n");
}

static void say_deep_tree(struct gs_emit *e)
{
	gs_emit_table(e, NULL, "", tree_columns, 2);
	for (unsigned int i = 0; i < 10 * GS_EMIT_TREE_DEPTH_MAX; i++)
		say_tree_row(e, i, "x");
	gs_emit_end(e);
}

static void test_deep_tree(void **state)
{
	gs_autofree char *text = emitted(say_deep_tree, GS_EMIT_TEXT, false);
	size_t lines = 0;

	(void)state;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 10 * GS_EMIT_TREE_DEPTH_MAX + 1);
}

static void say_empty(struct gs_emit *e)
{
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "a", "Some", range_columns, 2);
	gs_emit_end(e);
	gs_emit_table(e, "b", "", range_columns, 2);
	gs_emit_end(e);
	gs_emit_begin(e, "c", "Object");
	gs_emit_end(e);
	gs_emit_table(e, "d", NULL, range_columns, 2);
	say_range(e, 0, 1, "json only");
	gs_emit_end(e);
	gs_emit_begin(e, NULL, "Text only");
	gs_emit_u64(e, "x", "X", 1);
	gs_emit_end(e);
	gs_emit_begin(e, "e", "");
	gs_emit_u64(e, "y", "Without heading", 2);
	gs_emit_end(e);
	gs_emit_end(e);
}

static void test_empty_and_hidden(void **state)
{
	(void)state;
	assert_emits(say_empty, GS_EMIT_TEXT,
		     "Some:\n"
		     "  (none)\n"
		     "\n"
		     "Text only:\n"
		     "  X:  1\n"
		     "\n"
		     "Without heading:  2\n");
	assert_emits(say_empty, GS_EMIT_JSONL,
		     "{\"a\":[],\"b\":[],\"c\":{},\"d\":[{\"start\":\"0x0\",\"size\":1,"
		     "\"name\":\"json only\",\"secret\":7}],\"e\":{\"y\":2}}\n");
}

static void say_hostile(struct gs_emit *e)
{
	static const char evil[] = "a\033[2J\x9b"
				   "b\xc2\x9b"
				   "c\xff\xc3\xa9\n\\";

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "v", "V", evil);
	gs_emit_line(e, "%s", evil);
	gs_emit_table(e, "t", "T", &range_columns[2], 1);
	gs_emit_row(e);
	gs_emit_string(e, "name", NULL, evil);
	gs_emit_end(e);
	gs_emit_end(e);
	gs_emit_line(e, "%s", evil);
}

static void test_escapes(void **state)
{
#define SHOWN "a\\x1b[2J\\x9bb\\xc2\\x9bc\\xff\xc3\xa9\\x0a\\"
	(void)state;
	assert_emits(say_hostile, GS_EMIT_TEXT,
		     "V:  " SHOWN "\n\n" SHOWN "\n\nT:\n  NAME\n  " SHOWN "\n\n" SHOWN "\n");
}

static void say_values(struct gs_emit *e)
{
	gs_autojson struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err =
		gs_json_parse("{\"a\": [1.10, \"\\u001b\"]}", 23, &value);

	assert_null(err);
	gs_emit_json(e, NULL, NULL, value);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_json(e, "value", "Value", value);
	gs_emit_end(e);
}

static void test_ready_made_values(void **state)
{
	(void)state;
	assert_emits(say_values, GS_EMIT_TEXT,
		     "{\"a\":[1.10,\"\\u001b\"]}\n\nValue:  {\"a\":[1.10,\"\\u001b\"]}\n");
	assert_emits(say_values, GS_EMIT_JSONL,
		     "{\"a\":[1.10,\"\\u001b\"]}\n{\"value\":{\"a\":[1.10,\"\\u001b\"]}}\n");
}

static void test_color(void **state)
{
	gs_autofree char *text = emitted(say_lists, GS_EMIT_TEXT, true);
	gs_autofree char *json = emitted(say_lists, GS_EMIT_JSON, true);

	(void)state;
	assert_string_equal(text, "\033[1mSTART  SIZE\033[0m\n  0x0   1 B\n");
	assert_null(strchr(json, '\033'));
}

/* A stream learns at each finish whether its reader is still there, and never stops knowing. */
static void test_failed_output(void **state)
{
	static const enum gs_emit_format formats[] = {GS_EMIT_TEXT, GS_EMIT_JSON, GS_EMIT_JSONL};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FILE *full = fopen("/dev/full", "w");
		GS_CLEANUP(gs_emit_destroy)
		struct gs_emit *e = gs_emit_create(full, formats[i], false);

		assert_non_null(full);
		for (int again = 0; again < 2; again++) {
			gs_autoerror struct gs_error *err = NULL;

			say_events(e);
			err = gs_emit_finish(e);
			assert_non_null(err);
			assert_int_equal(err->code, GS_ERROR_OS);
			assert_int_equal(err->os_errno, ENOSPC);
		}
		fclose(full);
	}
}

static void test_without_emitter(void **state)
{
	gs_autoerror struct gs_error *err = NULL;

	(void)state;
	say_document(NULL);
	err = gs_emit_finish(NULL);
	assert_non_null(err);
	assert_int_equal(err->code, GS_ERROR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_table_as_document),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_deep_tree),
		cmocka_unit_test(test_empty_and_hidden),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_ready_made_values),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_failed_output),
		cmocka_unit_test(test_without_emitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
