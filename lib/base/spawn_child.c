/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child between fork and exec: async-signal-safe functions only. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn.h"

#define EXIT_NO_EXEC 127 /* as a shell says it */

__attribute__((noreturn)) static void fail(struct spawn_child *child)
{
	child->failure.os_errno = errno;
	send(child->link, &child->failure, sizeof(child->failure), MSG_NOSIGNAL);
	_exit(EXIT_NO_EXEC);
}

/*
 * Handlers of the parent mean nothing here, and an ignored signal stays ignored across exec. By
 * system call, since glibc's sigaction() refuses its own two signals, which its posix_spawn() (make
 * uses it) leaves ignored. All zeros are SIG_DFL in every architecture's struct.
 */
static void reset_signals(void)
{
	static const uint64_t default_action[8];
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, default_action, NULL, (NSIG - 1) / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Any source may have the number that is another's target. So first all go out of the way, above
 * the numbers that the child will use; the number @floor itself is for the link, at the end.
 */
static int raise_fds(struct spawn_child *child)
{
	int link = fcntl(child->link, F_DUPFD_CLOEXEC, child->floor + 1);

	if (link < 0)
		return -1;
	child->link = link;
	for (size_t i = 0; i < child->fd_count; i++) {
		int raised = fcntl(child->fds[i].source, F_DUPFD_CLOEXEC, child->floor + 1);

		if (raised < 0)
			return -1;
		child->fds[i].source = raised;
	}
	return 0;
}

static bool is_target(const struct spawn_child *child, int fd)
{
	for (size_t i = 0; i < child->fd_count; i++) {
		if (child->fds[i].target == fd)
			return true;
	}
	return false;
}

/*
 * Everything but the targets and the link. Really closed, not just marked: a child that waits at
 * its gate must not hold the pipes of others open.
 */
static int close_others(struct spawn_child *child)
{
	for (int fd = 0; fd < child->floor; fd++) {
		if (!is_target(child, fd))
			close(fd);
	}
	if (dup3(child->link, child->floor, O_CLOEXEC) < 0)
		return -1;
	child->link = child->floor;
	return (int)syscall(SYS_close_range, (unsigned int)child->floor + 1, UINT_MAX, 0);
}

static int place_fds(struct spawn_child *child)
{
	if (raise_fds(child) < 0)
		return -1;
	for (size_t i = 0; i < child->fd_count; i++) {
		if (dup2(child->fds[i].source, child->fds[i].target) < 0)
			return -1;
	}
	return close_others(child);
}

static bool gate_opens(int link)
{
	ssize_t n;
	char byte;

	do
		n = read(link, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* A parent that was gone before we asked for its death will not be told of. */
static bool is_orphan(const struct spawn_child *child)
{
	if (!child->tied_to)
		return false;
	return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != child->tied_to;
}

void gs_spawn_child_main(struct spawn_child *child)
{
	reset_signals();
	if (is_orphan(child))
		_exit(EXIT_NO_EXEC);
	if (place_fds(child) < 0 || (child->group && setpgid(0, 0) < 0))
		fail(child);
	if (!gate_opens(child->link))
		_exit(EXIT_NO_EXEC);
	execve(child->program, child->argv, environ);
	fail(child);
}

void gs_spawn_intermediate_main(struct spawn_child *child, int report_fd)
{
	pid_t pid;
	char byte;

	/* The child is no session leader, so no terminal that it opens can hang up on it. */
	setsid();
	pid = _Fork();
	if (pid == 0)
		gs_spawn_child_main(child);
	if (pid < 0)
		pid = -errno;
	send(report_fd, &pid, sizeof(pid), MSG_NOSIGNAL);
	/* Two such processes that held each other's sockets would wait for each other. */
	dup2(report_fd, 0);
	syscall(SYS_close_range, 1, UINT_MAX, 0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}
