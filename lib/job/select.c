/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of a memory will be written. Knowing that before the first page is written makes
 * tables exactly as large as they need to be, and program headers possible at all.
 */
#include "select.h"

#include <pthread.h>

#include <guestscope/base/bytes.h>

#include "exclude.h"
#include "sweep.h"

struct scan {
	uint32_t page_size;
	bool drop_zero;
	pthread_mutex_t lock; /* sel */
	struct gs_selection *sel;
};

/* Turn chunk->page[] from what the source knows into what is to be dropped: EXCLUDED. */
static size_t judge_pages(const struct scan *scan, struct gs_chunk *chunk)
{
	uint32_t page_size = scan->page_size;
	size_t skip = chunk->gpa % page_size, count = 0, at = 0;

	for (; at < chunk->size; count++) {
		size_t size =
			page_size - skip < chunk->size - at ? page_size - skip : chunk->size - at;
		uint8_t *page = &chunk->page[count];

		if (scan->drop_zero &&
		    (*page == GS_EXTENT_ZERO ||
		     (*page == GS_EXTENT_DATA && gs_is_zero(chunk->data + at, size))))
			*page = GS_EXTENT_EXCLUDED;
		at += size;
		skip = 0;
	}
	return count;
}

static struct gs_error *drop_pages(struct scan *scan, const struct gs_chunk *chunk, size_t count)
{
	gs_pfn_t pfn = chunk->gpa / scan->page_size;
	struct gs_error *err = NULL;
	size_t i = 0;

	while (i < count && !err) {
		size_t first = i;

		while (i < count && chunk->page[i] == GS_EXTENT_EXCLUDED)
			i++;
		if (i > first)
			err = gs_selection_drop(scan->sel, pfn + first, i - first);
		while (i < count && chunk->page[i] != GS_EXTENT_EXCLUDED)
			i++;
	}
	return err;
}

static struct gs_error *drop_run(struct scan *scan, const struct gs_chunk *chunk)
{
	gs_pfn_t first = chunk->gpa / scan->page_size;
	gs_pfn_t last = (chunk->gpa + chunk->size - 1) / scan->page_size;

	if (chunk->kind == GS_EXTENT_ZERO && !scan->drop_zero)
		return NULL;
	return gs_selection_drop(scan->sel, first, last - first + 1);
}

static struct gs_error *scan_chunk(void *arg, struct gs_chunk *chunk)
{
	struct scan *scan = arg;
	bool is_data = chunk->kind == GS_EXTENT_DATA;
	size_t count = is_data ? judge_pages(scan, chunk) : 0;
	struct gs_error *err;

	pthread_mutex_lock(&scan->lock);
	err = is_data ? drop_pages(scan, chunk, count) : drop_run(scan, chunk);
	pthread_mutex_unlock(&scan->lock);
	return err;
}

/* @src hands out what is to be looked at. Asking it what it knows is not worth a second thread. */
static struct gs_error *scan_source(struct gs_page_source *src,
				    const struct select_options *options, struct gs_selection *sel)
{
	struct scan scan = {.page_size = gs_selection_page_size(sel),
			    .drop_zero = options->drop_zero,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .sel = sel};
	const struct sweep sweep = {.src = src,
				    .progress = options->progress,
				    .load = options->drop_zero,
				    .chunk = scan_chunk,
				    .arg = &scan};

	return gs_sweep_run(&sweep, options->drop_zero ? options->threads : 1);
}

/* The source goes by a copy, as the selection itself changes under its eyes. */
static struct gs_error *scan_memory(struct gs_memory *mem, const struct select_options *options,
				    struct gs_selection *sel)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *before = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct gs_error *err = gs_selection_copy(sel, &before);

	if (!err)
		err = gs_selection_source(mem, before, &src);
	return err ? err : scan_source(src, options, sel);
}

struct gs_error *gs_job_select(struct gs_memory *mem, const struct gs_range *ranges,
			       size_t range_count, const struct select_options *options,
			       struct gs_selection **ret)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	unsigned int by_kernel = options->exclude & EXCLUDE_BY_KERNEL;
	struct gs_error *err;

	err = gs_selection_create(ranges, range_count, mem->attrs.page_size, &sel);
	if (err)
		return gs_error_wrap(err, "%s", mem->name);
	if (by_kernel)
		err = gs_exclude_pages(mem, by_kernel, options->threads, options->progress, sel);
	if (!err && (mem->ops->extent || options->drop_zero))
		err = scan_memory(mem, options, sel);
	if (!err)
		*ret = gs_take(sel);
	return err;
}
