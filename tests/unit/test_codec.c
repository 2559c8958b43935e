/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of codecs: round trips, the probe, damaged and hostile pages. */
#include <guestscope/base/text.h>
#include <guestscope/codec.h>

#include <zlib.h>

#include "unit.h"

#define PAGE 4096

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void fill_random(uint8_t *page, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		page[i] = (uint8_t)next_random(&seed);
}

static void fill_text(uint8_t *page, size_t size)
{
	for (size_t i = 0; i < size; i++)
		page[i] = (uint8_t) "a page of ordinary text, more or less\n"[(i + i / 777) % 38];
}

static const enum gs_codec compressors[] = {GS_CODEC_ZLIB, GS_CODEC_LZO, GS_CODEC_SNAPPY,
					    GS_CODEC_ZSTD};
#define for_each_compressor(codec)                                                   \
	for (size_t i_ = 0; i_ < sizeof(compressors) / sizeof(compressors[0]); i_++) \
		for (enum gs_codec codec = compressors[i_], once_ = 1; once_; once_ = 0)

static void test_table(void **state)
{
	enum gs_codec found;

	(void)state;
	for (int i = 0; i < GS_CODEC_COUNT; i++) {
		const struct gs_codec_info *info = gs_codec_info(i);

		assert_true(gs_codec_from_name(info->name, &found));
		assert_int_equal(found, i);
		assert_true(gs_codec_from_flag(info->kdump_flag, &found));
		assert_int_equal(found, i);
		assert_true(info->level_min <= info->level_default);
		assert_true(info->level_default <= info->level_max);
	}
	assert_false(gs_codec_from_name("lz4", &found));
	assert_false(gs_codec_from_flag(0x3, &found));
	assert_false(gs_codec_from_flag(0x8, &found));
}

/* crash, makedumpfile and libkdumpfile read our pages by zlib itself, whoever made them. */
static void test_zlib_reads_our_pages(void **state)
{
	const struct gs_codec_info *info = gs_codec_info(GS_CODEC_ZLIB);
	uint8_t page[PAGE], packed[PAGE], again[PAGE];

	(void)state;
	fill_text(page, PAGE);
	for (int level = info->level_min; level <= info->level_max; level++) {
		GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec_state = NULL;
		uLongf again_size = PAGE;
		size_t n;

		assert_ok(gs_codec_state_create(GS_CODEC_ZLIB, level, &codec_state));
		n = gs_codec_compress(codec_state, page, PAGE, packed);
		assert_int_equal(uncompress(again, &again_size, packed, n), Z_OK);
		assert_int_equal(again_size, PAGE);
		assert_memory_equal(again, page, PAGE);
	}
}

static void round_trip(enum gs_codec codec, int level, size_t size)
{
	GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec_state = NULL;
	gs_autofree uint8_t *page = malloc(size), *packed = malloc(size), *again = malloc(size);
	size_t n;

	fill_text(page, size);
	assert_ok(gs_codec_state_create(codec, level, &codec_state));
	n = gs_codec_compress(codec_state, page, size, packed);
	assert_true(n > 0 && n < size);
	assert_ok(gs_codec_decompress(codec, codec_state, packed, n, again, size));
	assert_memory_equal(page, again, size);
	memset(again, 0, size);
	assert_ok(gs_codec_decompress(codec, NULL, packed, n, again, size));
	assert_memory_equal(page, again, size);
	/* The second page of a state is as the first one. */
	assert_int_equal(gs_codec_compress(codec_state, page, size, again), n);
	assert_memory_equal(packed, again, n);
}

static void test_round_trip(void **state)
{
	(void)state;
	for_each_compressor(codec)
	{
		const struct gs_codec_info *info = gs_codec_info(codec);

		for (int level = info->level_min; level <= info->level_max; level++)
			round_trip(codec, level, PAGE);
		for (size_t size = PAGE; size <= GS_CODEC_PAGE_MAX; size *= 4)
			round_trip(codec, 0, size);
	}
}

static void test_levels(void **state)
{
	struct gs_codec_state *codec_state = NULL;

	(void)state;
	assert_error(gs_codec_state_create(GS_CODEC_ZLIB, 13, &codec_state), GS_ERROR_INVALID,
		     "zlib has no level 13, only 1 to 12");
	assert_error(gs_codec_state_create(GS_CODEC_LZO, 3, &codec_state), GS_ERROR_INVALID,
		     "lzo has no levels");
	assert_null(codec_state);
}

/* What does not get smaller is stored raw, found out by the probe or not. */
static void test_incompressible(void **state)
{
	uint8_t page[PAGE], packed[PAGE];

	(void)state;
	for_each_compressor(codec)
	{
		GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec_state = NULL;

		assert_ok(gs_codec_state_create(codec, 0, &codec_state));
		for (uint32_t seed = 0; seed < 200; seed++) {
			fill_random(page, PAGE, seed);
			assert_int_equal(gs_codec_compress(codec_state, page, PAGE, packed), 0);
		}
		/* An eighth of zeros is worth compressing for those that code entropy. */
		memset(page + 1024, 0, 512);
		assert_true(gs_codec_compress(codec_state, page, PAGE, packed) > 0);
	}
}

