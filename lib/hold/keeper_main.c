/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper itself: one loop over who it traces, who asks it, and time.
 *
 * Nothing here waits for anybody but for the next thing to happen: whoever is traced stands still
 * until we come.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/trace.h>

#include "exec_caller.h"
#include "gate.h"
#include "keeper.h"

#define CLIENTS_MAX 8

struct keeper {
	const struct gs_keeper_inheritance *self;
	struct gs_holds holds;
	bool busy; /* something is held, or may be later */
	struct gs_gate gate;
	bool has_told_nested; /* a shell's scripts are many */
	int clients[CLIENTS_MAX];
};

/* ---- what the tracer sees ---- */

static bool on_exec(void *arg, const struct gs_traced *process)
{
	struct keeper *keeper = arg;
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *err = NULL;
	bool is_held = false;

	if (gs_hold_filter_is_done(keeper->self->filter))
		return false;
	err = gs_proc_read(process->id.pid, &proc);
	if (!err) {
		const struct gs_hold_candidate candidate = {
			.exe = proc.exe ? proc.exe : "",
			.args = proc.args,
			.args_size = proc.args_size,
			.uid = proc.uid,
			.depth = process->depth,
			.parent = process->parent ? process->parent->id.pid : proc.parent,
			.parent_name = process->parent ? process->parent->comm : "",
		};

		is_held = gs_hold_filter_take(keeper->self->filter, &candidate) &&
			  gs_holds_add(&keeper->holds, process, &proc);
	}
	gs_proc_deinit(&proc);
	return is_held;
}

static void on_ended(void *arg, const struct gs_traced *process, int status)
{
	struct keeper *keeper = arg;
	(void)status;

	gs_holds_ended(&keeper->holds, process->id.pid);
}

static const struct gs_trace_ops trace_ops = {.exec = on_exec, .ended = on_ended};

/* ---- what one can ask for ---- */

static struct gs_error *serve_seize(void *arg, pid_t pid)
{
	struct keeper *keeper = arg;

	return gs_tracer_seize(keeper->holds.tracer, pid);
}

static struct gs_error *serve_release(void *arg, pid_t id)
{
	struct keeper *keeper = arg;

	return gs_holds_release(&keeper->holds, id);
}

static struct gs_error *serve_release_all(void *arg)
{
	struct keeper *keeper = arg;

	gs_holds_release_all(&keeper->holds);
	return NULL;
}

static struct gs_error *serve_hand_over(void *arg, pid_t id, bool resume)
{
	struct keeper *keeper = arg;

	return gs_holds_hand_over(&keeper->holds, id, resume);
}

static const struct gs_keeper_service service = {serve_seize, serve_release, serve_release_all,
						 serve_hand_over};

/* ---- who asks ---- */

