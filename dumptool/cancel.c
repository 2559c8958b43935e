/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress of the command, and the signals that cancel it. */
#include <signal.h>
#include <unistd.h>

#include "dumptool.h"

#define GRACE_S 1

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
/* From the terminal; what they did before is put back once no guest depends on us. */
static const int suspenders[] = {SIGTSTP, SIGTTOU};
#define SUSPENDERS (sizeof(suspenders) / sizeof(*suspenders))
static struct sigaction suspenders_old[SUSPENDERS];
#define SIGNALS (sizeof(signals) / sizeof(*signals))

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
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	for (size_t i = 0; i < SIGNALS; i++) {
		/* What nohup or a shell's background job ignores stays ignored. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
	return &progress;
}

void dumptool_guard_guest(void)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	guarding = 1;
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < SUSPENDERS; i++)
		sigaction(suspenders[i], &ignore, &suspenders_old[i]);
}

/* One that came in time to cancel still does: the caller looks at dumptool_cancelled(). */
void dumptool_release_guest(void)
{
	struct sigaction old;

	if (!guarding)
		return;
	guarding = 0;
	alarm(0);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == on_signal)
			signal(signals[i], SIG_DFL);
	}
	for (size_t i = 0; i < SUSPENDERS; i++)
		sigaction(suspenders[i], &suspenders_old[i], NULL);
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
