/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two descriptions side by side: what stands beside what, under which paths. */
#include <guestscope/base/text.h>
#include <guestscope/devstate/align.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)
#define F FAKE_FIELD
#define STRUCT(name, description, fields)                                        \
	FAKE_FIELD_X(name, "0", "false", "999",                                  \
		     ", 'Description': " FAKE_DESCRIPTION(description, "1", "1", \
							  ", 'Fields': [" fields "]"))
#define DEVICE(fields, subsections) \
	FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" fields "], 'Subsections': [" subsections "]"))
#define SUBSECTION(name, fields) FAKE_DESCRIPTION(name, "1", "1", ", 'Fields': [" fields "]")

static void put_side(struct gs_text *text, const struct gs_align_side *side)
{
	assert_int_equal(!!side->path, !!side->field + !!side->subsection);
	assert_int_equal(!!side->field, !!side->parent);
	gs_text_puts(text, side->path ? side->path : "-");
	if (side->path) {
		size_t path = strlen(side->path), name = strlen(side->name);

		assert_true(name <= path);
		assert_string_equal(side->path + path - name, side->name);
		assert_true(name == path || side->path[path - name - 1] == '/');
	}
}

/* "0 x = x;": a pair; "1 s/x ~ s/y;": side by side. */
static struct gs_error *note(void *arg, const struct gs_align_row *row)
{
	gs_text_printf(arg, "%u ", row->depth);
	put_side(arg, &row->before);
	gs_text_puts(arg, row->paired ? " = " : " ~ ");
	put_side(arg, &row->after);
	gs_text_puts(arg, ";");
	return NULL;
}

static void check(const char *before, const char *after, const char *want)
{
	auto_state struct gs_devstate *a = before ? fake_devstate(before) : fake_devstate(after);
	auto_state struct gs_devstate *b = after ? fake_devstate(after) : fake_devstate(before);
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, "");
	assert_ok(gs_devstate_align(a, before ? gs_devstate_find(a, "a")->description : NULL, b,
				    after ? gs_devstate_find(b, "a")->description : NULL, note,
				    &text));
	assert_string_equal(text.data, want);
}

static void test_pairs(void **unused)
{
	const char *device = DEVICE(F("x", "4") "," STRUCT("s", "S", F("y", "1")),
				    SUBSECTION("a/b", F("z", "2")));

	(void)unused;
	check(device, device, "0 x = x;0 s = s;1 s/y = s/y;0 [a/b] = [a/b];1 [a/b]/z = [a/b]/z;");
}

static void test_one_alone(void **unused)
{
	const char *device = DEVICE(STRUCT("s", "S", F("y", "1")), SUBSECTION("a/b", ""));

	(void)unused;
	check(device, NULL, "0 s ~ -;1 s/y ~ -;0 [a/b] ~ -;");
	check(NULL, device, "0 - ~ s;1 - ~ s/y;0 - ~ [a/b];");
}

/* A new name stands beside the old one; what is in both goes by the old one's path. */
static void test_beside(void **unused)
{
	(void)unused;
	check(DEVICE(F("x", "4") "," F("y", "2") "," F("z", "1"), ""),
	      DEVICE(F("x", "4") "," F("w", "2") "," F("z", "1"), ""), "0 x = x;0 y ~ w;0 z = z;");
	check(DEVICE(STRUCT("s", "S", F("y", "1") "," F("q", "2")), ""),
	      DEVICE(STRUCT("t", "S", F("y", "1") "," F("r", "2")), ""),
	      "0 s ~ t;1 s/y = s/y;1 s/q ~ s/r;");
}

static void test_more_on_one_side(void **unused)
{
	(void)unused;
	check(DEVICE(F("p", "4") "," F("q", "4") "," F("z", "1"), ""),
	      DEVICE(STRUCT("s", "S", F("p", "4") "," F("q", "4")) "," F("z", "1"), ""),
	      "0 p ~ s;1 - ~ s/p;1 - ~ s/q;0 q ~ -;0 z = z;");
	check(DEVICE("", SUBSECTION("a/b", "") "," SUBSECTION("a/c", "")),
	      DEVICE("", SUBSECTION("a/d", "") "," SUBSECTION("a/c", "")),
	      "0 [a/b] ~ -;0 [a/c] = [a/c];0 - ~ [a/d];");
}

/* At both places, under the path that it had. */
static void test_moved(void **unused)
{
	(void)unused;
	check(DEVICE(F("m", "4") "," F("x", "2") "," F("y", "1"), ""),
	      DEVICE(F("x", "2") "," F("y", "1") "," F("m", "4"), ""),
	      "0 m = -;0 x = x;0 y = y;0 - = m;");
	check(DEVICE(F("m", "4") "," F("x", "2") "," F("m", "8") "," F("y", "1"), ""),
	      DEVICE(F("m", "8") "," F("x", "2") "," F("n", "1") "," F("y", "1"), ""),
	      "0 m ~ -;0 x = -;0 m#1 = m#1;0 - = x;0 - ~ n;0 y = y;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),  cmocka_unit_test(test_one_alone),
		cmocka_unit_test(test_beside), cmocka_unit_test(test_more_on_one_side),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
