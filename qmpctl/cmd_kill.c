/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill: end a guest's QEMU by signals. */
#include <stdlib.h>

#include "qmpctl.h"

#define KILL_GRACE_MS 10000

static struct gs_error *find_process(const struct gs_args *args, int *pidfd_ret)
{
	const struct gs_qmp_options options = {.libvirt_uri = gs_args_connect(args)};
	gs_autofree char *run_dir = qmpctl_run_dir();

	return run_dir ? gs_guest_process(run_dir, gs_args_guest(args), &options, pidfd_ret)
		       : gs_error_nomem();
}

int cmd_kill(struct gs_args *args)
{
	gs_autoclose int pidfd = -1;
	bool forced = false;
	uint64_t grace_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", KILL_GRACE_MS, &grace_ms);
	struct gs_emit *e;

	if (!err)
		err = find_process(args, &pidfd);
	if (!err)
		err = gs_guest_end(pidfd, grace_ms, &forced);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "signal", "Ended by", forced ? "SIGKILL" : "SIGTERM");
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
