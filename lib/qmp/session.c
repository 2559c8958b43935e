/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions: how they begin (connect, adopt), what they know about the peer, how they end. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "address.h"
#include "connect.h"
#include "libvirt.h"
#include "peer.h"

#define GREETING_MS 5000
#define COMMAND_MS 30000
#define MESSAGE_MAX (256 * 1024 * 1024)

static struct gs_qmp_options complete(const struct gs_qmp_options *given)
{
	struct gs_qmp_options o = given ? *given : (struct gs_qmp_options){0};

	if (!o.greeting_ms)
		o.greeting_ms = GREETING_MS;
	if (!o.command_ms)
		o.command_ms = COMMAND_MS;
	if (!o.message_max)
		o.message_max = MESSAGE_MAX;
	return o;
}

uint64_t gs_qmp_greeting_ms(const struct gs_qmp_options *options)
{
	return complete(options).greeting_ms;
}

/*
 * Replies to a session that shares the socket, before or after a fork, must not be taken for our
 * own.
 */
static void make_id_prefix(char *prefix, size_t size)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), GRND_NONBLOCK) != sizeof(nonce))
		nonce = gs_now_ms() << 32 ^ (uint64_t)getpid();
	snprintf(prefix, size, "gs-%08x-", (unsigned int)(nonce ^ nonce >> 32));
}

struct gs_error *gs_qmp_session_over(int fd, bool aligned, const char *name,
				     const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = calloc(1, sizeof(*qmp));
	struct gs_error *err;

	if (!qmp)
		return gs_error_nomem();
	qmp->options = complete(options);
	qmp->name = strdup(name);
	if (!qmp->name)
		return gs_error_nomem();
	make_id_prefix(qmp->id_prefix, sizeof(qmp->id_prefix));
	err = gs_qmp_stream_create(fd, aligned, &qmp->options, &qmp->transport);
	if (!err)
		*ret = gs_take(qmp);
	return err;
}

void gs_qmp_close(struct gs_qmp *qmp)
{
	if (!qmp)
		return;
	for (size_t i = 0; i < GS_QMP_IN_FLIGHT_MAX; i++)
		gs_qmp_request_free(&qmp->requests[i]);
	gs_qmp_events_deinit(&qmp->events);
	gs_json_destroy(qmp->not_understood);
	gs_error_destroy(qmp->garbled);
	gs_error_destroy(qmp->ended);
	if (qmp->transport)
		gs_qmp_transport_destroy(qmp->transport);
	free(qmp->name);
	free(qmp->domain_uuid);
	free(qmp);
}

/* ---- the greeting ---- */

static bool is_timeout(const struct gs_error *err)
{
	return err && err->code == GS_ERROR_TIMEOUT;
}

/* Events may come first: another client's doing, or an old one's. */
static struct gs_error *await_greeting(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	struct gs_error *err = NULL;

	while (!err && !qmp->greeted && !qmp->ended) {
		err = gs_qmp_pump(qmp, deadline_ms);
		if (!err && !qmp->greeted && !qmp->ended && gs_qmp_is_over(qmp, deadline_ms))
			err = gs_error_create(GS_ERROR_TIMEOUT, "no greeting in time");
	}
	if (!err && !qmp->greeted)
		err = gs_error_create(GS_ERROR_GONE, "no greeting: %s", qmp->ended->message);
	return err ? gs_error_wrap(err, "%s", qmp->name) : NULL;
}

/* A QEMU whose arguments are bad greets its client all the same, and then exits. */
static struct gs_error *negotiate(struct gs_qmp *qmp)
{
	struct gs_error *err;

	qmp->negotiated = true;
	err = gs_qmp_execute(qmp, "qmp_capabilities", NULL, 0, NULL);
	if (!err || (err->code != GS_ERROR_LOST && err->code != GS_ERROR_GONE))
		return err;
	gs_error_destroy(err);
	return gs_error_create(GS_ERROR_GONE, "%s: greeted, then ended: %s", qmp->name,
			       qmp->ended->message);
}

struct gs_error *gs_qmp_greet(struct gs_qmp *qmp)
{
	struct gs_error *err = await_greeting(qmp, gs_deadline_in(qmp->options.greeting_ms));

	return err ? err : negotiate(qmp);
}

static bool is_stopped(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) && (stat.state == 'T' || stat.state == 't');
}

/* Nobody else is connected, so the server itself is what keeps us waiting. */
static struct gs_error *describe_idle_server(const struct gs_qmp *qmp)
{
	pid_t pid = gs_qmp_listener_pid(gs_qmp_fd(qmp));
	char comm[17];

