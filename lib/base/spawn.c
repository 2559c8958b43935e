/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parent's side of starting a process. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#include "spawn.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* 0, EACCES for a file that may not be run, or ENOENT, also for a folder that hides what is in it.
 */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return ENOENT;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

/*
 * The file that execvp() would run. Looked up before the fork, because execvp() is not
 * async-signal-safe.
 */
struct gs_error *gs_program_find(const char *name, char **ret)
{
	const char *path = getenv("PATH");
	int rc, reason = ENOENT;

	if (strchr(name, '/')) {
		*ret = strdup(name);
		return *ret ? NULL : gs_error_nomem();
	}
	for (const char *dir = path ? path : DEFAULT_PATH; *name && dir;) {
		const char *end = strchrnul(dir, ':');
		gs_autofree char *file =
			gs_strf("%.*s%s%s", (int)(end - dir), dir, end == dir ? "./" : "/", name);

		if (!file)
			return gs_error_nomem();
		rc = check_program(file);
		if (rc == 0) {
			*ret = gs_take(file);
			return NULL;
		}
		if (rc == EACCES)
			reason = EACCES;
		dir = *end ? end + 1 : NULL;
	}
	return gs_error_os(reason, "%s", name);
}

static struct gs_error *check_targets(const struct spawn_child *child)
{
	for (size_t i = 0; i < child->fd_count; i++) {
		if (child->fds[i].source < 0)
			return gs_error_os(EBADF, "%s", child->failure.what);
		for (size_t j = 0; j < i; j++) {
			if (child->fds[i].target == child->fds[j].target)
				return gs_error_create(GS_ERROR_INVALID,
						       "%s: file descriptor %d given twice",
						       child->failure.what, child->fds[i].target);
		}
	}
	return NULL;
}

/* Where each descriptor of the child comes from; @null_fd for a standard one that is -1. */
static struct gs_error *plan_fds(const struct gs_spawn *spawn, int null_fd,
				 struct spawn_child *child)
{
	const int standard[] = {spawn->stdin_fd, spawn->stdout_fd, spawn->stderr_fd};
	size_t count = 0;

	child->fds = calloc(spawn->fd_count + 3, sizeof(*child->fds));
	if (!child->fds)
		return gs_error_nomem();
	for (int i = 0; i < 3; i++)
		child->fds[count++] = (struct spawn_placement){
			.source = standard[i] < 0 ? null_fd : standard[i],
			.target = i,
		};
	child->floor = 3;
	for (size_t i = 0; i < spawn->fd_count; i++) {
		const struct gs_spawn_fd *fd = &spawn->fds[i];
		int target = fd->child_fd < 0 ? fd->parent_fd : fd->child_fd;

		child->fds[count++] = (struct spawn_placement){fd->parent_fd, target};
		if (target >= child->floor)
			child->floor = target + 1;
	}
	child->fd_count = count;
	return check_targets(child);
}

/* No handler of the parent may run in the child: it starts with all signals blocked. */
static pid_t fork_blocked(sigset_t *old_ret)
{
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old_ret);
	pid = _Fork(); /* no atfork handlers: nothing that they would repair is used */
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, old_ret, NULL);
	return pid;
}

void gs_spawn_abandon(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void gs_spawn_hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

static struct gs_error *start_child(struct spawn_child *child, struct gs_process *ret)
{
	sigset_t old;
	pid_t pid = fork_blocked(&old);
	struct gs_error *err;

	if (pid == 0)
		gs_spawn_child_main(child);
	if (pid < 0)
		return gs_error_os(errno, "fork");
	err = gs_pidfd_open(pid, &ret->pidfd);
	if (err) {
		gs_spawn_abandon(pid);
		return err;
	}
	ret->pid = pid;
	return NULL;
}

/* What the intermediate process says, made into a pidfd while the pid is sure to be the child's. */
static struct gs_error *receive_child(int report_fd, struct gs_process *ret)
{
	pid_t pid;
	ssize_t n = gs_read_full(report_fd, &pid, sizeof(pid));
	struct gs_error *err;

	if (n != (ssize_t)sizeof(pid))
		return gs_error_os(n < 0 ? errno : ECHILD, "fork");
	if (pid < 0)
		return gs_error_os(-pid, "fork");
	err = gs_pidfd_open(pid, &ret->pidfd);
	if (!err)
		ret->pid = pid;
	return err;
}

static struct gs_error *start_detached(struct spawn_child *child, struct gs_process *ret)
{
	struct gs_error *err;
	int report[2];
	sigset_t old;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, report) < 0)
		return gs_error_os(errno, "socketpair");
	pid = fork_blocked(&old);
	if (pid == 0) {
		close(report[0]);
		gs_spawn_intermediate_main(child, report[1]);
	}
	err = pid < 0 ? gs_error_os(errno, "fork") : NULL;
	close(report[1]);
	if (!err)
		err = receive_child(report[0], ret);
	gs_spawn_hang_up(report[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

/* Up to the gate. */
static struct gs_error *start(const struct gs_spawn *spawn, struct spawn_child *child,
			      struct gs_process *ret)
{
	struct gs_error *err;
	int link[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0)
		return gs_error_os(errno, "socketpair");
	child->link = link[1];
	err = spawn->detach ? start_detached(child, ret) : start_child(child, ret);
	close(link[1]);
	if (err) {
		gs_spawn_hang_up(link[0]);
		return err;
	}
	ret->gate_fd = link[0];
	ret->detached = spawn->detach;
	ret->group = spawn->group;
	return NULL;
}

/* A child behind its gate, or beyond where no gate is asked for. */
static struct gs_error *start_as_asked(const struct gs_spawn *spawn, struct spawn_child *child,
				       struct gs_process *ret)
{
	struct gs_process process = {.pidfd = -1, .gate_fd = -1};
	struct gs_error *err = start(spawn, child, &process);

	if (!err && !spawn->gate)
		err = gs_process_open_gate(&process);
	if (err)
		gs_process_deinit(&process);
	else
		*ret = process;
	return err;
}

struct gs_error *gs_process_spawn(const struct gs_spawn *spawn, struct gs_process *ret)
{
	gs_autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	gs_autofree char *program = NULL;
	struct spawn_child child = {
		.argv = (char *const *)spawn->argv,
		.tied_to = spawn->tied ? getpid() : 0,
		.group = spawn->group,
	};
	struct gs_error *err;

	if (null_fd < 0)
		return gs_error_os(errno, "/dev/null");
	err = gs_program_find(spawn->argv[0], &program);
	if (err)
		return err;
	child.program = program;
	snprintf(child.failure.what, sizeof(child.failure.what), "%s", spawn->argv[0]);
	err = plan_fds(spawn, null_fd, &child);
	if (!err)
		err = start_as_asked(spawn, &child, ret);
	free(child.fds);
	return err;
}
