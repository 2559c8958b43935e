/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guardian: outlives the tool that paused a guest, and resumes it in its stead. */
#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/guest.h>

#define LEASH_FD 3
#define MONITOR_FD 4
#define NAME "pause-guardian" /* its own, or "killall dumptool" would end it, too */
/* Somebody else's dump may have to end first, or a QEMU that a debugger holds may have to go on. */
#define RESUME_PATIENCE_MS (UINT64_C(24) * 60 * 60 * 1000)
#define RETRY_MS 100 /* how long an event may be awaited before cont is tried again */

/*
 * Beyond the reach of terminals and job control, holding nothing but the leash and the monitor: a
 * copy of a data pipe would keep a dump going, a copy of stdout would keep its reader waiting.
 */
static int isolate(int leash, int monitor)
{
	sigset_t all;
	int null_fd;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, NAME);
	if (chdir("/") < 0)
		return -1;
	/* Both are moved out of the way of their final numbers first. */
	leash = fcntl(leash, F_DUPFD, MONITOR_FD + 1);
	monitor = fcntl(monitor, F_DUPFD, MONITOR_FD + 1);
	null_fd = open("/dev/null", O_RDWR);
	if (leash < 0 || monitor < 0 || null_fd < 0)
		return -1;
	for (int fd = 0; fd < LEASH_FD; fd++)
		if (dup2(null_fd, fd) < 0)
			return -1;
	if (dup2(leash, LEASH_FD) < 0 || dup2(monitor, MONITOR_FD) < 0)
		return -1;
	return (int)syscall(SYS_close_range, MONITOR_FD + 1, UINT_MAX, 0);
}

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
	char byte = GUARDIAN_READY;

	if (isolate(leash, monitor) < 0 || gs_write_full(LEASH_FD, &byte, 1) < 0)
		_exit(EXIT_FAILURE);
	if (gs_read_full(LEASH_FD, &byte, 1) != 1 || byte != GUARDIAN_DISMISS)
		resume();
	_exit(EXIT_SUCCESS);
}
