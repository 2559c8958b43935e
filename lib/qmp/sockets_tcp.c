/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP connections of this host, as /proc/net/tcp and tcp6 list them. */
#include "sockets.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <guestscope/base/cleanup.h>

#define ENDPOINT_SIZE 40 /* 32 hex digits, colon, 4 hex digits, NUL */
#define MAPPED_PREFIX "0000000000000000FFFF0000"

/* "0100007F:115C": address words as this machine's integers, in hex, as the tables have them. */
struct endpoint {
	char text[ENDPOINT_SIZE];
};

struct row {
	struct endpoint local, remote;
	uint64_t inode;
};

struct table {
	struct row *rows;
	size_t count, capacity;
	bool failed;
};

/* An IPv4 client may see its own address where a server on [::] sees a mapped one. */
static void unmap(struct endpoint *e)
{
	size_t size = strlen(MAPPED_PREFIX);

	if (strncmp(e->text, MAPPED_PREFIX, size) == 0)
		memmove(e->text, e->text + size, strlen(e->text + size) + 1);
}

static bool format(const struct sockaddr_storage *address, struct endpoint *ret)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	uint32_t words[4];

	if (address->ss_family == AF_INET) {
		snprintf(ret->text, sizeof(ret->text), "%08" PRIX32 ":%04X",
			 (uint32_t)v4->sin_addr.s_addr, (unsigned int)ntohs(v4->sin_port));
		return true;
	}
	if (address->ss_family != AF_INET6)
		return false;
	memcpy(words, &v6->sin6_addr, sizeof(words));
	snprintf(ret->text, sizeof(ret->text),
		 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 ":%04X", words[0], words[1],
		 words[2], words[3], (unsigned int)ntohs(v6->sin6_port));
	unmap(ret);
	return true;
}

static void add_row(struct table *t, const struct row *row)
{
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 64;
		struct row *rows = reallocarray(t->rows, capacity, sizeof(*rows));

		if (!rows) {
			t->failed = true;
			return;
		}
		t->rows = rows;
		t->capacity = capacity;
	}
	t->rows[t->count++] = *row;
}

static void read_table(const char *path, struct table *t)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		struct row row;
		unsigned int state;

		if (sscanf(line, "%*d: %39s %39s %x %*s %*s %*s %*u %*u %" SCNu64, row.local.text,
			   row.remote.text, &state, &row.inode) != 4 ||
		    state != TCP_ESTABLISHED)
			continue;
		unmap(&row.local);
		unmap(&row.remote);
		add_row(t, &row);
	}
	if (file)
		fclose(file);
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return strcmp(a->text, b->text) == 0;
}

static uint64_t inode_between(const struct table *t, const struct endpoint *local,
			      const struct endpoint *remote)
{
	for (size_t i = 0; i < t->count; i++)
		if (same(&t->rows[i].local, local) && same(&t->rows[i].remote, remote))
			return t->rows[i].inode;
	return 0;
}

/* A row without an inode waits to be accepted. */
static void collect(const struct table *t, const struct endpoint *server,
		    const struct endpoint *client, struct gs_qmp_connections *c)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct row *row = &t->rows[i];

		if (!same(&row->local, server))
			continue;
		if (same(&row->remote, client))
			c->known = true;
		if (row->inode)
			gs_qmp_connections_add(c, row->inode,
					       inode_between(t, &row->remote, server));
	}
}

void gs_qmp_tcp_connections(int fd, struct gs_qmp_connections *c)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct endpoint server, client;
	struct table t = {0};

	if (getpeername(fd, (struct sockaddr *)&address, &size) < 0 || !format(&address, &server))
		return;
	size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || !format(&address, &client))
		return;
	read_table("/proc/net/tcp", &t);
	read_table("/proc/net/tcp6", &t);
	collect(&t, &server, &client, c);
	c->known = c->known && !t.failed;
	free(t.rows);
}