	if (!pid || pid == getpid())
		return gs_error_create(GS_ERROR_TIMEOUT,
				       "%s: connected, but no greeting: still starting, or hung",
				       qmp->name);
	gs_process_comm(pid, comm);
	return gs_error_create(GS_ERROR_TIMEOUT, "%s: connected, but no greeting: %d (%s) is %s",
			       qmp->name, (int)pid, comm,
			       is_stopped(pid) ? "stopped by a signal" : "still starting, or hung");
}

static struct gs_error *describe_holder(const char *name, const struct gs_qmp_holder *holder)
{
	if (holder->pid)
		return gs_error_create(GS_ERROR_BUSY, "%s: socket is busy: held by %d (%s)", name,
				       (int)holder->pid, holder->comm);
	return gs_error_create(GS_ERROR_BUSY,
			       "%s: socket is busy: held by another client, whose process cannot "
			       "be seen from here",
			       name);
}

static struct gs_error *describe_silence(const struct gs_qmp *qmp, const char *path)
{
	struct gs_qmp_holder holder;

	gs_qmp_find_holder(gs_qmp_fd(qmp), path, &holder);
	if (holder.holding == GS_QMP_HELD)
		return describe_holder(qmp->name, &holder);
	if (holder.holding == GS_QMP_NOT_HELD)
		return describe_idle_server(qmp);
	return gs_error_create(GS_ERROR_BUSY,
			       "%s: connected, but no greeting: busy with another client, or not "
			       "a QMP monitor",
			       qmp->name);
}

/* ---- connecting ---- */

static struct gs_error *open_session(const struct gs_qmp_address *address,
				     const struct gs_qmp_options *options, uint64_t deadline_ms,
				     struct gs_qmp **ret)
{
	gs_autofree char *name = gs_qmp_address_text(address);
	gs_autoclose int fd = -1;
	struct gs_error *err;

	if (!name)
		return gs_error_nomem();
	err = gs_qmp_open_socket(address, deadline_ms, &fd);
	if (err)
		return gs_error_wrap(err, "%s", name);
	err = gs_qmp_session_over(fd, address->kind != GS_QMP_FD, name, options, ret);
	if (err)
		return gs_error_wrap(err, "%s", name);
	gs_take_fd(&fd);
	return NULL;
}

/*
 * A QEMU may lose its first client while it starts, by a race of its own; a second connection then
 * gets through. Behind another client there is nothing to gain by giving up one's place.
 */
static struct gs_error *await_turn(const struct gs_qmp_address *address,
				   const struct gs_qmp_options *options, uint64_t deadline_ms,
				   struct gs_qmp **qmp)
{
	uint64_t half_ms = (*qmp)->options.greeting_ms / 2;
	struct gs_error *err = await_greeting(*qmp, gs_deadline_in(half_ms));
	struct gs_qmp_holder holder;

	if (!is_timeout(err))
		return err;
	gs_error_destroy(err);
	gs_qmp_find_holder(gs_qmp_fd(*qmp), address->path, &holder);
	if (holder.holding == GS_QMP_NOT_HELD) {
		gs_qmp_close(gs_take(*qmp));
		err = open_session(address, options, deadline_ms, qmp);
		if (err)
			return err;
	}
	err = await_greeting(*qmp, deadline_ms);
	if (!is_timeout(err))
		return err;
	gs_error_destroy(err);
	return describe_silence(*qmp, address->path);
}

/* NULL unless the server at the address is known to serve another client. */
static struct gs_error *check_holder(const struct gs_qmp_address *address)
{
	struct gs_qmp_holder holder;
	gs_autofree char *name = NULL;

	if (address->kind != GS_QMP_UNIX)
		return NULL;
	gs_qmp_find_holder(-1, address->path, &holder);
	if (holder.holding != GS_QMP_HELD)
		return NULL;
	name = gs_qmp_address_text(address);
	return name ? describe_holder(name, &holder) : gs_error_nomem();
}

/* When even the queue of those who wait is full, the message names whom they all wait for. */
static struct gs_error *explain_full_queue(const struct gs_qmp_address *address,
					   struct gs_error *err)
{
	struct gs_error *held = err->code == GS_ERROR_BUSY ? check_holder(address) : NULL;

	if (!held)
		return err;
	gs_error_destroy(err);
	return held;
}

struct gs_error *gs_qmp_connect_socket(const struct gs_qmp_address *address,
				       const struct gs_qmp_options *options, bool give_way,
				       struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	uint64_t deadline_ms = gs_deadline_in(complete(options).greeting_ms);
	struct gs_error *err = give_way ? check_holder(address) : NULL;

	if (err)
		return err;
	err = open_session(address, options, deadline_ms, &qmp);
	if (err)
		return explain_full_queue(address, err);
	err = await_turn(address, options, deadline_ms, &qmp);
	if (!err)
		err = negotiate(qmp);
	if (!err)
		*ret = gs_take(qmp);
	return err;
}