static void accept_client(struct keeper *keeper)
{
	int fd = accept4(keeper->self->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
		if (keeper->clients[i] < 0) {
			keeper->clients[i] = fd;
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* false: it has gone. */
static bool serve_client(struct keeper *keeper, int fd)
{
	char packet[GS_KEEPER_PACKET_MAX];
	ssize_t size = recv(fd, packet, sizeof(packet), 0);
	gs_autofree char *reply = NULL;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (size <= 0)
		return false;
	reply = gs_keeper_answer(&service, keeper, packet, (size_t)size);
	return reply && send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

static void serve_clients(struct keeper *keeper, const struct pollfd *fds)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (fds[i].revents && !serve_client(keeper, keeper->clients[i])) {
			close(keeper->clients[i]);
			keeper->clients[i] = -1;
		}
	}
}

/* ---- who executes the file ---- */

/* He stands still: first of all he is answered. */
static void serve_exec(struct keeper *keeper, const struct gs_gate_message *request)
{
	bool is_done = gs_hold_filter_is_done(keeper->self->filter);
	bool is_spared = is_done || gs_exec_caller_is_spared(request->tid);
	bool is_nested =
		!is_spared && gs_exec_caller_is_nested(request->tid, request->dev, request->ino);
	gs_autoerror struct gs_error *err = NULL;

	if (!is_spared && !is_nested)
		err = gs_tracer_expect(keeper->holds.tracer, request->tid);
	gs_gate_answer(&keeper->gate, request);
	if (err && err->code != GS_ERROR_GONE)
		gs_holds_tell(&keeper->holds, GS_KEEPER_PASSED, request->tid, err->message);
	if (is_nested && !keeper->has_told_nested)
		gs_holds_tell(&keeper->holds, GS_KEEPER_PASSED, request->tid,
			      "it runs a script: watch that (this is told once)");
	keeper->has_told_nested |= is_nested;
}

static void serve_gate(struct keeper *keeper)
{
	struct gs_gate_message message;

	while (gs_gate_hear(&keeper->gate, &message)) {
		if (message.word == GS_GATE_EXEC)
			serve_exec(keeper, &message);
		else if (message.word == GS_GATE_LATE)
			gs_holds_tell(&keeper->holds, GS_KEEPER_PASSED, message.tid,
				      "the keeper was too busy");
		else
			gs_holds_tell(&keeper->holds,
				      message.word == GS_GATE_MOVED ? GS_KEEPER_MOVED
								    : GS_KEEPER_MISSING,
				      0, "");
	}
	if (keeper->gate.fd < 0)
		gs_holds_tell(&keeper->holds, GS_KEEPER_BLIND, 0, "");
}

/* No one has to stand still for what will not be held. */
static void tend_gate(struct keeper *keeper)
{
	if (keeper->gate.fd < 0)
		return;
	if (gs_hold_filter_is_done(keeper->self->filter))
		gs_gate_stop(&keeper->gate);
	else
		gs_gate_look(&keeper->gate);
}

/* ---- the loop ---- */

enum { POLL_FRONT, POLL_TRACER, POLL_LISTEN, POLL_GATE, POLL_CLIENTS };

static void tell_if_idle(struct keeper *keeper)
{
	bool is_done = gs_hold_filter_is_done(keeper->self->filter);
	bool may_hold = gs_tracer_count(keeper->holds.tracer) || keeper->gate.fd >= 0;
	bool is_busy = keeper->holds.first || (may_hold && !is_done);

	if (keeper->busy && !is_busy)
		gs_holds_tell(&keeper->holds, GS_KEEPER_IDLE, 0, "");
	keeper->busy = is_busy;
}

static int timeout_ms(const struct keeper *keeper)
{
	const int times[] = {gs_holds_timeout_ms(&keeper->holds),
			     gs_tracer_timeout_ms(keeper->holds.tracer),
			     keeper->gate.fd >= 0 ? GS_GATE_LOOK_MS : -1};
	int ms = -1;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		if (times[i] >= 0 && (ms < 0 || times[i] < ms))
			ms = times[i];
	}
	return ms;
}

/* false: the front end has ended. */
static bool step(struct keeper *keeper)
{
	struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX] = {
		[POLL_FRONT] = {.fd = keeper->self->event_fd},
		[POLL_TRACER] = {.fd = gs_tracer_fd(keeper->holds.tracer), .events = POLLIN},
		[POLL_LISTEN] = {.fd = keeper->self->listen_fd, .events = POLLIN},
		[POLL_GATE] = {.fd = keeper->gate.fd, .events = POLLIN},
	};

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fds[POLL_CLIENTS + i] = (struct pollfd){.fd = keeper->clients[i], .events = POLLIN};
	if (poll(fds, POLL_CLIENTS + CLIENTS_MAX, timeout_ms(keeper)) < 0)
		return errno == EINTR;
	if (fds[POLL_GATE].revents)
		serve_gate(keeper);
	gs_tracer_dispatch(keeper->holds.tracer);
	if (fds[POLL_LISTEN].revents)
		accept_client(keeper);
	serve_clients(keeper, fds + POLL_CLIENTS);
	gs_holds_look(&keeper->holds);
	tend_gate(keeper);
	tell_if_idle(keeper);
	return !fds[POLL_FRONT].revents;
}

void gs_keeper_main(const struct gs_keeper_inheritance *inheritance)
{
	struct gs_exec_mark mark = inheritance->mark;
	struct keeper keeper = {.self = inheritance,
				.gate.fd = -1,
				.busy = mark.path,
				.holds = {.keeper.pid = getpid(),
					  .dir = inheritance->dir,
					  .hold_max_s = inheritance->hold_max_s,
					  .event_fd = inheritance->event_fd}};
	gs_autofree char *name = gs_keeper_socket_name(getpid());
	gs_autofree char *path = name ? gs_strf("%s/%s", inheritance->dir, name) : NULL;
	struct gs_proc_stat stat;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		keeper.clients[i] = -1;
	gs_autoerror struct gs_error *err =
		gs_tracer_new(&trace_ops, &keeper, &keeper.holds.tracer);
	if (err || !path || !gs_proc_stat(getpid(), &stat))
		_exit(1);
	if (mark.path && !gs_gate_start(&keeper.gate, &mark))
		_exit(1);
	keeper.holds.keeper.start = stat.start;
	(void)!send(inheritance->event_fd, "", 1, MSG_NOSIGNAL);
	while (step(&keeper))
		;
	gs_holds_release_all(&keeper.holds);
	unlink(path);
	_exit(0);
}
