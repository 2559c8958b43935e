/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder: a process that traces, writes down what happens, and holds nobody. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/trace.h>

#include "tree.h"

#define ERROR_BYTES 240

/* From the recorder: first that it serves, then an answer to each number that it gets. */
struct answer {
	int code; /* 0: done; else enum gs_error_code */
	int os_errno;
	char message[ERROR_BYTES];
};

struct gs_recorder {
	pid_t pid;
	int ask_fd;  /* a number: seize that process */
	int done_fd; /* closed by the recorder when all have ended */
	struct gs_tree_log *log;
};

/* ---- in the recorder ---- */

struct recording {
	struct gs_tree_log *log;
	struct gs_tracer *tracer;
	int ask_fd, done_fd;
	bool has_begun;
};

static void on_born(void *arg, const struct gs_traced *process, int birth)
{
	struct recording *recording = arg;
	struct gs_tree_event event = {
		.kind = GS_TREE_BORN,
		.pid = process->id.pid,
		.start = process->id.start,
		.parent = process->parent ? process->parent->id.pid : 0,
		.value = birth == PTRACE_EVENT_VFORK   ? GS_PTREE_VFORK
			 : birth == PTRACE_EVENT_CLONE ? GS_PTREE_CLONE
						       : GS_PTREE_FORK,
		.at_ns = gs_now_ns(),
	};

	gs_tree_log_add(recording->log, &event, process->comm, strlen(process->comm) + 1);
}

/*
 * Also of who has forked it, or of who is left of those: what that has for it, it may close before
 * its own moment comes.
 */
static void log_open(struct recording *recording, const struct gs_traced *process)
{
	const struct gs_traced *beside = process->parent;
	uint64_t at_ns = gs_now_ns();

	while (beside && beside->ended)
		beside = beside->parent;
	gs_tree_log_open(recording->log, process->id.pid, at_ns);
	if (beside)
		gs_tree_log_beside(recording->log, beside->id.pid, at_ns);
}

static bool on_exec(void *arg, const struct gs_traced *process)
{
	struct recording *recording = arg;
	uint64_t at_ns = gs_now_ns();
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(process->id.pid, &proc);

	if (!gone)
		gs_tree_log_exec(recording->log, &proc, at_ns);
	log_open(recording, process);
	gs_proc_deinit(&proc);
	return false;
}

static void on_exiting(void *arg, const struct gs_traced *process)
{
	log_open(arg, process);
}

static void on_ended(void *arg, const struct gs_traced *process, int status)
{
	struct recording *recording = arg;
	struct gs_tree_event event = {
		.kind = GS_TREE_END, .pid = process->id.pid, .value = status, .at_ns = gs_now_ns()};

	gs_tree_log_add(recording->log, &event, NULL, 0);
}

static const struct gs_trace_ops trace_ops = {
	.exec = on_exec, .born = on_born, .exiting = on_exiting, .ended = on_ended};

static void log_first(struct recording *recording, pid_t pid)
{
	const struct gs_traced *process = gs_tracer_find(recording->tracer, pid);
	struct gs_tree_event event = {.kind = GS_TREE_BORN,
				      .pid = pid,
				      .start = process ? process->id.start : 0,
				      .value = GS_PTREE_FOUND,
				      .at_ns = gs_now_ns()};
	const char *comm = process ? process->comm : "";

	gs_tree_log_add(recording->log, &event, comm, strlen(comm) + 1);
}

