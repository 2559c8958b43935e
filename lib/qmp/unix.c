/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to sockets that serve one client at a time and say nothing by themselves. */
#include <string.h>
#include <time.h>

#include <guestscope/base/time.h>

#include "connect.h"
#include "peer.h"
#include "sockets.h"

#define NAP_MS 10
#define PATIENCE_MS 500 /* for a server to notice that its last client has left */
#define ACCEPT_MS 3000

enum standing {
	STANDING_WAITING, /* nobody is served */
	STANDING_SERVED,  /* we are; or the kernel does not tell */
	STANDING_BEHIND,  /* another client is */
};

static enum standing look(int fd, const char *path)
{
	enum standing standing = STANDING_WAITING;
	struct gs_qmp_connections c;

	gs_qmp_connections_of(fd, path, &c);
	if (!c.known)
		standing = STANDING_SERVED;
	for (size_t i = 0; i < c.count && standing != STANDING_SERVED; i++)
		standing =
			c.items[i].client_inode == c.own_inode ? STANDING_SERVED : STANDING_BEHIND;
	gs_qmp_connections_deinit(&c);
	return standing;
}

static struct gs_error *describe_holder(int fd, const char *path)
{
	struct gs_qmp_holder holder;

	gs_qmp_find_holder(fd, path, &holder);
	if (!holder.pid)
		return gs_error_create(GS_ERROR_BUSY, "held by another client");
	return gs_error_create(GS_ERROR_BUSY, "held by %d (%s)", (int)holder.pid, holder.comm);
}

/* Among clients that come at the same time the kernel tells which one is served. */
static struct gs_error *await_turn(int fd, const char *path)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	uint64_t patience_ms = gs_deadline_in(PATIENCE_MS);
	uint64_t deadline_ms = gs_deadline_in(ACCEPT_MS);

	for (;;) {
		enum standing standing = look(fd, path);

		if (standing == STANDING_SERVED)
			return NULL;
		if (standing == STANDING_BEHIND && gs_deadline_passed(patience_ms))
			return describe_holder(fd, path);
		if (gs_deadline_passed(deadline_ms))
			return gs_error_create(GS_ERROR_TIMEOUT, "the connection is not taken");
		nanosleep(&nap, NULL);
	}
}

struct gs_error *gs_qmp_connect_unix(const char *path, int *fd_ret)
{
	gs_autofree char *copy = strdup(path);
	const struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = copy, .fd = -1};
	gs_autoclose int fd = -1;
	struct gs_error *err;

	if (!copy)
		return gs_error_nomem();
	err = gs_qmp_open_socket(&address, gs_deadline_in(ACCEPT_MS), &fd);
	if (!err)
		err = await_turn(fd, path);
	if (err)
		return gs_error_wrap(err, "%s", path);
	*fd_ret = gs_take_fd(&fd);
	return NULL;
}
