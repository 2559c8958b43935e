/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices count: those that some guests have. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/codec.h>
#include <guestscope/launch.h>

#include "vmstate.h"

#define FILE_MAX_BYTES (4u << 20)

static struct gs_error *read_file(const char *path, struct gs_device_types *types)
{
	gs_autofree char *text = NULL;
	size_t size = 0;
	struct gs_error *err = gs_unpack_file(path, FILE_MAX_BYTES, &text, &size);

	if (err)
		return err;
	err = gs_device_types_parse(text, size, types);
	return gs_error_wrap(err, "%s", path);
}

static struct gs_error *ask_guest(const struct gs_args *args, const char *guest,
				  struct gs_device_types *types)
{
	const struct gs_qmp_options options = {.libvirt_uri = gs_args_connect(args)};
	gs_autofree char *run_dir = gs_registry_dir(getenv("XDG_RUNTIME_DIR"));
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_error *err =
		run_dir ? gs_guest_connect(run_dir, guest, &options, &qmp) : gs_error_nomem();

	return err ? err : gs_device_types_query(qmp, types);
}

/* Of a command that has --devices. */
static struct gs_error *read_list(const char *list, struct gs_device_types *types)
{
	gs_autofree char *copy = strdup(list);
	struct gs_error *err = copy ? NULL : gs_error_nomem();
	char *rest = copy, *type;

	while (!err && (type = strsep(&rest, ","))) {
		if (*type)
			err = gs_device_types_add(types, type);
		else
			err = gs_error_create(GS_ERROR_INVALID, "--devices: an empty name in '%s'",
					      list);
	}
	return err;
}

static struct gs_error *collect(const struct gs_args *args, struct gs_device_types *types)
{
	const char *list = gs_args_get(args, "devices"), *file = gs_args_get(args, "used-by");
	struct gs_error *err = list ? read_list(list, types) : NULL;
	const char *source;

	for (size_t i = 0; !err && (source = gs_args_get_nth(args, "used-by", i)); i++)
		err = read_file(source, types);
	for (size_t i = 0; !err && (source = gs_args_get_nth(args, "guest", i)); i++)
		err = ask_guest(args, source, types);
	/* That is no guest, and must not be taken for no option. */
	if (!err && file && !types->count)
		err = gs_error_create(GS_ERROR_NODATA, "%s: no devices in it", file);
	return err;
}

struct gs_error *vmstate_used(const struct gs_args *args, struct gs_device_types *ret)
{
	struct gs_device_types types = {0};
	struct gs_error *err = collect(args, &types);

	if (err)
		gs_device_types_deinit(&types);
	else
		*ret = types;
	return err;
}

void vmstate_note_unknown(const struct gs_args *args, const struct gs_device_types *used,
			  const struct gs_devstate *before, const struct gs_devstate *after)
{
	gs_autotext struct gs_text names = {0};

	for (size_t i = 0; i < used->count; i++) {
		if (gs_devstate_find(before, used->names[i]) ||
		    gs_devstate_find(after, used->names[i]))
			continue;
		gs_text_puts(&names, names.size ? ", " : "");
		gs_text_puts_printable(&names, used->names[i]);
	}
	if (names.size)
		gs_args_note(args, "used, but in neither export: %s", names.data);
}
