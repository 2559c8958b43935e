/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets as the kernel's sock_diag lists them: /proc/net/unix does not tell the peers. */
#ifndef GUESTSCOPE_BASE_UNIX_DIAG_H
#define GUESTSCOPE_BASE_UNIX_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GS_UNIX_NAME_MAX 108 /* bytes of sun_path */
#define GS_UNIX_WAITING_MAX 16

struct gs_unix_socket {
	uint64_t inode, peer_inode; /* peer 0: none, or it is not accepted yet */
	uint64_t file_inode;        /* of the path it was bound to, or 0 */
	dev_t file_device;
	char name[GS_UNIX_NAME_MAX + 1]; /* an abstract one starts with a NUL */
	size_t name_size;
	bool listens;
	/* Of one that listens: the sockets that have connected to it and are not accepted yet. */
	uint32_t waiting_inodes[GS_UNIX_WAITING_MAX];
	size_t waiting_count;
};

/* Called for each socket of this network namespace; false ends the walk. */
typedef bool (*gs_unix_visit)(void *arg, const struct gs_unix_socket *socket);
/* Whether all sockets were seen, or @visit had enough. */
bool gs_unix_sockets_visit(gs_unix_visit visit, void *arg);
/* That one, without a walk. false: there is none in this namespace, or it cannot be known. */
bool gs_unix_socket_find(uint64_t inode, struct gs_unix_socket *ret);

#endif
