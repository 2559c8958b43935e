/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two exports leave open when one saves and the other loads: predicates, which subsections are
 * sent, and quantities (lengths, sizes) that are not told. A world is one value for each.
 */
#ifndef TESTS_PROPERTY_WORLDS_H
#define TESTS_PROPERTY_WORLDS_H

#include <guestscope/devstate/check.h>

#include "description.h"

#define VARIABLES_MAX 9
#define QUANTITIES_MAX 8
#define SETTINGS_MAX 1200 /* of all quantities */

struct variable {
	enum gs_literal_kind kind;
	const char *description, *name;
	unsigned int occurrence;
	bool saver, loader; /* who has it */
};

struct worlds {
	const struct export *saver, *loader;
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
	/* Each goes from 1 to its limit: a low one if both sides have the same field of it. */
	unsigned int limits[QUANTITIES_MAX];
	size_t quantity_count;
	size_t free_count; /* quantities of fields without a partner */
	bool untold;       /* lengths or sizes are not told, be they assumed or not */
	bool too_many;     /* more than can be gone through */
};

struct world {
	uint32_t variables; /* a bit each */
	unsigned int quantities[QUANTITIES_MAX];
};

/* Writes notes into the fields and subsections of both. */
struct worlds worlds_of(struct export *saver, struct export *loader);

/* The next setting of the quantities; false after the last. {.quantities = {0}} is before all. */
bool worlds_next_setting(const struct worlds *worlds, struct world *world);

/* The variable that a literal names, or NONE. */
int worlds_find(const struct worlds *worlds, const struct gs_literal *literal);

#endif
