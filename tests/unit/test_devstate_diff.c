/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two exports say differently: each kind of change, both ways; and lists that are hostile. */
#include <guestscope/base/text.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

/* An export that tells lengths has a device that never changes: "z". */
#define TELLING(devices) FAKE_EXPORT(devices "," FAKE_DEVICE("z", ", 'Fields': [" SIZED "]"))
#define SIZED FAKE_FIELD_X("n", "0", "false", "1", ", 'num': 1")
#define FIELDS(fields) TELLING(FAKE_DEVICE("a", ", 'Fields': [" fields "]"))
#define UNTOLD(fields) FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" fields "]"))
#define F FAKE_FIELD
#define ARRAY(name, num, size) FAKE_FIELD_X(name, "0", "false", size, ", 'num': " num)
#define STRUCT(name, description, fields)                                        \
	FAKE_FIELD_X(name, "0", "false", "999",                                  \
		     ", 'Description': " FAKE_DESCRIPTION(description, "1", "1", \
							  ", 'Fields': [" fields "]"))
#define SUBSECTION(name, fields) FAKE_DESCRIPTION(name, "1", "1", ", 'Fields': [" fields "]")
#define SUBSECTIONS(subsections) \
	TELLING(FAKE_DEVICE("a", ", 'Fields': [], 'Subsections': [" subsections "]"))

/* "field-added a x: - > 4 bytes;" */
static struct gs_error *note(void *arg, const struct gs_devstate_change *change)
{
	gs_text_printf(arg, "%s %s%s%s %s: %s > %s;", gs_devstate_change_name(change->kind),
		       change->device_before ? change->device_before : "",
		       change->device_before && change->device_after ? ">" : "",
		       change->device_after ? change->device_after : "", change->path,
		       change->before ? change->before : "-", change->after ? change->after : "-");
	return NULL;
}

static void check_one(const char *before, const char *after, const char *want)
{
	auto_state struct gs_devstate *a = fake_devstate(before), *b = fake_devstate(after);
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, "");
	assert_ok(gs_devstate_diff(a, b, note, &text));
	assert_string_equal(text.data, want);
}

/* And back; and neither differs from itself. */
static void check(const char *before, const char *after, const char *want, const char *want_back)
{
	check_one(before, after, want);
	check_one(after, before, want_back);
	check_one(before, before, "");
	check_one(after, after, "");
}

/* ---- devices ---- */

#define NAMED(type, name, more)                              \
	"'" type "': {'Name': '" type "', 'version_id': 1, " \
	"'minimum_version_id': 1, 'Description': " FAKE_DESCRIPTION(name, "1", "1", more) "}"

static void test_device_added(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_DEVICE("a", "")),
	      TELLING(FAKE_DEVICE("a", "") "," NAMED("b", "bee", "")),
	      "device-added b : - > b, in a stream bee;",
	      "device-removed b : b, in a stream bee > -;");
}

static void test_device_renamed(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", ", 'Fields': [" F("x", "4") "]")),
	      TELLING(NAMED("b", "n", ", 'Fields': [" F("x", "8") "]")),
	      "device-renamed a>b : a > b;field-size a>b x: 4 bytes > 8 bytes;",
	      "device-renamed b>a : b > a;field-size b>a x: 8 bytes > 4 bytes;");
}

/* Several of one name in a stream: by type where both have it. */
static void test_device_shared_name(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("b", "n", "") "," NAMED("c", "n", "")),
	      TELLING(NAMED("a", "n", "") "," NAMED("c", "n", "")), "device-renamed b>a : b > a;",
	      "device-renamed a>b : a > b;");
	check(TELLING(NAMED("c", "n", "")), TELLING(NAMED("a", "n", "") "," NAMED("c", "n", "")),
	      "device-added a : - > a, in a stream n;", "device-removed a : a, in a stream n > -;");
}

static void test_device_without_description(void **unused)
{
	const char *with = TELLING(FAKE_DEVICE_V("a", "1", "1", ""));
	const char *without =
		TELLING("'a': {'Name': 'a', 'version_id': 2, 'minimum_version_id': 1}");

	(void)unused;
	check(with, without, "version a>a : 1 > 2;fields-gone a>a : - > no description;",
	      "version a>a : 2 > 1;fields-gone a>a : no description > -;");
}

/* ---- descriptions ---- */

