/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of Unix sockets. */
#include "sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/text.h>
#include <guestscope/base/unix_diag.h>

/* What a server and its accepted sockets look like in the table. */
struct search {
	struct gs_qmp_connections *connections;
	char name[GS_UNIX_NAME_MAX +
		  1]; /* as the server gave it: maybe relative, maybe not unique */
	size_t name_size;
	struct stat file; /* of the path as we know it; not valid: st_ino 0 */
	bool file_listens;
	uint64_t peer_inode; /* of the socket at our own far end, once accepted */
};

static bool has_name(const struct search *search, const struct gs_unix_socket *s)
{
	return s->name_size == search->name_size && s->name_size > 0 &&
	       memcmp(s->name, search->name, s->name_size) == 0;
}

static bool has_file(const struct search *search, const struct gs_unix_socket *s)
{
	return s->file_inode && s->file_inode == search->file.st_ino &&
	       s->file_device == search->file.st_dev;
}

static bool visit_for_server(void *arg, const struct gs_unix_socket *s)
{
	struct search *search = arg;

	if (s->inode == search->connections->own_inode)
		search->peer_inode = s->peer_inode;
	if (s->listens && has_file(search, s))
		search->file_listens = true;
	if (s->listens && (has_file(search, s) || has_name(search, s)))
		search->connections->known = true;
	return true;
}

/*
 * An accepted socket has its listener's name and file. One that still waits is not listed; one
 * without a peer was left by its client. The file is the better witness, but some file systems give
 * it other numbers than stat() does.
 */
static bool visit_for_connections(void *arg, const struct gs_unix_socket *s)
{
	const struct search *search = arg;
	bool same = search->file_listens ? has_file(search, s) : has_name(search, s);

	if (!s->listens && s->peer_inode && (same || s->inode == search->peer_inode))
		gs_qmp_connections_add(search->connections, s->inode, s->peer_inode);
	return true;
}

static void set_name(struct search *search, const char *name, size_t size)
{
	search->name_size = size < GS_UNIX_NAME_MAX ? size : GS_UNIX_NAME_MAX;
	memcpy(search->name, name, search->name_size);
	if (search->name[0])
		search->name_size = strnlen(search->name, search->name_size);
}

static void name_the_peer(struct search *search, int fd)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address), head = offsetof(struct sockaddr_un, sun_path);

	if (getpeername(fd, (struct sockaddr *)&address, &size) == 0 && size > head)
		set_name(search, address.sun_path, size - head);
}

void gs_qmp_unix_connections(int fd, const char *path, struct gs_qmp_connections *c)
{
	struct search search = {.connections = c};

	if (fd >= 0)
		name_the_peer(&search, fd);
	if (path && *path == '@') {
		set_name(&search, path, strlen(path));
		search.name[0] = '\0';
	} else if (path && stat(path, &search.file) < 0) {
		search.file.st_ino = 0;
	}
	if (!gs_unix_sockets_visit(visit_for_server, &search) ||
	    !gs_unix_sockets_visit(visit_for_connections, &search))
		c->known = false;
	else if (search.peer_inode)
		c->known = true;
}

struct name_search {
	uint64_t inode;
	char *name;
};

static bool visit_for_name(void *arg, const struct gs_unix_socket *s)
{
	struct name_search *search = arg;

	if (s->inode != search->inode)
		return true;
	if (s->listens && s->name_size > 1)
		search->name = s->name[0] ? strdup(s->name) : gs_strf("@%s", s->name + 1);
	return false;
}

char *gs_qmp_unix_listening_name(uint64_t inode)
{
	struct name_search search = {.inode = inode};

	gs_unix_sockets_visit(visit_for_name, &search);
	return search.name;
}
