/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: what is held. */
#include <stdio.h>
#include <string.h>

#include "tracehooks.h"

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	gs_autofree char *dir = hold_dir();
	gs_autoerror struct gs_error *err = NULL;
	struct gs_hold_list list = {0};
	char id[16];
	(void)args;

	if (strcmp(kind, "ID") != 0)
		return false;
	err = dir ? gs_hold_list(dir, &list) : gs_error_nomem();
	for (size_t i = 0; i < list.count; i++) {
		snprintf(id, sizeof(id), "%d", (int)list.records[i].id.pid);
		gs_candidate(out, id, list.records[i].program);
	}
	gs_hold_list_deinit(&list);
	return true;
}