static void test_name(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "old", "")), TELLING(NAMED("a", "new", "")),
	      "name a>a : old > new;", "name a>a : new > old;");
}

static void test_versions(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_DEVICE_V("a", "2", "1", "")), TELLING(FAKE_DEVICE_V("a", "3", "2", "")),
	      "version a>a : 2 > 3;minimum a>a : 1 > 2;",
	      "version a>a : 3 > 2;minimum a>a : 2 > 1;");
}

static void test_fields_gone(void **unused)
{
	(void)unused;
	check(TELLING(FAKE_DEVICE("a", "")), FIELDS(F("x", "4")),
	      "fields-gone a>a : no list of fields > a list of fields;"
	      "field-added a>a x: - > 4 bytes;",
	      "fields-gone a>a : a list of fields > no list of fields;"
	      "field-removed a>a x: 4 bytes > -;");
}

static void test_subsections(void **unused)
{
	(void)unused;
	check(SUBSECTIONS(SUBSECTION("a/x", "")),
	      SUBSECTIONS(SUBSECTION("a/y", F("y", "1")) "," SUBSECTION("a/x", F("x", "4"))),
	      "field-added a>a [a/x]/x: - > 4 bytes;subsection-added a>a [a/y]: - > v1, 1 field;",
	      "subsection-removed a>a [a/y]: v1, 1 field > -;"
	      "field-removed a>a [a/x]/x: 4 bytes > -;");
}

/* ---- fields ---- */

static void test_field_added(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("z", "4")),
	      FIELDS(F("x", "4") "," FAKE_FIELD_X("y", "3", "false", "2", "") "," F("z", "4")),
	      "field-added a>a y: - > 2 bytes, from version 3 on;",
	      "field-removed a>a y: 2 bytes, from version 3 on > -;");
}

static void test_field_renamed(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "2")), FIELDS(F("n", "4") "," F("y", "2")),
	      "field-renamed a>a x: x (4 bytes) > n (4 bytes);",
	      "field-renamed a>a n: n (4 bytes) > x (4 bytes);");
	/* Other bytes, or another condition, make another field. */
	check(FIELDS(F("x", "4")), FIELDS(F("n", "2")),
	      "field-removed a>a x: 4 bytes > -;field-added a>a n: - > 2 bytes;",
	      "field-removed a>a n: 2 bytes > -;field-added a>a x: - > 4 bytes;");
	check(FIELDS(F("x", "4")), FIELDS(FAKE_FIELD_X("n", "0", "true", "4", "")),
	      "field-removed a>a x: 4 bytes > -;field-added a>a n: - > 4 bytes, conditional;",
	      "field-removed a>a n: 4 bytes, conditional > -;field-added a>a x: - > 4 bytes;");
}

/* A struct whose length nobody knows is renamed if it still calls itself the same. */
static void test_struct_renamed(void **unused)
{
	const char *old = FIELDS(STRUCT("x", "s", FAKE_FIELD_X("c", "0", "true", "4", "")));
	const char *new =
		FIELDS(STRUCT("y", "s", FAKE_FIELD_X("c", "0", "true", "4", "") "," F("d", "1")));

	(void)unused;
	check(old, new, "field-renamed a>a x: x (s v1) > y (s v1);field-added a>a x/d: - > 1 byte;",
	      "field-renamed a>a y: y (s v1) > x (s v1);field-removed a>a y/d: 1 byte > -;");
}

/* Nor is the length of one with subsections known. */
static void test_struct_with_subsection(void **unused)
{
	const char *old = FIELDS(F("x", "4"));
	const char *new = FIELDS(
		FAKE_FIELD_X("s", "0", "false", "8",
			     ", 'Description': " FAKE_DESCRIPTION(
				     "d", "1", "1",
				     ", 'Fields': [" F("x", "4") "], 'Subsections': [" SUBSECTION(
					     "d/y", "") "]")));

	(void)unused;
	check(old, new, "field-removed a>a x: 4 bytes > -;field-added a>a s: - > d v1;",
	      "field-removed a>a s: d v1 > -;field-added a>a x: - > 4 bytes;");
}

