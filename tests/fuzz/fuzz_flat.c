/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flattened files: the view has the bytes that applying the records one by one gives, and says
 * where its gaps are; and whatever dump is inside is a sound memory.
 */
#include "memory_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MODEL_MAX ((uint64_t)1 << 20)
#define START_SIZE 4096
#define RECORD_SIZE 16

/* What the file is, as far as MODEL_MAX. */
static uint8_t *apply_records(const uint8_t *data, uint64_t *size_ret)
{
	uint8_t *model = calloc(1, MODEL_MAX);

	*size_ret = 0;
	for (const uint8_t *at = data + START_SIZE;; at += RECORD_SIZE) {
		uint64_t off = gs_get_u64(at, true), size = gs_get_u64(at + 8, true);

		if (off == UINT64_MAX)
			return model;
		if (off < MODEL_MAX)
			memcpy(model + off, at + RECORD_SIZE,
			       size < MODEL_MAX - off ? size : MODEL_MAX - off);
		if (off + size > *size_ret)
			*size_ret = off + size;
		at += size;
	}
}

static void check_gaps(struct gs_blob *flat, const uint8_t *model, uint64_t size)
{
	uint64_t data_off, data_end;

	for (uint64_t off = 0; off < size; off = data_end) {
		assert(!gs_blob_next_data(flat, off, &data_off, &data_end));
		assert(data_off >= off && (data_end > data_off || data_off == flat->size));
		if (data_off > size)
			data_off = size;
		assert(gs_is_zero(model + off, data_off - off));
	}
}

static void check_view(struct gs_blob *flat, const uint8_t *data)
{
	uint64_t expected_size, size;
	gs_autofree uint8_t *model = apply_records(data, &expected_size);
	gs_autofree uint8_t *view = malloc(MODEL_MAX);

	assert(flat->size == expected_size);
	size = flat->size < MODEL_MAX ? flat->size : MODEL_MAX;
	assert(!gs_blob_read(flat, "view", 0, view, size));
	assert(!memcmp(view, model, size));
	for (uint64_t off = 1; off < size; off *= 3) { /* and in odd pieces */
		uint64_t n = size - off < off ? size - off : off;

		assert(!gs_blob_read(flat, "view", off, view, n));
		assert(!memcmp(view, model + off, n));
	}
	check_gaps(flat, model, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autoerror struct gs_error *err = NULL;
	struct gs_blob *blob = NULL, *flat = NULL;

	err = gs_blob_from_buffer("input", data, size, &blob);
	assert(!err);
	err = gs_flat_open(blob, NULL, &flat);
	if (!err)
		check_view(flat, data);
	gs_blob_destroy(err ? blob : flat);
	property_dump(data, size);
	return 0;
}
