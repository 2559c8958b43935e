/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that run: their gate, their end, and what they are called. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "spawn.h"

#define END_MS 3000 /* after SIGKILL */

struct gs_error *gs_pidfd_open(pid_t pid, int *ret)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */

	if (pidfd >= 0) {
		*ret = pidfd;
		return NULL;
	}
	if (errno == ESRCH)
		return gs_error_create(GS_ERROR_GONE, "there is no process %d", (int)pid);
	return gs_error_os(errno, "pidfd of process %d", (int)pid);
}

struct gs_error *gs_pidfd_signal(int pidfd, int signal)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0)
		return NULL;
	if (errno == ESRCH)
		return gs_error_create(GS_ERROR_GONE, "the process has ended");
	return gs_error_os(errno, "signal %d", signal);
}

bool gs_pidfd_wait(int pidfd, uint64_t deadline_ms)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	int rc;

	/* poll() takes at most INT_MAX ms, so its timeout need not be the deadline. */
	do
		rc = poll(&wait, 1, gs_deadline_poll_ms(deadline_ms));
	while ((rc < 0 && errno == EINTR) || (rc == 0 && !gs_deadline_passed(deadline_ms)));
	return rc > 0;
}

static struct gs_error *ended_before_exec(void)
{
	return gs_error_create(GS_ERROR_GONE, "the process ended before exec");
}

/* What became of exec once the gate was open. */
static struct gs_error *receive_failure(int link)
{
	struct spawn_failure failure;
	ssize_t n = gs_read_full(link, &failure, sizeof(failure));

	if (n == 0)
		return NULL;
	if (n < 0 && errno != ECONNRESET)
		return gs_error_os(errno, "exec");
	if (n != (ssize_t)sizeof(failure))
		return ended_before_exec();
	return gs_error_os(failure.os_errno, "%s", failure.what);
}

static void reap(const struct gs_process *process)
{
	if (!process->detached)
		gs_spawn_abandon(process->pid);
}

struct gs_error *gs_process_open_gate(struct gs_process *process)
{
	int link = process->gate_fd;
	struct gs_error *err;
	bool sent;

	if (link < 0)
		return NULL;
	sent = send(link, "", 1, MSG_NOSIGNAL) == 1;
	err = receive_failure(link); /* a child that failed before the gate has said why */
	if (!err && !sent)
		err = ended_before_exec();
	close(link);
	process->gate_fd = -1;
	if (err)
		reap(process);
	return err;
}

static struct gs_error *child_status(const struct gs_process *process, int *ret)
{
	pid_t pid;

	do
		pid = waitpid(process->pid, ret, 0);
	while (pid < 0 && errno == EINTR);
	return pid < 0 ? gs_error_os(errno, "status of process %d", (int)process->pid) : NULL;
}

struct gs_error *gs_process_wait(struct gs_process *process, uint64_t deadline_ms, int *status_ret)
{
	int status = 0;
	struct gs_error *err = NULL;

	if (!gs_pidfd_wait(process->pidfd, deadline_ms))
		return gs_error_create(GS_ERROR_TIMEOUT, "process %d is still running",
				       (int)process->pid);
	if (!process->detached)
		err = child_status(process, &status);
	if (!err && status_ret)
		*status_ret = status;
	return err;
}

struct gs_error *gs_process_end(struct gs_process *process, int *status_ret)
{
	struct gs_error *err;

	/* Until it is reaped, the number is nobody else's. */
	if (process->group)
		kill(-process->pid, SIGKILL);
	gs_error_destroy(gs_pidfd_signal(process->pidfd, SIGKILL));
	err = gs_process_wait(process, gs_deadline_in(END_MS), status_ret);
	gs_process_deinit(process);
	return err;
}

void gs_process_deinit(struct gs_process *process)
{
	if (process->gate_fd >= 0) {
		gs_spawn_hang_up(process->gate_fd);
		reap(process);
	}
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->gate_fd = process->pidfd = -1;
}

char *gs_wait_status_text(int status)
{
	if (WIFEXITED(status))
		return gs_strf("exited with status %d", WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		return gs_strf("killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return gs_strf("ended with wait status 0x%x", (unsigned int)status);
}

void gs_process_comm(pid_t pid, char comm[17])
{
	gs_autofree char *text = NULL;
	gs_autoerror struct gs_error *err = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	err = gs_read_file(path, 256, &text, NULL);
	snprintf(comm, 17, "%s", err ? "?" : text);
	comm[strcspn(comm, "\n")] = '\0';
	for (char *c = comm; *c; c++) { /* a process names itself as it likes */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

uint64_t gs_process_age_ns(pid_t pid)
{
	uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK), start_ns, now_ns;
	struct gs_proc_stat stat;
	struct timespec now;

	if (!gs_proc_stat(pid, &stat) || stat.start / second >= UINT64_MAX / 1000000000 - 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	start_ns = stat.start / second * 1000000000 + stat.start % second * (1000000000 / second);
	return start_ns < now_ns ? now_ns - start_ns : 0;
}

struct gs_error *gs_signals_open(int *fd_ret)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*fd_ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *fd_ret < 0 ? gs_error_os(errno, "signalfd") : NULL;
}
