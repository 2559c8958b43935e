/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stretches of page data: collected as runs, and where runs cover each other. */
#include "verify_kdump.h"

#include <stdlib.h>

#define EXTENTS_MAX (1u << 20)

struct gs_error *gs_extents_add(struct extents *e, uint64_t start, uint64_t end)
{
	if (e->overflow)
		return NULL;
	if (e->count && e->items[e->count - 1].end == start) {
		e->items[e->count - 1].end = end;
		return NULL;
	}
	if (e->count == EXTENTS_MAX) {
		e->overflow = true;
		return NULL;
	}
	if (e->count == e->capacity) {
		size_t capacity = e->capacity ? e->capacity * 2 : 64;
		struct extent *items = reallocarray(e->items, capacity, sizeof(*items));

		if (!items)
			return gs_error_nomem();
		e->items = items;
		e->capacity = capacity;
	}
	e->items[e->count++] = (struct extent){start, end};
	return NULL;
}

void gs_extents_deinit(struct extents *e)
{
	free(e->items);
	*e = (struct extents){0};
}

static int by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* In place: what is left is never ahead of what is looked at, as a run adds one clash at most. */
void gs_extents_clashes(struct extents *e)
{
	uint64_t reach = 0;
	size_t count = 0;

	if (e->count)
		qsort(e->items, e->count, sizeof(*e->items), by_start);
	for (size_t i = 0; i < e->count; i++) {
		struct extent run = e->items[i];
		uint64_t end = run.end < reach ? run.end : reach;

		if (run.start < end && count && e->items[count - 1].end >= run.start) {
			if (end > e->items[count - 1].end)
				e->items[count - 1].end = end;
		} else if (run.start < end) {
			e->items[count++] = (struct extent){run.start, end};
		}
		if (run.end > reach)
			reach = run.end;
	}
	e->count = count;
}

bool gs_extents_touch(const struct extents *e, uint64_t start, uint64_t end)
{
	size_t low = 0, high = e->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (e->items[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < e->count && e->items[low].start < end;
}
