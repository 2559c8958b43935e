/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: the devices of the export that was named before. */
#include <string.h>

#include "vmstate.h"

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	auto_export struct vmstate_export export = {0};
	gs_autoerror struct gs_error *err = NULL;
	const struct gs_devstate_device *device;

	if (strcmp(kind, "DEVICE") != 0)
		return false;
	err = gs_args_count(args) ? vmstate_load(gs_args_at(args, 0), &export) : NULL;
	for (size_t i = 0; export.state && (device = gs_devstate_at(export.state, i)); i++)
		gs_candidate(out, device->type,
			     device->description ? device->description->name : NULL);
	return true;
}
