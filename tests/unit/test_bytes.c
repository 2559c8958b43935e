/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte order, the zero test, the cursor, field tables. */
#include <guestscope/base/bytes.h>

#include "unit.h"

static void test_uint_round_trip(void **state)
{
	static const size_t widths[] = {1, 2, 4, 8};
	static const uint8_t little[] = {0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
	uint64_t v = 0x0123456789abcdef;
	uint8_t buf[8];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t width = widths[i];
		uint64_t low = width == 8 ? v : v & ((UINT64_C(1) << (8 * width)) - 1);

		gs_put_uint(buf, v, width, false);
		assert_memory_equal(buf, little, width);
		assert_int_equal(gs_get_uint(buf, width, false), low);
		gs_put_uint(buf, v, width, true);
		for (size_t j = 0; j < width; j++)
			assert_int_equal(buf[j], little[width - 1 - j]);
		assert_int_equal(gs_get_uint(buf, width, true), low);
	}
}

/* Every size and misalignment around the vector strides, with the one odd byte everywhere. */
static void test_is_zero(void **state)
{
	static uint8_t buf[700];

	(void)state;
	for (size_t start = 0; start < 20; start++) {
		for (size_t size = 0; size < 300; size++) {
			buf[start + size] = 1; /* just behind */
			assert_true(gs_is_zero(buf + start, size));
			buf[start + size] = 0;
		}
	}
	for (size_t size = 1; size < 600; size += 37) {
		for (size_t at = 0; at < size; at++) {
			buf[3 + at] = 0x80;
			assert_false(gs_is_zero(buf + 3, size));
			buf[3 + at] = 0;
		}
	}
}

static void test_cursor_reads(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct gs_cursor c = {.data = data, .size = sizeof(data), .big_endian = true};
	const uint8_t *rest;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_ok(gs_cursor_u8(&c, "a", &u8));
	assert_ok(gs_cursor_u16(&c, "b", &u16));
	assert_ok(gs_cursor_u32(&c, "c", &u32));
	assert_ok(gs_cursor_u64(&c, "d", &u64));
	assert_int_equal(u8, 1);
	assert_int_equal(u16, 0x0203);
	assert_int_equal(u32, 0x04050607);
	assert_int_equal(u64, 0x08090a0b0c0d0e0f);
	assert_int_equal(gs_cursor_left(&c), 1);
	assert_ok(gs_cursor_bytes(&c, "e", 1, &rest));
	assert_ptr_equal(rest, data + 15);
	assert_ok(gs_cursor_skip(&c, "f", 0));
}

static void test_cursor_reads_whole_or_not(void **state)
{
	static const uint8_t data[3] = {1, 2, 3};
	struct gs_cursor c = {.data = data, .size = sizeof(data), .pos = 1, .data_off = 0x1000};
	uint32_t u32 = 42;
	uint16_t u16;

	(void)state;
	assert_error(gs_cursor_u32(&c, "block_size", &u32), GS_ERROR_CORRUPT,
		     "block_size at 0x1001: need 4 bytes, 2 left");
	assert_int_equal(u32, 42);
	assert_int_equal(c.pos, 1);
	assert_error(gs_cursor_skip(&c, "desc", SIZE_MAX), GS_ERROR_CORRUPT, NULL);
	assert_ok(gs_cursor_u16(&c, "x", &u16));
	assert_int_equal(u16, 0x0302);
}

static void test_fields(void **state)
{
	static const struct gs_field present = {"nr", 2, 4, 1}, absent = {"gone", 0, 0, 9};
	uint8_t record[6] = {0};

	(void)state;
	gs_field_put(&present, record, 0x11223344, true);
	gs_field_put(&absent, record, UINT64_MAX, true);
	assert_memory_equal(record, "\0\0\x11\x22\x33\x44", 6);
	assert_int_equal(gs_field_get(&present, record, false), 0x44332211);
	assert_int_equal(gs_field_get(&absent, record, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uint_round_trip),
		cmocka_unit_test(test_is_zero),
		cmocka_unit_test(test_cursor_reads),
		cmocka_unit_test(test_cursor_reads_whole_or_not),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
