/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest that a command is about. */
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/base/process.h>

#include "qmpctl.h"

char *qmpctl_run_dir(void)
{
	return gs_registry_dir(getenv("XDG_RUNTIME_DIR"));
}

static void trace(void *arg, bool outgoing, const char *text, size_t size)
{
	(void)arg;
	fprintf(stderr, "%s %.*s\n", outgoing ? "-->" : "<--", (int)size, text);
}

struct gs_error *target_open(const struct gs_args *args, uint64_t command_ms, struct target *ret)
{
	const struct gs_qmp_options options = {
		.libvirt_uri = gs_args_connect(args),
		.command_ms = command_ms,
		.trace = gs_args_verbose(args) ? trace : NULL,
	};
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_error *err;

	*ret = (struct target){.pidfd = -1};
	if (!run_dir)
		return gs_error_nomem();
	err = gs_guest_connect(run_dir, gs_args_guest(args), &options, &ret->qmp);
	if (err)
		return err;
	ret->pid = gs_qmp_peer_pid(ret->qmp);
	if (ret->pid) {
		gs_autoerror struct gs_error *gone = gs_pidfd_open(ret->pid, &ret->pidfd);

		if (gone) /* just ended: the monitor will tell */
			ret->pid = 0;
	}
	return NULL;
}

void target_close(struct target *target)
{
	if (target->qmp)
		gs_qmp_close(target->qmp);
	if (target->pidfd >= 0)
		close(target->pidfd);
	*target = (struct target){.pidfd = -1};
}

int finish_output(const struct gs_args *args, struct gs_emit *e, int status)
{
	struct gs_error *err = gs_emit_finish(e);

	gs_emit_destroy(e);
	return err ? gs_args_fail(args, err) : status;
}
