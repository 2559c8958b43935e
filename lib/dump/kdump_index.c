/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps of kdump files: rank and runs. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "kdump_index.h"

#define BLOCK_BYTES 4096u
#define BLOCK_PAGES (8 * BLOCK_BYTES)
#define GRANULE_BYTES 64u
#define GRANULES (BLOCK_BYTES / GRANULE_BYTES)
#define READ_BYTES (16 * BLOCK_BYTES)

struct bits {
	uint8_t bytes[BLOCK_BYTES];
	uint16_t rank[GRANULES]; /* set pages of this block before the granule */
};

struct block {
	struct bits *bits; /* NULL: all clear; &all_set; else owned */
	uint64_t rank;     /* set pages before this block */
};

struct gs_kdump_index {
	uint64_t pages;
	size_t block_count;
	struct block *blocks; /* one more than there are, for the rank of the end */
};

static struct bits all_set; /* never read, only pointed at */

static unsigned int count_bits(const uint8_t *bytes, size_t size)
{
	unsigned int count = 0;

	for (; size >= 8; bytes += 8, size -= 8)
		count += (unsigned int)__builtin_popcountll(gs_get_u64(bytes, false));
	for (; size; bytes++, size--)
		count += (unsigned int)__builtin_popcount(*bytes);
	return count;
}

static bool is_all_set(const uint8_t *bytes)
{
	return bytes[0] == 0xff && !memcmp(bytes, bytes + 1, BLOCK_BYTES - 1);
}

static struct gs_error *fill_block(struct block *block, const uint8_t *bytes)
{
	unsigned int rank = 0;

	if (gs_is_zero(bytes, BLOCK_BYTES))
		return NULL;
	if (is_all_set(bytes)) {
		block->bits = &all_set;
		return NULL;
	}
	block->bits = malloc(sizeof(*block->bits));
	if (!block->bits)
		return gs_error_nomem();
	memcpy(block->bits->bytes, bytes, BLOCK_BYTES);
	for (size_t i = 0; i < GRANULES; i++) {
		block->bits->rank[i] = (uint16_t)rank;
		rank += count_bits(bytes + i * GRANULE_BYTES, GRANULE_BYTES);
	}
	return NULL;
}

/* Clear what is behind the last page, in a piece of the bitmap that starts at byte @pos. */
static void clear_tail(uint8_t *bytes, size_t size, uint64_t pos, uint64_t pages)
{
	uint64_t whole = pages / 8;

	if (whole >= pos + size)
		return;
	bytes[whole - pos] &= (uint8_t)((1u << pages % 8) - 1);
	memset(bytes + (whole - pos) + 1, 0, size - (size_t)(whole - pos) - 1);
}

/* Skips what a sparse file does not have. @pos and the result are whole blocks. */
static struct gs_error *skip_hole(struct gs_blob *blob, uint64_t off, uint64_t size, uint64_t *pos)
{
	uint64_t data_off, data_end;
	struct gs_error *err = gs_blob_next_data(blob, off + *pos, &data_off, &data_end);

	if (err)
		return err;
	if (data_off - off >= size)
		*pos = size;
	else
		*pos = (data_off - off) / BLOCK_BYTES * BLOCK_BYTES;
	return NULL;
}

static struct gs_error *load(struct gs_kdump_index *index, struct gs_blob *blob, const char *what,
			     uint64_t off)
{
	uint64_t size = (index->pages + 7) / 8;
	struct gs_error *err = NULL;
	uint8_t bytes[READ_BYTES];

	for (uint64_t pos = 0; !err && pos < size; pos += READ_BYTES) {
		size_t n;

		err = skip_hole(blob, off, size, &pos);
		if (err || pos >= size)
			break;
		n = size - pos < READ_BYTES ? size - pos : READ_BYTES;
		err = gs_blob_read(blob, what, off + pos, bytes, n);
		if (err)
			break;
		memset(bytes + n, 0, READ_BYTES - n);
		clear_tail(bytes, READ_BYTES, pos, index->pages);
		for (size_t i = 0; !err && i < n; i += BLOCK_BYTES)
			err = fill_block(&index->blocks[(pos + i) / BLOCK_BYTES], bytes + i);
	}
	return err;
}

