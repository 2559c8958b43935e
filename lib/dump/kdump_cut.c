/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a kdump file is cut into parts that take about the same room. */
#include "kdump_walk.h"

#define DATA_WEIGHT UINT64_C(256) /* of a byte; a page weighs 1 */

struct cut {
	const struct gs_kdump_memory *m;
	uint64_t total, pages; /* weight to share out; pages that have descriptors */
	uint64_t so_far, pages_so_far;
	size_t parts, done; /* wanted; ended so far */
	gs_pfn_t *ends;
};

/*
 * What a page adds to a part: its data, unless it shares it. (Room for all descriptors is in every
 * part.) The pages themselves count only where there is next to no data.
 */
static uint64_t weigh(const struct cut *c, const struct gs_kdump_batch *batch, size_t i)
{
	const struct gs_kdump_page *page = &batch->pages[i];

	if (!page->off || batch->shares_zero[i] || page->size > c->m->block_size)
		return 1;
	return DATA_WEIGHT * page->size + 1;
}

static struct gs_error *weigh_batch(void *arg, const struct gs_kdump_batch *batch)
{
	struct cut *c = arg;

	for (size_t i = 0; i < batch->count; i++)
		c->total += weigh(c, batch, i);
	c->pages += batch->count;
	return NULL;
}

/* Behind the page with which a part has its share, or when each part left needs a page. */
static bool ends_part(const struct cut *c)
{
	uint64_t pages_left = c->pages - c->pages_so_far;
	size_t parts_left = c->parts - c->done - 1;
	double share = (double)c->total / (double)c->parts * (double)(c->done + 1);

	return parts_left && ((double)c->so_far >= share || pages_left == parts_left);
}

static struct gs_error *cut_batch(void *arg, const struct gs_kdump_batch *batch)
{
	struct cut *c = arg;

	for (size_t i = 0; i < batch->count; i++) {
		c->so_far += weigh(c, batch, i);
		c->pages_so_far++;
		if (ends_part(c))
			c->ends[c->done++] = batch->pfn + i + 1;
	}
	return NULL;
}

struct gs_error *gs_kdump_cut(struct gs_memory *mem, size_t parts, gs_pfn_t *ends_ret)
{
	struct cut c = {.parts = parts, .ends = ends_ret};
	struct gs_kdump_headers h;
	struct gs_error *err = gs_kdump_from_memory(mem, &c.m);

	if (!err)
		err = gs_kdump_parse(c.m->parts[0].blob, &h);
	if (!err)
		err = gs_kdump_walk(c.m, 0, h.max_mapnr, weigh_batch, &c);
	if (!err && c.pages < parts)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: %llu pages cannot be split into %zu parts", mem->name,
				       (unsigned long long)c.pages, parts);
	if (!err)
		err = gs_kdump_walk(c.m, 0, h.max_mapnr, cut_batch, &c);
	if (!err)
		ends_ret[parts - 1] = h.max_mapnr;
	return err;
}
