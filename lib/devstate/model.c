/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An export as values: its storage, and its devices by type. */
#include "model.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

/* An export is thousands of small things that live and die together. */
#define CHUNK_SIZE (64u << 10)

struct gs_devstate_chunk {
	struct gs_devstate_chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

static struct gs_devstate_chunk *add_chunk(struct gs_devstate *state, size_t least)
{
	size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
	struct gs_devstate_chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = state->chunks;
	state->chunks = chunk;
	return chunk;
}

void *gs_devstate_alloc(struct gs_devstate *state, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct gs_devstate_chunk *chunk = state->chunks;
	size_t bytes;
	void *taken;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - align)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	if (!chunk || chunk->size - chunk->used < bytes)
		chunk = add_chunk(state, bytes);
	if (!chunk)
		return NULL;
	taken = chunk->data + chunk->used;
	chunk->used += bytes;
	return taken;
}

const char *gs_devstate_strdup(struct gs_devstate *state, const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = gs_devstate_alloc(state, size, 1);

	return copy ? memcpy(copy, string, size) : NULL;
}

void gs_devstate_destroy(struct gs_devstate *state)
{
	struct gs_devstate_chunk *chunk = state ? state->chunks : NULL;

	while (chunk) {
		struct gs_devstate_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	free(state);
}

const char *gs_devstate_machine(const struct gs_devstate *state)
{
	return state->machine;
}

size_t gs_devstate_count(const struct gs_devstate *state)
{
	return state->count;
}

const struct gs_devstate_device *gs_devstate_at(const struct gs_devstate *state, size_t i)
{
	return i < state->count ? &state->devices[i] : NULL;
}

const struct gs_devstate_device *gs_devstate_find(const struct gs_devstate *state, const char *type)
{
	size_t low = 0, high = state->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(type, state->devices[middle].type);

		if (order == 0)
			return &state->devices[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *gs_devstate_suggest(const struct gs_devstate *state, const char *type)
{
	return gs_did_you_mean(type, state->types);
}

bool gs_devstate_has_num(const struct gs_devstate *state)
{
	return state->has_num;
}

bool gs_devstate_is_unmigratable(const struct gs_devstate_device *device)
{
	const struct gs_vmsd *description = device->description;

	return description && !description->has_fields && description->subsection_count == 0 &&
	       description->version == 0 && description->minimum == 0;
}
