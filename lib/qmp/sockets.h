/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's tables of sockets: who is connected to what, by inode. */
#ifndef QMP_SOCKETS_H
#define QMP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection that a server on this host has accepted. */
struct gs_qmp_connection {
	uint64_t server_inode;
	uint64_t client_inode; /* 0: the client is on another host */
};

struct gs_qmp_connections {
	struct gs_qmp_connection *items;
	size_t count, capacity;
	uint64_t own_inode; /* of the fd that was asked about */
	bool known;         /* false: the tables say nothing about the server */
};

/*
 * All accepted connections of the server that @fd is connected to, or (@fd -1) that listens at a
 * unix @path (leading '@': abstract; NULL: not known). Never fails: what cannot be found out is not
 * known.
 */
void gs_qmp_connections_of(int fd, const char *path, struct gs_qmp_connections *ret);
void gs_qmp_connections_deinit(struct gs_qmp_connections *c);
/* Out of memory makes the answer unknown. */
void gs_qmp_connections_add(struct gs_qmp_connections *c, uint64_t server_inode,
			    uint64_t client_inode);

/* For families. */
void gs_qmp_unix_connections(int fd, const char *path, struct gs_qmp_connections *c);
void gs_qmp_tcp_connections(int fd, struct gs_qmp_connections *c);

/* Name of the unix socket @inode if it listens ('@' for the NUL of an abstract one), else NULL. */
char *gs_qmp_unix_listening_name(uint64_t inode);

#endif
