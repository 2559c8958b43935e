/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of a kdump file. */
#include <string.h>

#include "formats.h"
#include "kdump_index.h"
#include "kdump_parse.h"

bool gs_kdump_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES])
{
	return !memcmp(magic, KDUMP_SIGNATURE, KDUMP_SIGNATURE_SIZE);
}

bool gs_diskdump_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES])
{
	return !memcmp(magic, "DISKDUMP", KDUMP_SIGNATURE_SIZE);
}

static void decode_header(struct gs_kdump_headers *h)
{
	const struct gs_field *fields = gs_kdump_header_fields(h->shape);

	for (int i = 0; i < KDUMP_HEADER_FIELD_COUNT; i++)
		h->header[i] = gs_field_get(&fields[i], h->raw, h->big_endian);
	h->block_size = (uint32_t)h->header[KDUMP_BLOCK_SIZE];
}

static void decode_sub(struct gs_kdump_headers *h, const uint8_t *raw)
{
	const struct gs_field *fields = gs_kdump_sub_fields(h->shape);

	for (int i = 0; i < KDUMP_SUB_FIELD_COUNT; i++) {
		bool present = fields[i].since <= h->header[KDUMP_HEADER_VERSION];

		h->sub[i] = present ? gs_field_get(&fields[i], raw, h->big_endian) : 0;
	}
}

/* NULL or what is wrong; @field_ret says with which field. */
static const char *check_header(const struct gs_kdump_headers *h, uint64_t file_size,
				enum kdump_header_field *field_ret)
{
	uint64_t block_size = h->block_size;
	uint64_t blocks = file_size / (block_size ? block_size : 1);
	uint64_t bitmap_blocks = h->header[KDUMP_BITMAP_BLOCKS];

	*field_ret = KDUMP_HEADER_VERSION;
	if (h->header[KDUMP_HEADER_VERSION] > KDUMP_VERSION_MAX)
		return "expected 0 to 6";
	*field_ret = KDUMP_BLOCK_SIZE;
	if (block_size < KDUMP_BLOCK_SIZE_MIN || block_size > KDUMP_BLOCK_SIZE_MAX ||
	    (block_size & (block_size - 1)))
		return "expected a power of two from 4096 to 262144";
	*field_ret = KDUMP_SUB_HDR_SIZE;
	if (!h->header[KDUMP_SUB_HDR_SIZE])
		return "expected at least 1";
	if (h->header[KDUMP_SUB_HDR_SIZE] >= blocks)
		return "blocks of this size end behind the file";
	*field_ret = KDUMP_BITMAP_BLOCKS;
	if (!bitmap_blocks)
		return "expected at least 1";
	if (bitmap_blocks > blocks - 1 - h->header[KDUMP_SUB_HDR_SIZE])
		return "blocks of this size end behind the file";
	*field_ret = KDUMP_MAX_MAPNR;
	if (h->header[KDUMP_MAX_MAPNR] > bitmap_blocks * block_size * 8)
		return "pages do not fit into the bitmaps";
	return NULL;
}

static struct gs_error *header_error(const struct gs_blob *blob, const struct gs_kdump_headers *h,
				     enum kdump_header_field field, const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT, "%s: header (%s-bit, %s endian): %s %llu: %s",
			       blob->name, h->shape == KDUMP_SHAPE_64 ? "64" : "32",
			       h->big_endian ? "big" : "little",
			       gs_kdump_header_fields(h->shape)[field].name,
			       (unsigned long long)h->header[field], problem);
}

/* How far an unsound header can be believed: for the error message only. */
static int likelihood(const struct gs_kdump_headers *h)
{
	const char *machine =
		(const char *)h->raw + KDUMP_UTSNAME_OFF + GS_UTS_MACHINE * GS_UTSNAME_SIZE;
	char name[GS_UTSNAME_SIZE + 1] = {0};
	enum gs_arch arch;
	int score = 0;

	memcpy(name, machine, GS_UTSNAME_SIZE);
	arch = gs_arch_from_name(name);
	if (h->header[KDUMP_HEADER_VERSION] <= KDUMP_VERSION_MAX)
		score += 4;
	if (arch == GS_ARCH_UNKNOWN ? h->shape == KDUMP_SHAPE_64
				    : gs_arch_info(arch)->is_64bit == (h->shape == KDUMP_SHAPE_64))
		score += 2;
	return score + !h->big_endian;
}

static struct gs_error *guess_header(struct gs_blob *blob, struct gs_kdump_headers *h)
{
	enum kdump_header_field field, best_field = KDUMP_BLOCK_SIZE;
	const char *best_problem = NULL;
	struct gs_kdump_headers best = *h;
	int best_likelihood = -1;

	for (int i = 0; i < 4; i++) {
		const char *problem;

		h->shape = i < 2 ? KDUMP_SHAPE_64 : KDUMP_SHAPE_32_PACKED;
		h->big_endian = i % 2;
		decode_header(h);
		problem = check_header(h, blob->size, &field);
		if (!problem)
			return NULL;
		if (likelihood(h) > best_likelihood) {
			best_likelihood = likelihood(h);
			best = *h;
			best_problem = problem;
			best_field = field;
		}
	}
	return header_error(blob, &best, best_field, best_problem);
}

/* A place that the sub header names; absent ones are fine. */
static bool lies_in_file(const struct gs_kdump_headers *h, int offset_field, uint64_t file_size)
{
	uint64_t off = h->sub[offset_field], size = h->sub[offset_field + 1];

	return !size || (off >= h->block_size && off <= file_size && size <= file_size - off);
}

static const int places[] = {KDUMP_OFFSET_VMCOREINFO, KDUMP_OFFSET_NOTE, KDUMP_OFFSET_ERASEINFO};

