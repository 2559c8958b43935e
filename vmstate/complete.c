/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: devices and machines of the exports that were named before, and guests. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/launch.h>

#include "vmstate.h"

static void offer_guests(struct gs_candidates *out)
{
	gs_autofree char *run_dir = gs_registry_dir(getenv("XDG_RUNTIME_DIR"));
	gs_autoerror struct gs_error *err = NULL;
	struct gs_guest *guests;
	size_t count;

	err = run_dir ? gs_registry_list(run_dir, &guests, &count) : gs_error_nomem();
	if (err)
		return;
	for (size_t i = 0; i < count; i++)
		gs_candidate(out, guests[i].name, guests[i].qemu);
	gs_registry_free(guests, count);
}

static void offer_devices(const struct gs_args *args, struct gs_candidates *out)
{
	auto_export struct vmstate_export export = {0};
	gs_autoerror struct gs_error *err = NULL;
	const struct gs_devstate_device *device;

	err = gs_args_count(args) ? vmstate_load(gs_args_at(args, 0), &export) : NULL;
	for (size_t i = 0; export.state && (device = gs_devstate_at(export.state, i)); i++)
		gs_candidate(out, device->type,
			     device->description ? device->description->name : NULL);
}

/* Of all of them: it is enough if one has it. */
static void offer_machines(const struct gs_args *args, struct gs_candidates *out)
{
	for (size_t i = 0; i < gs_args_count(args); i++) {
		auto_export struct vmstate_export export = {0};

		gs_error_destroy(vmstate_load(gs_args_at(args, i), &export));
		for (size_t j = 0; export.about && j < export.about->machine_count; j++)
			gs_candidate(out, export.about->machines[j].name,
				     export.about->machines[j].alias);
	}
}

bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out)
{
	if (strcmp(kind, "GUEST") == 0)
		offer_guests(out);
	else if (strcmp(kind, "DEVICE") == 0)
		offer_devices(args, out);
	else if (strcmp(kind, "MACHINE") == 0)
		offer_machines(args, out);
	else
		return false;
	return true;
}
