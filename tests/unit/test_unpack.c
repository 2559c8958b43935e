/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed files: content and limits. */
#include <lzma.h>

#include <guestscope/codec.h>

#include "unit.h"

#define CONTENT "what is in it"

/* CONTENT as xz packs it, behind what is in @packed already. */
static void append_xz(uint8_t *packed, size_t capacity, size_t *size)
{
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL,
						 (const uint8_t *)CONTENT, strlen(CONTENT), packed,
						 size, capacity),
			 LZMA_OK);
}

static void test_xz(void **state)
{
	gs_autofree char *content = NULL, *both = NULL;
	uint8_t packed[512];
	size_t packed_size = 0, size = 0;

	(void)state;
	append_xz(packed, sizeof(packed), &packed_size);
	assert_ok(gs_unpack(packed, packed_size, strlen(CONTENT), &content, &size));
	assert_int_equal(size, strlen(CONTENT));
	assert_string_equal(content, CONTENT);
	/* As by `cat a.xz b.xz`. */
	append_xz(packed, sizeof(packed), &packed_size);
	assert_ok(gs_unpack(packed, packed_size, 100, &both, &size));
	assert_string_equal(both, CONTENT CONTENT);
}

static void test_refused(void **state)
{
	char *content = NULL;
	uint8_t packed[512];
	size_t packed_size = 0, size = 7;

	(void)state;
	append_xz(packed, sizeof(packed), &packed_size);
	assert_error(gs_unpack(packed, packed_size, strlen(CONTENT) - 1, &content, &size),
		     GS_ERROR_CORRUPT, "holds more than 12 bytes");
	assert_error(gs_unpack(packed, packed_size - 1, 100, &content, &size), GS_ERROR_CORRUPT,
		     "xz: it is cut off");
	packed[packed_size / 2] ^= 0xff;
	assert_error(gs_unpack(packed, packed_size, 100, &content, &size), GS_ERROR_CORRUPT,
		     "xz: damaged data");
	assert_null(content);
	assert_int_equal(size, 7);
}

/* What nobody packed is nobody's mistake. */
static void test_plain(void **state)
{
	char *content = NULL;
	size_t size = 7;

	(void)state;
	assert_ok(gs_unpack("{}", 2, 100, &content, &size));
	assert_ok(gs_unpack("", 0, 100, &content, &size));
	assert_null(content);
	assert_int_equal(size, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xz),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