static void test_field_wrapped(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "2") "," F("z", "1")),
	      FIELDS(STRUCT("s", "d", F("x", "4") "," F("y", "2")) "," F("z", "1")),
	      "field-wrapped a>a x: x (4 bytes), y (2 bytes) > s (d v1);",
	      "field-wrapped a>a s: s (d v1) > x (4 bytes), y (2 bytes);");
	check(FIELDS(STRUCT("x", "d", F("v", "4"))),
	      FIELDS(STRUCT("s", "e", STRUCT("x", "d", F("v", "4")))),
	      "field-wrapped a>a x: x (d v1) > s (e v1);",
	      "field-wrapped a>a s: s (e v1) > x (d v1);");
	/* Under the same name, too. */
	check(FIELDS(F("x", "4")), FIELDS(STRUCT("x", "d", F("v", "4"))),
	      "field-wrapped a>a x: 4 bytes > d v1;", "field-wrapped a>a x: d v1 > 4 bytes;");
	check(FIELDS(ARRAY("x", "4", "2")), FIELDS(ARRAY("x", "2", "4")),
	      "field-wrapped a>a x: 4 x 2 bytes > 2 x 4 bytes;",
	      "field-wrapped a>a x: 2 x 4 bytes > 4 x 2 bytes;");
}

static void test_unused(void **unused)
{
	(void)unused;
	/* Several fields became one that is unused; a new one took its place from a filler. */
	check(FIELDS(F("x", "4") "," F("y", "4") "," F("z", "1")),
	      FIELDS(F("unused", "8") "," F("z", "1")),
	      "field-wrapped a>a x: x (4 bytes), y (4 bytes) > unused (8 bytes);",
	      "field-wrapped a>a unused: unused (8 bytes) > x (4 bytes), y (4 bytes);");
	check(FIELDS(F("unused", "10") "," F("z", "1")),
	      FIELDS(F("n", "4") "," F("unused", "6") "," F("z", "1")),
	      "field-wrapped a>a unused: unused (10 bytes) > n (4 bytes), unused (6 bytes);",
	      "field-wrapped a>a n: n (4 bytes), unused (6 bytes) > unused (10 bytes);");
	check(FIELDS(F("unused", "10")), FIELDS(F("n", "4") "," F("unused", "7")),
	      "field-added a>a n: - > 4 bytes;field-size a>a unused: 10 bytes > 7 bytes;",
	      "field-removed a>a n: 4 bytes > -;field-size a>a unused: 7 bytes > 10 bytes;");
}

static void test_field_moved(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "2") "," F("z", "1")),
	      FIELDS(F("y", "2") "," F("z", "1") "," F("x", "4")),
	      "field-moved a>a x: first > behind z;", "field-moved a>a x: behind z > first;");
	/* A swap: one of them, and the same one both ways. */
	check(FIELDS(F("x", "4") "," F("y", "2")), FIELDS(F("y", "2") "," F("x", "4")),
	      "field-moved a>a x: first > behind y;", "field-moved a>a x: behind y > first;");
}

static void test_field_size(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4") "," F("y", "1")), FIELDS(F("x", "8") "," F("y", "2")),
	      "field-size a>a x: 4 bytes > 8 bytes;field-size a>a y: 1 byte > 2 bytes;",
	      "field-size a>a x: 8 bytes > 4 bytes;field-size a>a y: 2 bytes > 1 byte;");
	/* That the sum is the same says nothing, if all of them are still there. */
	check(FIELDS(F("x", "4") "," F("y", "2")), FIELDS(F("x", "2") "," F("y", "4")),
	      "field-size a>a x: 4 bytes > 2 bytes;field-size a>a y: 2 bytes > 4 bytes;",
	      "field-size a>a x: 2 bytes > 4 bytes;field-size a>a y: 4 bytes > 2 bytes;");
	check(FIELDS(F("x", "0")), FIELDS(STRUCT("x", "d", F("v", "4"))),
	      "field-size a>a x: unknown size > d v1;", "field-size a>a x: d v1 > unknown size;");
}

static void test_field_num(void **unused)
{
	(void)unused;
	check(FIELDS(ARRAY("x", "4", "2")), FIELDS(ARRAY("x", "8", "2")), "field-num a>a x: 4 > 8;",
	      "field-num a>a x: 8 > 4;");
	check(FIELDS(F("x", "2")), FIELDS(ARRAY("x", "8", "2")), "field-num a>a x: - > 8;",
	      "field-num a>a x: 8 > -;");
}

