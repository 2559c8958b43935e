/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends a process for good. */
#include <signal.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "internal.h"

#define KILLED_MS 10000 /* what the kernel may need to take a killed process apart */

/* GONE is what we want. */
static struct gs_error *signal_process(int pidfd, int signal)
{
	struct gs_error *err = gs_pidfd_signal(pidfd, signal);

	if (!err || err->code != GS_ERROR_GONE)
		return err;
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *gs_guest_end(int pidfd, uint64_t grace_ms, bool *forced_ret)
{
	struct gs_error *err = signal_process(pidfd, SIGTERM);
	bool forced = false;

	if (!err && !gs_pidfd_wait(pidfd, gs_deadline_in(grace_ms))) {
		forced = true;
		err = signal_process(pidfd, SIGKILL);
		if (!err && !gs_pidfd_wait(pidfd, gs_deadline_in(KILLED_MS)))
			err = gs_error_create(GS_ERROR_TIMEOUT,
					      "the process is still there %d s after SIGKILL",
					      KILLED_MS / 1000);
	}
	if (!err && forced_ret)
		*forced_ret = forced;
	return err;
}
