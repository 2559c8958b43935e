/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading another process's memory, and saying why that is not allowed. */
#include "direct_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#define DYING_MS 200

static struct gs_error *ended(const struct direct_process *p)
{
	return gs_error_create(GS_ERROR_GONE, "QEMU (process %d) has ended", (int)p->pid);
}

/* False unless the process lets us know. (The owner of /proc/PID may be another.) */
static bool owner_of(const struct direct_process *p, uid_t *ret)
{
	int fd = openat(p->proc_fd, "status", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned int uid;
	char line[256];
	bool found = false;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Uid: %*u %u", &uid) == 1;
	fclose(file);
	*ret = uid;
	return found;
}

static int yama_scope(void)
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err =
		gs_read_file("/proc/sys/kernel/yama/ptrace_scope", 64, &text, NULL);

	return err ? 0 : atoi(text);
}

static struct gs_error *refused(const struct direct_process *p, int os_errno)
{
	char comm[17];
	uid_t owner;

	gs_process_comm(p->pid, comm);
	if (owner_of(p, &owner) && owner != geteuid())
		return gs_error_os(os_errno,
				   "memory of process %d (%s): takes its user (%u), or root",
				   (int)p->pid, comm, (unsigned int)owner);
	if (yama_scope() > 0)
		return gs_error_os(os_errno,
				   "memory of process %d (%s): kernel.yama.ptrace_scope is %d, so "
				   "this takes root (CAP_SYS_PTRACE)",
				   (int)p->pid, comm, yama_scope());
	return gs_error_os(os_errno, "memory of process %d (%s): takes root (CAP_SYS_PTRACE)",
			   (int)p->pid, comm);
}

static ssize_t read_some(const struct direct_process *p, uint64_t hva, void *buf, size_t size)
{
	struct iovec to = {.iov_base = buf, .iov_len = size};
	struct iovec from = {.iov_base = (void *)(uintptr_t)hva, .iov_len = size};

	return process_vm_readv(p->pid, &to, 1, &from, 1, 0);
}

/* Nobody has memory at address 0, but only who may read memory is told so. */
static struct gs_error *check_permission(const struct direct_process *p)
{
	char byte;

	if (read_some(p, 0, &byte, 1) >= 0 || errno == EFAULT)
		return NULL;
	return errno == ESRCH ? ended(p) : refused(p, errno);
}

static struct gs_error *open_handles(struct direct_process *p)
{
	char path[32];
	struct gs_error *err = gs_pidfd_open(p->pid, &p->pidfd);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d", (int)p->pid);
	p->proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->proc_fd < 0)
		return errno == ENOENT ? ended(p) : gs_error_os(errno, "%s", path);
	err = check_permission(p);
	if (err)
		return err;
	p->pagemap_fd = openat(p->proc_fd, "pagemap", O_RDONLY | O_CLOEXEC);
	if (p->pagemap_fd >= 0)
		return NULL;
	return errno == ESRCH || errno == ENOENT ? ended(p) : refused(p, errno);
}

struct gs_error *gs_direct_process_open(pid_t pid, struct direct_process *ret)
{
	struct direct_process p = DIRECT_PROCESS_INIT;
	struct gs_error *err;

	p.pid = pid;
	err = open_handles(&p);
	if (err)
		gs_direct_process_close(&p);
	else
		*ret = p;
	return err;
}

void gs_direct_process_close(struct direct_process *p)
{
	int *fds[] = {&p->pidfd, &p->proc_fd, &p->pagemap_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(gs_take_fd(fds[i]));
	}
}

/* 0, or an errno. */
static int read_all(const struct direct_process *p, uint64_t hva, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t n = read_some(p, hva, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EFAULT;
		hva += (size_t)n;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

struct gs_error *gs_direct_process_read(const struct direct_process *p, uint64_t hva, void *buf,
					size_t size)
{
	int rc = read_all(p, hva, buf, size);
	/* A process that is being killed loses its memory first. */
	uint64_t deadline = rc && rc != ESRCH ? gs_deadline_in(DYING_MS) : 0;

	/* Also after a success: its number may be another's by now, but not before it had ended. */
	if (rc == ESRCH || gs_pidfd_wait(p->pidfd, deadline))
		return ended(p);
	return rc ? gs_error_os(rc, "process %d: memory at 0x%" PRIx64, (int)p->pid, hva) : NULL;
}
