/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thousands of small things that live and die together. */
#ifndef DEVSTATE_ARENA_H
#define DEVSTATE_ARENA_H

#include <stddef.h>

struct gs_arena_chunk;
struct gs_arena {
	struct gs_arena_chunk *chunks;
	size_t size; /* of all of them */
};

/* @count elements, zeroed, aligned for all types; NULL: out of memory. Zero elements are room, too.
 */
void *gs_arena_alloc(struct gs_arena *arena, size_t count, size_t size);
const char *gs_arena_strdup(struct gs_arena *arena, const char *string);
/* Of @size bytes, which need no NUL behind them. */
const char *gs_arena_strndup(struct gs_arena *arena, const char *string, size_t size);
void gs_arena_deinit(struct gs_arena *arena);

static inline void gs_arena_cleanup(struct gs_arena *arena)
{
	gs_arena_deinit(arena);
}
#define gs_autoarena __attribute__((cleanup(gs_arena_cleanup)))

#endif
