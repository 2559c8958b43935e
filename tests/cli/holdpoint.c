/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs with hold points, for the tests of <guestscope/holdpoint.h>; C and C++, strict and not.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <guestscope/holdpoint.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "holdpoint_other.h"

static int run_child(int vforked)
{
	static char shell[] = "sh", option[] = "-c", script[] = "exit 4";
	static char *argv[] = {shell, option, script, NULL};
	pid_t pid = vforked ? vfork() : fork();
	int status = 0;

	if (pid == 0) {
		GS_HOLDPOINT(child);
		execv("/bin/sh", argv);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void *work(void *nothing)
{
	GS_HOLDPOINT(work);
	return nothing;
}

static int run_threads(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 3;
}

static volatile sig_atomic_t ticks;

static void count(int number)
{
	ticks = ticks + (number == SIGALRM);
}

/* Interrupted 100 times a second. */
static int run_signals(void)
{
	struct itimerval often = {{0, 10000}, {0, 10000}};
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = count;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	errno = 77;
	GS_HOLDPOINT(start);
	return errno == 77 && ticks > 20 ? 5 : 1;
}

static int run_broken(void)
{
	int fds[2];

	if (pipe(fds) != 0 || dup2(fds[1], 2) != 2)
		return 1;
	close(fds[0]);
	GS_HOLDPOINT(start);
	return 6;
}

/* Full, and nobody reads. */
static int run_full(void)
{
	int fds[2];
	char page[4096] = "";

	if (pipe(fds) != 0 || dup2(fds[1], 2) != 2 || fcntl(2, F_SETFL, O_NONBLOCK) != 0)
		return 1;
	while (write(2, page, sizeof(page)) > 0)
		;
	fcntl(2, F_SETFL, 0);
	GS_HOLDPOINT(start);
	return 8;
}

/* In a folder that has no /proc. */
static int run_rootless(const char *folder)
{
	if (chroot(folder) != 0)
		return 1;
	GS_HOLDPOINT(start);
	return 5;
}

/* A daemon that runs a child each time it is told to. */
static int run_daemon(void)
{
	size_t gate = GS_HOLDPOINT_AS(size_t, &gs_holdpoint_gate);
	int status = 0;

	GS_HOLDPOINT(start);
	fprintf(stderr, "gate %zx\n", gate);
	while (getchar() == '\n')
		status = run_child(0);
	return status;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "fork") || !strcmp(what, "vfork")) {
		int first = run_child(*what == 'v');

		return first + run_child(*what == 'v');
	}
	if (!strcmp(what, "threads"))
		return run_threads();
	if (!strcmp(what, "signals"))
		return run_signals();
	if (!strcmp(what, "broken"))
		return run_broken();
	if (!strcmp(what, "full"))
		return run_full();
	if (!strcmp(what, "rootless"))
		return run_rootless(argv[2]);
	if (!strcmp(what, "daemon"))
		return run_daemon();
	GS_HOLDPOINT(start);
	return other(argc) + other(argc);
}