/* Exports of QEMU before 8.1 tell no lengths: that is no difference, and bytes may be more. */
static void test_untold(void **unused)
{
	(void)unused;
	check(UNTOLD(F("x", "2") "," F("y", "4")), UNTOLD(ARRAY("x", "8", "2") "," F("y", "4")), "",
	      "");
	check(UNTOLD(F("x", "1")), UNTOLD(ARRAY("n", "5", "1")),
	      "field-renamed a>a x: x (1 byte) > n (5 x 1 byte);",
	      "field-renamed a>a n: n (5 x 1 byte) > x (1 byte);");
	check(UNTOLD(F("x", "2")), FIELDS(F("unused", "6")),
	      "field-renamed a>a x: x (2 bytes) > unused (6 bytes);device-added z : - > z;",
	      "field-renamed a>a unused: unused (6 bytes) > x (2 bytes);device-removed z : z > -;");
	check(UNTOLD(F("unused", "8")), UNTOLD(F("unused", "4") "," F("unused", "8")),
	      "field-added a>a unused: - > 4 bytes;", "field-removed a>a unused: 4 bytes > -;");
	check(UNTOLD(F("x", "2")), UNTOLD(ARRAY("n", "5", "1")),
	      "field-removed a>a x: 2 bytes > -;field-added a>a n: - > 5 x 1 byte;",
	      "field-removed a>a n: 5 x 1 byte > -;field-added a>a x: - > 2 bytes;");
}

static void test_field_gate(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(FAKE_FIELD_X("x", "1", "true", "4", "")),
	      "field-version a>a x: 0 > 1;field-condition a>a x: unconditional > conditional;",
	      "field-version a>a x: 1 > 0;field-condition a>a x: conditional > unconditional;");
}

static void test_nested(void **unused)
{
	const char *old = FIELDS(STRUCT("x", "s", STRUCT("y", "t", F("z", "4"))) "," F("w", "1"));
	const char *new = FIELDS(STRUCT("x", "s", STRUCT("y", "u", F("z", "8"))) "," F("w", "2"));

	(void)unused;
	check(old, new,
	      "name a>a x/y: t > u;field-size a>a x/y/z: 4 bytes > 8 bytes;"
	      "field-size a>a w: 1 byte > 2 bytes;",
	      "name a>a x/y: u > t;field-size a>a x/y/z: 8 bytes > 4 bytes;"
	      "field-size a>a w: 2 bytes > 1 byte;");
}

/* Names recur; one more in front does not shift the others. */
static void test_occurrences(void **unused)
{
	(void)unused;
	check(FIELDS(F("c", "4") "," F("x", "1") "," F("c", "8") "," F("c", "2")),
	      FIELDS(F("c", "4") "," F("x", "1") "," F("c", "9") "," F("c", "2")),
	      "field-size a>a c#1: 8 bytes > 9 bytes;", "field-size a>a c#1: 9 bytes > 8 bytes;");
	check(FIELDS(F("unused", "8")),
	      FIELDS(F("unused", "4") "," F("x", "1") "," F("unused", "8")),
	      "field-added a>a unused: - > 4 bytes;field-added a>a x: - > 1 byte;",
	      "field-removed a>a unused: 4 bytes > -;field-removed a>a x: 1 byte > -;");
}

/* ---- the report, and hostile lists ---- */

static struct gs_error *refuse(void *arg, const struct gs_devstate_change *change)
{
	(void)change;
	++*(int *)arg;
	return gs_error_create(GS_ERROR_GONE, "enough");
}

static void test_report_fails(void **unused)
{
	auto_state struct gs_devstate *a = fake_devstate(FIELDS(F("x", "4") "," F("y", "1")));
	auto_state struct gs_devstate *b = fake_devstate(FIELDS(F("x", "8") "," F("y", "2")));
	int calls = 0;

	(void)unused;
	assert_error(gs_devstate_diff(a, b, refuse, &calls), GS_ERROR_GONE, "enough");
	assert_int_equal(calls, 1);
}

static struct gs_error *count(void *arg, const struct gs_devstate_change *change)
{
	assert_true(strlen(change->path) < 200);
	++((size_t *)arg)[change->kind];
	return NULL;
}

