/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bitmaps of a kdump file: bit n is page n, the lowest bit of a byte first. Bitmap 1 says which
 * pages are RAM, bitmap 2 which of them have a descriptor. Read a block at a time, and not at all
 * where the file has holes.
 */
#include "verify_kdump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include <guestscope/base/bytes.h>

#define BLOCK_BYTES (128 * BITS_STEP_BYTES)

struct gs_error *gs_verify_bits_open(const struct kdump_head *h, struct kdump_bits *ret)
{
	uint64_t blocks = gs_verify_main_field(h, MAIN_BITMAP_BLOCKS);
	uint64_t need = h->max_mapnr / 8 + (h->max_mapnr % 8 != 0);
	bool two = blocks >= 2 * (need / h->block_size + (need % h->block_size != 0));

	*ret = (struct kdump_bits){.blob = h->blob,
				   .off = {h->tables_off, h->tables_off},
				   .bytes = blocks * h->block_size,
				   .max_mapnr = h->max_mapnr};
	if (two) {
		ret->bytes = blocks / 2 * h->block_size;
		ret->off[1] += ret->bytes;
	}
	if (two && blocks % 2)
		gs_verify_find(h->v, GS_SEVERITY_ERROR, "kdump-bitmap-odd",
			       gs_verify_main_off(h, MAIN_BITMAP_BLOCKS),
			       "bitmap_blocks is %" PRIu64 ": no two bitmaps of equal size",
			       blocks);
	if (!two)
		gs_verify_find(h->v, GS_SEVERITY_INFO, "kdump-one-bitmap", h->tables_off,
			       "one bitmap serves as both");
	for (int i = 0; i < 2; i++) {
		ret->buf[i] = malloc(BLOCK_BYTES);
		if (!ret->buf[i])
			return gs_error_nomem();
	}
	return NULL;
}

void gs_verify_bits_close(struct kdump_bits *b)
{
	free(b->buf[0]);
	free(b->buf[1]);
	b->buf[0] = b->buf[1] = NULL;
}

/* How many bytes from @at on are holes in both maps. */
static struct gs_error *measure_hole(struct kdump_bits *b, uint64_t at, uint64_t *size_ret)
{
	*size_ret = b->bytes - at;
	for (int i = 0; i < 2; i++) {
		uint64_t data, end;
		struct gs_error *err = gs_blob_next_data(b->blob, b->off[i] + at, &data, &end);

		if (err)
			return err;
		if (data - (b->off[i] + at) < *size_ret)
			*size_ret = data - (b->off[i] + at);
	}
	return NULL;
}

static struct gs_error *load_block(struct kdump_bits *b, uint64_t at)
{
	uint64_t start = at / BLOCK_BYTES * BLOCK_BYTES;
	uint64_t left = b->bytes - start;
	uint64_t size = left < BLOCK_BYTES ? left : BLOCK_BYTES;
	struct gs_error *err =
		gs_blob_read(b->blob, "bitmap 1", b->off[0] + start, b->buf[0], size);

	if (!err)
		err = gs_blob_read(b->blob, "bitmap 2", b->off[1] + start, b->buf[1], size);
	if (err)
		return err;
	b->start = start;
	b->end = start + size;
	return NULL;
}

struct gs_error *gs_verify_bits_at(struct kdump_bits *b, uint64_t at, const uint8_t *maps[2],
				   uint64_t *size_ret)
{
	struct gs_error *err = NULL;
	uint64_t hole;

	maps[0] = maps[1] = NULL;
	if (at < b->start || at >= b->end) {
		err = measure_hole(b, at, &hole);
		if (err)
			return err;
		*size_ret = hole / BITS_STEP_BYTES * BITS_STEP_BYTES;
		if (*size_ret)
			return NULL;
		err = load_block(b, at);
		if (err)
			return err;
	}
	maps[0] = b->buf[0] + (at - b->start);
	maps[1] = b->buf[1] + (at - b->start);
	*size_ret = b->end - at;
	return NULL;
}

/* ---- what the maps say ---- */

struct tally {
	const struct kdump_head *h;
	uint64_t ram, kept;             /* pages in bitmap 1, in bitmap 2 */
	uint64_t orphans, first_orphan; /* in bitmap 2 only */
	uint64_t past[2], first_past;   /* bits behind max_mapnr in each map */
	uint64_t part_ram, part_kept;   /* of this part */
	uint64_t digest;
	uint64_t kernel_pfn;
	bool kernel_missing;
};

