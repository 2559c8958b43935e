/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory in chunks, given back all at once. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The next chunk is as large as all before it, so that there are few, and little is left over. */
#define CHUNK_MIN (4u << 10)
#define CHUNK_MAX (1u << 20)

struct gs_arena_chunk {
	struct gs_arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

static struct gs_arena_chunk *add_chunk(struct gs_arena *arena, size_t least)
{
	size_t size = arena->size < CHUNK_MIN ? CHUNK_MIN : arena->size;
	struct gs_arena_chunk *chunk;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < least)
		size = least;
	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->used = 0;
	chunk->size = size;
	arena->size += size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

/* Only what is taken is zeroed: most chunks end half empty. */
static void *take(struct gs_arena *arena, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	struct gs_arena_chunk *chunk = arena->chunks;
	void *taken;

	if (bytes > SIZE_MAX - align)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	if (!chunk || chunk->size - chunk->used < bytes)
		chunk = add_chunk(arena, bytes);
	if (!chunk)
		return NULL;
	taken = chunk->data + chunk->used;
	chunk->used += bytes;
	return taken;
}

void *gs_arena_alloc(struct gs_arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *taken;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	taken = take(arena, bytes);
	return taken ? memset(taken, 0, bytes) : NULL;
}

const char *gs_arena_strdup(struct gs_arena *arena, const char *string)
{
	return gs_arena_strndup(arena, string, strlen(string));
}

const char *gs_arena_strndup(struct gs_arena *arena, const char *string, size_t size)
{
	char *copy = size < SIZE_MAX ? take(arena, size + 1) : NULL;

	if (!copy)
		return NULL;
	copy[size] = '\0';
	return memcpy(copy, string, size);
}

void gs_arena_deinit(struct gs_arena *arena)
{
	while (arena->chunks) {
		struct gs_arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	arena->size = 0;
}
