/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/task/TID/syscall is a number, six arguments, and two addresses. Behind the arguments
 * there may be memory of the process, or other files of /proc.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/process.h>

#include "wait.h"

#define POLL_MAX 1024
#define EPOLL_LINES_MAX 4096
#define ID_IS_PIDFD 3 /* P_PIDFD, which musl does not have */

static const struct {
	long number;
	enum gs_wait_shape shape;
} calls[] = {
	{SYS_read, GS_WAIT_SHAPE_READ},          {SYS_readv, GS_WAIT_SHAPE_READ},
	{SYS_recvfrom, GS_WAIT_SHAPE_READ},      {SYS_recvmsg, GS_WAIT_SHAPE_READ},
	{SYS_write, GS_WAIT_SHAPE_WRITE},        {SYS_writev, GS_WAIT_SHAPE_WRITE},
	{SYS_sendto, GS_WAIT_SHAPE_WRITE},       {SYS_sendmsg, GS_WAIT_SHAPE_WRITE},
	{SYS_ppoll, GS_WAIT_SHAPE_POLL},         {SYS_pselect6, GS_WAIT_SHAPE_SELECT},
	{SYS_epoll_pwait, GS_WAIT_SHAPE_EPOLL},  {SYS_wait4, GS_WAIT_SHAPE_WAIT4},
	{SYS_waitid, GS_WAIT_SHAPE_WAITID},      {SYS_clone, GS_WAIT_SHAPE_CLONE},
	{SYS_futex, GS_WAIT_SHAPE_FUTEX},
#ifdef SYS_clone3
	{SYS_clone3, GS_WAIT_SHAPE_CLONE3},
#endif
#ifdef SYS_epoll_pwait2
	{SYS_epoll_pwait2, GS_WAIT_SHAPE_EPOLL},
#endif
/* Newer machines have only the calls above. */
#ifdef SYS_poll
	{SYS_poll, GS_WAIT_SHAPE_POLL},          {SYS_select, GS_WAIT_SHAPE_SELECT},
	{SYS_epoll_wait, GS_WAIT_SHAPE_EPOLL},   {SYS_vfork, GS_WAIT_SHAPE_VFORK},
#endif
};

/* A program of another word size has other numbers for its calls. */
static bool is_native(pid_t pid)
{
	unsigned char ident[5] = {0};
	gs_autoclose int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, ident, sizeof(ident)) == (ssize_t)sizeof(ident) &&
	       ident[4] == sizeof(void *) / 4;
}

static bool find_shape(long number, enum gs_wait_shape *ret)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].number == number) {
			*ret = calls[i].shape;
			return true;
		}
	}
	return false;
}

bool gs_wait_look(pid_t pid, pid_t tid, struct gs_wait *ret)
{
	gs_autoclose int fd = -1;
	char path[48], line[256];
	uint64_t *args = ret->args;
	ssize_t size;
	long number;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	if (size <= 0)
		return false;
	line[size] = '\0';
	ret->pid = pid;
	ret->tid = tid;
	return sscanf(line,
		      "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
		      &number, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5]) == 7 &&
	       find_shape(number, &ret->shape) && is_native(pid);
}

/* All or nothing. */
static bool read_memory(const struct gs_wait *wait, uint64_t address, void *to, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};

	return process_vm_readv(wait->pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* ---- descriptors ---- */

static void visit_poll(const struct gs_wait *wait, gs_wait_visit visit, void *arg)
{
	size_t count = wait->args[1] < POLL_MAX ? wait->args[1] : POLL_MAX;
	gs_autofree struct pollfd *fds = calloc(count + 1, sizeof(*fds));

	if (!fds || !read_memory(wait, wait->args[0], fds, count * sizeof(*fds)))
		return;
	for (size_t i = 0; i < count; i++) {
		if (fds[i].fd >= 0)
			visit(arg, fds[i].fd, fds[i].events & (POLLIN | POLLRDNORM),
			      fds[i].events & (POLLOUT | POLLWRNORM));
	}
}

/* The kernel reads as many bytes of a set as hold this many bits, in words. */
static void read_set(const struct gs_wait *wait, uint64_t address, fd_set *ret)
{
	size_t bits = wait->args[0] < FD_SETSIZE ? wait->args[0] : FD_SETSIZE;
	size_t words = (bits + 8 * sizeof(long) - 1) / (8 * sizeof(long));

	FD_ZERO(ret);
	if (address && !read_memory(wait, address, ret, words * sizeof(long)))
		FD_ZERO(ret);
}

static void visit_select(const struct gs_wait *wait, gs_wait_visit visit, void *arg)
{
	fd_set in, out;

	read_set(wait, wait->args[1], &in);
	read_set(wait, wait->args[2], &out);
	for (int fd = 0; fd < FD_SETSIZE && (uint64_t)fd < wait->args[0]; fd++) {
		if (FD_ISSET(fd, &in) || FD_ISSET(fd, &out))
			visit(arg, fd, FD_ISSET(fd, &in), FD_ISSET(fd, &out));
	}
}

static FILE *open_fdinfo(const struct gs_wait *wait, int fd)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)wait->pid, fd);
	return fopen(path, "re");
}

