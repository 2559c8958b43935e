/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least that still shows a disagreement. */
#ifndef TESTS_PROPERTY_MINIMISE_H
#define TESTS_PROPERTY_MINIMISE_H

#include "description.h"

/*
 * Takes away from @before and @after, from both at once and from each alone, whatever can go while
 * @fails holds: fields, subsections, structs around fields, gates, lengths, sizes, versions.
 */
void minimise(struct export *before, struct export *after,
	      bool (*fails)(const struct export *before, const struct export *after));

#endif
