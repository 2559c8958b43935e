/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the room `devstate`: what an export consists of, and who owns it. */
#ifndef DEVSTATE_MODEL_H
#define DEVSTATE_MODEL_H

#include <guestscope/devstate.h>

struct gs_devstate_chunk;

struct gs_devstate {
	const char *machine;
	struct gs_devstate_device *devices; /* sorted by type */
	const char **types;                 /* theirs, with a NULL behind */
	size_t count;
	bool has_num;
	struct gs_devstate_chunk *chunks; /* all of the above, and all below it */
};

/* @count elements, zeroed, that live as long as the export; NULL: out of memory. */
void *gs_devstate_alloc(struct gs_devstate *state, size_t count, size_t size);
const char *gs_devstate_strdup(struct gs_devstate *state, const char *string);

#endif
