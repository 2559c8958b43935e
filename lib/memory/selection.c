/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selections: runs of pages, less the dropped ones.
 *
 * Each run is covered by blocks of 32768 pages, aligned in the page numbers. A block in which
 * nothing was dropped, or everything, is a number; only the others have a bitmap.
 *
 *	run:     [first ............................................. end)
 *	blocks:  |  0 dropped  |  bitmap, 17 dropped  |  all dropped  |
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/memory.h>

#define BLOCK_PAGES 32768u
#define WORD_PAGES 64u

struct block {
	uint64_t *dropped; /* a bit per page; NULL: all or none of them */
	uint32_t dropped_count;
};

struct run {
	gs_pfn_t first, end;
	size_t first_block;
};

struct gs_selection {
	struct gs_range *ranges;
	size_t range_count;
	uint32_t page_size;
	struct run *runs; /* sorted, not touching */
	size_t run_count;
	struct block *blocks;
	size_t block_count;
	uint64_t total_pages, dropped_pages;
};

static size_t blocks_of(const struct run *run)
{
	return (size_t)((run->end - 1) / BLOCK_PAGES - run->first / BLOCK_PAGES + 1);
}

/* Pages that both the run and its block hold. */
static gs_pfn_t block_first(const struct run *run, gs_pfn_t pfn)
{
	gs_pfn_t first = pfn / BLOCK_PAGES * BLOCK_PAGES;

	return first > run->first ? first : run->first;
}

static gs_pfn_t block_end(const struct run *run, gs_pfn_t pfn)
{
	gs_pfn_t end = (pfn / BLOCK_PAGES + 1) * BLOCK_PAGES;

	return end < run->end ? end : run->end;
}

static struct block *block_at(const struct gs_selection *sel, const struct run *run, gs_pfn_t pfn)
{
	return &sel->blocks[run->first_block + (pfn / BLOCK_PAGES - run->first / BLOCK_PAGES)];
}

static bool drops_all(const struct run *run, gs_pfn_t pfn, const struct block *block)
{
	return block->dropped_count == block_end(run, pfn) - block_first(run, pfn);
}

static bool is_dropped(const struct block *block, gs_pfn_t pfn)
{
	uint64_t bit = pfn % BLOCK_PAGES;

	return block->dropped[bit / WORD_PAGES] >> (bit % WORD_PAGES) & 1;
}

/* Pages that the ranges touch; ranges that share a page make one run. */
static void make_runs(struct gs_selection *sel)
{
	for (size_t i = 0; i < sel->range_count; i++) {
		const struct gs_range *range = &sel->ranges[i];
		gs_pfn_t first = range->start / sel->page_size;
		gs_pfn_t end = (range->start + (range->size - 1)) / sel->page_size + 1;
		struct run *last = sel->run_count ? &sel->runs[sel->run_count - 1] : NULL;

		if (last && first <= last->end)
			last->end = end;
		else
			sel->runs[sel->run_count++] = (struct run){.first = first, .end = end};
	}
	for (size_t i = 0; i < sel->run_count; i++) {
		sel->runs[i].first_block = sel->block_count;
		sel->block_count += blocks_of(&sel->runs[i]);
		sel->total_pages += sel->runs[i].end - sel->runs[i].first;
	}
}

struct gs_error *gs_selection_create(const struct gs_range *ranges, size_t count,
				     uint32_t page_size, struct gs_selection **ret)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = calloc(1, sizeof(*sel));

	if (!sel)
		return gs_error_nomem();
	sel->page_size = page_size;
	sel->range_count = count;
	sel->ranges = calloc(count + 1, sizeof(*sel->ranges));
	sel->runs = calloc(count + 1, sizeof(*sel->runs));
	if (!sel->ranges || !sel->runs)
		return gs_error_nomem();
	if (count)
		memcpy(sel->ranges, ranges, count * sizeof(*ranges));
	make_runs(sel);
	sel->blocks = calloc(sel->block_count + 1, sizeof(*sel->blocks));
	if (!sel->blocks)
		return gs_error_nomem();
	*ret = gs_take(sel);
	return NULL;
}

