/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of it when one saves and the other loads: devices, sections and subsections. */
#include "fake_about.h"
#include "fake_check.h"

#define NAMED(type, name, version, minimum, more)                                           \
	"'" type "': {'Name': '" type "', 'version_id': 1, "                                \
	"'minimum_version_id': 1, 'Description': " FAKE_DESCRIPTION(name, version, minimum, \
								    more) "},"
#define X ", 'Fields': [" F("x", "4") "]"

/* ---- devices ---- */

static void test_same(void **unused)
{
	(void)unused;
	check(FIELDS(F("x", "4")), FIELDS(F("x", "4")), "OK", "OK");
}

static void test_machine(void **unused)
{
	static const char machine[] = "{'vmschkmachine': {'Name': 'pc'}}";

	(void)unused;
	check(machine, "{'vmschkmachine': {'Name': 'q35'}}", "OK", "OK");
}

static void test_device_gone(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", "1", "1", X)), TELLING(""),
	      "CONDITIONAL if used a; CONDITIONAL a:device-gone if used a",
	      "INFO; INFO a:device-new");
}

static void test_type_renamed(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", "1", "1", X)), TELLING(NAMED("b", "n", "1", "1", X)),
	      "INFO; INFO a:type", "INFO; INFO a:type");
}

/* Of those with the same name in a stream, the one with the same fields. */
static void test_type_renamed_of_several(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("o", "v", "1", "1", X)),
	      TELLING(NAMED("m", "v", "1", "1", ", 'Fields': [" F("x", "4") "," F("y", "4") "]")
			      NAMED("n", "v", "1", "1", X)),
	      "INFO, INFO; INFO m:device-new; INFO o:type",
	      "CONDITIONAL if used m, INFO; CONDITIONAL m:device-gone if used m; INFO o:type");
}

static void test_section_renamed(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", "1", "1", X)), TELLING(NAMED("a", "m", "1", "1", X)),
	      "BREAK; BREAK a:name", "BREAK; BREAK a:name");
}

static void test_unmigratable(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", "0", "0", "")), TELLING(NAMED("a", "n", "0", "0", X)),
	      "INFO; INFO a:unmigratable", "BREAK; BREAK a:unmigratable");
	check(TELLING(NAMED("a", "n", "0", "0", "")), TELLING(NAMED("a", "m", "0", "0", "")), "OK",
	      "OK");
	check(TELLING(NAMED("a", "n", "0", "0", "")), TELLING(""), "INFO; INFO a:unmigratable",
	      "INFO; INFO a:device-new");
}

static void test_used(void **unused)
{
	const char *const used[] = {"a", "b"};
	struct gs_check_options options = {.used = used, .used_count = 2};

	(void)unused;
	check_with(TELLING(NAMED("a", "n", "1", "1", X) NAMED("c", "c", "1", "1", X)), TELLING(""),
		   &options, "BREAK, UNKNOWN; BREAK a:device-gone; UNKNOWN b:not-in-dump",
		   "INFO, UNKNOWN; INFO a:device-new; UNKNOWN b:not-in-dump");
}

/* The other one has the device as well: what it sends of it, or loads, it does not tell. */
static void test_stateless(void **unused)
{
	static const char types[] = "{'format': 1, 'types': {'abstract': {}, 'real': {'a': null}, "
				    "'missing': {}}}";
	auto_about struct gs_about *before = fake_about(types), *after = fake_about(types);
	const char *const used[] = {"a"};
	struct gs_check_options options = {.about_before = before, .about_after = after};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		check_with(TELLING(NAMED("a", "n", "1", "1", X)), TELLING(""), &options,
			   "UNKNOWN; UNKNOWN a:not-in-dump", "UNKNOWN; UNKNOWN a:not-in-dump");
		options.used = used;
		options.used_count = 1;
	}
	check_with(TELLING(NAMED("a", "n", "0", "0", "")), TELLING(""), &options,
		   "INFO; INFO a:unmigratable", "BREAK; BREAK a:unmigratable");
}

/* ---- versions ---- */

static void test_version(void **unused)
{
	(void)unused;
	check(TELLING(NAMED("a", "n", "2", "2", X)), TELLING(NAMED("a", "n", "3", "2", X)), "OK",
	      "BREAK; BREAK a:version-above @0");
	check(TELLING(NAMED("a", "n", "2", "2", X)), TELLING(NAMED("a", "n", "3", "3", X)),
	      "BREAK; BREAK a:version-below @0", "BREAK; BREAK a:version-above @0");
}

/* ---- subsections ---- */

static void test_subsection_added(void **unused)
{
	(void)unused;
	check(SUBSECTIONS(F("x", "4"), ""), SUBSECTIONS(F("x", "4"), SUB("a/s", F("y", "4"))),
	      "INFO; INFO a/[a/s]:subsection-new",
	      "CONDITIONAL if [a/s]; CONDITIONAL a/[a/s]:subsection-gone if [a/s] @0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_device_gone),
		cmocka_unit_test(test_type_renamed),
		cmocka_unit_test(test_type_renamed_of_several),
		cmocka_unit_test(test_section_renamed),
		cmocka_unit_test(test_unmigratable),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_stateless),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_subsection_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
