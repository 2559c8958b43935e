/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of a memory will be written. Knowing that before the first page is written makes
 * tables exactly as large as they need to be, and program headers possible at all.
 */
#include "select.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/thread.h>

struct scan {
	struct gs_page_source *src;
	const struct select_options *options;
	pthread_mutex_t lock; /* the source's next(), sel, stop */
	struct gs_selection *sel;
	bool stop;
};

static struct gs_error *next_chunk(struct scan *scan, struct gs_chunk *chunk, bool *end_ret)
{
	struct gs_error *err = NULL;

	pthread_mutex_lock(&scan->lock);
	*end_ret = scan->stop;
	if (!scan->stop && scan->options->progress && scan->options->progress->cancelled)
		err = gs_error_os(EINTR, "stopped");
	else if (!scan->stop)
		err = gs_page_source_next(scan->src, chunk, end_ret);
	scan->stop |= err != NULL;
	pthread_mutex_unlock(&scan->lock);
	return err;
}

/* Turn chunk->page[] from what the source knows into what is to be dropped: EXCLUDED. */
static size_t judge_pages(const struct scan *scan, struct gs_chunk *chunk)
{
	uint32_t page_size = scan->src->page_size;
	size_t skip = chunk->gpa % page_size, count = 0, at = 0;

	for (; at < chunk->size; count++) {
		size_t size =
			page_size - skip < chunk->size - at ? page_size - skip : chunk->size - at;
		uint8_t *page = &chunk->page[count];

		if (scan->options->drop_zero &&
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
	gs_pfn_t pfn = chunk->gpa / scan->src->page_size;
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
	gs_pfn_t first = chunk->gpa / scan->src->page_size;
	gs_pfn_t last = (chunk->gpa + chunk->size - 1) / scan->src->page_size;

	if (chunk->kind == GS_EXTENT_ZERO && !scan->options->drop_zero)
		return NULL;
	return gs_selection_drop(scan->sel, first, last - first + 1);
}

static struct gs_error *scan_chunk(struct scan *scan, struct gs_chunk *chunk)
{
	bool is_data = chunk->kind == GS_EXTENT_DATA;
	struct gs_error *err = NULL;
	size_t count = 0;

	if (is_data && scan->options->drop_zero)
		err = gs_page_source_load(scan->src, chunk);
	if (err)
		return err;
	if (is_data)
		count = judge_pages(scan, chunk);
	pthread_mutex_lock(&scan->lock);
	err = is_data ? drop_pages(scan, chunk, count) : drop_run(scan, chunk);
	pthread_mutex_unlock(&scan->lock);
	return err;
}

static struct gs_error *scan_worker(void *arg, unsigned int index)
{
	struct scan *scan = arg;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	gs_autofree uint8_t *buffer = aligned_alloc(4096, GS_CHUNK_BYTES);
	struct gs_error *err = chunk && buffer ? NULL : gs_error_nomem();
	bool end = false;

	(void)index;
	if (!err)
		chunk->buffer = buffer;
	while (!err) {
		err = next_chunk(scan, chunk, &end);
		if (err || end)
			break;
		err = scan_chunk(scan, chunk);
	}
	pthread_mutex_lock(&scan->lock);
	scan->stop |= err != NULL;
	pthread_mutex_unlock(&scan->lock);
	return err;
}

static struct gs_error *scan_memory(struct gs_memory *mem, const struct gs_range *ranges,
				    size_t range_count, const struct select_options *options,
				    struct gs_selection *sel)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct scan scan = {.options = options, .lock = PTHREAD_MUTEX_INITIALIZER, .sel = sel};
	struct gs_error *err = gs_memory_source(mem, ranges, range_count, &src);

	if (err)
		return err;
	scan.src = src;
	/* Asking the source what it knows is not worth a second thread. */
	return gs_threads_run(options->drop_zero ? options->threads : 1, scan_worker, &scan);
}

struct gs_error *gs_job_select(struct gs_memory *mem, const struct gs_range *ranges,
			       size_t range_count, const struct select_options *options,
			       struct gs_selection **ret)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *sel = NULL;
	struct gs_error *err;

	err = gs_selection_create(ranges, range_count, mem->attrs.page_size, &sel);
	if (err)
		return gs_error_wrap(err, "%s", mem->name);
	if (mem->ops->extent || options->drop_zero)
		err = scan_memory(mem, ranges, range_count, options, sel);
	if (!err)
		*ret = gs_take(sel);
	return err;
}
