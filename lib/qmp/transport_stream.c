/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport over a stream socket: messages are framed by their JSON, not by lines. */
#include "transport.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "peer.h"
#include "stream_input.h"

#define FORGET_BYTE "\xff" /* no JSON text holds it: it resets a peer's parser */

struct stream {
	struct gs_qmp_transport transport;
	const struct gs_qmp_options *options;
	int fd;
	struct gs_qmp_input input;
	bool ended;    /* no more input will come */
	int end_errno; /* how it ended; 0: in order */

	/* Output that the peer had no room for: the rest of commands already begun. */
	struct gs_text out;
	size_t out_sent;
};

static struct stream *stream_of(const struct gs_qmp_transport *t)
{
	return (struct stream *)t;
}

static void trace(const struct stream *s, bool outgoing, const char *text, size_t size)
{
	if (s->options->trace)
		s->options->trace(s->options->trace_arg, outgoing, text, size);
}

/* ---- moving bytes ---- */

static bool is_retry(int number)
{
	return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

/*
 * How a peer's end shows depends on what it had not read yet. Anything but "not now" ends the
 * connection.
 */
static struct gs_error *fill(struct stream *s)
{
	struct gs_qmp_input *in = &s->input;
	ssize_t size;

	if (!gs_qmp_input_make_room(in))
		return gs_error_nomem();
	size = recv(s->fd, in->data + in->end, in->capacity - in->end, MSG_DONTWAIT);
	if (size > 0) {
		in->end += (size_t)size;
	} else if (size == 0 || !is_retry(errno)) {
		s->ended = true;
		s->end_errno = size == 0 || errno == ECONNRESET || errno == EPIPE ? 0 : errno;
	}
	return NULL;
}

static bool has_unsent(const struct stream *s)
{
	return s->out_sent < s->out.size;
}

static void flush(struct stream *s)
{
	ssize_t size = send(s->fd, s->out.data + s->out_sent, s->out.size - s->out_sent,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (size >= 0)
		s->out_sent += (size_t)size;
	else if (!is_retry(errno))
		s->out_sent = s->out.size; /* the reading side will see the end */
	if (!has_unsent(s)) {
		gs_text_clear(&s->out);
		s->out_sent = 0;
	}
}

/* Wait until the socket takes output (if @for_output) or has input, and move what can be moved. */
static struct gs_error *move(struct stream *s, bool for_output, uint64_t deadline_ms)
{
	/* A peer that talks but never listens must not fill our memory. */
	bool reads = !s->ended && s->input.end - s->input.begin <= s->input.message_max;
	struct pollfd p = {.fd = s->fd};
	int ready;

	p.events = (short)((reads ? POLLIN : 0) | (for_output || has_unsent(s) ? POLLOUT : 0));
	do {
		ready = poll(&p, 1, gs_deadline_poll_ms(deadline_ms));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return gs_error_os(errno, "poll");
	if (ready == 0)
		return gs_error_create(GS_ERROR_TIMEOUT, "nothing came in time");
	if (has_unsent(s))
		flush(s);
	if (reads && p.revents & ~POLLOUT)
		return fill(s);
	return NULL;
}

static struct gs_error *gone(const struct stream *s)
{
	if (s->end_errno)
		return gs_error_create(GS_ERROR_GONE, "connection lost: %s",
				       strerror(s->end_errno));
	return gs_error_create(GS_ERROR_GONE, "the peer closed the connection");
}

/* ---- the transport ---- */

static struct gs_error *stream_receive(struct gs_qmp_transport *t, uint64_t deadline_ms,
				       struct gs_json **ret, size_t *size_ret)
{
	struct stream *s = stream_of(t);

	for (;;) {
		const struct gs_qmp_input *in = &s->input;
		struct gs_error *err;

		if (gs_qmp_input_scan(&s->input) != GS_QMP_NOTHING) {
			*size_ret = in->scan - in->begin;
			trace(s, false, in->data + in->begin, *size_ret);
			return gs_qmp_input_take(&s->input, ret);
		}
		if (s->ended)
			return gone(s);
		err = move(s, false, deadline_ms);
		if (err)
			return err;
	}
}

static ssize_t send_start(const struct stream *s, const char *text, size_t size, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (char *)text, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header = &control.align;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	return sendmsg(s->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The first byte of a command, with its descriptor, and as many more as the peer has room for. */
static struct gs_error *start_sending(struct stream *s, const char *text, size_t size, int fd,
				      uint64_t deadline_ms, size_t *sent_ret)
{
	while (!s->ended) {
		struct gs_error *err = NULL;
		ssize_t sent = -1;

		/* The rest of an older command, cut by its deadline, goes first. */
		errno = EAGAIN;
		if (!has_unsent(s))
			sent = send_start(s, text, size, fd);
		if (sent >= 0) {
			*sent_ret = (size_t)sent;
			return NULL;
		}
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return gone(s);
		if (!is_retry(errno))
			return gs_error_os(errno, "send");
		err = move(s, true, deadline_ms);
		if (err)
			return err;
	}
	return gone(s);
}

static struct gs_error *stream_send(struct gs_qmp_transport *t, const char *text, size_t size,
				    int fd, uint64_t deadline_ms)
{
	struct stream *s = stream_of(t);
	size_t sent = 0;
	struct gs_error *err = start_sending(s, text, size, fd, deadline_ms, &sent);

	if (err)
		return err;
	trace(s, true, text, size);
	gs_text_append(&s->out, text + sent, size - sent);
	if (s->out.failed) {
		s->ended = true; /* half a command is out, and its other half is lost */
		s->end_errno = ENOMEM;
	}
	while (has_unsent(s) && !s->ended && !err)
		err = move(s, true, deadline_ms);
	/* From its first byte on the command is the peer's business: its fate shows in the reply.
	 */
	gs_error_destroy(err);
	return NULL;
}

static struct gs_error *stream_resync(struct gs_qmp_transport *t, uint64_t deadline_ms)
{
	return stream_send(t, FORGET_BYTE, strlen(FORGET_BYTE), -1, deadline_ms);
}

static bool stream_has_pending(struct gs_qmp_transport *t)
{
	return gs_qmp_input_scan(&stream_of(t)->input) != GS_QMP_NOTHING;
}

static bool stream_has_unsent(const struct gs_qmp_transport *t)
{
	return has_unsent((const struct stream *)t);
}

static int stream_fd(const struct gs_qmp_transport *t)
{
	return stream_of(t)->fd;
}

static pid_t stream_peer_pid(const struct gs_qmp_transport *t)
{
	return gs_qmp_find_peer(stream_of(t)->fd);
}

static void stream_destroy(struct gs_qmp_transport *t)
{
	struct stream *s = stream_of(t);

	if (s->fd >= 0)
		close(s->fd);
	gs_text_deinit(&s->out);
	gs_qmp_input_deinit(&s->input);
	free(s);
}

static const struct gs_qmp_transport_ops stream_ops = {
	.send = stream_send,
	.receive = stream_receive,
	.resync = stream_resync,
	.has_pending = stream_has_pending,
	.has_unsent = stream_has_unsent,
	.fd = stream_fd,
	.peer_pid = stream_peer_pid,
	.destroy = stream_destroy,
};

static struct gs_error *check_socket(int fd, bool *is_unix_ret)
{
	int domain, type = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 && errno != ENOTSOCK)
		return gs_error_os(errno, "SO_TYPE");
	if (type != SOCK_STREAM)
		return gs_error_create(GS_ERROR_INVALID, "not a stream socket");
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return gs_error_os(errno, "SO_DOMAIN");
	*is_unix_ret = domain == AF_UNIX;
	return NULL;
}

struct gs_error *gs_qmp_stream_create(int fd, bool aligned, const struct gs_qmp_options *options,
				      struct gs_qmp_transport **ret)
{
	gs_autofree struct stream *s = calloc(1, sizeof(*s));
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	err = check_socket(fd, &s->transport.can_pass_fds);
	if (err)
		return err;
	s->transport.ops = &stream_ops;
	s->options = options;
	s->fd = fd;
	s->input.aligned = aligned;
	s->input.message_max = options->message_max;
	*ret = &gs_take(s)->transport;
	return NULL;
}