/* ---- sockets with a past ---- */

/* The reply to a marker parts what was asked before from what will be asked. */
static struct gs_error *take_over(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	struct gs_error *err;

	qmp->negotiated = true;
	err = gs_qmp_recover(qmp, deadline_ms);
	while (!err && qmp->marker_id && !qmp->ended) {
		err = gs_qmp_pump(qmp, deadline_ms);
		if (!err && qmp->marker_id && !qmp->ended && gs_qmp_is_over(qmp, deadline_ms))
			err = gs_error_create(GS_ERROR_TIMEOUT, "nothing came in time");
	}
	if (!err && qmp->marker_id)
		err = gs_error_create(GS_ERROR_GONE, "%s", qmp->ended->message);
	return gs_error_wrap(err, "%s", qmp->name);
}

struct gs_error *gs_qmp_adopt(int fd, const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	struct gs_qmp_address address = {.kind = GS_QMP_FD, .fd = fd};
	struct gs_error *err = open_session(&address, options, GS_NO_DEADLINE, &qmp);

	if (!err)
		err = take_over(qmp, gs_deadline_in(qmp->options.command_ms));
	if (err)
		return err;
	close(fd); /* the session has a copy */
	*ret = gs_take(qmp);
	return NULL;
}

/* The greeting went to whoever used the socket before us. */
static struct gs_error *ask_version(struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *version = NULL;
	struct gs_error *err = gs_qmp_execute(qmp, "query-version", NULL, 0, &version);

	if (err && err->code != GS_ERROR_REFUSED)
		return err;
	gs_error_destroy(err);
	gs_qmp_note_version(qmp, version);
	return NULL;
}

/*
 * An inherited socket may be fresh, or have been used by the process before us: what both have in
 * common is that the marker gets a reply.
 */
static struct gs_error *connect_fd(const struct gs_qmp_address *address,
				   const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	uint64_t deadline_ms = gs_deadline_in(complete(options).greeting_ms);
	struct gs_error *err = open_session(address, options, deadline_ms, &qmp);

	if (!err)
		err = take_over(qmp, deadline_ms);
	if (is_timeout(err)) {
		gs_error_destroy(err);
		return describe_silence(qmp, NULL);
	}
	if (!err && !qmp->greeted)
		err = ask_version(qmp);
	if (!err)
		*ret = gs_take(qmp);
	return err;
}

struct gs_error *gs_qmp_connect(const struct gs_qmp_address *address,
				const struct gs_qmp_options *options, struct gs_qmp **ret)
{
	switch (address->kind) {
	case GS_QMP_UNIX:
	case GS_QMP_TCP:
		return gs_qmp_connect_socket(address, options, false, ret);
	case GS_QMP_FD:
		return connect_fd(address, options, ret);
	case GS_QMP_PID:
		return gs_qmp_connect_process(address, options, ret);
	case GS_QMP_LIBVIRT:
		return gs_qmp_connect_libvirt(address, options, ret);
	}
	return gs_error_create(GS_ERROR_INVALID, "no such kind of address");
}

/* ---- what the session knows ---- */

const char *gs_qmp_name(const struct gs_qmp *qmp)
{
	return qmp->name;
}

int gs_qmp_fd(const struct gs_qmp *qmp)
{
	return qmp->transport->ops->fd(qmp->transport);
}

void gs_qmp_give_away(struct gs_qmp *qmp)
{
	int pair[2];

	if (gs_qmp_fd(qmp) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	/* In one step, as other threads use the number. */
	(void)dup3(pair[0], gs_qmp_fd(qmp), O_CLOEXEC);
	close(pair[0]);
	close(pair[1]);
}

bool gs_qmp_passes_fds(const struct gs_qmp *qmp)
{
	return qmp->transport->can_pass_fds;
}

bool gs_qmp_is_libvirt(const struct gs_qmp *qmp)
{
	return qmp->is_bridged;
}

bool gs_qmp_has_pending(const struct gs_qmp *qmp)
{
	return qmp->events.count || qmp->events.dropped ||
	       qmp->transport->ops->has_pending(qmp->transport);
}

pid_t gs_qmp_peer_pid(const struct gs_qmp *qmp)
{
	if (qmp->ended || qmp->is_proxied)
		return 0;
	if (qmp->is_bridged)
		return *qmp->domain_uuid ? gs_qmp_find_domain(qmp->domain_uuid) : 0;
	return qmp->transport->ops->peer_pid(qmp->transport);
}

void gs_qmp_version(const struct gs_qmp *qmp, int version[3])
{
	memcpy(version, qmp->version, sizeof(qmp->version));
}
