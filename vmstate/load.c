/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where exports come from; and where what is printed goes. */
#include <guestscope/codec.h>

#include "vmstate.h"

#define EXPORT_MAX (32u << 20) /* bytes of JSON; real ones have 2 MB at most */

static struct gs_error *load_file(const char *path, struct gs_devstate **ret)
{
	gs_autojson struct gs_json *value = NULL;
	const struct gs_json *dump;
	gs_autofree char *text = NULL;
	size_t size = 0;
	struct gs_error *err = gs_unpack_file(path, EXPORT_MAX, &text, &size);

	if (err)
		return err;
	err = gs_json_parse(text, size, &value);
	if (!err) {
		/* Ours has what QEMU said, and more beside it. */
		dump = gs_json_get(value, "guestscope") ? gs_json_get(value, "dump") : value;
		err = gs_devstate_parse(dump, ret);
	}
	return gs_error_wrap(err, "%s", path);
}

struct gs_error *vmstate_load(const char *source, struct gs_devstate **ret)
{
	return load_file(source, ret);
}

int finish_output(const struct gs_args *args, struct gs_emit *e, int status)
{
	struct gs_error *err = gs_emit_finish(e);

	gs_emit_destroy(e);
	return err ? gs_args_fail(args, err) : status;
}
