/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump, or the live guest, that a command reads. */
#include <string.h>
#include <unistd.h>

#include <guestscope/guest.h>

#include "dumptool.h"

static struct gs_error *open_options(const struct gs_args *args, struct gs_dump_open *ret)
{
	*ret = (struct gs_dump_open){
		.raw = gs_args_has(args, "raw-base"),
		.spool_dir = gs_args_get(args, "spool-dir"),
	};
	return gs_args_size(args, "raw-base", 0, &ret->raw_base);
}

static struct gs_error *open_stdin(const struct gs_dump_open *options, struct gs_memory **ret)
{
	struct gs_blob *blob;
	struct gs_error *err = gs_spool(STDIN_FILENO, "stdin", options->spool_dir, &blob);

	if (err)
		return err;
	err = gs_dump_open_blob(blob, options, ret);
	if (err)
		gs_blob_destroy(blob);
	return err;
}

/* The @count arguments from the @first on are the parts of one dump. */
static struct gs_error *open_files(const struct gs_args *args, size_t first, size_t count,
				   struct gs_memory **ret)
{
	struct gs_dump_open options;
	struct gs_error *err = open_options(args, &options);

	if (err)
		return err;
	if (count == 1 && strcmp(gs_args_at(args, first), "-") == 0)
		return open_stdin(&options, ret);
	return gs_dump_open(dumptool_paths(args) + first, count, &options, ret);
}

/* --vmcoreinfo. (Of the command `notes` that is an option without a value.) */
static struct gs_error *use_vmcoreinfo(const struct gs_args *args, struct gs_memory *mem)
{
	const char *path = gs_args_get(args, "vmcoreinfo");
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err;

	if (!path)
		return NULL;
	err = gs_vmcoreinfo_load(path, &text, &size);
	return err ? err : gs_attributes_set_vmcoreinfo(&mem->attrs, text, size);
}

/* What QEMU would have to dump page by page is not searched. */
static bool is_searchable(const struct gs_memory *mem)
{
	return strcmp(mem->ops->format, "guest") != 0 || gs_guest_direct_pid(mem);
}

struct gs_error *dumptool_find_vmcoreinfo(const struct gs_args *args, struct gs_memory *mem,
					  const _Atomic int *cancelled)
{
	gs_autofree char *text = NULL;
	struct gs_error *err;
	size_t size;

	if (mem->attrs.vmcoreinfo || !is_searchable(mem))
		return NULL;
	err = gs_vmcoreinfo_scan(mem, 0, cancelled, &text, &size);
	if (err && err->code == GS_ERROR_NODATA) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	gs_args_note(args, "%s: VMCOREINFO is missing, but was found in the memory", mem->name);
	return gs_attributes_set_vmcoreinfo(&mem->attrs, text, size);
}

struct gs_error *dumptool_open(const struct gs_args *args, struct gs_memory **ret)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_error *err = open_files(args, 0, gs_args_count(args), &mem);

	if (!err)
		err = use_vmcoreinfo(args, mem);
	if (!err)
		*ret = gs_take(mem);
	return err;
}

static struct gs_error *look_at_guest(const struct gs_args *args, struct dumptool_input *in)
{
	struct gs_error *err = dumptool_connect(args, &in->qmp);

	return err ? err : gs_guest_look_open(in->qmp, &in->mem);
}

static struct gs_error *look(const struct gs_args *args, size_t first, size_t count,
			     const char *what, struct dumptool_input *ret)
{
	struct dumptool_input in = {0};
	struct gs_error *err;

	if (count)
		err = open_files(args, first, count, &in.mem);
	else if (gs_args_guest(args))
		err = look_at_guest(args, &in);
	else
		err = gs_error_create(GS_ERROR_INVALID, "%s is missing", what);
	if (!err)
		err = use_vmcoreinfo(args, in.mem);
	if (err)
		dumptool_close_input(&in);
	else
		*ret = in;
	return err;
}

struct gs_error *dumptool_look(const struct gs_args *args, size_t path_count,
			       struct dumptool_input *ret)
{
	return look(args, 0, path_count, "a dump FILE, or -g GUEST,", ret);
}

struct gs_error *dumptool_look_at(const struct gs_args *args, size_t i, const char *what,
				  struct dumptool_input *ret)
{
	return look(args, i, i < gs_args_count(args) ? 1 : 0, what, ret);
}

void dumptool_close_input(struct dumptool_input *in)
{
	gs_memory_destroy(in->mem);
	gs_qmp_close(in->qmp);
	*in = (struct dumptool_input){0};
}
