/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pairs of exports, by chance: a device, and mostly the same one after up to four changes of the
 * kinds that developers make. The same seed gives the same pair.
 */
#ifndef TESTS_PROPERTY_GENERATE_H
#define TESTS_PROPERTY_GENERATE_H

#include "description.h"

void generate_pair(uint64_t seed, struct export *before, struct export *after);

#endif
