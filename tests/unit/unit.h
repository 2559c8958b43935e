/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all unit tests share: cmocka, assertions on errors, a scratch folder. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

/* @expr returns no error. */
#define assert_ok(expr)                                              \
	do {                                                         \
		struct gs_error *ok_ = (expr);                       \
		if (ok_)                                             \
			fail_msg("%s: \"%s\"", #expr, ok_->message); \
	} while (0)

/* @expr returns an error of this code and with exactly this message (not looked at if NULL). */
#define assert_error(expr, expected_code, expected_message)              \
	do {                                                             \
		gs_autoerror struct gs_error *error_ = (expr);           \
		const char *expected_ = (expected_message);              \
		if (!error_)                                             \
			fail_msg("%s: no error", #expr);                 \
		assert_string_equal(gs_error_code_name(error_->code),    \
				    gs_error_code_name(expected_code));  \
		if (expected_)                                           \
			assert_string_equal(error_->message, expected_); \
	} while (0)

#define assert_os_error(expr, expected_errno)                         \
	do {                                                          \
		gs_autoerror struct gs_error *error_ = (expr);        \
		if (!error_)                                          \
			fail_msg("%s: no error", #expr);              \
		assert_int_equal(error_->code, GS_ERROR_OS);          \
		assert_int_equal(error_->os_errno, (expected_errno)); \
	} while (0)

/* A function that is there once, and is called: none of its calls is inlined. */
#ifdef __clang__
#define unit_one_copy __attribute__((noinline))
#else
#define unit_one_copy __attribute__((noinline, noclone))
#endif

/* An empty folder of the test's own, made the current one. For cmocka's setup and teardown. */
static char unit_scratch[] = "/tmp/guestscope-unit-XXXXXX";

__attribute__((unused)) static int unit_enter_scratch(void **state)
{
	(void)state;
	strcpy(unit_scratch + sizeof(unit_scratch) - 7, "XXXXXX");
	return mkdtemp(unit_scratch) ? chdir(unit_scratch) : -1;
}

__attribute__((unused)) static int unit_leave_scratch(void **state)
{
	char command[sizeof(unit_scratch) + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", unit_scratch);
	return chdir("/") < 0 ? -1 : system(command);
}

#define unit_test_in_scratch(fn) \
	cmocka_unit_test_setup_teardown(fn, unit_enter_scratch, unit_leave_scratch)

#endif
