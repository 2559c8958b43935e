/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which devices of two exports are the same one: those of one type. What is left has another type
 * now, and goes by what the stream calls it; of several of one name, those that have the same
 * fields first.
 */
#include <string.h>

#include "pairing.h"

static int by_type(const void *a, const void *b)
{
	return strcmp(((const struct gs_devstate_device *)a)->type,
		      ((const struct gs_devstate_device *)b)->type);
}

/* Without a description there is no name; such devices go by type only. */
static int by_stream_name(const void *a, const void *b)
{
	const struct gs_devstate_device *x = a, *y = b;

	if (x->description && y->description)
		return strcmp(x->description->name, y->description->name);
	return x->description || y->description ? !!x->description - !!y->description
						: by_type(a, b);
}

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* By all names of the first level: enough to tell those that share a name in a stream. */
static int by_fields(const void *a, const void *b)
{
	const struct gs_vmsd *x = ((const struct gs_devstate_device *)a)->description;
	const struct gs_vmsd *y = ((const struct gs_devstate_device *)b)->description;
	int order = by_stream_name(a, b);

	if (order || !x || !y)
		return order;
	order = compare_sizes(x->field_count, y->field_count);
	if (!order)
		order = compare_sizes(x->subsection_count, y->subsection_count);
	for (size_t i = 0; !order && i < x->field_count; i++)
		order = strcmp(x->fields[i].name, y->fields[i].name);
	for (size_t i = 0; !order && i < x->subsection_count; i++)
		order = strcmp(x->subsections[i].name, y->subsections[i].name);
	return order;
}

struct gs_error *gs_pairing_init_devices(struct gs_pairing *pairing,
					 const struct gs_devstate *before,
					 const struct gs_devstate *after)
{
	static const gs_slot_order orders[] = {by_type, by_fields, by_stream_name};
	struct gs_error *err =
		gs_pairing_init(pairing, gs_devstate_at(before, 0), gs_devstate_count(before),
				gs_devstate_at(after, 0), gs_devstate_count(after),
				sizeof(struct gs_devstate_device));

	for (size_t i = 0; !err && i < sizeof(orders) / sizeof(*orders); i++)
		err = gs_pairing_match(pairing, orders[i]);
	return err;
}

/* Pairs go by their type before; what is only after comes where its own type stands. */
static bool is_after_next(const struct gs_device_walk *walk)
{
	const struct gs_slots *before = &walk->pairing->before, *after = &walk->pairing->after;

	if (walk->before == before->count)
		return true;
	return walk->after < after->count &&
	       by_type(after->slots[walk->after].item, before->slots[walk->before].item) < 0;
}

bool gs_device_walk_next(struct gs_device_walk *walk, const struct gs_devstate_device **before_ret,
			 const struct gs_devstate_device **after_ret)
{
	const struct gs_slots *before = &walk->pairing->before, *after = &walk->pairing->after;

	while (walk->before < before->count || walk->after < after->count) {
		bool is_after = is_after_next(walk);
		const struct gs_slot *slot =
			is_after ? &after->slots[walk->after++] : &before->slots[walk->before++];

		if (is_after && slot->partner)
			continue;
		*before_ret = is_after ? NULL : slot->item;
		*after_ret = is_after ? slot->item : slot->partner ? slot->partner->item : NULL;
		return true;
	}
	return false;
}
