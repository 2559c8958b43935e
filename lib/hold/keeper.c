/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front end's side of a keeper: its beginning, what it tells, and its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/socket.h>
#include <guestscope/base/text.h>

#include "exec_caller.h"
#include "keeper.h"

struct gs_keeper {
	pid_t pid;
	int event_fd;
	char *dir;
	bool fails_stopped;
};

char *gs_keeper_socket_name(pid_t keeper)
{
	return gs_strf("%d.socket", (int)keeper);
}

pid_t gs_keeper_pid(const struct gs_keeper *keeper)
{
	return keeper->pid;
}

int gs_keeper_fd(const struct gs_keeper *keeper)
{
	return keeper->event_fd;
}

const char *gs_keeper_dir(const struct gs_keeper *keeper)
{
	return keeper->dir;
}

/* ---- the beginning ---- */

/* In the child: all that is kept is what it has to have. */
__attribute__((noreturn)) static void become_keeper(const struct gs_keeper_inheritance *given,
						    int event_fd)
{
	gs_autofree char *name = gs_keeper_socket_name(getpid());
	struct gs_keeper_inheritance inheritance = *given;
	int fds[3] = {event_fd, -1, given->mark.fan_fd};
	struct gs_error *err = NULL;

	if (!name)
		_exit(1);
	err = gs_unix_listen(given->dir, name, SOCK_SEQPACKET, &fds[1]);
	if (err || !gs_process_isolate("tracehooks-keep", fds, given->mark.path ? 3 : 2))
		_exit(1);
	inheritance.event_fd = GS_ISOLATED_FD(0);
	inheritance.listen_fd = GS_ISOLATED_FD(1);
	inheritance.mark.fan_fd = GS_ISOLATED_FD(2);
	gs_keeper_main(&inheritance);
}

/* Its first packet is an empty one: it serves. */
static struct gs_error *await_service(const struct gs_keeper *keeper)
{
	struct gs_keeper_event event;
	ssize_t size;

	do
		size = recv(keeper->event_fd, &event, sizeof(event), 0);
	while (size < 0 && errno == EINTR);
	if (size == 1)
		return NULL;
	return gs_error_create(GS_ERROR_GONE, "the keeper does not start; is %s writable?",
			       keeper->dir);
}

static struct gs_error *fork_keeper(struct gs_keeper *keeper,
				    const struct gs_keeper_inheritance *inheritance)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return gs_error_os(errno, "socketpair");
	keeper->event_fd = pair[0];
	keeper->pid = fork();
	if (keeper->pid == 0)
		become_keeper(inheritance, pair[1]);
	close(pair[1]);
	if (keeper->pid < 0)
		return gs_error_os(errno, "fork");
	return await_service(keeper);
}

static struct gs_error *open_mark(const struct gs_keeper_options *options,
				  const struct gs_hold_filter *filter, struct gs_exec_mark *ret)
{
	struct gs_error *err = NULL;

	if (!options->exe)
		return NULL;
	if (gs_hold_filter_is_empty(filter))
		err = gs_exec_file_check(options->exe);
	return err ? err : gs_exec_mark_open(options->exe, ret);
}

/* All that can be wrong is found out before there is a keeper. */
static struct gs_error *prepare(const struct gs_keeper_options *options,
				struct gs_keeper_inheritance *ret)
{
	struct gs_error *err = NULL;

	*ret = (struct gs_keeper_inheritance){
		.aim = options->aim,
		.dir = options->dir,
		.hold_max_s = options->hold_max_s,
		.wrap = options->wrap,
		.to_main = options->to_main,
		.fails_stopped = options->fails_stopped,
		.event_fd = -1,
		.listen_fd = -1,
		.mark = {.fan_fd = -1, .notify_fd = -1, .file_fd = -1}};
	if (!options->aim)
		err = gs_hold_filter_new(options->wish, &ret->filter);
	else if (options->aim->condition)
		err = gs_condition_parse(options->aim->condition, &ret->condition);
	if (!err)
		err = gs_hold_dir_make(options->dir);
	return err ? err : open_mark(options, ret->filter, &ret->mark);
}

static void discard(struct gs_keeper_inheritance *inheritance)
{
	if (inheritance->filter)
		gs_hold_filter_free(inheritance->filter);
	if (inheritance->condition)
		gs_condition_destroy(inheritance->condition);
	gs_exec_mark_close(&inheritance->mark);
}

struct gs_error *gs_keeper_start(const struct gs_keeper_options *options, struct gs_keeper **ret)
{
	struct gs_keeper_inheritance inheritance;
	struct gs_keeper *keeper = calloc(1, sizeof(*keeper));
	struct gs_error *err;

	if (!keeper)
		return gs_error_nomem();
	*keeper = (struct gs_keeper){.pid = -1,
				     .event_fd = -1,
				     .dir = strdup(options->dir),
				     .fails_stopped = options->fails_stopped};
	err = prepare(options, &inheritance);
	if (!err)
		err = keeper->dir ? fork_keeper(keeper, &inheritance) : gs_error_nomem();
	discard(&inheritance);
	if (err)
		gs_keeper_stop(keeper);
	else
		*ret = keeper;
	return err;
}

/* One that somebody has stopped does what it is asked for only when it goes on. */
void gs_keeper_wake(const struct gs_keeper *keeper)
{
	if (keeper->pid > 0)
		kill(keeper->pid, SIGCONT);
}

void gs_keeper_look(const struct gs_keeper *keeper)
{
	struct gs_proc_stat stat;

	if (gs_proc_stat(keeper->pid, &stat) && stat.state == 'T')
		gs_keeper_wake(keeper);
}

void gs_keeper_stop(struct gs_keeper *keeper)
{
	gs_autofree char *name = gs_keeper_socket_name(keeper->pid);
	gs_autofree char *path = name ? gs_strf("%s/%s", keeper->dir, name) : NULL;

	if (keeper->event_fd >= 0) {
		(void)!send(keeper->event_fd, "", 1, MSG_NOSIGNAL); /* as it should be */
		close(keeper->event_fd);
	}
	gs_keeper_wake(keeper);
	while (keeper->pid > 0 && waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (path && keeper->pid > 0)
		unlink(path); /* it was killed, and could not */
	free(keeper->dir);
	free(keeper);
}

/* ---- what it tells ---- */

struct gs_error *gs_keeper_next(struct gs_keeper *keeper, struct gs_keeper_event *ret)
{
	ssize_t size;

	do
		size = recv(keeper->event_fd, ret, sizeof(*ret), MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size == (ssize_t)sizeof(*ret))
		return NULL;
	if (size < 0 && errno == EAGAIN)
		return gs_error_create(GS_ERROR_NODATA, "nothing has happened");
	if (keeper->fails_stopped)
		return gs_error_create(GS_ERROR_GONE,
				       "the keeper was killed: what it held is stopped; "
				       "tracehooks release --stale continues it");
	return gs_error_create(GS_ERROR_GONE, "the keeper was killed: nothing is held any more");
}
