/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings, each one once, by number. */
#ifndef DEVSTATE_NAMES_H
#define DEVSTATE_NAMES_H

#include <stdint.h>

#include <guestscope/base/error.h>

#include "arena.h"

/* {.arena = ...} is empty. */
struct gs_names {
	struct gs_arena *arena;
	const char **names;
	uint32_t *index; /* open hashing: number + 1 */
	size_t count, capacity;
};

/* Numbers rise from 0. The name is copied. */
GS_MUST_CHECK struct gs_error *gs_names_add(struct gs_names *names, const char *name,
					    uint32_t *number_ret);

#endif
