/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the room `devstate`: what an export consists of, and who owns it. */
#ifndef DEVSTATE_MODEL_H
#define DEVSTATE_MODEL_H

#include <guestscope/devstate.h>

#include "arena.h"

struct gs_devstate {
	const char *machine;
	struct gs_devstate_device *devices; /* sorted by type */
	const char **types;                 /* theirs, with a NULL behind */
	size_t count;
	bool has_num;
	struct gs_arena arena; /* all of the above, and all below it */
};

#endif