/* @count fields: "f0" and so on, turned round, or "g0" and so on of one byte more each. */
static struct gs_devstate *many(size_t field_count, bool turned, const char *prefix, int more)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, "{'vmschkmachine': {'Name': 'none'}, ");
	gs_text_puts(&text, "'a': {'version_id': 1, 'minimum_version_id': 1, 'Description': "
			    "{'name': 'a', 'version_id': 1, 'minimum_version_id': 1, 'Fields': [");
	for (size_t i = 0; i < field_count; i++)
		gs_text_printf(&text,
			       "%s{'field': '%s%zu', 'version_id': 0, 'field_exists': false, "
			       "'size': %zu}",
			       i ? ", " : "", prefix, turned ? field_count - i : i + 1,
			       (turned ? field_count - i : i + 1) * 2 + (size_t)more);
	gs_text_puts(&text, "]}}}");
	return fake_devstate(text.data);
}

#define MANY 50000

/* The square of these would take minutes. */
static void test_many(void **unused)
{
	auto_state struct gs_devstate *a = many(MANY, false, "f", 0);
	auto_state struct gs_devstate *turned = many(MANY, true, "f", 0);
	auto_state struct gs_devstate *other = many(MANY, false, "g", 1);
	auto_state struct gs_devstate *none = many(0, false, "f", 0);
	size_t counts[GS_CHANGE_SUBSECTION_REMOVED + 1] = {0};

	(void)unused;
	assert_ok(gs_devstate_diff(a, turned, count, counts));
	assert_int_equal(counts[GS_CHANGE_FIELD_MOVED], MANY - 1);
	assert_ok(gs_devstate_diff(turned, a, count, counts));
	assert_int_equal(counts[GS_CHANGE_FIELD_MOVED], 2 * (MANY - 1));
	assert_ok(gs_devstate_diff(a, none, count, counts));
	assert_int_equal(counts[GS_CHANGE_FIELD_REMOVED], MANY);
	assert_ok(gs_devstate_diff(a, other, count, counts));
	assert_int_equal(counts[GS_CHANGE_FIELD_REMOVED] - MANY, counts[GS_CHANGE_FIELD_ADDED]);
}

/* A name of a megabyte, and bytes that no 64 bits hold. */
static void test_hostile_values(void **unused)
{
	static const char huge[] = "18446744073709551615";
	gs_autotext struct gs_text text = {0};
	size_t counts[GS_CHANGE_SUBSECTION_REMOVED + 1] = {0};
	auto_state struct gs_devstate *a = NULL, *b = NULL;

	(void)unused;
	check(FIELDS(ARRAY("x", "18446744073709551615", "2")), FIELDS(ARRAY("y", "1", "2")),
	      "field-removed a>a x: 18446744073709551615 x 2 bytes > -;"
	      "field-added a>a y: - > 1 x 2 bytes;",
	      "field-removed a>a y: 1 x 2 bytes > -;"
	      "field-added a>a x: - > 18446744073709551615 x 2 bytes;");
	gs_text_printf(&text, "%s",
		       "{'vmschkmachine': {'Name': 'none'}, 'a': {'version_id': 1, "
		       "'minimum_version_id': 1, 'Description': {'name': 'a', "
		       "'version_id': 1, 'minimum_version_id': 1, 'Fields': [");
	gs_text_printf(&text, "{'field': '%0*d', 'version_id': 0, 'field_exists': false, 'size': ",
		       1 << 20, 7);
	gs_text_printf(&text, "%s}]}}}", huge);
	a = fake_devstate(text.data);
	b = fake_devstate(UNTOLD(""));
	assert_ok(gs_devstate_diff(a, b, count, counts));
	assert_int_equal(counts[GS_CHANGE_FIELD_REMOVED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_added),
		cmocka_unit_test(test_device_renamed),
		cmocka_unit_test(test_device_shared_name),
		cmocka_unit_test(test_device_without_description),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_fields_gone),
		cmocka_unit_test(test_subsections),
		cmocka_unit_test(test_field_added),
		cmocka_unit_test(test_field_renamed),
		cmocka_unit_test(test_struct_renamed),
		cmocka_unit_test(test_struct_with_subsection),
		cmocka_unit_test(test_field_wrapped),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_field_moved),
		cmocka_unit_test(test_field_size),
		cmocka_unit_test(test_field_num),
		cmocka_unit_test(test_untold),
		cmocka_unit_test(test_field_gate),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_occurrences),
		cmocka_unit_test(test_report_fails),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
