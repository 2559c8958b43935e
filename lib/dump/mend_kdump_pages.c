/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps and descriptors of a kdump file that is to be mended: pages whose data is not there, and
 * pages that are no RAM of the kernel's. The table of descriptors stays where it is:
 *
 *	sub header   1st bitmap   2nd bitmap   table       as it was
 *	sub header..............  1st  2nd     table       with fewer pages
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "kdump_walk.h"
#include "mend.h"

static const struct gs_kdump_memory *kdump_of(const struct gs_mend *m)
{
	return (const struct gs_kdump_memory *)m->mem;
}

struct gs_error *gs_kdump_table_end(struct gs_blob *blob, uint64_t *end_ret)
{
	GS_CLEANUP(gs_kdump_index_destroy) struct gs_kdump_index *index = NULL;
	struct gs_kdump_headers h;
	struct gs_error *err = gs_kdump_parse(blob, &h);

	if (!err && h.split)
		err = gs_error_create(GS_ERROR_INVALID, "%s: a part of a split set: join it first",
				      blob->name);
	if (!err)
		err = gs_kdump_index_load(blob, "bitmap", h.bitmap2_off, h.max_mapnr, &index);
	if (!err)
		*end_ret = h.table_off + gs_kdump_index_rank(index, h.max_mapnr) * KDUMP_DESC_BYTES;
	return err;
}

/* ---- which entries of the table stay ---- */

static void keep_run(struct gs_mend *m, gs_pfn_t first, gs_pfn_t end)
{
	const struct gs_kdump_index *index = kdump_of(m)->index;
	uint64_t old_rank = gs_kdump_index_rank(index, first);
	struct gs_kept_run *last = m->run_count ? &m->runs[m->run_count - 1] : NULL;
	struct gs_kept_run run = {
		.new_rank = last ? last->new_rank + last->count : 0,
		.old_rank = old_rank,
		.count = gs_kdump_index_rank(index, end) - old_rank,
	};

	if (last && last->old_rank + last->count == old_rank)
		last->count += run.count;
	else
		m->runs[m->run_count++] = run;
}

/* Of the ranges; without any, all entries. */
static struct gs_error *keep_ranges(struct gs_mend *m, gs_pfn_t max_mapnr)
{
	uint32_t page_size = m->mem->attrs.page_size;

	m->runs = calloc(m->range_count + 1, sizeof(*m->runs));
	if (!m->runs)
		return gs_error_nomem();
	if (!m->range_count)
		keep_run(m, 0, max_mapnr);
	for (size_t i = 0; i < m->range_count; i++) {
		const struct gs_range *r = &m->ranges[i];

		keep_run(m, r->start / page_size, (r->start + r->size - 1) / page_size + 1);
	}
	return NULL;
}

static uint64_t kept_entries(const struct gs_mend *m)
{
	return m->runs[m->run_count - 1].new_rank + m->runs[m->run_count - 1].count;
}

/* The new rank of an old one; false if it does not stay. */
static bool new_rank_of(const struct gs_mend *m, uint64_t old_rank, uint64_t *ret)
{
	for (size_t i = 0; i < m->run_count; i++) {
		const struct gs_kept_run *run = &m->runs[i];

		if (old_rank >= run->old_rank && old_rank - run->old_rank < run->count) {
			*ret = run->new_rank + (old_rank - run->old_rank);
			return true;
		}
	}
	return false;
}

/* ---- the table ---- */

static bool is_behind_end(const struct gs_mend *m, uint64_t off, uint32_t size)
{
	return off && (off > m->there || size > m->there - off);
}

/* Entries of lost pages become zero: "there was a page, but it is lost". */
static void clear_lost(const struct gs_mend *m, uint8_t *entry)
{
	const struct gs_field *f = gs_kdump_desc_fields;
	bool big_endian = m->mem->attrs.big_endian;
	uint64_t off = gs_field_get(&f[KDUMP_DESC_OFFSET], entry, big_endian);
	uint32_t size = (uint32_t)gs_field_get(&f[KDUMP_DESC_SIZE], entry, big_endian);

	if (is_behind_end(m, off, size))
		memset(entry, 0, KDUMP_DESC_BYTES);
}

/* Whole entries from @rank of the new table on. */
static struct gs_error *make_entries(struct gs_mend *m, uint64_t rank, size_t count, uint8_t *to)
{
	uint64_t table_off = kdump_of(m)->parts[0].table_off;
	struct gs_error *err = NULL;

