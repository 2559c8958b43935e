/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error object. */
#include <errno.h>

#include "unit.h"

static void test_create(void **state)
{
	struct gs_error *err = gs_error_create(GS_ERROR_CORRUPT, "page %d: bad", 3);

	(void)state;
	assert_int_equal(err->code, GS_ERROR_CORRUPT);
	assert_int_equal(err->os_errno, 0);
	assert_string_equal(err->message, "page 3: bad");
	gs_error_destroy(err);
}

static void test_os(void **state)
{
	struct gs_error *err = gs_error_os(ENOSPC, "/tmp/%s", "x");

	(void)state;
	assert_int_equal(err->code, GS_ERROR_OS);
	assert_int_equal(err->os_errno, ENOSPC);
	assert_string_equal(err->message, "/tmp/x: No space left on device");
	gs_error_destroy(err);
}

static void test_wrap(void **state)
{
	(void)state;
	assert_error(gs_error_wrap(gs_error_wrap(gs_error_create(GS_ERROR_BUSY, "inner"), "%d", 7),
				   "outer"),
		     GS_ERROR_BUSY, "outer: 7: inner");
	assert_null(gs_error_wrap(NULL, "nothing"));
}

static void test_wrap_keeps_errno(void **state)
{
	struct gs_error *err = gs_error_wrap(gs_error_os(EPIPE, "a"), "b");

	(void)state;
	assert_int_equal(err->os_errno, EPIPE);
	gs_error_destroy(err);
}

static void test_nomem_is_static(void **state)
{
	struct gs_error *err = gs_error_nomem();

	(void)state;
	assert_int_equal(err->code, GS_ERROR_NOMEM);
	assert_ptr_equal(gs_error_wrap(err, "wrapped"), err);
	assert_string_equal(err->message, "out of memory");
	gs_error_destroy(err);
	gs_error_destroy(gs_error_nomem());
}

static void test_message_is_one_printable_line(void **state)
{
	(void)state;
	assert_error(gs_error_create(GS_ERROR_CORRUPT, "%s", "a\nb\033[31mc\x7f \xc3\xa4"),
		     GS_ERROR_CORRUPT, "a?b?[31mc? \xc3\xa4");
	assert_error(gs_error_wrap(gs_error_create(GS_ERROR_CORRUPT, "x"), "y\r"), GS_ERROR_CORRUPT,
		     "y?: x");
}

static void test_code_names(void **state)
{
	(void)state;
	for (int code = GS_ERROR_OS; code <= GS_ERROR_GONE; code++)
		assert_string_not_equal(gs_error_code_name((enum gs_error_code)code), "unknown");
	assert_string_equal(gs_error_code_name(GS_ERROR_GONE), "gone");
	assert_string_equal(gs_error_code_name((enum gs_error_code)0), "unknown");
	assert_string_equal(gs_error_code_name((enum gs_error_code)(GS_ERROR_GONE + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_os),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_wrap_keeps_errno),
		cmocka_unit_test(test_nomem_is_static),
		cmocka_unit_test(test_message_is_one_printable_line),
		cmocka_unit_test(test_code_names),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
