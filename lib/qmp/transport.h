/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport carries whole commands to a peer and whole messages back. The session above it knows
 * ids, replies and events; a transport knows none of that.
 *
 *	session -- send, receive, resync -- transport -- bytes of a socket
 *
 * The socket is a monitor's, or leads to a process that speaks to libvirt for us (libvirt.h).
 */
#ifndef QMP_TRANSPORT_H
#define QMP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/qmp.h>

struct gs_qmp_transport {
	const struct gs_qmp_transport_ops *ops;
	bool can_pass_fds;
};

struct gs_qmp_transport_ops {
	/*
	 * One command as JSON text; @fd rides on its first byte unless -1. NULL: it is on its way,
	 * what the peer has not taken yet follows during later calls. TIMEOUT, GONE: not a byte of
	 * it has left.
	 */
	struct gs_error *(*send)(struct gs_qmp_transport *t, const char *text, size_t size, int fd,
				 uint64_t deadline_ms);
	/*
	 * The next message, an object, and the bytes of its text. PROTOCOL: something came that is
	 * none; the transport has found its feet again and goes on behind it. GONE: the peer ended
	 * the connection, however it did so. TIMEOUT: what had arrived by now is used up.
	 */
	struct gs_error *(*receive)(struct gs_qmp_transport *t, uint64_t deadline_ms,
				    struct gs_json **ret, size_t *size_ret);
	/*
	 * Make the peer's parser forget a command that it has only in part. NULL where commands are
	 * always whole.
	 */
	struct gs_error *(*resync)(struct gs_qmp_transport *t, uint64_t deadline_ms);
	bool (*has_pending)(
		struct gs_qmp_transport *t); /* receive() has something without waiting */
	/* Part of a command is still here, as the peer had no room for it. */
	bool (*has_unsent)(const struct gs_qmp_transport *t);
	int (*fd)(const struct gs_qmp_transport *t);
	pid_t (*peer_pid)(const struct gs_qmp_transport *t);
	void (*destroy)(struct gs_qmp_transport *t);
};

static inline void gs_qmp_transport_destroy(struct gs_qmp_transport *t)
{
	t->ops->destroy(t);
}
GS_DEFINE_CLEANUP(struct gs_qmp_transport *, gs_qmp_transport_destroy)

/*
 * Over a connected stream socket, which it takes on success. @aligned: the next byte from the peer
 * starts a message; otherwise it may be the middle of one. @options are complete (see session.h)
 * and outlive the transport.
 */
GS_MUST_CHECK struct gs_error *gs_qmp_stream_create(int fd, bool aligned,
						    const struct gs_qmp_options *options,
						    struct gs_qmp_transport **ret);

#endif
