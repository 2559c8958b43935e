/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that grow, and what can be said of a list of fields only when it is complete. */
#include "parse_list.h"

#include <stdlib.h>
#include <string.h>

struct gs_error *gs_parse_list_add(struct gs_parse_list *list, const void *item)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		char *items = reallocarray(list->items, capacity, list->size);

		if (!items)
			return gs_error_nomem();
		list->items = items;
		list->capacity = capacity;
	}
	memcpy(list->items + list->count++ * list->size, item, list->size);
	return NULL;
}

void *gs_parse_list_take(struct gs_parse_list *list, size_t first, struct gs_arena *arena)
{
	size_t count = list->count - first;
	void *taken = gs_arena_alloc(arena, count, list->size);

	if (taken && count)
		memcpy(taken, list->items + first * list->size, count * list->size);
	list->count = first;
	return taken;
}

void gs_parse_list_deinit(struct gs_parse_list *list)
{
	free(gs_take(list->items));
}

/* ---- fields of the same name ---- */

struct named {
	uint32_t hash;
	struct gs_vmsd_field *field;
};

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

/* By name, those of equal hashes, and then as they stand in the list. */
static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	order = strcmp(x->field->name, y->field->name);
	return order ? order : (x->field > y->field) - (x->field < y->field);
}

/* Nearly all lists do not: no two names have the same bits. */
static bool may_have_twins(const struct gs_vmsd_field *fields, size_t count)
{
	uint64_t seen[64] = {0};

	for (size_t i = 0; i < count; i++) {
		uint32_t hash = hash_of(fields[i].name);
		uint64_t bit = (uint64_t)1 << hash % 64;

		if (seen[hash / 64 % 64] & bit)
			return true;
		seen[hash / 64 % 64] |= bit;
	}
	return false;
}

/* Sorted, so that a long list costs no time by the square of its length, whatever the names. */
struct gs_error *gs_parse_count_occurrences(struct gs_vmsd_field *fields, size_t count)
{
	gs_autofree struct named *sorted = NULL;

	if (!may_have_twins(fields, count))
		return NULL;
	sorted = calloc(count, sizeof(*sorted));
	if (!sorted)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct named){hash_of(fields[i].name), &fields[i]};
	qsort(sorted, count, sizeof(*sorted), compare_named);
	for (size_t i = 1; i < count; i++) {
		if (sorted[i].hash == sorted[i - 1].hash &&
		    strcmp(sorted[i].field->name, sorted[i - 1].field->name) == 0)
			sorted[i].field->occurrence = sorted[i - 1].field->occurrence + 1;
	}
	return NULL;
}