	for (size_t i = 0; i < m->run_count && count && !err; i++) {
		const struct gs_kept_run *run = &m->runs[i];
		uint64_t skip = rank - run->new_rank;
		size_t n;

		if (rank < run->new_rank || skip >= run->count)
			continue;
		n = run->count - skip < count ? (size_t)(run->count - skip) : count;
		err = gs_blob_read(m->view, "page descriptors",
				   table_off + (run->old_rank + skip) * KDUMP_DESC_BYTES, to,
				   n * KDUMP_DESC_BYTES);
		for (size_t k = 0; k < n && !err; k++)
			clear_lost(m, to + k * KDUMP_DESC_BYTES);
		rank += n;
		count -= n;
		to += n * KDUMP_DESC_BYTES;
	}
	return err;
}

static struct gs_error *fill_table(struct gs_mend *m, uint64_t pos, void *buf, size_t size)
{
	uint64_t at = m->first_changed * KDUMP_DESC_BYTES + pos;
	uint8_t entries[KDUMP_BATCH_PAGES * KDUMP_DESC_BYTES];
	uint64_t kept = kept_entries(m);
	struct gs_error *err = NULL;
	uint8_t *to = buf;

	while (size && !err) {
		uint64_t rank = at / KDUMP_DESC_BYTES;
		size_t skip = at % KDUMP_DESC_BYTES, n;
		size_t count =
			kept - rank < KDUMP_BATCH_PAGES ? (size_t)(kept - rank) : KDUMP_BATCH_PAGES;

		err = make_entries(m, rank, count, entries);
		n = count * KDUMP_DESC_BYTES - skip < size ? count * KDUMP_DESC_BYTES - skip : size;
		if (!err)
			memcpy(to, entries + skip, n);
		to += n;
		at += n;
		size -= n;
	}
	return err;
}

static struct gs_error *look_for_lost(void *arg, const struct gs_kdump_batch *batch)
{
	struct gs_mend *m = arg;

	for (size_t i = 0; i < batch->count; i++) {
		const struct gs_kdump_page *page = &batch->pages[i];
		bool behind = is_behind_end(m, page->off, page->size);
		uint64_t rank;

		if ((page->off && !behind) || !new_rank_of(m, batch->rank + i, &rank))
			continue;
		m->lost_pages++;
		m->lost_known += !page->off;
		if (behind && rank < m->first_changed)
			m->first_changed = rank;
	}
	return NULL;
}

static struct gs_error *mend_table(struct gs_mend *m, struct gs_kdump_headers *h)
{
	struct gs_edit edit = {.fill = fill_table, .origin = SIZE_MAX};
	struct gs_error *err;

	m->first_changed = UINT64_MAX;
	for (size_t i = 0; i < m->run_count && m->first_changed == UINT64_MAX; i++) {
		if (m->runs[i].new_rank != m->runs[i].old_rank)
			m->first_changed = m->runs[i].new_rank;
	}
	err = gs_kdump_walk(kdump_of(m), 0, h->max_mapnr, look_for_lost, m);
	if (err || m->first_changed >= kept_entries(m))
		return err;
	edit.off = h->table_off + m->first_changed * KDUMP_DESC_BYTES;
	edit.size = (kept_entries(m) - m->first_changed) * KDUMP_DESC_BYTES;
	return gs_edits_add(&m->edits, &edit);
}

static struct gs_error *note_lost(struct gs_mend *m, struct gs_kdump_headers *h)
{
	uint64_t status = h->header[KDUMP_STATUS];
	char was[32], will_be[32];

	if (!m->lost_pages || (m->lost_pages == m->lost_known && m->size == m->there &&
			       (status & KDUMP_STATUS_INCOMPLETE)))
		return NULL;
	h->header[KDUMP_STATUS] |= KDUMP_STATUS_INCOMPLETE;
	snprintf(was, sizeof(was), "0x%" PRIx64, status);
	snprintf(will_be, sizeof(will_be), "0x%" PRIx64, h->header[KDUMP_STATUS]);
	return gs_mend_note(m, "kdump-incomplete", was, will_be,
			    "%" PRIu64 " pages are lost, as the file was cut: readers are told so, "
			    "and get the others",
			    m->lost_pages);
}

/* ---- the bitmaps ---- */

/* Bits [first, end) of @from into @to, both of whose first bit is page @base. */
static void copy_bits(uint8_t *to, const uint8_t *from, gs_pfn_t base, gs_pfn_t first, gs_pfn_t end)
{
	uint64_t bit = first - base, stop = end - base;

	for (; bit < stop && bit % 8; bit++)
		to[bit / 8] |= from[bit / 8] & (uint8_t)(1u << bit % 8);
	memcpy(to + bit / 8, from + bit / 8, (stop - bit) / 8);
	for (bit += (stop - bit) / 8 * 8; bit < stop; bit++)
		to[bit / 8] |= from[bit / 8] & (uint8_t)(1u << bit % 8);
}