void gs_selection_destroy(struct gs_selection *sel)
{
	if (!sel)
		return;
	for (size_t i = 0; sel->blocks && i < sel->block_count; i++)
		free(sel->blocks[i].dropped);
	free(sel->blocks);
	free(sel->runs);
	free(sel->ranges);
	free(sel);
}

struct gs_error *gs_selection_copy(const struct gs_selection *sel, struct gs_selection **ret)
{
	const size_t bitmap_bytes = BLOCK_PAGES / 8;
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *copy = NULL;
	struct gs_error *err =
		gs_selection_create(sel->ranges, sel->range_count, sel->page_size, &copy);

	if (err)
		return err;
	for (size_t i = 0; i < sel->block_count; i++) {
		const struct block *from = &sel->blocks[i];
		struct block *to = &copy->blocks[i];

		to->dropped_count = from->dropped_count;
		if (!from->dropped)
			continue;
		to->dropped = malloc(bitmap_bytes);
		if (!to->dropped)
			return gs_error_nomem();
		memcpy(to->dropped, from->dropped, bitmap_bytes);
	}
	copy->dropped_pages = sel->dropped_pages;
	*ret = gs_take(copy);
	return NULL;
}

/* The run that holds @pfn, else the first one above it, else NULL. */
static const struct run *find_run(const struct gs_selection *sel, gs_pfn_t pfn)
{
	size_t low = 0, high = sel->run_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sel->runs[middle].end <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sel->run_count ? &sel->runs[low] : NULL;
}

static void set_all(struct gs_selection *sel, struct block *block, gs_pfn_t first, gs_pfn_t end)
{
	free(block->dropped);
	block->dropped = NULL;
	sel->dropped_pages += (end - first) - block->dropped_count;
	block->dropped_count = (uint32_t)(end - first);
}

/* Set the bits of [first, end); returns how many were not set before. */
static uint64_t set_dropped(struct block *block, gs_pfn_t first, gs_pfn_t end)
{
	uint64_t added = 0;

	for (gs_pfn_t pfn = first, next; pfn < end; pfn = next) {
		uint64_t *word = &block->dropped[pfn % BLOCK_PAGES / WORD_PAGES];
		uint64_t mask;

		next = (pfn / WORD_PAGES + 1) * WORD_PAGES;
		next = next < end ? next : end;
		mask = UINT64_MAX >> (WORD_PAGES - (next - pfn)) << (pfn % WORD_PAGES);
		added += (uint64_t)__builtin_popcountll(mask & ~*word);
		*word |= mask;
	}
	return added;
}

static struct gs_error *drop_in_block(struct gs_selection *sel, const struct run *run,
				      gs_pfn_t first, gs_pfn_t end)
{
	struct block *block = block_at(sel, run, first);
	uint64_t added;

	if (drops_all(run, first, block))
		return NULL;
	if (!block->dropped) {
		block->dropped = calloc(BLOCK_PAGES / WORD_PAGES, sizeof(*block->dropped));
		if (!block->dropped)
			return gs_error_nomem();
	}
	added = set_dropped(block, first, end);
	block->dropped_count += (uint32_t)added;
	sel->dropped_pages += added;
	if (drops_all(run, first, block)) {
		free(block->dropped);
		block->dropped = NULL;
	}
	return NULL;
}

struct gs_error *gs_selection_drop(struct gs_selection *sel, gs_pfn_t first, uint64_t count)
{
	gs_pfn_t end = count > UINT64_MAX - first ? UINT64_MAX : first + count;
	const struct run *run = find_run(sel, first);

