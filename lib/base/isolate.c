/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fork does that is to outlive its parent and whatever ended that. */
#include <guestscope/base/process.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Out of the way of the final numbers, so that none is overwritten before it was copied. */
static bool move_up(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, GS_ISOLATED_FD(count));
		if (fds[i] < 0)
			return false;
	}
	return true;
}

static bool place(const int *fds, int count)
{
	int null_fd = open("/dev/null", O_RDWR);

	if (null_fd < 0)
		return false;
	for (int fd = 0; fd < GS_ISOLATED_FD(0); fd++)
		if (dup2(null_fd, fd) < 0)
			return false;
	for (int i = 0; i < count; i++)
		if (dup3(fds[i], GS_ISOLATED_FD(i), O_CLOEXEC) < 0)
			return false;
	return true;
}

bool gs_process_isolate(const char *name, int *fds, int count)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, name);
	return chdir("/") == 0 && move_up(fds, count) && place(fds, count) &&
	       syscall(SYS_close_range, GS_ISOLATED_FD(count), UINT_MAX, 0) == 0;
}
