/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guardian: outlives the tool that paused a guest, and resumes it in its stead. */
#include "guardian.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/guest.h>

#define LEASH_FD GS_ISOLATED_FD(0)
#define MONITOR_FD GS_ISOLATED_FD(1)
#define NAME "pause-guardian" /* its own, or "killall dumptool" would end it, too */
/* Somebody else's dump may have to end first, or a QEMU that a debugger holds may have to go on. */
#define RESUME_PATIENCE_MS (UINT64_C(24) * 60 * 60 * 1000)
#define RETRY_MS 100 /* how long an event may be awaited before cont is tried again */

/*
 * States out of which "cont" leads back to where the guest was when we stopped it. A reset turns
 * "paused" into "prelaunch".
 */
static bool is_resumable(const char *status)
{
	return strcmp(status, "paused") == 0 || strcmp(status, "save-vm") == 0 ||
	       strcmp(status, "prelaunch") == 0;
}

/* Whether the work is over: the guest runs, is beyond resuming, or its monitor is gone. */
static bool try_resume(struct gs_qmp *qmp)
{
	struct gs_qmp_status status;
	gs_autoerror struct gs_error *err = gs_qmp_query_status(qmp, &status);

	if (err)
		return err->code != GS_ERROR_TIMEOUT && err->code != GS_ERROR_REFUSED;
	if (status.running || !is_resumable(status.status))
		return true;
	err = gs_qmp_simple(qmp, "cont");
	return !err || err->code == GS_ERROR_LOST || err->code == GS_ERROR_GONE;
}

/* A refused "cont" means that a dump is in process; its end shows as an event. */
static void resume(void)
{
	uint64_t deadline = gs_deadline_in(RESUME_PATIENCE_MS);
	const struct gs_qmp_options options = {.command_ms = RESUME_PATIENCE_MS};
	struct gs_qmp *qmp;
	struct gs_error *err = gs_qmp_adopt(MONITOR_FD, &options, &qmp);

	while (!err && !try_resume(qmp) && !gs_deadline_passed(deadline)) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(qmp, gs_deadline_in(RETRY_MS), &event);
		if (!err) {
			gs_qmp_event_deinit(&event);
		} else if (err->code == GS_ERROR_TIMEOUT) {
			gs_error_destroy(err);
			err = NULL;
		}
	}
	/* Nobody is left to be told of an error. */
	gs_error_destroy(err);
}

_Noreturn void gs_guardian_main(int leash, int monitor)
{
	int fds[] = {leash, monitor};
	char byte = GUARDIAN_READY;

	if (!gs_process_isolate(NAME, fds, 2) || gs_write_full(LEASH_FD, &byte, 1) < 0)
		_exit(EXIT_FAILURE);
	if (gs_read_full(LEASH_FD, &byte, 1) != 1 || byte != GUARDIAN_DISMISS)
		resume();
	_exit(EXIT_SUCCESS);
}
