/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings, numbers to and from text, suggestions. */
#include <guestscope/base/text.h>

#include "unit.h"

static void test_text_grows(void **state)
{
	gs_autotext struct gs_text t = {0};
	gs_autofree char *string = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		gs_text_printf(&t, "%03d", i);
	gs_text_puts(&t, "-");
	gs_text_append(&t, "a\0b", 3);
	assert_int_equal(t.size, 3004);
	assert_ok(gs_text_finish(&t, &string));
	assert_memory_equal(string, "000001002", 9);
	assert_memory_equal(string + 2997, "999-a\0b", 8);
	assert_null(t.data);
}

static void test_text_empty(void **state)
{
	struct gs_text t = {0};
	gs_autofree char *string = NULL;

	(void)state;
	gs_text_deinit(&t);
	gs_text_append(&t, NULL, 0);
	assert_string_equal(t.data, "");
	gs_text_deinit(&t);
	assert_ok(gs_text_finish(&t, &string));
	assert_string_equal(string, "");
}

static void test_text_clear(void **state)
{
	gs_autotext struct gs_text t = {0};

	(void)state;
	gs_text_puts(&t, "one");
	gs_text_clear(&t);
	assert_string_equal(t.data, "");
	gs_text_puts(&t, "two");
	assert_string_equal(t.data, "two");
}

static void test_text_failure_is_sticky(void **state)
{
	gs_autotext struct gs_text t = {0};
	char *string = NULL;

	(void)state;
	gs_text_puts(&t, "x");
	gs_text_append(&t, "", SIZE_MAX - 1);
	gs_text_puts(&t, "y");
	assert_string_equal(t.data, "x");
	assert_error(gs_text_finish(&t, &string), GS_ERROR_NOMEM, NULL);
	assert_null(string);
	assert_null(t.data);
}

static void test_strf(void **state)
{
	gs_autofree char *string = gs_strf("%s-%d", "a", 5);

	(void)state;
	assert_string_equal(string, "a-5");
}

static void test_parse_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t v;
	} good[] = {{"0", 0},
		    {"18446744073709551615", UINT64_MAX},
		    {"0xffffffffffffffff", UINT64_MAX},
		    {"0Xfe", 254},
		    {"007", 7}};
	static const char *const bad[] = {"",   " 1", "1 ", "+1", "-1", "0x",   "0xg",
					  "1a", "a",  "1.", "1k", "x1", "0x0x1"};
	uint64_t v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(gs_parse_u64(good[i].text, &v));
		assert_int_equal(v, good[i].v);
	}
	v = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(gs_parse_u64(bad[i], &v), GS_ERROR_INVALID, NULL);
	assert_error(gs_parse_u64("1x", &v), GS_ERROR_INVALID, "\"1x\" is not a number");
	assert_error(gs_parse_u64("18446744073709551616", &v), GS_ERROR_INVALID,
		     "number \"18446744073709551616\" is too large");
	assert_error(gs_parse_u64("0x10000000000000000", &v), GS_ERROR_INVALID, NULL);
	assert_int_equal(v, 42);
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0},
		    {"512", 512},
		    {"512B", 512},
		    {"1k", 1024},
		    {"1K", 1024},
		    {"4KiB", 4096},
		    {"4kb", 4096},
		    {"512m", 512ull << 20},
		    {"1MB", 1 << 20},
		    {"2G", 2ull << 30},
		    {"2GiB", 2ull << 30},
		    {"3T", 3ull << 40},
		    {"16777215T", 16777215ull << 40},
		    {"0x10k", 16384},
		    {"0xB", 11}};
	static const char *const bad[] = {"",    "k",    "1P",  "1kk",   "1 k", "1ki",
					  "1iB", "1.5G", "-1k", "1KiBs", "1Bk", "1kiBB"};
	uint64_t bytes = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(gs_parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(gs_parse_size(bad[i], &bytes), GS_ERROR_INVALID, NULL);
	assert_error(gs_parse_size("1X", &bytes), GS_ERROR_INVALID, "\"1X\" is not a size");
	assert_error(gs_parse_size("16777216T", &bytes), GS_ERROR_INVALID,
		     "size \"16777216T\" is too large");
}

