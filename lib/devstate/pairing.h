/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of two lists goes together. */
#ifndef DEVSTATE_PAIRING_H
#define DEVSTATE_PAIRING_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/devstate.h>

/* One of a list: a device, a field or a subsection. */
struct gs_slot {
	const void *item;
	size_t index;
	struct gs_slot *partner; /* in the other list; NULL: none */
	bool anchor;             /* paired, and in the same order as all other anchors */
};
struct gs_slots {
	struct gs_slot *slots;
	size_t count;
};
struct gs_pairing {
	struct gs_slots before, after;
};
typedef int (*gs_slot_order)(const void *a, const void *b);

/* Of arrays with elements of @size bytes; nothing is paired yet. */
GS_MUST_CHECK struct gs_error *gs_pairing_init(struct gs_pairing *pairing, const void *before,
					       size_t before_count, const void *after,
					       size_t after_count, size_t size);
void gs_pairing_deinit(struct gs_pairing *pairing);
static inline void gs_pairing_cleanup(struct gs_pairing *pairing)
{
	gs_pairing_deinit(pairing);
}
#define gs_autopairing __attribute__((cleanup(gs_pairing_cleanup)))

/* Of those that are still alone and that @order calls equal, the first with the first, ... */
GS_MUST_CHECK struct gs_error *gs_pairing_match(struct gs_pairing *pairing, gs_slot_order order);
/* The devices of two exports, paired: pair_devices.c. */
GS_MUST_CHECK struct gs_error *gs_pairing_init_devices(struct gs_pairing *pairing,
						       const struct gs_devstate *before,
						       const struct gs_devstate *after);
/* Begins with {.pairing = ...}. */
struct gs_device_walk {
	const struct gs_pairing *pairing;
	size_t before, after; /* how many of each were passed */
};
/* The next pair, or device without partner (the other one is NULL), by type. false: no more. */
bool gs_device_walk_next(struct gs_device_walk *walk, const struct gs_devstate_device **before_ret,
			 const struct gs_devstate_device **after_ret);
/*
 * As many pairs as can be without two that cross become anchors. Which ones, where there is a
 * choice, does not depend on which list is called the first: @order decides. n log n.
 */
GS_MUST_CHECK struct gs_error *gs_pairing_anchor(struct gs_pairing *pairing, gs_slot_order order);

#endif
