/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool join: the parts of a split dump as one file. */
#include "dumptool.h"

static struct gs_error *join(struct gs_args *args)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_job_result result;
	struct gs_progress_bar *bar;
	struct gs_error *err = dumptool_open_output(args, &out);

	if (!err)
		err = dumptool_open(args, &mem);
	if (err)
		return err;
	bar = gs_progress_bar_start(dumptool_progress(), "join", gs_args_quiet(args));
	err = gs_join(mem, out, dumptool_progress(), &result);
	gs_progress_bar_stop(bar);
	if (!err)
		err = gs_outfile_commit(out);
	return err ? err : dumptool_say_result(args, out, &result);
}

int cmd_join(struct gs_args *args)
{
	return dumptool_end_job(args, join(args));
}