static void visit_epoll(const struct gs_wait *wait, gs_wait_visit visit, void *arg)
{
	FILE *file = open_fdinfo(wait, (int)wait->args[0]);
	unsigned int events;
	char line[160];
	int fd;

	for (int i = 0; file && i < EPOLL_LINES_MAX && fgets(line, sizeof(line), file); i++) {
		if (sscanf(line, "tfd: %d events: %x", &fd, &events) == 2)
			visit(arg, fd, events & POLLIN, events & POLLOUT);
	}
	if (file)
		fclose(file);
}

void gs_wait_visit_fds(const struct gs_wait *wait, gs_wait_visit visit, void *arg)
{
	switch (wait->shape) {
	case GS_WAIT_SHAPE_READ:
	case GS_WAIT_SHAPE_WRITE:
		visit(arg, (int)wait->args[0], wait->shape == GS_WAIT_SHAPE_READ,
		      wait->shape == GS_WAIT_SHAPE_WRITE);
		break;
	case GS_WAIT_SHAPE_POLL:
		visit_poll(wait, visit, arg);
		break;
	case GS_WAIT_SHAPE_SELECT:
		visit_select(wait, visit, arg);
		break;
	case GS_WAIT_SHAPE_EPOLL:
		visit_epoll(wait, visit, arg);
		break;
	default:
		break;
	}
}

/* ---- children ---- */

static pid_t pidfd_process(const struct gs_wait *wait, int fd)
{
	FILE *file = open_fdinfo(wait, fd);
	char line[160];
	int pid = 0;

	while (file && !pid && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Pid: %d", &pid);
	if (file)
		fclose(file);
	return pid;
}

static pid_t group_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.group : 0;
}

static bool is_in_group(const struct gs_wait *wait, pid_t wanted, pid_t group)
{
	return group == (wanted ? wanted : group_of(wait->pid));
}

bool gs_wait_is_for_child(const struct gs_wait *wait, pid_t pid, pid_t group)
{
	pid_t wanted = (pid_t)wait->args[0], id = (pid_t)wait->args[1];

	if (wait->shape == GS_WAIT_SHAPE_WAIT4)
		return wanted == -1 || wanted == pid ||
		       (wanted <= 0 && is_in_group(wait, -wanted, group));
	if (wait->shape != GS_WAIT_SHAPE_WAITID)
		return false;
	switch (wait->args[0]) {
	case P_ALL:
		return true;
	case P_PID:
		return id == pid;
	case P_PGID:
		return is_in_group(wait, id, group);
	case ID_IS_PIDFD:
		return pidfd_process(wait, id) == pid;
	default:
		return false;
	}
}

bool gs_wait_is_vfork(const struct gs_wait *wait)
{
	uint64_t flags = 0;

	if (wait->shape == GS_WAIT_SHAPE_CLONE)
		flags = wait->args[0];
	else if (wait->shape == GS_WAIT_SHAPE_CLONE3)
		(void)read_memory(wait, wait->args[0], &flags, sizeof(flags));
	return wait->shape == GS_WAIT_SHAPE_VFORK || (flags & CLONE_VFORK);
}

/* ---- locks ---- */

/* What the kernel waits on is the first of a mutex's members, its owner the third. */
bool gs_wait_is_for_mutex_of(const struct gs_wait *wait, pid_t tid)
{
	int command = (int)wait->args[1] & FUTEX_CMD_MASK;
	struct {
		int32_t lock;
		uint32_t count;
		int32_t owner;
	} mutex;

	return wait->shape == GS_WAIT_SHAPE_FUTEX &&
	       (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) &&
	       read_memory(wait, wait->args[0], &mutex, sizeof(mutex)) && mutex.lock &&
	       mutex.owner == tid;
}
