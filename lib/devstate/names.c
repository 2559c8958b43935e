/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of strings, found by their hash. */
#include "names.h"

#include <string.h>

static uint32_t hash(const char *name)
{
	uint32_t value = 2166136261u;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 16777619u;
	return value ^ value >> 15;
}

/* Where it is, or would be. */
static uint32_t *find(const struct gs_names *names, const char *name)
{
	size_t mask = 2 * names->capacity - 1, at = hash(name) & mask;

	while (names->index[at] && strcmp(names->names[names->index[at] - 1], name) != 0)
		at = (at + 1) & mask;
	return &names->index[at];
}

/* Twice as much index as names: half of it stays free. */
static struct gs_error *grow(struct gs_names *names)
{
	size_t capacity = names->capacity ? 2 * names->capacity : 16;
	const char **more = gs_arena_alloc(names->arena, capacity, sizeof(*more));
	uint32_t *index = gs_arena_alloc(names->arena, 2 * capacity, sizeof(*index));

	if (!more || !index)
		return gs_error_nomem();
	if (names->count)
		memcpy(more, names->names, names->count * sizeof(*more));
	names->names = more;
	names->index = index;
	names->capacity = capacity;
	for (size_t i = 0; i < names->count; i++)
		*find(names, more[i]) = (uint32_t)i + 1;
	return NULL;
}

struct gs_error *gs_names_add(struct gs_names *names, const char *name, uint32_t *number_ret)
{
	struct gs_error *err = names->count == names->capacity ? grow(names) : NULL;
	uint32_t *at;

	if (err)
		return err;
	at = find(names, name);
	if (!*at) {
		names->names[names->count] = gs_arena_strdup(names->arena, name);
		if (!names->names[names->count])
			return gs_error_nomem();
		*at = (uint32_t)++names->count;
	}
	*number_ret = *at - 1;
	return NULL;
}
