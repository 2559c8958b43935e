/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How foreign readers are called. (What they object to is shown by opening files: tests/tools.) */
#include <guestscope/job.h>

#include "unit.h"

static void assert_command(const char *name, const struct gs_reader_call *call,
			   const char *const *expected)
{
	const struct gs_reader *reader = gs_reader_find(name);
	gs_autofree char **argv = NULL;
	size_t i;

	assert_non_null(reader);
	assert_non_null(gs_format_find(reader->format));
	assert_ok(gs_reader_command(reader, call, &argv));
	for (i = 0; expected[i]; i++)
		assert_string_equal(argv[i], expected[i]);
	assert_null(argv[i]);
}

static void test_commands(void **state)
{
	static const char *const paths[] = {"a dump", "part 2", NULL};
	static const char *const more[] = {"-q", "", NULL};
	struct gs_reader_call call = {.paths = paths,
				      .vmlinux = "/a 'path'/vm\\linux",
				      .kernel_offset = 0x1800000,
				      .arguments = more};

	(void)state;
	assert_command("crash", &call,
		       (const char *[]){"crash", "/a 'path'/vm\\linux", "a dump", "part 2", "-q",
					"", NULL});
	assert_command("drgn", &call,
		       (const char *[]){"drgn", "-c", "a dump", "-s", "/a 'path'/vm\\linux", "-q",
					"", NULL});
	assert_command("gdb", &call,
		       (const char *[]){"gdb", "-ex",
					"symbol-file -o 0x1800000 /a\\ \\'path\\'/vm\\\\linux",
					"-ex", "core-file a dump", "-q", "", NULL});
	call.vmlinux = NULL;
	call.arguments = NULL;
	assert_command("drgn", &call, (const char *[]){"drgn", "-c", "a dump", NULL});
	assert_command("gdb", &call, (const char *[]){"gdb", "-ex", "core-file a dump", NULL});
	assert_null(gs_reader_find("volatility"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands)};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
