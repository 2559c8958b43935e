/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Going through the page descriptors of a kdump file or split set. */
#include "kdump_walk.h"

#include <guestscope/base/bytes.h>

struct walk {
	const struct gs_kdump_memory *m;
	struct gs_kdump_headers h; /* of the first part, and in all that matters here of all */
	gs_kdump_batch_fn fn;
	void *arg;
	uint64_t zero_off; /* where the part's shared zero page is; 0: not known */
	struct gs_kdump_batch batch;
};

static struct gs_error *reads_zero(const struct gs_kdump_part *part, uint64_t off, bool *ret)
{
	uint8_t data[4096];
	struct gs_error *err = NULL;

	*ret = off <= part->blob->size && part->block_size <= part->blob->size - off;
	for (uint32_t pos = 0; *ret && pos < part->block_size && !err; pos += sizeof(data)) {
		err = gs_blob_read(part->blob, "page data", off + pos, data, sizeof(data));
		*ret = !err && gs_is_zero(data, sizeof(data));
	}
	return err;
}

struct gs_error *gs_kdump_find_zero_page(const struct gs_kdump_part *part,
					 const struct gs_kdump_headers *h, uint64_t kept_pages,
					 uint64_t *off_ret)
{
	uint64_t off = h->table_off + kept_pages * KDUMP_DESC_BYTES;
	struct gs_error *err;
	bool is_zero;

	*off_ret = 0;
	if (!(h->sub[KDUMP_DUMP_LEVEL] & KDUMP_LEVEL_ZERO))
		return NULL;
	err = reads_zero(part, off, &is_zero);
	if (is_zero)
		*off_ret = off;
	return err;
}

static bool is_raw(const struct gs_kdump_part *part, const struct gs_kdump_page *page)
{
	return page->off && !page->flags && page->size == part->block_size;
}

/* Where it is not the first of the data, a shared zero page is known by two neighbours. */
static struct gs_error *find_zeros(struct walk *w)
{
	struct gs_kdump_batch *b = &w->batch;
	struct gs_error *err = NULL;

	for (size_t i = 0; i < b->count && !err; i++) {
		const struct gs_kdump_page *page = &b->pages[i];
		bool raw = is_raw(b->part, page);

		if (raw && page->off != w->zero_off && i + 1 < b->count &&
		    page[1].off == page->off) {
			bool is_zero;

			err = reads_zero(b->part, page->off, &is_zero);
			if (is_zero)
				w->zero_off = page->off;
		}
		b->shares_zero[i] = raw && page->off == w->zero_off;
	}
	return err;
}

static struct gs_error *walk_run(struct walk *w, gs_pfn_t end)
{
	struct gs_kdump_batch *b = &w->batch;
	struct gs_error *err = NULL;

	while (b->pfn < end && !err) {
		uint64_t left = end - b->pfn;

		b->count = left < KDUMP_BATCH_PAGES ? (size_t)left : KDUMP_BATCH_PAGES;
		err = gs_kdump_read_descs(b->part, b->rank, b->count, b->pages);
		if (!err)
			err = find_zeros(w);
		if (!err)
			err = w->fn(w->arg, b);
		b->pfn += b->count;
		b->rank += b->count;
	}
	return err;
}

static struct gs_error *walk_part(struct walk *w, struct gs_kdump_part *part, gs_pfn_t pfn,
				  gs_pfn_t end)
{
	const struct gs_kdump_index *index = w->m->index;
	struct gs_error *err = gs_kdump_find_zero_page(
		part, &w->h, gs_kdump_index_rank(index, w->h.max_mapnr), &w->zero_off);
	gs_pfn_t run_end;

	w->batch.part = part;
	for (; pfn < end && !err; pfn = run_end) {
		if (!gs_kdump_index_run(index, pfn, end, &run_end))
			continue;
		w->batch.pfn = pfn;
		w->batch.rank = gs_kdump_index_rank(index, pfn) - part->first_rank;
		err = walk_run(w, run_end);
	}
	return err;
}

struct gs_error *gs_kdump_walk(const struct gs_kdump_memory *m, gs_pfn_t pfn, gs_pfn_t end,
			       gs_kdump_batch_fn fn, void *arg)
{
	struct walk w = {.m = m, .fn = fn, .arg = arg};
	struct gs_error *err = gs_kdump_parse(m->parts[0].blob, &w.h);

	for (size_t i = 0; i < m->part_count && !err; i++) {
		struct gs_kdump_part *part = &m->parts[i];

		err = walk_part(&w, part, part->start_pfn > pfn ? part->start_pfn : pfn,
				part->end_pfn < end ? part->end_pfn : end);
	}
	return err;
}

struct gs_error *gs_kdump_from_memory(struct gs_memory *mem, const struct gs_kdump_memory **ret)
{
	if (mem->ops != &gs_kdump_memory_ops)
		return gs_error_create(GS_ERROR_INVALID, "%s: not a kdump file", mem->name);
	*ret = (const struct gs_kdump_memory *)mem;
	return NULL;
}
