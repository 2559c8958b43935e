/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlap resolution: a sweep over sorted pieces with a heap of those that cover the place. */
#include <stdbool.h>
#include <string.h>

#include "pieces.h"

/* Merge two sorted halves of @from. */
static void merge(const struct gs_piece *from, size_t middle, size_t count, struct gs_piece *to)
{
	size_t a = 0, b = middle;

	for (size_t i = 0; i < count; i++) {
		bool take_a = b == count || (a < middle && from[a].start <= from[b].start);

		to[i] = take_a ? from[a++] : from[b++];
	}
}

static bool is_sorted(const struct gs_piece *pieces, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (pieces[i].start < pieces[i - 1].start)
			return false;
	}
	return true;
}

/* Bottom-up merge sort: it walks both arrays in order, which suits arrays that are files. */
static struct gs_error *sort(struct gs_spool *pieces)
{
	gs_autospool struct gs_spool other = GS_SPOOL_INIT(pieces->dir);
	size_t count = pieces->size / sizeof(struct gs_piece);
	struct gs_piece *from = pieces->data, *to;
	struct gs_error *err;
	void *room;

	if (is_sorted(from, count))
		return NULL;
	err = gs_spool_extend(&other, pieces->size, &room);
	if (err)
		return err;
	to = room;
	for (size_t width = 1; width < count; width *= 2) {
		struct gs_piece *swap = from;

		for (size_t i = 0; i < count; i += 2 * width) {
			size_t left = count - i;

			merge(from + i, width < left ? width : left,
			      2 * width < left ? 2 * width : left, to + i);
		}
		from = to;
		to = swap;
	}
	if (from != pieces->data)
		memcpy(pieces->data, from, pieces->size);
	return NULL;
}

/* A binary heap of pointers to pieces, the lowest rank on top. */
static struct gs_error *heap_push(struct gs_spool *heap, const struct gs_piece *piece)
{
	size_t i = heap->size / sizeof(piece);
	const struct gs_piece **p;
	void *room;
	struct gs_error *err = gs_spool_extend(heap, sizeof(piece), &room);

	if (err)
		return err;
	p = heap->data;
	for (; i && piece->rank < p[(i - 1) / 2]->rank; i = (i - 1) / 2)
		p[i] = p[(i - 1) / 2];
	p[i] = piece;
	return NULL;
}

static void heap_pop(struct gs_spool *heap)
{
	const struct gs_piece **p = heap->data;
	size_t count = heap->size / sizeof(*p) - 1, i = 0;
	const struct gs_piece *last = p[count];

	heap->size -= sizeof(*p);
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < count && p[child + 1]->rank < p[child]->rank)
			child++;
		if (child >= count || last->rank <= p[child]->rank)
			break;
		p[i] = p[child];
		i = child;
	}
	p[i] = last;
}

static const struct gs_piece *heap_top(const struct gs_spool *heap)
{
	return heap->size ? *(const struct gs_piece **)heap->data : NULL;
}

static bool continues(const struct gs_stretch *last, uint64_t start, uint64_t src)
{
	if (last->end != start || GS_SRC_IS_OFFSET(last->src) != GS_SRC_IS_OFFSET(src))
		return false;
	return GS_SRC_IS_OFFSET(src) ? last->src + (start - last->start) == src : last->src == src;
}

static struct gs_error *append(struct gs_spool *stretches, const struct gs_piece *piece,
			       uint64_t start, uint64_t end)
{
	size_t count = stretches->size / sizeof(struct gs_stretch);
	struct gs_stretch *last = count ? (struct gs_stretch *)stretches->data + count - 1 : NULL;
	uint64_t src = piece->src;
	struct gs_error *err;
	void *room;

	if (GS_SRC_IS_OFFSET(src))
		src += start - piece->start;
	if (last && continues(last, start, src)) {
		last->end = end;
		return NULL;
	}
	err = gs_spool_extend(stretches, sizeof(*last), &room);
	if (!err)
		*(struct gs_stretch *)room = (struct gs_stretch){start, end, src};
	return err;
}

struct gs_error *gs_pieces_resolve(struct gs_spool *pieces, struct gs_spool *stretches)
{
	gs_autospool struct gs_spool heap = GS_SPOOL_INIT(pieces->dir);
	size_t count = pieces->size / sizeof(struct gs_piece);
	const struct gs_piece *next = pieces->data, *top;
	const struct gs_piece *last = count ? next + count : next;
	struct gs_error *err = sort(pieces);
	uint64_t at = 0;

	while (!err) {
		while ((top = heap_top(&heap)) && top->end <= at)
			heap_pop(&heap);
		if (!top && next == last)
			break;
		if (!top)
			at = next->start;
		for (; !err && next < last && next->start <= at; next++)
			err = heap_push(&heap, next);
		if (!err) {
			uint64_t end;

			top = heap_top(&heap);
			end = next < last && next->start < top->end ? next->start : top->end;
			err = append(stretches, top, at, end);
			at = end;
		}
	}
	return err;
}

size_t gs_stretch_find(const struct gs_stretch *stretches, size_t count, uint64_t at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stretches[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
