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

#include "keeper.h"

#define CLIENTS_MAX 8

struct keeper {
	const struct gs_keeper_inheritance *self;
	struct gs_holds holds;
	struct gs_execs execs; /* one of these two */
	struct gs_calls calls;
	bool busy; /* something is held, or may be later */
	int clients[CLIENTS_MAX];
};

/* ---- what one can ask for ---- */

static struct gs_error *not_here(void)
{
	return gs_error_create(GS_ERROR_UNSUPPORTED, "not by this keeper");
}

static struct gs_error *serve_seize(void *arg, pid_t pid)
{
	struct keeper *keeper = arg;

	if (keeper->self->aim)
		return not_here();
	return gs_tracer_seize(keeper->execs.tracer, pid);
}

static struct gs_error *serve_release(void *arg, pid_t id)
{
	struct keeper *keeper = arg;

	return gs_holds_release(&keeper->holds, id);
}

static struct gs_error *serve_release_all(void *arg)
{
	struct keeper *keeper = arg;

	if (!keeper->self->aim)
		gs_execs_call_off(&keeper->execs);
	gs_holds_release_all(&keeper->holds);
	return NULL;
}

static struct gs_error *serve_hand_over(void *arg, pid_t id, bool resume)
{
	struct keeper *keeper = arg;

	return gs_holds_hand_over(&keeper->holds, id, resume);
}

static struct gs_error *serve_catch(void *arg, struct gs_json *result)
{
	struct keeper *keeper = arg;
	gs_autofree char *why = NULL;
	struct gs_error *err =
		keeper->self->aim ? gs_calls_catch(&keeper->calls, &why) : not_here();
	const char *name = gs_catch_mechanism_name(keeper->calls.mechanism);

	if (!err && (!gs_json_set(result, "mechanism", gs_json_new_string(name)) ||
		     !gs_json_set(result, "why", gs_json_new_string(why))))
		err = gs_error_nomem();
	return err;
}

static struct gs_error *serve_arm(void *arg, const struct gs_place *place)
{
	struct keeper *keeper = arg;

	return keeper->self->aim ? gs_calls_arm(&keeper->calls, place) : not_here();
}

static struct gs_error *serve_go_on(void *arg, pid_t id)
{
	struct keeper *keeper = arg;

	return keeper->self->aim ? gs_calls_go_on(&keeper->calls, id) : not_here();
}

static struct gs_error *serve_go_to(void *arg, pid_t id, enum gs_keeper_then then,
				    const struct gs_place *place)
{
	struct keeper *keeper = arg;

	if (keeper->self->aim)
		return not_here();
	return gs_execs_go_to(&keeper->execs, id, then, place);
}

static const struct gs_keeper_service service = {
	.seize = serve_seize,
	.release = serve_release,
	.release_all = serve_release_all,
	.hand_over = serve_hand_over,
	.catch = serve_catch,
	.arm = serve_arm,
	.go_on = serve_go_on,
	.go_to = serve_go_to,
};

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

/* ---- the loop ---- */

enum { POLL_FRONT, POLL_LISTEN, POLL_HOLDER, POLL_CLIENTS = POLL_HOLDER + GS_HOLDER_FDS };

static const struct gs_holder *holder_of(const struct keeper *keeper)
{
	return keeper->self->aim ? &keeper->calls.holder : &keeper->execs.holder;
}

static void tell_if_idle(struct keeper *keeper)
{
	const struct gs_holder *holder = holder_of(keeper);
	bool is_busy = keeper->holds.first || holder->ops->is_waiting(holder->arg);

	if (keeper->busy && !is_busy)
		gs_holds_tell(&keeper->holds, GS_KEEPER_IDLE, 0, "");
	keeper->busy = is_busy;
}

static int timeout_ms(const struct keeper *keeper)
{
	const struct gs_holder *holder = holder_of(keeper);
	int holds_ms = gs_holds_timeout_ms(&keeper->holds);
	int holder_ms = holder->ops->timeout_ms(holder->arg);

	return holds_ms < 0 || (holder_ms >= 0 && holder_ms < holds_ms) ? holder_ms : holds_ms;
}

static void list_fds(const struct keeper *keeper, struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX])
{
	const struct gs_holder *holder = holder_of(keeper);
	int holder_fds[GS_HOLDER_FDS];

	holder->ops->fds(holder->arg, holder_fds);
	fds[POLL_FRONT] = (struct pollfd){.fd = keeper->self->event_fd, .events = POLLIN};
	fds[POLL_LISTEN] = (struct pollfd){.fd = keeper->self->listen_fd, .events = POLLIN};
	for (size_t i = 0; i < GS_HOLDER_FDS; i++)
		fds[POLL_HOLDER + i] = (struct pollfd){.fd = holder_fds[i], .events = POLLIN};
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fds[POLL_CLIENTS + i] = (struct pollfd){.fd = keeper->clients[i], .events = POLLIN};
}

/* false: the front end has ended. */
static bool step(struct keeper *keeper)
{
	const struct gs_holder *holder = holder_of(keeper);
	struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];

	list_fds(keeper, fds);
	if (poll(fds, POLL_CLIENTS + CLIENTS_MAX, timeout_ms(keeper)) < 0)
		return errno == EINTR;
	holder->ops->dispatch(holder->arg);
	if (fds[POLL_LISTEN].revents)
		accept_client(keeper);
	serve_clients(keeper, fds + POLL_CLIENTS);
	gs_holds_look(&keeper->holds);
	tell_if_idle(keeper);
	return !fds[POLL_FRONT].revents;
}

/* A front end that is killed does not. */
static bool has_said_goodbye(const struct keeper *keeper)
{
	char byte;

	return recv(keeper->self->event_fd, &byte, 1, MSG_DONTWAIT) == 1;
}

void gs_keeper_main(const struct gs_keeper_inheritance *inheritance)
{
	struct keeper keeper = {.self = inheritance,
				.busy = inheritance->mark.path,
				.holds = {.keeper.pid = getpid(),
					  .dir = inheritance->dir,
					  .hold_max_s = inheritance->hold_max_s,
					  .event_fd = inheritance->event_fd}};
	gs_autofree char *name = gs_keeper_socket_name(getpid());
	gs_autofree char *path = name ? gs_strf("%s/%s", inheritance->dir, name) : NULL;
	struct gs_proc_stat stat;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		keeper.clients[i] = -1;
	if (!path || !gs_proc_stat(getpid(), &stat))
		_exit(1);
	if (inheritance->aim)
		gs_calls_init(&keeper.calls, &keeper.holds, inheritance->aim,
			      inheritance->condition);
	else if (!gs_execs_start(&keeper.execs, &keeper.holds, inheritance))
		_exit(1);
	keeper.holds.keeper.start = stat.start;
	(void)!send(inheritance->event_fd, "", 1, MSG_NOSIGNAL);
	while (step(&keeper))
		;
	unlink(path);
	if (inheritance->fails_stopped && !has_said_goodbye(&keeper))
		_exit(1);
	gs_holds_release_all(&keeper.holds);
	holder_of(&keeper)->ops->settle(holder_of(&keeper)->arg);
	_exit(0);
}