/* A page that is shorter, longer, cut or followed by something is no page. */
static void test_inexact(void **state)
{
	uint8_t page[PAGE], packed[2 * PAGE], out[PAGE];

	(void)state;
	fill_text(page, PAGE);
	for_each_compressor(codec)
	{
		GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec_state = NULL;
		char *message;
		size_t n;

		assert_ok(gs_codec_state_create(codec, 0, &codec_state));
		n = gs_codec_compress(codec_state, page, PAGE - 6, packed);
		message = NULL;
		assert_true(asprintf(&message, "%s: got 4090 bytes, expected 4096",
				     gs_codec_info(codec)->name) > 0);
		assert_error(gs_codec_decompress(codec, codec_state, packed, n, out, PAGE),
			     GS_ERROR_CORRUPT, message);
		free(message);
		n = gs_codec_compress(codec_state, page, PAGE, packed);
		assert_error(gs_codec_decompress(codec, codec_state, packed, n, out, PAGE - 1),
			     GS_ERROR_CORRUPT, NULL);
		for (size_t cut = 0; cut < n; cut++)
			assert_error(
				gs_codec_decompress(codec, codec_state, packed, cut, out, PAGE),
				GS_ERROR_CORRUPT, NULL);
		packed[n] = 0;
		assert_error(gs_codec_decompress(codec, codec_state, packed, n + 1, out, PAGE),
			     GS_ERROR_CORRUPT, NULL);
		/* and the state is none the worse for it */
		assert_ok(gs_codec_decompress(codec, codec_state, packed, n, out, PAGE));
		assert_memory_equal(page, out, PAGE);
	}
}

static void test_raw(void **state)
{
	uint8_t page[PAGE] = {1}, out[PAGE] = {0};

	(void)state;
	assert_ok(gs_codec_decompress(GS_CODEC_NONE, NULL, page, PAGE, out, PAGE));
	assert_memory_equal(page, out, PAGE);
	assert_error(gs_codec_decompress(GS_CODEC_NONE, NULL, page, 4095, out, PAGE),
		     GS_ERROR_CORRUPT, "raw: got 4095 bytes, expected 4096");
}

/* Flipped bits give an error or some page, and write nothing beyond it. */
static void test_flipped(void **state)
{
	uint8_t page[PAGE], packed[PAGE], out[PAGE + 16];
	uint32_t seed = 1;

	(void)state;
	fill_text(page, PAGE);
	for_each_compressor(codec)
	{
		GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec_state = NULL;
		size_t n;

		assert_ok(gs_codec_state_create(codec, 0, &codec_state));
		n = gs_codec_compress(codec_state, page, PAGE, packed);
		for (int round = 0; round < 2000; round++) {
			gs_autofree uint8_t *damaged = malloc(n); /* exact, for the sanitizer */
			size_t flips = 1 + next_random(&seed) % 4;

			memcpy(damaged, packed, n);
			while (flips--)
				damaged[next_random(&seed) % n] ^=
					(uint8_t)(1u << next_random(&seed) % 8);
			memset(out + PAGE, 0x5a, 16);
			gs_error_destroy(
				gs_codec_decompress(codec, codec_state, damaged, n, out, PAGE));
			for (size_t i = 0; i < 16; i++)
				assert_int_equal(out[PAGE + i], 0x5a);
		}
	}
}

static void check_packed(const void *data, size_t size)
{
	gs_autofree char *too_long = gs_strf("holds more than %zu bytes", size - 1);
	gs_autofree char *packed = NULL, *unpacked = NULL;
	size_t packed_size, unpacked_size = 0;

	assert_ok(gs_pack_xz(data, size, &packed, &packed_size));
	assert_ok(gs_unpack(packed, packed_size, size, &unpacked, &unpacked_size));
	assert_int_equal(unpacked_size, size);
	assert_memory_equal(unpacked, data, size);
	if (size > 0)
		assert_error(gs_unpack(packed, packed_size, size - 1, &unpacked, &unpacked_size),
			     GS_ERROR_CORRUPT, too_long);
}

static void test_packed(void **state)
{
	static uint8_t data[100000];

	(void)state;
	check_packed(data, 0);
	check_packed(data, sizeof(data));
	fill_random(data, sizeof(data), 1);
	check_packed(data, 1);
	check_packed(data, sizeof(data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),          cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_levels),         cmocka_unit_test(test_raw),
		cmocka_unit_test(test_incompressible), cmocka_unit_test(test_inexact),
		cmocka_unit_test(test_flipped),        cmocka_unit_test(test_zlib_reads_our_pages),
		cmocka_unit_test(test_packed),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