static void answer(const struct recording *recording, struct gs_error *err)
{
	struct answer packet = {0};

	if (err) {
		packet.code = err->code;
		packet.os_errno = err->os_errno;
		snprintf(packet.message, sizeof(packet.message), "%s", err->message);
	}
	gs_error_destroy(err);
	(void)!send(recording->ask_fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* false: the front end has ended, or wants the end. */
static bool serve(struct recording *recording)
{
	pid_t pid;
	ssize_t size = recv(recording->ask_fd, &pid, sizeof(pid), MSG_DONTWAIT);
	struct gs_error *err;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (size != (ssize_t)sizeof(pid))
		return false;
	err = gs_tracer_seize(recording->tracer, pid);
	if (!err)
		log_first(recording, pid);
	recording->has_begun |= !err;
	answer(recording, err);
	return true;
}

static bool step(struct recording *recording)
{
	struct pollfd fds[] = {
		{.fd = recording->ask_fd, .events = POLLIN},
		{.fd = gs_tracer_fd(recording->tracer), .events = POLLIN},
	};

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	gs_tracer_dispatch(recording->tracer);
	if (recording->has_begun && gs_tracer_count(recording->tracer) == 0 &&
	    recording->done_fd >= 0) {
		close(recording->done_fd);
		recording->done_fd = -1;
	}
	return !fds[0].revents || serve(recording);
}

__attribute__((noreturn)) static void record(struct gs_tree_log *log)
{
	struct recording recording = {
		.log = log, .ask_fd = GS_ISOLATED_FD(0), .done_fd = GS_ISOLATED_FD(1)};
	struct gs_tree_event end = {.kind = GS_TREE_TIME};
	struct gs_error *err = gs_tracer_new(&trace_ops, &recording, &recording.tracer);

	answer(&recording, err);
	if (err)
		_exit(1);
	while (step(&recording))
		;
	end.at_ns = gs_now_ns();
	gs_tree_log_add(log, &end, NULL, 0);
	_exit(0); /* the kernel lets go of all */
}

/* ---- in the front end ---- */

static struct gs_error *await_answer(const struct gs_recorder *recorder)
{
	struct answer packet;
	struct gs_error *err;
	ssize_t size;

	do
		size = recv(recorder->ask_fd, &packet, sizeof(packet), 0);
	while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(packet))
		return gs_error_create(GS_ERROR_GONE, "the recorder was killed");
	if (!packet.code)
		return NULL;
	packet.message[ERROR_BYTES - 1] = '\0';
	err = gs_error_create((enum gs_error_code)packet.code, "%s", packet.message);
	if (err->code == (enum gs_error_code)packet.code && packet.os_errno)
		err->os_errno = packet.os_errno;
	return err;
}

static struct gs_error *fork_recorder(struct gs_recorder *recorder)
{
	int ask[2], done[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ask) < 0)
		return gs_error_os(errno, "socketpair");
	recorder->ask_fd = ask[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, done) < 0) {
		close(ask[1]);
		return gs_error_os(errno, "socketpair");
	}
	recorder->done_fd = done[0];
	recorder->pid = fork();
	if (recorder->pid == 0) {
		int fds[] = {ask[1], done[1]};

		if (!gs_process_isolate("tracehooks-tree", fds, 2))
			_exit(1);
		record(recorder->log);
	}
	close(ask[1]);
	close(done[1]);
	return recorder->pid < 0 ? gs_error_os(errno, "fork") : await_answer(recorder);
}

struct gs_error *gs_recorder_start(struct gs_recorder **ret)
{
	GS_CLEANUP(gs_recorder_destroy)
	struct gs_recorder *recorder = calloc(1, sizeof(*recorder));
	struct gs_error *err;

	if (!recorder)
		return gs_error_nomem();
	*recorder = (struct gs_recorder){.pid = -1, .ask_fd = -1, .done_fd = -1};
	err = gs_tree_log_new(&recorder->log);
	if (!err)
		err = fork_recorder(recorder);
	if (!err)
		*ret = gs_take(recorder);
	return err;
}

pid_t gs_recorder_pid(const struct gs_recorder *recorder)
{
	return recorder->pid;
}

int gs_recorder_fd(const struct gs_recorder *recorder)
{
	return recorder->done_fd;
}

struct gs_error *gs_recorder_seize(struct gs_recorder *recorder, pid_t pid)
{
	if (send(recorder->ask_fd, &pid, sizeof(pid), MSG_NOSIGNAL) < 0)
		return gs_error_create(GS_ERROR_GONE, "the recorder was killed");
	return await_answer(recorder);
}

/* It ends when nobody can ask any more. */
static void end(struct gs_recorder *recorder)
{
	if (recorder->ask_fd >= 0)
		close(recorder->ask_fd);
	recorder->ask_fd = -1;
	while (recorder->pid > 0 && waitpid(recorder->pid, NULL, 0) < 0 && errno == EINTR)
		;
	recorder->pid = -1;
}

struct gs_error *gs_recorder_stop(struct gs_recorder *recorder, struct gs_ptree *ret)
{
	end(recorder);
	return gs_tree_log_read(recorder->log, ret);
}

void gs_recorder_destroy(struct gs_recorder *recorder)
{
	end(recorder);
	if (recorder->done_fd >= 0)
		close(recorder->done_fd);
	if (recorder->log)
		gs_tree_log_free(recorder->log);
	free(recorder);
}
