/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of single changes, tests/property/mutations: each with what must come of it. */
#ifndef TESTS_PROPERTY_MUTATIONS_H
#define TESTS_PROPERTY_MUTATIONS_H

#include <guestscope/devstate/check.h>

#include "description.h"

struct mutation {
	char name[100];
	enum gs_verdict expected[GS_CHECK_DIRECTIONS]; /* OK stands for INFO, too */
	struct export before, after;
};

#define MUTATIONS_MAX 256

/* How many there are; ends the program at a table that is none. */
size_t mutations_read(const char *path, struct mutation mutations[MUTATIONS_MAX]);

#endif