static uint64_t pages_in_block(const struct gs_kdump_index *index, size_t i)
{
	const struct bits *bits = index->blocks[i].bits;

	if (!bits)
		return 0;
	if (bits == &all_set)
		return BLOCK_PAGES;
	return bits->rank[GRANULES - 1] +
	       count_bits(bits->bytes + BLOCK_BYTES - GRANULE_BYTES, GRANULE_BYTES);
}

struct gs_error *gs_kdump_index_load(struct gs_blob *blob, const char *what, uint64_t off,
				     uint64_t pages, struct gs_kdump_index **ret)
{
	GS_CLEANUP(gs_kdump_index_destroy)
	struct gs_kdump_index *index = calloc(1, sizeof(*index));
	struct gs_error *err;

	if (!index)
		return gs_error_nomem();
	index->pages = pages;
	index->block_count = (size_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
	index->blocks = calloc(index->block_count + 1, sizeof(*index->blocks));
	if (!index->blocks)
		return gs_error_nomem();
	err = load(index, blob, what, off);
	if (err)
		return err;
	for (size_t i = 0; i < index->block_count; i++)
		index->blocks[i + 1].rank = index->blocks[i].rank + pages_in_block(index, i);
	*ret = gs_take(index);
	return NULL;
}

void gs_kdump_index_destroy(struct gs_kdump_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; index->blocks && i < index->block_count; i++) {
		if (index->blocks[i].bits != &all_set)
			free(index->blocks[i].bits);
	}
	free(index->blocks);
	free(index);
}

uint64_t gs_kdump_index_rank(const struct gs_kdump_index *index, gs_pfn_t pfn)
{
	const struct block *block;
	uint64_t bit = pfn % BLOCK_PAGES;
	size_t granule = (size_t)(bit / 8 / GRANULE_BYTES);
	const uint8_t *byte;
	unsigned int rank;

	if (pfn >= index->pages)
		return index->blocks[index->block_count].rank;
	block = &index->blocks[pfn / BLOCK_PAGES];
	if (!block->bits)
		return block->rank;
	if (block->bits == &all_set)
		return block->rank + bit;
	byte = block->bits->bytes + bit / 8;
	rank = count_bits(block->bits->bytes + granule * GRANULE_BYTES,
			  (size_t)(bit / 8 - granule * GRANULE_BYTES));
	rank += (unsigned int)__builtin_popcount(*byte & ((1u << bit % 8) - 1));
	return block->rank + block->bits->rank[granule] + rank;
}

/* 64 pages from the one of @bit on, the first in bit 0; those of the next word are missing. */
static uint64_t word_at(const struct bits *bits, uint64_t bit)
{
	return gs_get_u64(bits->bytes + bit / 64 * 8, false) >> bit % 64;
}

/* Where in [pfn, end) of one block the pages change from @set. */
static gs_pfn_t run_in_block(const struct block *block, gs_pfn_t pfn, gs_pfn_t end, bool set)
{
	if (!block->bits || block->bits == &all_set)
		return !block->bits == !set ? end : pfn;
	while (pfn < end) {
		uint64_t bit = pfn % BLOCK_PAGES;
		uint64_t word = word_at(block->bits, bit);
		uint64_t other = set ? ~word : word;
		gs_pfn_t next = pfn + (64 - bit % 64);

		if (other && pfn + (unsigned int)__builtin_ctzll(other) < next) {
			pfn += (unsigned int)__builtin_ctzll(other);
			return pfn < end ? pfn : end;
		}
		pfn = next;
	}
	return end;
}

bool gs_kdump_index_run(const struct gs_kdump_index *index, gs_pfn_t pfn, gs_pfn_t limit,
			gs_pfn_t *end_ret)
{
	const struct block *block = &index->blocks[pfn / BLOCK_PAGES];
	bool set = block->bits == &all_set ||
		   (block->bits && (word_at(block->bits, pfn % BLOCK_PAGES) & 1));

	if (limit > index->pages)
		limit = index->pages;
	while (pfn < limit) {
		gs_pfn_t end = (pfn / BLOCK_PAGES + 1) * BLOCK_PAGES;

		if (end > limit)
			end = limit;
		pfn = run_in_block(&index->blocks[pfn / BLOCK_PAGES], pfn, end, set);
		if (pfn < end)
			break;
	}
	*end_ret = pfn;
	return set;
}
