/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export: what a QEMU binary says of the state of its devices, into a file. */
#include <errno.h>
#include <string.h>

#include <guestscope/base/io.h>
#include <guestscope/codec.h>
#include <guestscope/launch/export.h>

#include "vmstate.h"

static struct gs_error *export_binary(const struct gs_args *args, struct gs_export *ret)
{
	gs_autofree char *cache = gs_args_has(args, "no-cache") ? NULL : cache_folder();
	struct gs_export_options options = {.cache_dir = cache};
	struct gs_error *err = gs_args_duration(args, "timeout", 0, &options.timeout_ms);

	return err ? err : gs_export_binary(gs_args_get(args, "qemu"), &options, ret);
}

static struct gs_error *tell_notes(const struct gs_args *args, const struct gs_export *export)
{
	gs_autojson struct gs_json *about = NULL;
	struct gs_error *err = gs_export_about(export, &about);

	if (err)
		return err;
	gs_json_for_each (note, gs_json_get(about, "notes"))
		gs_args_note(args, "%s", gs_json_string(note));
	if (gs_args_verbose(args))
		gs_args_note(args, export->cached ? "kept from before; nothing was run"
						  : "the binary was run");
	return NULL;
}

static bool ends_in(const char *path, const char *ending)
{
	size_t size = strlen(path), least = strlen(ending);

	return size > least && strcmp(path + size - least, ending) == 0;
}

static struct gs_error *check_ending(const char *path)
{
	if (!path || (!ends_in(path, ".gz") && !ends_in(path, ".zst")))
		return NULL;
	return gs_error_create(GS_ERROR_INVALID,
			       "--output: %s: what is packed is packed by xz: a name in .xz", path);
}

static struct gs_error *write_bytes(struct gs_outfile *file, const char *data, size_t size)
{
	if (gs_write_full(gs_outfile_fd(file), data, size) < 0)
		return gs_error_os(errno, "%s", gs_outfile_path(file));
	return gs_outfile_commit(file);
}

static struct gs_error *write_export(const struct gs_args *args, struct gs_outfile *file,
				     const struct gs_export *export)
{
	bool plain = gs_args_has(args, "plain");
	const char *data = plain ? export->text + export->dump_off : export->text;
	size_t size = plain ? export->dump_size : export->size, packed_size;
	gs_autofree char *packed = NULL;
	struct gs_error *err;

	if (!ends_in(gs_outfile_path(file), ".xz"))
		return write_bytes(file, data, size);
	err = gs_pack_xz(data, size, &packed, &packed_size);
	return err ? err : write_bytes(file, packed, packed_size);
}

int cmd_export(struct gs_args *args)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	const char *output = gs_args_get(args, "output");
	struct gs_export export = {0};
	struct gs_error *err = check_ending(output);

	if (!err)
		err = gs_outfile_open(output ? output : "-",
				      gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0, &file);
	if (!err)
		err = export_binary(args, &export);
	if (!err)
		err = tell_notes(args, &export);
	if (!err)
		err = write_export(args, file, &export);
	gs_export_deinit(&export);
	return err ? gs_args_fail(args, err) : GS_EXIT_OK;
}
