/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes are at the other ends of a monitor's sockets. */
#ifndef QMP_PEER_H
#define QMP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

/* The one process at the far end of the accepted connection @fd, or 0 if that is not certain. */
pid_t gs_qmp_find_peer(int fd);

enum gs_qmp_holding {
	GS_QMP_HOLDING_UNKNOWN, /* the server is elsewhere, or the kernel does not tell */
	GS_QMP_NOT_HELD,        /* no other client is connected to the server */
	GS_QMP_HELD,
};

struct gs_qmp_holder {
	enum gs_qmp_holding holding;
	pid_t pid; /* of the client that was accepted; 0: not ours to see */
	char comm[17];
};
/*
 * Whether the server that @fd connected to, but that did not say a word, serves another client.
 * @path: of its unix socket (leading '@': abstract) or NULL. @fd may be -1 when @path is known.
 */
void gs_qmp_find_holder(int fd, const char *path, struct gs_qmp_holder *ret);

/*
 * The process that listened when @fd connected, as far as the kernel knows: QEMU or whoever bound
 * the socket for it. Good for a message only. 0: unknown.
 */
pid_t gs_qmp_listener_pid(int fd);

#endif