static void test_parse_duration(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"0", 0},           {"2", 2000},
		    {"2.5", 2500},      {"2.5s", 2500},
		    {"250ms", 250},     {"1.5m", 90000},
		    {"1h", 3600000},    {"0.25h", 900000},
		    {"0.0001", 1},      {"1.0001ms", 2},
		    {"0.000000000", 0}, {"1.000000001", 1001},
		    {"1.999", 1999},    {"1.999999999h", 7200000}};
	static const char *const bad[] = {"",    ".5", "1.",  "1.s", "-1",  "1 s",
					  "1sm", "1d", "0x1", "inf", "1e3", "1.0000000001"};
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(gs_parse_duration(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(gs_parse_duration(bad[i], &ms), GS_ERROR_INVALID, NULL);
	assert_error(gs_parse_duration("18446744073709552", &ms), GS_ERROR_INVALID,
		     "duration \"18446744073709552\" is too large");
	assert_error(gs_parse_duration("99999999999999999999ms", &ms), GS_ERROR_INVALID, NULL);
}

static void test_parse_time_ns(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"0ns", 0},         {"10us", 10000},
		    {"1.5us", 1500},    {"2ms", 2000000},
		    {"1s", 1000000000}, {"0.000000001s", 1},
		    {"0.9ns", 0},       {"18446744073709551615ns", UINT64_MAX},
		    {"0.5ms", 500000}};
	static const char *const bad[] = {"",     "10", "us",   "1.us",  "-1us",         "1 us",
					  "1min", "1m", "0x1s", "1e3ns", "1.0000000001s"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(gs_parse_time_ns(good[i].text, &ns));
		assert_true(ns == good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(gs_parse_time_ns(bad[i], &ns), GS_ERROR_INVALID, NULL);
	assert_error(gs_parse_time_ns("18446744074s", &ns), GS_ERROR_INVALID,
		     "time \"18446744074s\" is too large");
	assert_error(gs_parse_time_ns("99999999999999999999ns", &ns), GS_ERROR_INVALID, NULL);
}

static void test_format_time_ns(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {{0, "0 ns"},
		     {999, "999 ns"},
		     {1000, "1.00 us"},
		     {12345, "12.3 us"},
		     {999999, "1000 us"},
		     {1000000, "1.00 ms"},
		     {500000000, "500 ms"},
		     {59000000000, "59.0 s"},
		     {90000000000, "1.50 min"},
		     {7200000000000, "2.00 h"},
		     {UINT64_MAX, "5124096 h"}};
	char buf[GS_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(gs_format_time_ns(cases[i].ns, buf), cases[i].text);
}

static void test_format_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {{0, "0 B"},
		     {1023, "1023 B"},
		     {1024, "1 KiB"},
		     {4096, "4 KiB"},
		     {1536, "1.5 KiB"},
		     {1024 * 1024 - 1, "1 MiB"},
		     {1023 * 1024 + 512, "1023.5 KiB"},
		     {3ull << 29, "1.5 GiB"},
		     {1ull << 40, "1 TiB"},
		     {UINT64_MAX, "16 EiB"},
		     {(1ull << 60) + (1ull << 59), "1.5 EiB"}};
	char buf[GS_SIZE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(gs_format_size(cases[i].bytes, buf), cases[i].text);
}

static void assert_suggests(const char *word, const char *expected)
{
	static const char *const names[] = {"dump",  "convert", "verify", "info",   "notes",
					    "pause", "resume",  "reset",  "launch", NULL};
	const char *name = gs_did_you_mean(word, names);

	if (!expected)
		assert_null(name);
	else if (!name)
		fail_msg("nothing suggested for %s", word);
	else
		assert_string_equal(name, expected);
}

static void test_did_you_mean(void **state)
{
	char long_word[200];

	(void)state;
	assert_suggests("dmup", "dump"); /* a swap is one mistake */
	assert_suggests("dum", "dump");
	assert_suggests("dumpp", "dump");
	assert_suggests("covnert", "convert");
	assert_suggests("reseum", "resume");
	assert_suggests("rest", "reset");
	assert_suggests("lanch", "launch");
	assert_suggests("notes", "notes");
	assert_suggests("x", NULL);
	assert_suggests("", NULL);
	assert_suggests("banana", NULL);
	assert_suggests("dxyp", NULL);
	memset(long_word, 'a', sizeof(long_word));
	long_word[sizeof(long_word) - 1] = '\0';
	assert_suggests(long_word, NULL);
}

static void assert_printable_lines(const char *text, const char *expected)
{
	gs_autotext struct gs_text t = {0};
	gs_autofree char *shown = NULL;

	gs_text_append_printable_lines(&t, text, strlen(text));
	assert_null(gs_text_finish(&t, &shown));
	assert_string_equal(shown, expected);
}

static void assert_wrapped(const char *text, struct gs_wrap wrap, const char *expected,
			   unsigned int column)
{
	gs_autotext struct gs_text t = {0};

	gs_text_puts_wrapped(&t, text, &wrap);
	assert_int_equal(wrap.column, column);
	assert_string_equal(t.data ? t.data : "", expected);
}

static void test_wrapped(void **state)
{
	(void)state;
	assert_wrapped("", (struct gs_wrap){3, 2, 10, false}, "", 3);
	assert_wrapped("ab cd  ef g", (struct gs_wrap){0, 2, 8, false}, "ab cd ef\n  g", 3);
	assert_wrapped("ab cd", (struct gs_wrap){4, 0, 8, false}, "ab\ncd", 2);
	assert_wrapped("a longer-than-all b", (struct gs_wrap){0, 1, 8, false},
		       "a\n longer-than-all\n b", 2);
	assert_wrapped("\xc3\xa4\xc3\xb6 \xe2\x82\xac", (struct gs_wrap){0, 0, 4, false},
		       "\xc3\xa4\xc3\xb6 \xe2\x82\xac", 4);
	assert_wrapped("cd ef", (struct gs_wrap){2, 1, 5, true}, " cd\n ef", 3);
}

static void test_markup(void **state)
{
	gs_autotext struct gs_text t = {0};

	(void)state;
	gs_text_puts_markup(&t,
			    "<a b=\"c'd\">&amp;</a>\033\n\xff \xef\xbf\xbe\xef\xbf\xbd\xc3\xa4");
	assert_string_equal(t.data, "&lt;a b=&quot;c'd&quot;&gt;&amp;amp;&lt;/a&gt;\\x1b\\x0a\\xff "
				    "?\xef\xbf\xbd\xc3\xa4");
}

static void test_printable_lines(void **state)
{
	(void)state;
	assert_printable_lines("", "");
	assert_printable_lines("a\tb\r\n\r\nc", "a\tb\n\nc");
	assert_printable_lines("a\rb\r", "a\\x0db\\x0d");
	assert_printable_lines("\033[m\n\xc2\x9b \xff", "\\x1b[m\n\\xc2\\x9b \\xff");
	/* A direction that is turned round, and a line's end of Unicode's; letters are letters. */
	assert_printable_lines(
		"\u202egpj.exe \u2066 \u2028 \u2026 \u00e4",
		"\\xe2\\x80\\xaegpj.exe \\xe2\\x81\\xa6 \\xe2\\x80\\xa8 \u2026 \u00e4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_grows),
		cmocka_unit_test(test_text_empty),
		cmocka_unit_test(test_text_clear),
		cmocka_unit_test(test_text_failure_is_sticky),
		cmocka_unit_test(test_strf),
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_time_ns),
		cmocka_unit_test(test_format_time_ns),
		cmocka_unit_test(test_format_size),
		cmocka_unit_test(test_did_you_mean),
		cmocka_unit_test(test_printable_lines),
		cmocka_unit_test(test_markup),
		cmocka_unit_test(test_wrapped),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
