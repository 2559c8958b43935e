/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run: a command, and what it starts, traced from its first instruction on. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "tracehooks.h"

/* As env, nice and the shells have it. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_RUN 126

/*
 * The command is our child, with our terminal, descriptors and signals: it is to run as if we were
 * not there. That it waits until it is traced, and that it could not be run, goes through two
 * pipes.
 */
struct command {
	const char *const *argv;
	sigset_t mask; /* what it was before we began */
	int gate[2], failure[2];
	pid_t pid;
	int pidfd;
};

__attribute__((noreturn)) static void become_command(const struct command *command, pid_t keeper)
{
	char byte;
	int code;

	/* Where only ancestors may trace, it has to be allowed; elsewhere it is unknown. */
	prctl(PR_SET_PTRACER, keeper, 0, 0, 0);
	close(command->gate[1]);
	if (read(command->gate[0], &byte, 1) != 1)
		_exit(EXIT_NOT_RUN);
	sigprocmask(SIG_SETMASK, &command->mask, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp(command->argv[0], (char *const *)command->argv);
	code = errno;
	(void)!write(command->failure[1], &code, sizeof(code));
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

static struct gs_error *start(struct command *command, struct watch *watch)
{
	struct gs_error *err;

	if (pipe2(command->gate, O_CLOEXEC) < 0 || pipe2(command->failure, O_CLOEXEC) < 0)
		return gs_error_os(errno, "pipe");
	fflush(NULL);
	command->pid = fork();
	if (command->pid == 0)
		become_command(command, gs_keeper_pid(watch->keeper));
	if (command->pid < 0)
		return gs_error_os(errno, "fork");
	close(command->gate[0]);
	close(command->failure[1]);
	err = gs_pidfd_open(command->pid, &command->pidfd);
	if (!err)
		err = gs_keeper_seize(watch->keeper, command->pid);
	if (!err && write(command->gate[1], "", 1) != 1)
		err = gs_error_os(errno, "%s", command->argv[0]);
	close(command->gate[1]); /* unopened, it is the end of the child */
	return err;
}

/* The exit status; what kept it from running is said. */
static int finish(const struct gs_args *args, const struct command *command)
{
	int status = 0, code;

	while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (read(command->failure[0], &code, sizeof(code)) == (ssize_t)sizeof(code)) {
		gs_args_fail(args, gs_error_os(code, "%s", command->argv[0]));
		return WEXITSTATUS(status);
	}
	return WIFSIGNALED(status) ? GS_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A second Ctrl-C: the command goes on without us. */
static int leave(const struct gs_args *args, const struct command *command)
{
	gs_args_note(args, "%s (%d) runs on", command->argv[0], (int)command->pid);
	return GS_EXIT_SIGNAL + SIGINT;
}

int cmd_run(struct gs_args *args)
{
	struct command command = {.argv = gs_args_rest(args), .pidfd = -1};
	struct watch watch;
	struct gs_error *err;
	int status;

	if (!command.argv || !command.argv[0])
		return gs_args_fail(args,
				    gs_error_create(GS_ERROR_INVALID,
						    "run: which command? It stands behind --"));
	sigprocmask(SIG_SETMASK, NULL, &command.mask);
	err = watch_begin(&watch, args);
	if (!err)
		err = start(&command, &watch);
	if (err) {
		watch_end(&watch);
		return gs_args_fail(args, err);
	}
	watch_until_end(&watch, command.pidfd);
	status = gs_pidfd_wait(command.pidfd, 0) ? finish(args, &command) : leave(args, &command);
	close(command.pidfd);
	watch_end(&watch);
	return status;
}
