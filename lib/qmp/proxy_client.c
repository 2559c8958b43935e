/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A proxy's client: bytes from and to its socket, bounded in both directions. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "proxy.h"

#define READ_SIZE 4096 /* of many clients, most ask little */

static void make_label(struct gs_proxy_client *c, uint64_t number)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	char comm[17];

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0) {
		snprintf(c->label, sizeof(c->label), "client %" PRIu64, number);
		return;
	}
	gs_process_comm(peer.pid, comm);
	snprintf(c->label, sizeof(c->label), "client %" PRIu64 " (%d %s)", number, (int)peer.pid,
		 comm);
}

struct gs_error *gs_proxy_client_create(int fd, uint64_t number, size_t request_max,
					struct gs_proxy_client **ret)
{
	struct gs_proxy_client *c = calloc(1, sizeof(*c));

	if (!c)
		return gs_error_nomem();
	c->fd = fd;
	c->passed_fd = c->request.fd = -1;
	c->input.aligned = true;
	c->input.message_max = request_max;
	c->input.read_size = READ_SIZE;
	gs_proxy_names_init(&c->names, number);
	make_label(c, number);
	*ret = c;
	return NULL;
}

void gs_proxy_client_destroy(struct gs_proxy_client *c)
{
	close(c->fd);
	if (c->passed_fd >= 0)
		close(c->passed_fd);
	gs_qmp_input_deinit(&c->input);
	gs_proxy_request_deinit(&c->request);
	gs_proxy_names_deinit(&c->names);
	gs_text_deinit(&c->out);
	free(c);
}

/* ---- in ---- */

static bool is_retry(int number)
{
	return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

/*
 * The kernel ends a read with the bytes that a descriptor came with, and nothing is read while a
 * whole request is here. So a descriptor never is a request's that came by a later read, unless
 * none of this one takes it: it may come ahead of its command.
 */
static void receive(struct gs_proxy_client *c)
{
	ssize_t size = gs_qmp_input_receive(&c->input, c->fd, MSG_DONTWAIT, &c->passed_fd);

	if (size >= 0)
		c->at_end = size == 0;
	else if (!is_retry(errno))
		c->leaving = errno == ENOMEM ? "out of memory" : "the connection broke";
}

bool gs_proxy_client_is_ready(struct gs_proxy_client *c)
{
	return !c->leaving && !c->has_request && !gs_proxy_client_has_unsent(c) &&
	       gs_qmp_input_scan(&c->input) != GS_QMP_NOTHING;
}

/* ---- out ---- */

bool gs_proxy_client_has_unsent(const struct gs_proxy_client *c)
{
	return c->out_sent < c->out.size;
}

/* How many of these bytes the socket takes now. */
static size_t transmit(struct gs_proxy_client *c, const char *data, size_t size)
{
	ssize_t sent = send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && !is_retry(errno))
		c->leaving = "left";
	return sent > 0 ? (size_t)sent : 0;
}

static void flush(struct gs_proxy_client *c)
{
	c->out_sent += transmit(c, c->out.data + c->out_sent, c->out.size - c->out_sent);
	if (gs_proxy_client_has_unsent(c))
		return;
	gs_text_deinit(&c->out);
	c->out_sent = c->reply_bytes = 0;
}

/* Kept is only what the socket does not take. What was sent of that makes room now and then. */
static void say(struct gs_proxy_client *c, const char *data, size_t size)
{
	size_t sent = gs_proxy_client_has_unsent(c) ? 0 : transmit(c, data, size);

	if (c->leaving || sent == size)
		return;
	if (c->out_sent > c->out.size / 2) {
		memmove(c->out.data, c->out.data + c->out_sent, c->out.size - c->out_sent);
		c->out.size -= c->out_sent;
		c->out_sent = 0;
	}
	gs_text_append(&c->out, data + sent, size - sent);
	if (c->out.failed)
		c->leaving = "out of memory";
}

void gs_proxy_client_reply(struct gs_proxy_client *c, struct gs_json *message)
{
	gs_autojson struct gs_json *owned = message;
	gs_autofree char *text = owned ? gs_json_print(owned, GS_JSON_SPACED) : NULL;
	gs_autofree char *line = text ? gs_strf("%s\r\n", text) : NULL;

	if (!line) {
		c->leaving = "out of memory";
		return;
	}
	say(c, line, strlen(line));
	c->reply_bytes = gs_proxy_client_has_unsent(c) ? strlen(line) : 0;
}

/* A reply may be as long as it likes: it was asked for, and there is only one at a time. */
void gs_proxy_client_event(struct gs_proxy_client *c, const struct gs_text *line,
			   size_t backlog_max)
{
	if (c->leaving || !c->negotiated)
		return;
	say(c, line->data, line->size);
	if (c->out.size - c->out_sent > backlog_max + c->reply_bytes)
		c->leaving = "dropped: it does not read its events";
}

/* ---- both ---- */

short gs_proxy_client_interest(struct gs_proxy_client *c)
{
	if (gs_proxy_client_has_unsent(c))
		return POLLOUT;
	if (c->at_end || c->has_request || gs_qmp_input_scan(&c->input) != GS_QMP_NOTHING)
		return 0;
	return POLLIN;
}

void gs_proxy_client_move(struct gs_proxy_client *c, short found)
{
	if (found & (POLLERR | POLLHUP | POLLNVAL)) {
		c->leaving = "left";
		return;
	}
	if (found & POLLOUT)
		flush(c);
	if (found & POLLIN)
		receive(c);
}

bool gs_proxy_client_is_over(struct gs_proxy_client *c)
{
	return c->at_end && !c->has_request && !gs_proxy_client_has_unsent(c) &&
	       gs_qmp_input_scan(&c->input) == GS_QMP_NOTHING;
}
