/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Into a tracer's hands, all threads of a process, whatever they are about to do. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "trace.h"

#define PATIENCE_MS 1000
#define MEANWHILE_US 5000
#define ROUNDS_MAX 1000 /* through a process whose threads come and go while it is seized */
#define QUIET_ROUNDS 3

/* ---- one thread ---- */

/*
 * The kernel restarts PTRACE_SEIZE behind every handler: who wants to leave has to jump. That is
 * safe, as the signal is let in nowhere else than in this system call.
 */
static struct waiting {
	const struct gs_seizing *seizing;
	uint64_t deadline_ms;
	sigjmp_buf leave;
} waiting;

static void on_alarm(int signal)
{
	(void)signal;
	waiting.seizing->meanwhile(waiting.seizing->arg);
	if (gs_deadline_passed(waiting.deadline_ms))
		siglongjmp(waiting.leave, 1);
}

static void set_timer(suseconds_t us)
{
	const struct itimerval timer = {.it_interval.tv_usec = us, .it_value.tv_usec = us};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* 0, or errno. */
static int seize_with_timer(const struct gs_seizing *seizing, pid_t tid)
{
	sigset_t alarm;
	int code;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	if (sigsetjmp(waiting.leave, 1))
		return ETIMEDOUT;
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	code = ptrace(PTRACE_SEIZE, tid, NULL, (void *)seizing->options) < 0 ? errno : 0;
	sigprocmask(SIG_BLOCK, &alarm, NULL);
	return code;
}

int gs_seize_thread(const struct gs_seizing *seizing, pid_t tid)
{
	const struct sigaction ours = {.sa_handler = on_alarm}, none = {.sa_handler = SIG_IGN};
	struct sigaction former;
	sigset_t alarm, mask;
	int code;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &mask);
	sigaction(SIGALRM, &ours, &former);
	waiting.seizing = seizing;
	waiting.deadline_ms = gs_deadline_in(PATIENCE_MS);
	set_timer(MEANWHILE_US);
	code = seize_with_timer(seizing, tid);
	set_timer(0);
	sigaction(SIGALRM, &none, NULL); /* what is pending has gone */
	sigaction(SIGALRM, &former, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return code;
}

/* ---- all of them ---- */

struct round {
	unsigned int seized, refused, gone;
	int code; /* of those that are refused */
};

/* One that ends refuses as one does that is not ours to have. */
static bool is_ending(pid_t tid)
{
	struct gs_proc_stat stat;

	return !gs_proc_stat(tid, &stat) || strchr("ZX", stat.state);
}

static void take(const struct gs_seizing *seizing, pid_t tid, struct round *round)
{
	int code = gs_seize_thread(seizing, tid);

	if (code == EPERM && gs_trace_is_ours(tid))
		return;
	if (code == 0) {
		round->seized++;
		if (seizing->seized)
			seizing->seized(seizing->arg, tid);
	} else if (code == ESRCH || (code == EPERM && is_ending(tid))) {
		round->gone++;
	} else {
		round->refused++;
		round->code = code;
	}
}

static int take_all(const struct gs_seizing *seizing, pid_t pid, struct round *round)
{
	char path[32];
	struct dirent *entry;
	DIR *dir;

	*round = (struct round){0};
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? ESRCH : errno;
	while (round->code != ETIMEDOUT && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		if (tid > 0)
			take(seizing, tid, round);
	}
	closedir(dir);
	return round->code == ETIMEDOUT ? ETIMEDOUT : 0;
}

/*
 * Until all are ours. One that has gone may be there by another number: by an exec it takes over
 * the one of the process, and whoever had that has gone, too. A first thread that has ended may
 * stay for the sake of the others, and is gone each time.
 */
int gs_seize_process(const struct gs_seizing *seizing, pid_t pid)
{
	unsigned int seized = 0, gone = 0, quiet = 0; /* rounds in which nobody has come or gone */
	struct round round = {0};

	for (int i = 0; quiet < (round.refused ? QUIET_ROUNDS : 1); i++) {
		int code = i < ROUNDS_MAX ? take_all(seizing, pid, &round) : EBUSY;

		if (code)
			return code;
		quiet = round.seized || round.gone != gone ? 0 : quiet + 1;
		seized += round.seized;
		gone = round.gone;
	}
	if (gone && !seized && !round.refused && !gs_trace_is_ours(pid))
		return ESRCH;
	return round.refused ? round.code : 0;
}
