/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where exports come from; and where what is printed goes. */
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/codec.h>
#include <guestscope/launch/export.h>

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

char *cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && *cache == '/')
		return gs_strf("%s/guestscope", cache);
	return home && *home == '/' ? gs_strf("%s/.cache/guestscope", home) : NULL;
}

static struct gs_error *load_binary(const char *path, struct gs_devstate **ret)
{
	gs_autofree char *cache = cache_folder();
	const struct gs_export_options options = {.cache_dir = cache};
	struct gs_export export = {0};
	gs_autojson struct gs_json *dump = NULL;
	struct gs_error *err = gs_export_binary(path, &options, &export);

	if (err)
		return err;
	err = gs_json_parse(export.text + export.dump_off, export.dump_size, &dump);
	gs_export_deinit(&export);
	if (!err)
		err = gs_devstate_parse(dump, ret);
	return gs_error_wrap(err, "%s", path);
}

/* A file comes before a program of that name. */
static bool is_program(const char *source)
{
	gs_autofree char *path = NULL;
	gs_autoerror struct gs_error *err = NULL;

	if (strchr(source, '/') || access(source, F_OK) == 0)
		return false;
	err = gs_program_find(source, &path);
	return !err && gs_export_is_binary(path);
}

struct gs_error *vmstate_load(const char *source, struct gs_devstate **ret)
{
	gs_autofree char *path = NULL;

	if (is_program(source))
		return load_binary(source, ret);
	if (!gs_export_is_binary(source))
		return load_file(source, ret);
	path = strchr(source, '/') ? strdup(source) : gs_strf("./%s", source);
	return path ? load_binary(path, ret) : gs_error_nomem();
}
