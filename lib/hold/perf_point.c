/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware breakpoints as perf events, and why there may be none. */
#include "perf_point.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "thread_state.h"

#if defined(__x86_64__)
#define POINT_LEN sizeof(long) /* the only one that it takes for X */
#else
#define POINT_LEN HW_BREAKPOINT_LEN_4 /* an instruction */
#endif

/* ---- why not ---- */

static bool has_perf_events(const char *pid)
{
	char path[300], link[300], target[64];
	struct dirent *entry;
	bool has = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !has && (entry = readdir(dir))) {
		ssize_t size;

		snprintf(link, sizeof(link), "%.40s/%.20s", path, entry->d_name);
		size = readlink(link, target, sizeof(target) - 1);
		target[size < 0 ? 0 : size] = '\0';
		has = strcmp(target, "anon_inode:[perf_event]") == 0;
	}
	if (dir)
		closedir(dir);
	return has;
}

/* Somebody else who has perf events; 0: nobody whom we may see. */
static pid_t find_rival(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t rival = 0;

	while (dir && !rival && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && pid != getpid() && has_perf_events(entry->d_name))
			rival = pid;
	}
	if (dir)
		closedir(dir);
	return rival;
}

static struct gs_error *error_full(pid_t tid)
{
	pid_t rival = find_rival();
	char comm[17];

	if (!rival)
		return gs_error_create(GS_ERROR_BUSY,
				       "all hardware breakpoints of thread %d are in use",
				       (int)tid);
	gs_process_comm(rival, comm);
	return gs_error_create(GS_ERROR_BUSY,
			       "all hardware breakpoints of thread %d are in use; %d (%s) has perf "
			       "events open",
			       (int)tid, (int)rival, comm);
}

/* A number above 2 is a distribution's own: perf is for root alone then. */
static struct gs_error *error_denied(pid_t tid, int code)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = 0;

	if (file && fscanf(file, "%d", &level) != 1)
		level = 0;
	if (file)
		fclose(file);
	if (level > 2)
		return gs_error_os(code,
				   "a hardware breakpoint for thread %d: sysctl "
				   "kernel.perf_event_paranoid is %d: it needs CAP_PERFMON, or 2",
				   (int)tid, level);
	return gs_error_os(code,
			   "a hardware breakpoint for thread %d: it is not ours, or a container's "
			   "seccomp profile forbids perf_event_open",
			   (int)tid);
}

static struct gs_error *error_of(pid_t tid, uint64_t address, int code)
{
	if (code == ENOSPC)
		return error_full(tid);
	if (code == EACCES || code == EPERM)
		return error_denied(tid, code);
	if (code == ESRCH)
		return gs_error_create(GS_ERROR_GONE, "thread %d has ended", (int)tid);
	if (code == ENOENT || code == ENODEV || code == ENOSYS || code == EOPNOTSUPP)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "this kernel has no hardware breakpoints for us (%s)",
				       strerror(code));
	if (code == EMFILE)
		return gs_error_os(code,
				   "a hardware breakpoint for thread %d: each takes one of "
				   "RLIMIT_NOFILE (ulimit -n)",
				   (int)tid);
	return gs_error_os(code, "a hardware breakpoint at 0x%llx for thread %d",
			   (unsigned long long)address, (int)tid);
}

/* ---- the point ---- */

static int open_event(pid_t tid, struct perf_event_attr *attr)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0 || errno != EINVAL || !attr->remove_on_exec)
		return fd;
	attr->remove_on_exec = 0; /* before Linux 5.13: the tracer sees the exec */
	return (int)syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* It must not send a signal before it is said which, and to whom. */
static bool aim(int fd, pid_t tid)
{
	const struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = tid};

	return fcntl(fd, F_SETOWN_EX, &owner) == 0 &&
	       fcntl(fd, F_SETSIG, GS_PERF_POINT_SIGNAL) == 0 &&
	       fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 &&
	       ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0;
}

struct gs_error *gs_perf_point_open(pid_t tid, uint64_t address, int *fd_ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address,
		.bp_len = POINT_LEN,
		.sample_period = 1,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.remove_on_exec = 1,
	};
	gs_autoclose int fd = open_event(tid, &attr);

	if (fd < 0 || !aim(fd, tid))
		return error_of(tid, address, errno);
	*fd_ret = gs_take_fd(&fd);
	return NULL;
}

/* No process can send another one a signal with this code. */
bool gs_perf_point_is_hit(const siginfo_t *info)
{
	return info->si_signo == GS_PERF_POINT_SIGNAL && info->si_code == POLL_IN;
}

bool gs_perf_point_is_pending(pid_t tid)
{
	struct gs_thread_state state;

	return gs_thread_state_read(tid, &state) &&
	       gs_thread_state_has(&state, GS_PERF_POINT_SIGNAL);
}
