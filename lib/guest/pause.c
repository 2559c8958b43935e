/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pause guard.
 *
 *	tool ── monitor ───────────────── QEMU
 *	  │        └─ inherited ─┐
 *	  └─ leash (socketpair) ─ guardian: reads the leash only; when it ends without a word,
 *	                          takes over the monitor and resumes the guest
 */
#include <guestscope/guest.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#include "guardian.h"

#define ABANDON_MS 5000 /* for "cont" where something failed already; the guardian has more */

struct gs_pause {
	struct gs_qmp *qmp;
	pid_t guardian;
	int leash; /* -1: no guardian */
	bool was_running;
	bool left;        /* to the guardian */
	uint64_t resumes; /* that were seen before it stood still */
};

static struct gs_error *start_guardian(struct gs_pause *pause, int monitor)
{
	int pair[2];
	char ready;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return gs_error_os(errno, "pause guard: socketpair");
	pause->guardian = fork();
	if (pause->guardian == 0)
		gs_guardian_main(pair[1], monitor);
	close(pair[1]);
	pause->leash = pair[0];
	if (pause->guardian < 0)
		return gs_error_os(errno, "pause guard: fork");
	if (gs_read_full(pause->leash, &ready, 1) != 1)
		return gs_error_create(GS_ERROR_PROTOCOL, "pause guard: guardian did not start");
	return NULL;
}

static void dismiss_guardian(struct gs_pause *pause)
{
	char byte = GUARDIAN_DISMISS;

	if (pause->leash < 0)
		return;
	/* One that has died already is not told, but reaped all the same. */
	(void)send(pause->leash, &byte, 1, MSG_NOSIGNAL);
	while (pause->guardian > 0 && waitpid(pause->guardian, NULL, 0) < 0 && errno == EINTR)
		;
	close(pause->leash);
	pause->leash = -1;
}

/*
 * Closing the leash without a word is what makes the guardian act. From then on the monitor is its
 * own: a reply to it that we read, waiting for one to us, it would await for ever.
 */
static void leave_to_guardian(struct gs_pause *pause)
{
	if (pause->leash < 0)
		return;
	gs_qmp_give_away(pause->qmp);
	close(pause->leash);
	pause->leash = -1;
}

static struct gs_error *stop_guarded(struct gs_pause *pause)
{
	struct gs_error *err;

	if (gs_qmp_fd(pause->qmp) < 0)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "pause guard: this transport cannot be guarded");
	err = start_guardian(pause, gs_qmp_fd(pause->qmp));
	if (!err)
		err = gs_qmp_simple(pause->qmp, "stop");
	/* Whether it stopped may not be known: then the guardian finds out. */
	if (err && (err->code == GS_ERROR_TIMEOUT || err->code == GS_ERROR_LOST))
		leave_to_guardian(pause);
	else if (err)
		dismiss_guardian(pause);
	return err;
}

struct gs_error *gs_pause_begin(struct gs_qmp *qmp, struct gs_pause **ret, bool *was_running_ret)
{
	gs_autofree struct gs_pause *pause = calloc(1, sizeof(*pause));
	struct gs_qmp_status status;
	struct gs_error *err;

	if (!pause)
		return gs_error_nomem();
	*pause = (struct gs_pause){.qmp = qmp, .leash = -1};
	err = gs_qmp_query_status(qmp, &status);
	if (err)
		return err;
	/* A guest that may run again at any moment is neither running nor paused. */
	if (strcmp(status.status, "save-vm") == 0)
		return gs_error_create(GS_ERROR_BUSY,
				       "%s: somebody else is taking a dump or a snapshot",
				       gs_qmp_name(qmp));
	pause->was_running = status.running;
	if (status.running)
		err = stop_guarded(pause);
	if (err)
		return err;
	pause->resumes = gs_qmp_run_history(qmp).resumes;
	if (was_running_ret)
		*was_running_ret = pause->was_running;
	*ret = gs_take(pause);
	return NULL;
}

struct gs_error *gs_pause_check(struct gs_pause *pause)
{
	struct gs_qmp_status status; /* not looked at: the events came before it */
	struct gs_error *err = gs_qmp_query_status(pause->qmp, &status);

	if (err || gs_qmp_run_history(pause->qmp).resumes == pause->resumes)
		return err;
	pause->was_running = false;
	return gs_error_create(GS_ERROR_BUSY,
			       "%s: somebody else resumed the guest while its memory was read",
			       gs_qmp_name(pause->qmp));
}

/* Takes @pause. */
static struct gs_error *end(struct gs_pause *pause, uint64_t deadline_ms)
{
	struct gs_error *err = NULL;

	if (pause->left)
		err = gs_error_create(GS_ERROR_TIMEOUT, "left to the pause guard");
	else if (pause->was_running)
		err = gs_qmp_execute(pause->qmp, "cont", NULL, deadline_ms, NULL);
	if (err)
		leave_to_guardian(pause);
	else
		dismiss_guardian(pause);
	free(pause);
	return gs_error_wrap(err, "resume");
}

struct gs_error *gs_pause_end(struct gs_pause *pause)
{
	return end(pause, 0);
}

void gs_pause_abandon(struct gs_pause *pause)
{
	if (pause)
		gs_error_destroy(end(pause, gs_deadline_in(ABANDON_MS)));
}

void gs_pause_leave(struct gs_pause *pause)
{
	if (!pause->was_running)
		return;
	leave_to_guardian(pause);
	pause->left = true;
}

void gs_pause_disarm(struct gs_pause *pause)
{
	pause->was_running = false;
}
