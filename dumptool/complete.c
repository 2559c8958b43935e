/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: names of guests. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/launch.h>

#include "dumptool.h"

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	gs_autofree char *run_dir = NULL;
	gs_autoerror struct gs_error *err = NULL;
	struct gs_guest *guests;
	size_t count;

	(void)args;
	if (strcmp(kind, "GUEST") != 0)
		return false;
	run_dir = gs_registry_dir(getenv("XDG_RUNTIME_DIR"));
	err = run_dir ? gs_registry_list(run_dir, &guests, &count) : gs_error_nomem();
	if (err)
		return true;
	for (size_t i = 0; i < count; i++)
		gs_candidate(out, guests[i].name, guests[i].qemu);
	gs_registry_free(guests, count);
	return true;
}
