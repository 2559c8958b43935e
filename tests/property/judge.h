/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about two exports: every world is saved and loaded, and looked at where each value
 * arrived. What a value's own field is, what a verdict is, and what the words mean is the contract
 * of gs_devstate_check().
 */
#ifndef TESTS_PROPERTY_JUDGE_H
#define TESTS_PROPERTY_JUDGE_H

#include "worlds.h"

/* All settings of the variables, a bit each. */
struct world_set {
	uint64_t words[(1 << VARIABLES_MAX) / 64];
};
bool world_set_has(const struct world_set *set, uint32_t variables);
void world_set_add(struct world_set *set, uint32_t variables);

struct truth {
	struct worlds worlds;
	enum gs_verdict verdict; /* OK stands for INFO, too */
	struct world_set broken; /* unless UNKNOWN */
	/* In some world that ends well, data of a struct's subsection is taken by what is behind
	 * it, or the reverse. */
	bool spills;
	struct load_place {
		bool known; /* there is such a byte, the same one in all worlds that are not good */
		size_t bytes; /* before it */
	} wrong;
};

/* Exports are noted in (see worlds_of()). With too many worlds, nothing but @worlds is said. */
struct truth judge(struct export *saver, struct export *loader);

#endif