static uint64_t max_mapnr_of(const struct gs_kdump_headers *h)
{
	return h->header[KDUMP_HEADER_VERSION] >= 6 ? h->sub[KDUMP_MAX_MAPNR_64]
						    : h->header[KDUMP_MAX_MAPNR];
}

/* How many things are wrong with a sub header that was read in a certain shape. */
static int count_oddities(const struct gs_kdump_headers *h, uint64_t file_size)
{
	uint64_t max_mapnr = max_mapnr_of(h), clamped = h->header[KDUMP_MAX_MAPNR];
	int count = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		count += !lies_in_file(h, places[i], file_size);
	count += h->sub[KDUMP_SPLIT] > 1;
	count += max_mapnr != clamped && (clamped != UINT32_MAX || max_mapnr < clamped);
	return count;
}

/* Packed and padded 32-bit sub headers are told apart by which of them makes more sense. */
static struct gs_error *read_sub(struct gs_blob *blob, struct gs_kdump_headers *h)
{
	int version = (int)h->header[KDUMP_HEADER_VERSION];
	uint8_t raw[KDUMP_SUB_BYTES_MAX];
	struct gs_error *err = gs_blob_read(blob, "sub header", h->block_size, raw,
					    gs_kdump_sub_bytes(KDUMP_SHAPE_64, version));
	int packed_oddities;

	if (err)
		return err;
	decode_sub(h, raw);
	if (h->shape == KDUMP_SHAPE_64)
		return NULL;
	packed_oddities = count_oddities(h, blob->size);
	h->shape = KDUMP_SHAPE_32_PADDED;
	decode_sub(h, raw);
	if (packed_oddities <= count_oddities(h, blob->size)) {
		h->shape = KDUMP_SHAPE_32_PACKED;
		decode_sub(h, raw);
	}
	return NULL;
}

static struct gs_error *check_places(const struct gs_blob *blob, const struct gs_kdump_headers *h)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct gs_field *field = &gs_kdump_sub_fields(h->shape)[places[i]];

		if (!lies_in_file(h, places[i], blob->size))
			return gs_error_create(
				GS_ERROR_CORRUPT,
				"%s: sub header: %s 0x%llx + %llu is outside of the file (0x%llx)",
				blob->name, field->name, (unsigned long long)h->sub[places[i]],
				(unsigned long long)h->sub[places[i] + 1],
				(unsigned long long)blob->size);
	}
	return NULL;
}

static struct gs_error *derive_split(const struct gs_blob *blob, struct gs_kdump_headers *h)
{
	bool wide = h->header[KDUMP_HEADER_VERSION] >= 6;

	h->split = h->sub[KDUMP_SPLIT];
	h->start_pfn = 0;
	h->end_pfn = h->max_mapnr;
	if (!h->split)
		return NULL;
	h->start_pfn = h->sub[wide ? KDUMP_START_PFN_64 : KDUMP_START_PFN];
	h->end_pfn = h->sub[wide ? KDUMP_END_PFN_64 : KDUMP_END_PFN];
	if (h->end_pfn > h->max_mapnr)
		h->end_pfn = h->max_mapnr;
	if (h->start_pfn > h->end_pfn)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: sub header: start_pfn 0x%llx is behind end_pfn 0x%llx",
				       blob->name, (unsigned long long)h->start_pfn,
				       (unsigned long long)h->end_pfn);
	return NULL;
}

/* Where everything is. check_header() has made sure that the bitmaps are in the file. */
static struct gs_error *derive(const struct gs_blob *blob, struct gs_kdump_headers *h)
{
	uint64_t bitmap_blocks = h->header[KDUMP_BITMAP_BLOCKS];
	uint64_t map_bits = (uint64_t)h->block_size * 8;
	uint64_t map_blocks;

	h->max_mapnr = max_mapnr_of(h);
	map_blocks = h->max_mapnr / map_bits + !!(h->max_mapnr % map_bits);
	if (!h->max_mapnr || map_blocks > bitmap_blocks)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: sub header: max_mapnr 0x%llx, expected 1 to 0x%llx: "
				       "%llu bitmap blocks have no more bits",
				       blob->name, (unsigned long long)h->max_mapnr,
				       (unsigned long long)(bitmap_blocks * map_bits),
				       (unsigned long long)bitmap_blocks);
	if (h->max_mapnr > KDUMP_PAGES_MAX || h->max_mapnr > GS_GPA_MAX / h->block_size)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: max_mapnr 0x%llx is beyond the limit of 0x%llx pages",
				       blob->name, (unsigned long long)h->max_mapnr,
				       (unsigned long long)KDUMP_PAGES_MAX);
	h->bitmap1_off = (1 + h->header[KDUMP_SUB_HDR_SIZE]) * h->block_size;
	h->bitmap2_off = h->bitmap1_off;
	if (bitmap_blocks >= 2 * map_blocks)
		h->bitmap2_off += bitmap_blocks / 2 * h->block_size;
	h->table_off = h->bitmap1_off + bitmap_blocks * h->block_size;
	return derive_split(blob, h);
}

struct gs_error *gs_kdump_parse(struct gs_blob *blob, struct gs_kdump_headers *h)
{
	struct gs_error *err;

	*h = (struct gs_kdump_headers){0};
	err = gs_blob_read(blob, "header", 0, h->raw, sizeof(h->raw));
	if (!err && !gs_kdump_probe(h->raw))
		err = gs_error_create(GS_ERROR_CORRUPT, "%s: header: signature is not \"%s\"",
				      blob->name, KDUMP_SIGNATURE);
	if (!err)
		err = guess_header(blob, h);
	if (!err)
		err = read_sub(blob, h);
	if (!err)
		err = check_places(blob, h);
	return err ? err : derive(blob, h);
}
