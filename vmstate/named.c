/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that diff and check are asked about: types, or names in a stream. */
#include <string.h>

#include "vmstate.h"

static bool is_called(const struct gs_devstate_device *device, const char *name)
{
	return strcmp(device->type, name) == 0 ||
	       (device->description && strcmp(device->description->name, name) == 0);
}

bool vmstate_is_named(const struct gs_args *args, const struct gs_devstate *export,
		      const char *type)
{
	const struct gs_devstate_device *device = type ? gs_devstate_find(export, type) : NULL;

	for (size_t i = 2; device && i < gs_args_count(args); i++) {
		if (is_called(device, gs_args_at(args, i)))
			return true;
	}
	return false;
}

static bool has_device(const struct gs_devstate *export, const char *name)
{
	const struct gs_devstate_device *device;

	for (size_t i = 0; (device = gs_devstate_at(export, i)); i++) {
		if (is_called(device, name))
			return true;
	}
	return false;
}

struct gs_error *vmstate_check_named(const struct gs_args *args, const struct gs_devstate *before,
				     const struct gs_devstate *after)
{
	for (size_t i = 2; i < gs_args_count(args); i++) {
		const char *name = gs_args_at(args, i), *near;

		if (has_device(before, name) || has_device(after, name))
			continue;
		near = gs_devstate_suggest(after, name);
		return gs_error_create(GS_ERROR_NODATA, "no device '%s' in either%s%s%s", name,
				       near ? ": did you mean '" : "", near ? near : "",
				       near ? "'?" : "");
	}
	return NULL;
}
