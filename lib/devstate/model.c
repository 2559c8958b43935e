/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An export as values: its storage, and its devices by type. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

void gs_devstate_destroy(struct gs_devstate *state)
{
	if (state)
		gs_arena_deinit(&state->arena);
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
