/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where exports come from; and where what is printed goes. */
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/thread.h>
#include <guestscope/codec.h>
#include <guestscope/launch/export.h>

#include "vmstate.h"

#define EXPORT_MAX (32u << 20) /* bytes of JSON; real ones have 2 MB at most */

void vmstate_export_deinit(struct vmstate_export *export)
{
	gs_devstate_destroy(export->state);
	gs_about_destroy(export->about);
	*export = (struct vmstate_export){0};
}

static struct gs_error *parse_about(struct gs_json_reader *reader, struct gs_about **ret)
{
	gs_autojson struct gs_json *about = NULL;
	struct gs_json_slice text;
	struct gs_error *err = gs_json_reader_skip(reader, &text);

	if (!err)
		err = gs_json_parse(text.text, text.size, &about);
	return err ? err : gs_about_parse(gs_take(about), ret);
}

/* Ours has what QEMU said, and more beside it. @key: of its first member. */
static struct gs_error *parse_ours(struct gs_json_reader *reader, struct gs_json_slice key,
				   struct vmstate_export *ret)
{
	struct gs_error *err;
	bool more = true;

	do {
		if (gs_json_slice_is(key, "guestscope") && !ret->about)
			err = parse_about(reader, &ret->about);
		else if (gs_json_slice_is(key, "dump") && !ret->state)
			err = gs_devstate_read(reader, &ret->state);
		else
			err = gs_json_reader_skip(reader, NULL);
		if (!err)
			err = gs_json_reader_member(reader, &key, &more);
	} while (!err && more);
	if (!err)
		err = gs_json_reader_end(reader);
	if (!err && !ret->state)
		err = gs_error_create(GS_ERROR_CORRUPT, "dump is missing");
	return err;
}

static struct gs_error *parse(const char *text, size_t size, struct vmstate_export *ret)
{
	gs_autoreader struct gs_json_reader reader;
	struct gs_json_slice key = {0};
	struct gs_error *err = NULL;
	bool more = false;

	gs_json_reader_init(&reader, text, size);
	if (gs_json_reader_type(&reader) == GS_JSON_OBJECT)
		err = gs_json_reader_enter(&reader, GS_JSON_OBJECT);
	if (!err && reader.depth)
		err = gs_json_reader_member(&reader, &key, &more);
	if (err)
		return err;
	if (more && gs_json_slice_is(key, "guestscope"))
		return parse_ours(&reader, key, ret);
	return gs_devstate_parse(text, size, &ret->state);
}

static struct gs_error *load_file(const char *path, struct vmstate_export *ret)
{
	gs_autofree char *text = NULL;
	size_t size = 0;
	struct gs_error *err = gs_unpack_file(path, EXPORT_MAX, &text, &size);

	return err ? err : gs_error_wrap(parse(text, size, ret), "%s", path);
}

char *cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && *cache == '/')
		return gs_strf("%s/guestscope", cache);
	return home && *home == '/' ? gs_strf("%s/.cache/guestscope", home) : NULL;
}

static struct gs_error *load_binary(const char *path, struct vmstate_export *ret)
{
	gs_autofree char *cache = cache_folder();
	const struct gs_export_options options = {.cache_dir = cache};
	struct gs_export export = {0};
	struct gs_error *err = gs_export_binary(path, &options, &export);

	if (err)
		return err;
	err = parse(export.text, export.size, ret);
	gs_export_deinit(&export);
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

static struct gs_error *load(const char *source, struct vmstate_export *ret)
{
	gs_autofree char *path = NULL;

	if (is_program(source))
		return load_binary(source, ret);
	if (!gs_export_is_binary(source))
		return load_file(source, ret);
	path = strchr(source, '/') ? strdup(source) : gs_strf("./%s", source);
	return path ? load_binary(path, ret) : gs_error_nomem();
}

struct gs_error *vmstate_load(const char *source, struct vmstate_export *ret)
{
	GS_CLEANUP(vmstate_export_deinit) struct vmstate_export export = {.name = source};
	struct gs_error *err = load(source, &export);

	if (!err) {
		*ret = export;
		export = (struct vmstate_export){0};
	}
	return err;
}

/* ---- two of them ---- */

struct two {
	const char *sources[2];
	struct vmstate_export *rets[2];
};

static struct gs_error *load_one(void *arg, unsigned int index)
{
	struct two *two = arg;

	return vmstate_load(two->sources[index], two->rets[index]);
}

static bool is_file(const char *source)
{
	return !is_program(source) && !gs_export_is_binary(source);
}

/* Binaries one after the other: they are run, and our threads block what interrupts that. */
struct gs_error *vmstate_load_two(const struct gs_args *args, struct vmstate_export *before,
				  struct vmstate_export *after)
{
	struct two two = {{gs_args_at(args, 0), gs_args_at(args, 1)}, {before, after}};
	struct gs_error *err;

	if (gs_cpu_count() > 1 && is_file(two.sources[0]) && is_file(two.sources[1]))
		return gs_threads_run(2, load_one, &two);
	err = load_one(&two, 0);
	return err ? err : load_one(&two, 1);
}
