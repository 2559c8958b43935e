/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a process ended that is, most often, not our child.
 *
 * A child's status is asked of waitid(). Of others, the kernel shows it in /proc until their parent
 * has reaped them, and since Linux 6.15 by their pidfd when that is done. In between nothing is
 * lost, as what was looked at first is still there or the other one is by then.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>

#define PROC_FILE_MAX 4096

/* What PIDFD_GET_INFO fills in; C libraries of today's distributions do not have it yet. */
struct pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info) == 64, "the kernel tells its versions by size");

#define GET_INFO _IOWR(0xff, 11, struct pidfd_info)
#define INFO_EXIT (1 << 3)

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static bool status_of_child(int pidfd, int *status_ret)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
		return false;
	*status_ret = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
	return true;
}

/* The process that @pidfd stands for, as long as it has a number; else 0. */
static pid_t pid_of(int pidfd)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = NULL;
	const char *line;
	char path[48];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	err = gs_read_file(path, PROC_FILE_MAX, &text, NULL);
	line = err ? NULL : strstr(text, "\nPid:");
	return line && sscanf(line, "\nPid: %d", &pid) == 1 && pid > 0 ? pid : 0;
}

/* Not reaped yet, also after we have looked: it was no other process of that number. */
static bool status_of_zombie(int pidfd, int *status_ret)
{
	struct gs_proc_stat stat;
	pid_t pid = pid_of(pidfd);

	if (!pid || !gs_proc_stat(pid, &stat) || stat.state != 'Z' || pid_of(pidfd) != pid)
		return false;
	*status_ret = stat.status;
	return true;
}

static bool status_of_reaped(int pidfd, int *status_ret)
{
	struct pidfd_info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*status_ret = info.exit_code;
	return true;
}

bool gs_pidfd_status(int pidfd, int *status_ret)
{
	return status_of_child(pidfd, status_ret) || status_of_zombie(pidfd, status_ret) ||
	       status_of_reaped(pidfd, status_ret);
}
