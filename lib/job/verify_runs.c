/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does page data overlap? Writers put pages one behind the other, so a few long runs describe a
 * file of any size; a run that repeats (the zero page that all zero pages share) is counted once.
 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>

#define RUNS_MAX (1u << 20)

static bool extend_last(struct runs *runs, uint64_t start, uint64_t end)
{
	struct run *last = runs->count ? &runs->items[runs->count - 1] : NULL;

	if (last && last->end == start) {
		last->end = end;
		return true;
	}
	return false;
}

struct gs_error *verify_runs_add(struct runs *runs, uint64_t start, uint64_t size)
{
	if (runs->overflow || extend_last(runs, start, start + size))
		return NULL;
	if (runs->count == RUNS_MAX) {
		runs->overflow = true;
		return NULL;
	}
	if (runs->count == runs->capacity) {
		size_t capacity = runs->capacity ? runs->capacity * 2 : 256;
		struct run *items = reallocarray(runs->items, capacity, sizeof(*items));

		if (!items)
			return gs_error_nomem();
		runs->items = items;
		runs->capacity = capacity;
	}
	runs->items[runs->count++] = (struct run){start, start + size};
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void verify_runs_judge(struct verify *v, struct runs *runs)
{
	uint64_t end = 0;

	if (runs->overflow)
		verify_find(v, GS_SEVERITY_INFO, "kdump-data-scattered", NO_OFFSET,
			    "page data is too scattered to be searched for overlaps");
	else if (runs->count)
		qsort(runs->items, runs->count, sizeof(*runs->items), by_start);
	for (size_t i = 0; !runs->overflow && i < runs->count; i++) {
		if (runs->items[i].start < end)
			verify_find(
				v, GS_SEVERITY_ERROR, "kdump-data-overlap", runs->items[i].start,
				"page data begins inside other page data that ends at 0x%" PRIx64,
				end);
		if (runs->items[i].end > end)
			end = runs->items[i].end;
	}
	free(runs->items);
	*runs = (struct runs){0};
}
