/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A classifier's answers, kept stride by stride. */
#include "classes.h"

#include <stdlib.h>
#include <string.h>

void gs_class_cache_init(struct class_cache *cache, const struct gs_classifier *classes)
{
	*cache = (struct class_cache){.classes = classes};
	for (size_t i = 0; i < CLASS_SLOTS; i++)
		pthread_mutex_init(&cache->slots[i].lock, NULL);
}

void gs_class_cache_deinit(struct class_cache *cache)
{
	for (size_t i = 0; i < CLASS_SLOTS; i++) {
		pthread_mutex_destroy(&cache->slots[i].lock);
		free(cache->slots[i].class);
	}
}

/* With the slot's lock held: who asks for the same stride meanwhile waits for the answer. */
static struct gs_error *fill(const struct gs_classifier *classes, struct class_slot *slot,
			     uint64_t number)
{
	struct gs_error *err;

	slot->is_valid = false;
	if (!slot->class)
		slot->class = malloc(classes->stride);
	if (!slot->class)
		return gs_error_nomem();
	err = classes->classify(classes->arg, number * classes->stride, classes->stride,
				slot->class);
	if (err && gs_error_is_answer(err)) {
		gs_error_destroy(err);
		err = NULL;
		memset(slot->class, GS_PAGE_CLASS_UNKNOWN, classes->stride);
	}
	slot->is_valid = !err;
	slot->number = number;
	return err;
}

struct gs_error *gs_class_cache_get(struct class_cache *cache, gs_pfn_t first, uint64_t count,
				    uint8_t *class_ret)
{
	const struct gs_classifier *classes = cache->classes;
	struct gs_error *err = NULL;

	if (!classes)
		memset(class_ret, GS_PAGE_CLASS_UNKNOWN, count);
	while (classes && count && !err) {
		uint64_t number = first / classes->stride, skip = first % classes->stride;
		uint64_t part = classes->stride - skip < count ? classes->stride - skip : count;
		struct class_slot *slot = &cache->slots[number % CLASS_SLOTS];

		pthread_mutex_lock(&slot->lock);
		if (!slot->is_valid || slot->number != number)
			err = fill(classes, slot, number);
		if (!err)
			memcpy(class_ret, slot->class + skip, part);
		pthread_mutex_unlock(&slot->lock);
		first += part;
		count -= part;
		class_ret += part;
	}
	return err;
}
