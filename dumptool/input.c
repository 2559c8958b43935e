/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump that a command reads. */
#include <string.h>
#include <unistd.h>

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

struct gs_error *dumptool_open(const struct gs_args *args, struct gs_memory **ret)
{
	struct gs_dump_open options;
	struct gs_error *err = open_options(args, &options);

	if (err)
		return err;
	if (gs_args_count(args) == 1 && strcmp(gs_args_at(args, 0), "-") == 0)
		return open_stdin(&options, ret);
	return gs_dump_open(dumptool_paths(args), gs_args_count(args), &options, ret);
}