/* Those of the 64 pages from @pfn on that are below @end. */
static uint64_t mask_below(uint64_t pfn, uint64_t end)
{
	if (end <= pfn)
		return 0;
	return end - pfn >= 64 ? UINT64_MAX : (UINT64_C(1) << (end - pfn)) - 1;
}

static uint64_t count(uint64_t word)
{
	return (uint64_t)__builtin_popcountll(word);
}

static uint64_t first_of(uint64_t pfn, uint64_t word)
{
	return pfn + (uint64_t)__builtin_ctzll(word);
}

static void add_word(struct tally *t, uint64_t pfn, uint64_t one, uint64_t two)
{
	uint64_t valid = mask_below(pfn, t->h->max_mapnr);
	uint64_t part = mask_below(pfn, t->h->end_pfn) & ~mask_below(pfn, t->h->start_pfn);
	uint64_t past = (one | two) & ~valid, orphans = two & ~one & valid;
	uint64_t both[2] = {one, two};

	if (one | two)
		t->digest += XXH3_64bits_withSeed(both, sizeof(both), pfn);
	if (past && !t->past[0] && !t->past[1])
		t->first_past = first_of(pfn, past);
	if (orphans && !t->orphans)
		t->first_orphan = first_of(pfn, orphans);
	if (t->kernel_pfn / 64 == pfn / 64)
		t->kernel_missing = (one & ~two & valid & part) >> t->kernel_pfn % 64 & 1;
	t->past[0] += count(one & ~valid);
	t->past[1] += count(two & ~valid);
	t->orphans += count(orphans);
	t->ram += count(one & valid);
	t->kept += count(two & valid);
	t->part_ram += count(one & valid & part);
	t->part_kept += count(two & valid & part);
}

static struct gs_error *walk(struct tally *t, struct kdump_bits *b)
{
	for (uint64_t at = 0, size; at < b->bytes; at += size) {
		const uint8_t *maps[2];
		struct gs_error *err = gs_verify_bits_at(b, at, maps, &size);

		if (err)
			return err;
		for (uint64_t i = 0; maps[0] && i < size; i += 8)
			add_word(t, (at + i) * 8, gs_get_u64(maps[0] + i, false),
				 gs_get_u64(maps[1] + i, false));
	}
	return NULL;
}

static void judge_tally(const struct tally *t, const struct kdump_bits *b)
{
	struct verify *v = t->h->v;
	uint64_t past = t->past[0] > t->past[1] ? t->past[0] : t->past[1];

	if (t->orphans)
		gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-bitmap-orphan", b->off[1],
			       "%" PRIu64 " pages (first: 0x%" PRIx64
			       ") are in bitmap 2 but not in bitmap 1",
			       t->orphans, t->first_orphan);
	/* A page with a descriptor that no reader will look at was lost. */
	if (past)
		gs_verify_find(v, t->past[1] ? GS_SEVERITY_ERROR : GS_SEVERITY_WARNING,
			       "kdump-bits-past-end", b->off[0] + t->first_past / 8,
			       "%" PRIu64 " pages of the bitmaps (first: 0x%" PRIx64
			       ") are behind max_mapnr 0x%" PRIx64,
			       past, t->first_past, b->max_mapnr);
	if (t->ram == 0)
		gs_verify_find(v, GS_SEVERITY_ERROR, "kdump-no-memory", b->off[0],
			       "bitmap 1 is empty: no memory");
	else if (t->kept == 0)
		gs_verify_find(v, GS_SEVERITY_WARNING, "kdump-no-pages", b->off[1],
			       "bitmap 2 is empty: none of %" PRIu64 " pages is in the dump",
			       t->ram);
	else if (t->kernel_missing)
		gs_verify_kernel_missing(v, t->h->kernel_gpa);
}

struct gs_error *gs_verify_bits(const struct kdump_head *h, struct kdump_bits *b,
				uint64_t *count_ret, uint64_t *digest_ret)
{
	struct tally t = {.h = h, .kernel_pfn = h->kernel_gpa / h->block_size};
	struct gs_error *err = walk(&t, b);

	if (err)
		return err;
	judge_tally(&t, b);
	h->v->result->pages_declared += t.part_ram;
	*count_ret = t.part_kept;
	*digest_ret = t.digest;
	return NULL;
}
