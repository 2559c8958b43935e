/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What gs_devstate_check() says of two exports, held against the truth. */
#ifndef TESTS_PROPERTY_COMPARE_H
#define TESTS_PROPERTY_COMPARE_H

#include "judge.h"

struct comparison {
	bool too_many; /* worlds: nothing is compared */
	bool spills;   /* see struct truth */
	/* The library's verdicts; OK where it has nothing to say of the device. */
	enum gs_verdict verdicts[GS_CHECK_DIRECTIONS], truths[GS_CHECK_DIRECTIONS];
	bool cautious[GS_CHECK_DIRECTIONS]; /* UNKNOWN, and need not be, where not all is told */
	const char *disagreement;           /* in lines; NULL: none */
};

/*
 * Notes are written into neither. What is found is in the pool. @simple: no more than one change is
 * between them, so that it is clear where it is.
 */
struct comparison compare(const struct export *before, const struct export *after, bool simple);

#endif
