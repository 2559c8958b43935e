/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool convert: a dump in another format. */
#include "dumptool.h"

static struct gs_error *convert_to(struct gs_args *args, struct gs_memory *mem,
				   struct gs_output_spec *spec, struct gs_outfile *out)
{
	struct gs_progress_bar *bar;
	struct gs_job_result result;
	struct gs_error *err;

	spec->progress = dumptool_progress();
	bar = gs_progress_bar_start(spec->progress, "convert", gs_args_quiet(args));
	err = gs_convert(mem, spec, out, &result);
	gs_progress_bar_stop(bar);
	if (!err)
		err = gs_outfile_commit(out);
	return err ? err : dumptool_say_result(args, out, &result);
}

/* The output is opened first: input from a pipe may take long to arrive. */
static struct gs_error *convert(struct gs_args *args)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_output_spec spec;
	struct gs_error *err = dumptool_output_spec(args, &spec);

	if (!err)
		err = dumptool_open_output(args, &out);
	if (!err)
		err = dumptool_open(args, &mem);
	return err ? err : convert_to(args, mem, &spec, out);
}

int cmd_convert(struct gs_args *args)
{
	return dumptool_end_job(args, convert(args));
}
