/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets, as the kernel's sock_diag lists them: /proc/net/unix does not tell the peers. */
#include "sockets.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/text.h>

#define NAME_MAX_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define ANSWER_SIZE (64 * 1024)
#define DIAG_SHOWN (UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_VFS)

struct unix_socket {
	uint64_t inode, peer_inode;
	uint64_t file_inode; /* of the path it was bound to, or 0 */
	dev_t file_device;
	char name[NAME_MAX_BYTES + 1];
	size_t name_size; /* abstract names start with a NUL */
	bool listens;
};

/* Called for each socket of this network namespace; false ends the walk. */
typedef bool (*unix_visit)(void *arg, const struct unix_socket *socket);

static bool send_request(int netlink)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = AF_UNIX, .udiag_states = ~0U, .udiag_show = DIAG_SHOWN},
	};

	return send(netlink, &request, sizeof(request), 0) == sizeof(request);
}

static void decode_attribute(struct rtattr *attr, struct unix_socket *s)
{
	size_t size = RTA_PAYLOAD(attr);

	if (attr->rta_type == UNIX_DIAG_NAME) {
		s->name_size = size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES;
		memcpy(s->name, RTA_DATA(attr), s->name_size);
		/* A path comes with or without its NUL. */
		if (s->name[0])
			s->name_size = strnlen(s->name, s->name_size);
	} else if (attr->rta_type == UNIX_DIAG_PEER && size >= sizeof(uint32_t)) {
		s->peer_inode = *(uint32_t *)RTA_DATA(attr);
	} else if (attr->rta_type == UNIX_DIAG_VFS && size >= sizeof(struct unix_diag_vfs)) {
		const struct unix_diag_vfs *vfs = RTA_DATA(attr);

		/* The kernel's own form of a device number: 12 bits of major, 20 of minor. */
		s->file_inode = vfs->udiag_vfs_ino;
		s->file_device = makedev(vfs->udiag_vfs_dev >> 20, vfs->udiag_vfs_dev & 0xfffff);
	}
}

static void decode(struct nlmsghdr *header, struct unix_socket *ret)
{
	struct unix_diag_msg *body = NLMSG_DATA(header);
	struct rtattr *attr = (struct rtattr *)(body + 1);
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*body)));

	*ret = (struct unix_socket){.inode = body->udiag_ino,
				    .listens = body->udiag_state == TCP_LISTEN};
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		decode_attribute(attr, ret);
}

/* False when the last part was seen or nobody wants more. */
static bool visit_answer(struct nlmsghdr *header, ssize_t size, unix_visit visit, void *arg,
			 bool *complete_ret)
{
	for (; NLMSG_OK(header, (size_t)size); header = NLMSG_NEXT(header, size)) {
		struct unix_socket socket;

		if (header->nlmsg_type == NLMSG_DONE)
			*complete_ret = true;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
			return false;
		if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
			return false;
		decode(header, &socket);
		if (!visit(arg, &socket)) {
			*complete_ret = true;
			return false;
		}
	}
	return true;
}

/* Whether all sockets were seen, or @visit had enough. */
static bool visit_sockets(unix_visit visit, void *arg)
{
	gs_autoclose int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	gs_autofree struct nlmsghdr *answer = malloc(ANSWER_SIZE);
	bool complete = false;
	ssize_t size;

	if (netlink < 0 || !answer || !send_request(netlink))
		return false;
	do {
		size = recv(netlink, answer, ANSWER_SIZE, 0);
	} while (size > 0 && visit_answer(answer, size, visit, arg, &complete));
	return complete;
}

/* What a server and its accepted sockets look like in the table. */
struct search {
	struct gs_qmp_connections *connections;
	char name[NAME_MAX_BYTES + 1]; /* as the server gave it: maybe relative, maybe not unique */
	size_t name_size;
	struct stat file; /* of the path as we know it; not valid: st_ino 0 */
	bool file_listens;
	uint64_t peer_inode; /* of the socket at our own far end, once accepted */
};

static bool has_name(const struct search *search, const struct unix_socket *s)
{
	return s->name_size == search->name_size && s->name_size > 0 &&
	       memcmp(s->name, search->name, s->name_size) == 0;
}

static bool has_file(const struct search *search, const struct unix_socket *s)
{
	return s->file_inode && s->file_inode == search->file.st_ino &&
	       s->file_device == search->file.st_dev;
}

static bool visit_for_server(void *arg, const struct unix_socket *s)
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
static bool visit_for_connections(void *arg, const struct unix_socket *s)
{
	const struct search *search = arg;
	bool same = search->file_listens ? has_file(search, s) : has_name(search, s);

	if (!s->listens && s->peer_inode && (same || s->inode == search->peer_inode))
		gs_qmp_connections_add(search->connections, s->inode, s->peer_inode);
	return true;
}

static void set_name(struct search *search, const char *name, size_t size)
{
	search->name_size = size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES;
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
	if (!visit_sockets(visit_for_server, &search) ||
	    !visit_sockets(visit_for_connections, &search))
		c->known = false;
	else if (search.peer_inode)
		c->known = true;
}

struct name_search {
	uint64_t inode;
	char *name;
};

static bool visit_for_name(void *arg, const struct unix_socket *s)
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

	visit_sockets(visit_for_name, &search);
	return search.name;
}