	while (run && run->first < end) {
		gs_pfn_t pfn = first > run->first ? first : run->first;
		gs_pfn_t stop = end < run->end ? end : run->end;

		for (gs_pfn_t next; pfn < stop; pfn = next) {
			struct gs_error *err = NULL;

			next = block_end(run, pfn) < stop ? block_end(run, pfn) : stop;
			if (pfn == block_first(run, pfn) && next == block_end(run, pfn))
				set_all(sel, block_at(sel, run, pfn), pfn, next);
			else
				err = drop_in_block(sel, run, pfn, next);
			if (err)
				return err;
		}
		run = run + 1 < sel->runs + sel->run_count ? run + 1 : NULL;
	}
	return NULL;
}

const struct gs_range *gs_selection_ranges(const struct gs_selection *sel, size_t *count_ret)
{
	*count_ret = sel->range_count;
	return sel->ranges;
}

uint32_t gs_selection_page_size(const struct gs_selection *sel)
{
	return sel->page_size;
}

bool gs_selection_keeps(const struct gs_selection *sel, gs_pfn_t pfn)
{
	const struct run *run = find_run(sel, pfn);
	const struct block *block;

	if (!run || pfn < run->first)
		return false;
	block = block_at(sel, run, pfn);
	return block->dropped ? !is_dropped(block, pfn) : !block->dropped_count;
}

/* The first page in [pfn, end) of a block with a bitmap that is dropped or not, as asked; or end.
 */
static gs_pfn_t find_in_block(const struct block *block, gs_pfn_t pfn, gs_pfn_t end, bool dropped)
{
	while (pfn < end) {
		uint64_t bit = pfn % BLOCK_PAGES;
		uint64_t word = block->dropped[bit / WORD_PAGES];

		word = (dropped ? word : ~word) >> (bit % WORD_PAGES);
		if (word) {
			pfn += (unsigned int)__builtin_ctzll(word);
			return pfn < end ? pfn : end;
		}
		pfn += WORD_PAGES - bit % WORD_PAGES;
	}
	return end;
}

/* The first kept page of a run in [pfn, limit); or its end. */
static gs_pfn_t find_kept(const struct gs_selection *sel, const struct run *run, gs_pfn_t pfn,
			  gs_pfn_t limit)
{
	while (pfn < run->end && pfn < limit) {
		const struct block *block = block_at(sel, run, pfn);
		gs_pfn_t end = block_end(run, pfn), found = block->dropped_count ? end : pfn;

		if (block->dropped)
			found = find_in_block(block, pfn, end, false);
		if (found < end)
			return found;
		pfn = end;
	}
	return run->end;
}

/*
 * How many pages from the kept one @pfn on are kept, at most to the end of its block: a walk that
 * wants a few of them shall not look at all.
 */
static uint64_t count_kept(const struct gs_selection *sel, const struct run *run, gs_pfn_t pfn)
{
	const struct block *block = block_at(sel, run, pfn);
	gs_pfn_t end = block_end(run, pfn);

	return (block->dropped ? find_in_block(block, pfn, end, true) : end) - pfn;
}

void gs_selection_next(const struct gs_selection *sel, gs_pfn_t pfn, gs_pfn_t limit,
		       gs_pfn_t *first_ret, uint64_t *count_ret)
{
	const struct run *end = sel->runs + sel->run_count;

	for (const struct run *run = find_run(sel, pfn); run && run < end && run->first < limit;
	     run++) {
		gs_pfn_t from = pfn > run->first ? pfn : run->first;
		gs_pfn_t first = find_kept(sel, run, from, limit);

		if (first < run->end && first < limit) {
			*first_ret = first;
			*count_ret = count_kept(sel, run, first);
			return;
		}
	}
	*first_ret = gs_selection_end_pfn(sel);
	*count_ret = 0;
}

uint64_t gs_selection_kept_pages(const struct gs_selection *sel)
{
	return sel->total_pages - sel->dropped_pages;
}

uint64_t gs_selection_total_pages(const struct gs_selection *sel)
{
	return sel->total_pages;
}

gs_pfn_t gs_selection_end_pfn(const struct gs_selection *sel)
{
	return sel->run_count ? sel->runs[sel->run_count - 1].end : 0;
}
