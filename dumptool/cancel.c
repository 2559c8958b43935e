/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress of the command, and the signals that cancel it. */
#include <signal.h>
#include <unistd.h>

#include "dumptool.h"

#define GRACE_S 1

static struct gs_progress progress;
static volatile sig_atomic_t signalled; /* by which signal; 0: none */
static volatile sig_atomic_t guarding;

static void on_signal(int signal)
{
	signalled = signal;
	progress.cancelled = 1;
	if (guarding)
		alarm(GRACE_S);
}

/* The signal has its default action again, and ends us; the pause guard does the rest. */
static void on_alarm(int signal)
{
	(void)signal;
	raise(signalled);
}

struct gs_progress *dumptool_progress(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		/* What nohup or a shell's background job ignores stays ignored. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
	return &progress;
}

void dumptool_guard_guest(void)
{
	const struct sigaction action = {.sa_handler = on_alarm};

	guarding = 1;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
}

bool dumptool_cancelled(void)
{
	return signalled;
}

int dumptool_cancelled_status(void)
{
	return GS_EXIT_SIGNAL + signalled;
}

int dumptool_end_job(const struct gs_args *args, struct gs_error *err)
{
	if (!err || !signalled)
		return gs_args_fail(args, err);
	gs_error_destroy(err);
	return dumptool_cancelled_status();
}
