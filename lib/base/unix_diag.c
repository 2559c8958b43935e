/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink side of unix_diag.h. */
#include <guestscope/base/unix_diag.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <guestscope/base/cleanup.h>

#define ANSWER_SIZE (64 * 1024)
#define DIAG_SHOWN (UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_VFS | UDIAG_SHOW_ICONS)

/* @inode 0: all of them. */
static bool send_request(int netlink, uint32_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | (inode ? 0 : NLM_F_DUMP)},
		.body = {.sdiag_family = AF_UNIX,
			 .udiag_states = ~0U,
			 .udiag_ino = inode,
			 .udiag_show = DIAG_SHOWN,
			 .udiag_cookie = {~0U, ~0U}},
	};

	return send(netlink, &request, sizeof(request), 0) == sizeof(request);
}

static void decode_attribute(struct rtattr *attr, struct gs_unix_socket *s)
{
	size_t size = RTA_PAYLOAD(attr);

	if (attr->rta_type == UNIX_DIAG_NAME) {
		s->name_size = size < GS_UNIX_NAME_MAX ? size : GS_UNIX_NAME_MAX;
		memcpy(s->name, RTA_DATA(attr), s->name_size);
		/* A path comes with or without its NUL. */
		if (s->name[0])
			s->name_size = strnlen(s->name, s->name_size);
	} else if (attr->rta_type == UNIX_DIAG_PEER && size >= sizeof(uint32_t)) {
		s->peer_inode = *(uint32_t *)RTA_DATA(attr);
	} else if (attr->rta_type == UNIX_DIAG_ICONS) {
		s->waiting_count = size / sizeof(uint32_t);
		if (s->waiting_count > GS_UNIX_WAITING_MAX)
			s->waiting_count = GS_UNIX_WAITING_MAX;
		memcpy(s->waiting_inodes, RTA_DATA(attr), s->waiting_count * sizeof(uint32_t));
	} else if (attr->rta_type == UNIX_DIAG_VFS && size >= sizeof(struct unix_diag_vfs)) {
		const struct unix_diag_vfs *vfs = RTA_DATA(attr);

		/* The kernel's own form of a device number: 12 bits of major, 20 of minor. */
		s->file_inode = vfs->udiag_vfs_ino;
		s->file_device = makedev(vfs->udiag_vfs_dev >> 20, vfs->udiag_vfs_dev & 0xfffff);
	}
}

static void decode(struct nlmsghdr *header, struct gs_unix_socket *ret)
{
	struct unix_diag_msg *body = NLMSG_DATA(header);
	struct rtattr *attr = (struct rtattr *)(body + 1);
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*body)));

	*ret = (struct gs_unix_socket){.inode = body->udiag_ino,
				       .listens = body->udiag_state == TCP_LISTEN};
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		decode_attribute(attr, ret);
}

/* False when the last part was seen or nobody wants more. */
static bool visit_answer(struct nlmsghdr *header, ssize_t size, gs_unix_visit visit, void *arg,
			 bool *complete_ret)
{
	for (; NLMSG_OK(header, (size_t)size); header = NLMSG_NEXT(header, size)) {
		struct gs_unix_socket socket;

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
bool gs_unix_sockets_visit(gs_unix_visit visit, void *arg)
{
	gs_autoclose int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	gs_autofree struct nlmsghdr *answer = malloc(ANSWER_SIZE);
	bool complete = false;
	ssize_t size;

	if (netlink < 0 || !answer || !send_request(netlink, 0))
		return false;
	do {
		size = recv(netlink, answer, ANSWER_SIZE, 0);
	} while (size > 0 && visit_answer(answer, size, visit, arg, &complete));
	return complete;
}

bool gs_unix_socket_find(uint64_t inode, struct gs_unix_socket *ret)
{
	gs_autoclose int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	ssize_t size;

	if (netlink < 0 || inode == 0 || inode > UINT32_MAX ||
	    !send_request(netlink, (uint32_t)inode))
		return false;
	size = recv(netlink, &answer, sizeof(answer), MSG_DONTWAIT);
	if (size < 0 || !NLMSG_OK(&answer.header, (size_t)size) ||
	    answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
		return false;
	decode(&answer.header, ret);
	return ret->inode == inode;
}
