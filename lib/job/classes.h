/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of pages for jobs whose threads ask in small pieces, more or less by address. */
#ifndef GUESTSCOPE_JOB_CLASSES_H
#define GUESTSCOPE_JOB_CLASSES_H

#include <pthread.h>

#include <guestscope/job.h>

#define CLASS_SLOTS 16

/* Strides that were asked for lately: a classifier has more work with a part than with a whole. */
struct class_cache {
	const struct gs_classifier *classes; /* NULL: all are UNKNOWN */
	struct class_slot {
		pthread_mutex_t lock;
		bool is_valid;
		uint64_t number; /* of the stride */
		uint8_t *class;
	} slots[CLASS_SLOTS];
};

/* @classes may be NULL, else it outlives the cache. */
void gs_class_cache_init(struct class_cache *cache, const struct gs_classifier *classes);
void gs_class_cache_deinit(struct class_cache *cache);
/* Thread-safe. Pages that the classifier has no answer for are UNKNOWN. */
GS_MUST_CHECK struct gs_error *gs_class_cache_get(struct class_cache *cache, gs_pfn_t first,
						  uint64_t count, uint8_t *class_ret);

#endif
