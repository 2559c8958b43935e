/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes are at the other ends: the sockets' inodes, looked up among open files. */
#include "peer.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/process.h>
#include <guestscope/qmp.h>

#include "sockets.h"

#define LINK_SIZE 64 /* "socket:[INODE]" and then some */

static bool has_open(pid_t pid, const char *wanted)
{
	char path[32], link[LINK_SIZE];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		link[size < 0 ? 0 : size] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

struct owners {
	pid_t first;
	size_t count;
};

/* The processes, other than @except, that have socket @inode open and let us see it. */
static struct owners find_owners(uint64_t inode, pid_t except)
{
	struct owners owners = {0};
	char wanted[LINK_SIZE];
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while (dir && (entry = readdir(dir))) {
		pid_t pid = isdigit((unsigned char)*entry->d_name) ? atoi(entry->d_name) : 0;

		if (pid <= 0 || pid == except || !has_open(pid, wanted))
			continue;
		if (!owners.count++)
			owners.first = pid;
	}
	if (dir)
		closedir(dir);
	return owners;
}

/*
 * Who listened and has the connection open has accepted it: most often that is so, and spares a
 * look at all processes. Of any others, a copy of QEMU's end in another one would make it a guess.
 */
static pid_t find_server(int fd, uint64_t inode)
{
	char wanted[LINK_SIZE];
	pid_t listener = gs_qmp_listener_pid(fd);
	struct owners owners;

	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	if (listener && listener != getpid() && has_open(listener, wanted))
		return listener;
	owners = find_owners(inode, getpid());
	return owners.count == 1 ? owners.first : 0;
}

pid_t gs_qmp_find_peer(int fd)
{
	struct gs_qmp_connections c;
	pid_t pid = 0;

	gs_qmp_connections_of(fd, NULL, &c);
	for (size_t i = 0; i < c.count; i++)
		if (c.items[i].client_inode == c.own_inode)
			pid = find_server(fd, c.items[i].server_inode);
	gs_qmp_connections_deinit(&c);
	return pid;
}

void gs_qmp_find_holder(int fd, const char *path, struct gs_qmp_holder *ret)
{
	struct gs_qmp_connections c;

	gs_qmp_connections_of(fd, path, &c);
	*ret = (struct gs_qmp_holder){.holding =
					      c.known ? GS_QMP_NOT_HELD : GS_QMP_HOLDING_UNKNOWN};
	for (size_t i = 0; c.known && i < c.count && !ret->pid; i++) {
		uint64_t client = c.items[i].client_inode;

		if (client && client == c.own_inode)
			continue;
		ret->holding = GS_QMP_HELD;
		if (client)
			ret->pid = find_owners(client, 0).first;
	}
	if (ret->pid)
		gs_process_comm(ret->pid, ret->comm);
	gs_qmp_connections_deinit(&c);
}

pid_t gs_qmp_listener_pid(int fd)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return peer.pid > 0 ? peer.pid : 0;
}

char *gs_qmp_listening_path(pid_t pid, int fd)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return NULL;
	return gs_qmp_unix_listening_name(st.st_ino);
}
