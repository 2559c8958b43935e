/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of two lists goes together: by equal keys, and which of these pairs kept their order. */
#include <stdlib.h>

#include <guestscope/base/cleanup.h>

#include "pairing.h"

static struct gs_error *init_slots(struct gs_slots *ret, const void *items, size_t count,
				   size_t size)
{
	struct gs_slot *slots = count ? calloc(count, sizeof(*slots)) : NULL;

	if (count && !slots)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		slots[i].item = (const char *)items + i * size;
		slots[i].index = i;
	}
	*ret = (struct gs_slots){slots, count};
	return NULL;
}

struct gs_error *gs_pairing_init(struct gs_pairing *pairing, const void *before,
				 size_t before_count, const void *after, size_t after_count,
				 size_t size)
{
	struct gs_error *err = init_slots(&pairing->before, before, before_count, size);

	return err ? err : init_slots(&pairing->after, after, after_count, size);
}

void gs_pairing_deinit(struct gs_pairing *pairing)
{
	free(pairing->before.slots);
	free(pairing->after.slots);
}

/* ---- pairs ---- */

/* As they are to be paired: within equals, in the order of the list. */
struct sorting {
	gs_slot_order order;
};

static int compare_slots(const void *a, const void *b, void *arg)
{
	const struct gs_slot *x = *(struct gs_slot *const *)a, *y = *(struct gs_slot *const *)b;
	int order = ((const struct sorting *)arg)->order(x->item, y->item);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Those that are alone, sorted; *count_ret of them. NULL: out of memory. */
static struct gs_slot **sort_alone(const struct gs_slots *list, gs_slot_order order,
				   size_t *count_ret)
{
	struct gs_slot **sorted = calloc(list->count, sizeof(*sorted));
	struct sorting sorting = {order};
	size_t count = 0;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < list->count; i++) {
		if (!list->slots[i].partner)
			sorted[count++] = &list->slots[i];
	}
	qsort_r(sorted, count, sizeof(*sorted), compare_slots, &sorting);
	*count_ret = count;
	return sorted;
}

static struct gs_error *match(struct gs_pairing *pairing, gs_slot_order order)
{
	size_t before_count = 0, after_count = 0, i = 0, j = 0;
	gs_autofree struct gs_slot **before = sort_alone(&pairing->before, order, &before_count);
	gs_autofree struct gs_slot **after = sort_alone(&pairing->after, order, &after_count);

	if (!before || !after)
		return gs_error_nomem();
	while (i < before_count && j < after_count) {
		int difference = order(before[i]->item, after[j]->item);

		if (difference == 0) {
			before[i]->partner = after[j];
			after[j]->partner = before[i];
		}
		i += difference <= 0;
		j += difference >= 0;
	}
	return NULL;
}

/* Most lists of subsections are empty. */
struct gs_error *gs_pairing_match(struct gs_pairing *pairing, gs_slot_order order)
{
	if (pairing->before.count == 0 || pairing->after.count == 0)
		return NULL;
	return match(pairing, order);
}

/* ---- anchors ---- */

/* Which list a search begins with must not depend on how they are called. */
static bool is_swapped(const struct gs_pairing *pairing, gs_slot_order order)
{
	const struct gs_slots *a = &pairing->before, *b = &pairing->after;

	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int difference = order(a->slots[i].item, b->slots[i].item);

		if (difference)
			return difference > 0;
	}
	return a->count > b->count;
}

/* Of the rows that end in tails[0..count): the length of the longest that @index may go on. */
static size_t find_row(struct gs_slot *const *tails, size_t count, size_t index)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tails[middle]->partner->index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The longest row of @list whose partners' places rise. */
struct gs_error *gs_pairing_anchor(struct gs_pairing *pairing, gs_slot_order order)
{
	struct gs_slots *list = is_swapped(pairing, order) ? &pairing->after : &pairing->before;
	size_t size = list->count ? list->count : 1, count = 0;
	/* tails[n]: what ends the row of n + 1 that is easiest to go on; previous: whom it follows
	 */
	gs_autofree struct gs_slot **tails = calloc(size, sizeof(*tails));
	gs_autofree struct gs_slot **previous = calloc(size, sizeof(*previous));

	if (!tails || !previous)
		return gs_error_nomem();
	for (size_t i = 0; i < list->count; i++) {
		struct gs_slot *slot = &list->slots[i];
		size_t row;

		if (!slot->partner)
			continue;
		row = find_row(tails, count, slot->partner->index);
		previous[i] = row ? tails[row - 1] : NULL;
		tails[row] = slot;
		if (row == count)
			count++;
	}
	for (struct gs_slot *slot = count ? tails[count - 1] : NULL; slot;
	     slot = previous[slot->index])
		slot->anchor = slot->partner->anchor = true;
	return NULL;
}
