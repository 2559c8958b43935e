/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of any memory that could be opened, however damaged its file is: ranges are in
 * order; extents move on and say what reading then gives; reading twice gives the same twice; and a
 * page source covers the ranges. Looks at the start of everything that is too long.
 */
#ifndef TESTS_FUZZ_MEMORY_PROPERTY_H
#define TESTS_FUZZ_MEMORY_PROPERTY_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/dump.h>

#define PROPERTY_READ ((size_t)64 << 10)
#define PROPERTY_STEPS 400

static enum gs_error_code property_read(struct gs_memory *mem, gs_gpa_t gpa, uint8_t *buf,
					size_t size)
{
	gs_autoerror struct gs_error *err = gs_memory_read(mem, gpa, buf, size);

	assert(!err || err->code == GS_ERROR_NODATA || err->code == GS_ERROR_CORRUPT);
	assert(!err || strstr(err->message, mem->name) == err->message);
	return err ? err->code : 0;
}

static void property_extent(struct gs_memory *mem, gs_gpa_t gpa, enum gs_extent kind, size_t size)
{
	static uint8_t once[PROPERTY_READ], twice[PROPERTY_READ];
	enum gs_error_code code = property_read(mem, gpa, once, size);

	assert(property_read(mem, gpa, twice, size) == code);
	assert(code || !memcmp(once, twice, size));
	if (kind == GS_EXTENT_ZERO)
		assert(!code && gs_is_zero(once, size));
	if (kind == GS_EXTENT_EXCLUDED)
		assert(code == GS_ERROR_NODATA);
	if (kind == GS_EXTENT_DATA)
		assert(code != GS_ERROR_NODATA);
}

/* How a page is said to be stored is how it reads. */
static void property_stored(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t end)
{
	static uint8_t page[GS_CODEC_PAGE_MAX];
	struct gs_stored_page stored[8];
	uint64_t size = mem->attrs.page_size;
	size_t count = (end - gpa) / size < 8 ? (end - gpa) / size : 8;
	gs_autoerror struct gs_error *err = NULL;

	if (!gs_dump_stores_pages(mem) || gpa % size)
		return;
	err = gs_dump_stored_pages(mem, gpa, count, stored);
	for (size_t i = 0; i < count && !err; i++) {
		enum gs_error_code code = property_read(mem, gpa + i * size, page, size);

		assert((stored[i].storage == GS_STORAGE_NONE) == (code == GS_ERROR_NODATA));
		assert(stored[i].storage != GS_STORAGE_DAMAGED || code == GS_ERROR_CORRUPT);
		if (stored[i].storage == GS_STORAGE_ZERO)
			assert(!code && gs_is_zero(page, size));
		if (stored[i].storage == GS_STORAGE_OWN)
			assert(stored[i].bytes && stored[i].bytes <= size);
	}
}

static void property_extents(struct gs_memory *mem)
{
	int steps = PROPERTY_STEPS;

	for (size_t i = 0; i < mem->range_count && steps; i++) {
		gs_gpa_t gpa = mem->ranges[i].start, end = gpa + mem->ranges[i].size, next;

		assert(mem->ranges[i].size && end > gpa && end <= GS_GPA_MAX);
		assert(!i || gpa > mem->ranges[i - 1].start + mem->ranges[i - 1].size);
		for (; gpa < end && steps; steps--, gpa = next) {
			gs_autoerror struct gs_error *err = NULL;
			enum gs_extent kind;

			err = gs_memory_extent(mem, gpa, &kind, &next);
			if (err) {
				assert(err->code == GS_ERROR_CORRUPT);
				break;
			}
			assert(next > gpa && next <= end && kind != GS_EXTENT_HOLE);
			property_extent(mem, gpa, kind,
					next - gpa < PROPERTY_READ ? next - gpa : PROPERTY_READ);
			property_stored(mem, gpa, next);
		}
	}
}

static void property_source(struct gs_page_source *src)
{
	struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_gpa_t last = 0;
	bool end = false;

	chunk->buffer = aligned_alloc(4096, GS_CHUNK_BYTES);
	for (int steps = PROPERTY_STEPS; steps; steps--) {
		gs_autoerror struct gs_error *err = gs_page_source_next(src, chunk, &end);

		if (err || end)
			break;
		assert(chunk->size && chunk->gpa >= last);
		assert(chunk->kind != GS_EXTENT_DATA || chunk->size <= GS_CHUNK_BYTES);
		last = chunk->gpa + chunk->size;
		err = gs_page_source_load(src, chunk);
		assert(err || !chunk->data == (chunk->kind != GS_EXTENT_DATA));
	}
	free(chunk->buffer);
	free(chunk);
}

static void property_memory(struct gs_memory *mem)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;

	assert(gs_dump_facts(mem));
	property_extents(mem);
	if (!gs_memory_source(mem, NULL, 0, &src))
		property_source(src);
}

/* Open the input as whatever it is and look at all of it. */
static void property_dump(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	gs_autoerror struct gs_error *err = NULL;
	struct gs_blob *blob = NULL;

	err = gs_blob_from_buffer("input", data, size, &blob);
	assert(!err);
	err = gs_dump_open_blob(blob, NULL, &mem);
	if (!err) {
		property_memory(mem);
		return;
	}
	assert(strstr(err->message, "input: ") == err->message);
	gs_blob_destroy(blob);
}

#endif
