/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that is to be traced: as our child, behind a gate until it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "tracehooks.h"

/* As env, nice and the shells have it. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_RUN 126

struct gs_error *child_init(struct child *child, const struct gs_args *args, const char *command)
{
	*child = (struct child){.argv = gs_args_rest(args), .pidfd = -1};
	if (!child->argv || !child->argv[0])
		return gs_error_create(GS_ERROR_INVALID, "%s: which command? It stands behind --",
				       command);
	sigprocmask(SIG_SETMASK, NULL, &child->mask);
	return NULL;
}

__attribute__((noreturn)) static void become_command(const struct child *child, pid_t tracer)
{
	char byte;
	int code;

	/* Where only ancestors may trace, it has to be allowed; elsewhere it is unknown. */
	prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
	close(child->gate[1]);
	if (read(child->gate[0], &byte, 1) != 1)
		_exit(EXIT_NOT_RUN);
	sigprocmask(SIG_SETMASK, &child->mask, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp(child->argv[0], (char *const *)child->argv);
	code = errno;
	(void)!write(child->failure[1], &code, sizeof(code));
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

struct gs_error *child_fork(struct child *child, pid_t tracer)
{
	if (pipe2(child->gate, O_CLOEXEC) < 0 || pipe2(child->failure, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0)
		become_command(child, tracer);
	if (child->pid < 0)
		return gs_error_os(errno, "fork");
	close(child->gate[0]);
	close(child->failure[1]);
	return gs_pidfd_open(child->pid, &child->pidfd);
}

struct gs_error *child_let_go(struct child *child, struct gs_error *err)
{
	if (!err && write(child->gate[1], "", 1) != 1)
		err = gs_error_os(errno, "%s", child->argv[0]);
	close(child->gate[1]); /* unopened, it is the end of the child */
	return err;
}

static int finish(struct child *child, const struct gs_args *args)
{
	int status = 0, code;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (read(child->failure[0], &code, sizeof(code)) == (ssize_t)sizeof(code)) {
		child->not_run = true;
		gs_args_fail(args, gs_error_os(code, "%s", child->argv[0]));
		return WEXITSTATUS(status);
	}
	return WIFSIGNALED(status) ? GS_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_finish(struct child *child, const struct gs_args *args)
{
	int status = GS_EXIT_SIGNAL + SIGINT;

	if (gs_pidfd_wait(child->pidfd, 0))
		status = finish(child, args);
	else
		gs_args_note(args, "%s (%d) runs on", child->argv[0], (int)child->pid);
	close(child->pidfd);
	return status;
}
