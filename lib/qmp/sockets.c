/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all families of sockets have in common. */
#include "sockets.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

void gs_qmp_connections_add(struct gs_qmp_connections *c, uint64_t server_inode,
			    uint64_t client_inode)
{
	struct gs_qmp_connection *items;

	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 8;

		items = reallocarray(c->items, capacity, sizeof(*items));
		if (!items) {
			c->known = false;
			return;
		}
		c->items = items;
		c->capacity = capacity;
	}
	c->items[c->count++] = (struct gs_qmp_connection){server_inode, client_inode};
}

void gs_qmp_connections_of(int fd, const char *path, struct gs_qmp_connections *ret)
{
	struct stat st;
	int domain = AF_UNIX;
	socklen_t size = sizeof(domain);

	*ret = (struct gs_qmp_connections){0};
	if (fd >= 0) {
		if (fstat(fd, &st) < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
			return;
		ret->own_inode = st.st_ino;
	}
	if (domain == AF_UNIX)
		gs_qmp_unix_connections(fd, path, ret);
	else
		gs_qmp_tcp_connections(fd, ret);
}

void gs_qmp_connections_deinit(struct gs_qmp_connections *c)
{
	free(c->items);
	*c = (struct gs_qmp_connections){0};
}
