/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: what only the registry or a live guest knows. */
#include <string.h>

#include "qmpctl.h"

/* Launched guests by name. */
static void offer_guests(const struct gs_args *args, struct gs_candidates *out)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_guest *guests = NULL;
	size_t count = 0;
	gs_autoerror struct gs_error *err =
		run_dir ? gs_registry_list(run_dir, &guests, &count) : gs_error_nomem();

	(void)args;
	for (size_t i = 0; !err && i < count; i++)
		gs_candidate(out, guests[i].name, guests[i].qemu);
	if (!err)
		gs_registry_free(guests, count);
}

static const struct {
	const char *kind;
	void (*offer)(const struct gs_args *args, struct gs_candidates *out);
} kinds[] = {
	{"GUEST", offer_guests},
};

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].kind, kind) == 0) {
			kinds[i].offer(args, out);
			return true;
		}
	}
	return false;
}