/* @size bytes at @pos of one bitmap: as they were, but only of pages in the ranges. */
static struct gs_error *make_bits(struct gs_mend *m, int which, uint64_t pos, uint8_t *to,
				  size_t size)
{
	uint32_t page_size = m->mem->attrs.page_size;
	gs_pfn_t base = pos * 8, limit = base + (uint64_t)size * 8;
	gs_autofree uint8_t *old = malloc(size);
	size_t i = gs_ranges_find(m->ranges, m->range_count, base * page_size);
	struct gs_error *err;

	if (!old)
		return gs_error_nomem();
	err = gs_blob_read(m->view, "bitmap", m->bitmap_off[which] + pos, old, size);
	memset(to, 0, size);
	for (; !err && i < m->range_count; i++) {
		gs_pfn_t first = m->ranges[i].start / page_size;
		gs_pfn_t end = (m->ranges[i].start + m->ranges[i].size - 1) / page_size + 1;

		if (first >= limit)
			break;
		copy_bits(to, old, base, first > base ? first : base, end < limit ? end : limit);
	}
	return err;
}

static struct gs_error *fill_bitmaps(struct gs_mend *m, uint64_t pos, void *buf, size_t size)
{
	struct gs_error *err = NULL;
	uint8_t *to = buf;

	/* What was the bitmaps' is the sub header's now. */
	for (; size && pos < m->bitmap_gap; pos++, size--)
		*to++ = 0;
	pos -= m->bitmap_gap;
	while (size && !err) {
		int which = pos >= m->bitmap_bytes;
		uint64_t at = which ? pos - m->bitmap_bytes : pos;
		size_t n = m->bitmap_bytes - at < size ? (size_t)(m->bitmap_bytes - at) : size;

		err = make_bits(m, which, at, to, n);
		to += n;
		pos += n;
		size -= n;
	}
	return err;
}

static struct gs_error *mend_bitmaps(struct gs_mend *m, struct gs_kdump_headers *h)
{
	const struct gs_range *last = &m->ranges[m->range_count - 1];
	gs_pfn_t end = (last->start + last->size - 1) / h->block_size + 1;
	uint64_t bits = (uint64_t)h->block_size * 8, blocks = (end + bits - 1) / bits;
	struct gs_edit edit = {.off = h->bitmap1_off,
			       .size = h->table_off - h->bitmap1_off,
			       .fill = fill_bitmaps,
			       .origin = SIZE_MAX};

	m->bitmap_off[0] = h->bitmap1_off;
	m->bitmap_off[1] = h->bitmap2_off;
	m->bitmap_bytes = blocks * h->block_size;
	m->bitmap_gap = edit.size - 2 * m->bitmap_bytes;
	h->header[KDUMP_SUB_HDR_SIZE] += m->bitmap_gap / h->block_size;
	h->header[KDUMP_BITMAP_BLOCKS] = 2 * blocks;
	h->header[KDUMP_MAX_MAPNR] = end < UINT32_MAX ? end : UINT32_MAX;
	h->sub[KDUMP_MAX_MAPNR_64] = end;
	return gs_edits_add(&m->edits, &edit);
}

static bool must_shrink(const struct gs_mend *m, const struct gs_mend_wanted *wanted,
			const struct gs_kdump_headers *h)
{
	return wanted->range_count && h->bitmap1_off != h->bitmap2_off &&
	       gs_ranges_total_bytes(wanted->ranges, wanted->range_count) <
		       gs_ranges_total_bytes(m->mem->ranges, m->mem->range_count);
}

static struct gs_error *shrink(struct gs_mend *m, struct gs_kdump_headers *h)
{
	uint64_t pages = gs_kdump_index_rank(kdump_of(m)->index, h->max_mapnr);
	char was[32], will_be[32];
	struct gs_error *err = mend_bitmaps(m, h);

	if (err)
		return err;
	snprintf(was, sizeof(was), "%" PRIu64 " pages", pages);
	snprintf(will_be, sizeof(will_be), "%" PRIu64 " pages", kept_entries(m));
	return gs_mend_note(m, "kdump-ranges", was, will_be,
			    "there are pages that are no RAM of the guest's kernel (ROM, video "
			    "memory): makedumpfile loses others of such a file");
}

struct gs_error *gs_mend_kdump_pages(struct gs_mend *m, const struct gs_mend_wanted *wanted,
				     struct gs_kdump_headers *h)
{
	bool fewer = must_shrink(m, wanted, h);
	struct gs_error *err;

	if (fewer) {
		m->ranges = calloc(wanted->range_count, sizeof(*m->ranges));
		if (!m->ranges)
			return gs_error_nomem();
		m->range_count = wanted->range_count;
		memcpy(m->ranges, wanted->ranges, m->range_count * sizeof(*m->ranges));
	}
	err = keep_ranges(m, h->max_mapnr);
	if (!err)
		err = mend_table(m, h);
	if (!err)
		err = note_lost(m, h);
	return err || !fewer ? err : shrink(m, h);
}
