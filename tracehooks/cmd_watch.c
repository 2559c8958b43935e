/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: whoever executes a file. */
#include <signal.h>

#include "tracehooks.h"

/* What there is where this is not permitted, or cannot be. */
static struct gs_error *point_elsewhere(struct gs_error *err)
{
	struct gs_error *longer;

	if (!err || err->code != GS_ERROR_UNREACHABLE)
		return err;
	longer = gs_error_create(GS_ERROR_UNREACHABLE,
				 "watch: %s; 'tracehooks attach PID' does it by tracing who starts "
				 "the program: no debugger can attach to him meanwhile",
				 err->message);
	gs_error_destroy(err);
	return longer;
}

int cmd_watch(struct gs_args *args)
{
	const char *exe = gs_args_get(args, "exe");
	struct watch watch;
	struct gs_error *err;

	if (!exe)
		return gs_args_fail(args, gs_error_create(GS_ERROR_INVALID,
							  "watch: which program? --exe names it"));
	err = watch_begin(&watch, args);
	watch.is_brief = true;
	if (!err) {
		gs_args_note(args, "whoever executes %s is held", exe);
		watch_until_end(&watch, -1);
	}
	watch_end(&watch);
	if (err)
		return gs_args_fail(args, point_elsewhere(err));
	if (watch.signals)
		return GS_EXIT_SIGNAL + watch.signal;
	return watch.lost || watch.blind ? GS_EXIT_FAILED : GS_EXIT_OK;
}
