/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a proxy's clients connect to: sockets that are claimed, not stolen. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <guestscope/base/socket.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "address.h"
#include "proxy.h"

#define CLAIM_NAP_MS 10
#define CLAIM_PATIENCE_MS 2000

/* ---- a path ---- */

/* The folder is kept by its descriptor: so paths may be long. */
struct place {
	int dir_fd;
	const char *name; /* of the socket in it */
};

static struct gs_error *open_place(const char *path, struct place *ret)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	gs_autofree char *dir = size ? strndup(path, size) : strdup(slash ? "/" : ".");

	if (!dir)
		return gs_error_nomem();
	*ret = (struct place){.name = slash ? slash + 1 : path};
	if (!*ret->name)
		return gs_error_create(GS_ERROR_INVALID, "names a folder, not a socket");
	ret->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->dir_fd < 0 ? gs_error_os(errno, "%s", dir) : NULL;
}

/*
 * Between finding that nobody listens and listening oneself, nobody else must do the same. The
 * folder serves as the lock, so that no file is left behind; it cannot be awaited with a deadline,
 * hence the naps.
 */
static struct gs_error *lock_place(const struct place *place)
{
	const struct timespec nap = {.tv_nsec = CLAIM_NAP_MS * 1000000L};
	uint64_t deadline_ms = gs_deadline_in(CLAIM_PATIENCE_MS);

	while (flock(place->dir_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return gs_error_os(errno, "lock of the folder");
		if (gs_deadline_passed(deadline_ms))
			return gs_error_create(GS_ERROR_BUSY, "the folder is locked by another");
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* A socket that refuses connections is one whose owner died. */
static struct gs_error *remove_stale(const struct place *place, const struct sockaddr_un *address)
{
	gs_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return gs_error_os(errno, "socket");
	if (fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? NULL : gs_error_os(errno, "stat");
	if (!S_ISSOCK(st.st_mode))
		return gs_error_create(GS_ERROR_INVALID, "exists, and is no socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return gs_error_create(GS_ERROR_BUSY, "somebody listens there already");
	if (errno != ECONNREFUSED)
		return gs_error_os(errno, "connect");
	return unlinkat(place->dir_fd, place->name, 0) < 0 ? gs_error_os(errno, "unlink") : NULL;
}

static struct gs_error *bind_place(const struct place *place, struct gs_proxy_listener *ret)
{
	gs_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	struct gs_error *err = gs_unix_address(place->dir_fd, place->name, &address);
	struct stat st;

	if (!err)
		err = remove_stale(place, &address);
	if (err)
		return err;
	/* The file gets the socket's mode; the umask, which is the whole process's, stays. */
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return gs_error_os(errno, "listen");
	ret->fd = gs_take_fd(&fd);
	ret->dev = st.st_dev;
	ret->inode = st.st_ino;
	return NULL;
}

static struct gs_error *listen_path(const char *path, struct gs_proxy_listener *ret)
{
	gs_autofree char *copy = strdup(path);
	gs_autoclose int dir_fd = -1;
	struct place place;
	struct gs_error *err = copy ? open_place(path, &place) : gs_error_nomem();

	if (err)
		return err;
	dir_fd = place.dir_fd;
	err = lock_place(&place);
	if (!err)
		err = bind_place(&place, ret);
	if (!err)
		ret->path = gs_take(copy);
	return err;
}

/* Only with the lock is what we look at what we remove. */
static void remove_own(const struct gs_proxy_listener *l)
{
	gs_autoclose int dir_fd = -1;
	gs_autoerror struct gs_error *err = NULL;
	struct place place;
	struct stat st;

	err = open_place(l->path, &place);
	if (err)
		return;
	dir_fd = place.dir_fd;
	err = lock_place(&place);
	if (!err && fstatat(dir_fd, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == l->dev && st.st_ino == l->inode)
		unlinkat(dir_fd, place.name, 0);
}

/* ---- an abstract name, which ends with its socket ---- */

static struct gs_error *listen_abstract(const char *name, struct gs_proxy_listener *ret)
{
	gs_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(name);

	if (size > sizeof(address.sun_path))
		return gs_error_create(GS_ERROR_INVALID, "abstract name is too long");
	memcpy(address.sun_path + 1, name + 1, size - 1);
	size += offsetof(struct sockaddr_un, sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, (socklen_t)size) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return errno == EADDRINUSE
			       ? gs_error_create(GS_ERROR_BUSY, "somebody listens there already")
			       : gs_error_os(errno, "listen");
	ret->fd = gs_take_fd(&fd);
	return NULL;
}

/* ---- TCP ---- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return address->sa_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
		       IN_LOOPBACKNET;
}

static struct gs_error *listen_inet(const struct addrinfo *info, bool insecure, int *ret)
{
	gs_autoclose int fd =
		socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
	const int on = 1;

	if (!insecure && !is_loopback(info->ai_addr))
		return gs_error_create(GS_ERROR_INVALID,
				       "not an address of this host alone: whoever connects could "
				       "do anything to the guest, and much to its host");
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return errno == EADDRINUSE
			       ? gs_error_create(GS_ERROR_BUSY, "somebody listens there already")
			       : gs_error_os(errno, "listen");
	*ret = gs_take_fd(&fd);
	return NULL;
}

/* The first of the host's addresses counts. */
static struct gs_error *listen_tcp(const struct gs_qmp_address *address, bool insecure,
				   struct gs_proxy_listener *ret)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
	struct gs_error *err;
	char port[8];
	int failed;

	snprintf(port, sizeof(port), "%u", (unsigned int)address->port);
	failed = getaddrinfo(address->host, port, &hints, &list);
	if (failed)
		return gs_error_create(GS_ERROR_INVALID, "%s", gai_strerror(failed));
	err = listen_inet(list, insecure, &ret->fd);
	freeaddrinfo(list);
	return err;
}

struct gs_error *gs_proxy_listen(const struct gs_qmp_address *address, bool insecure,
				 struct gs_proxy_listener *ret)
{
	gs_autofree char *name = gs_qmp_address_text(address);
	struct gs_proxy_listener l = {.fd = -1};
	struct gs_error *err;

	if (!name)
		return gs_error_nomem();
	if (address->kind == GS_QMP_TCP)
		err = listen_tcp(address, insecure, &l);
	else if (address->kind != GS_QMP_UNIX)
		err = gs_error_create(GS_ERROR_INVALID, "clients cannot connect to that");
	else if (*address->path == '@')
		err = listen_abstract(address->path, &l);
	else
		err = listen_path(address->path, &l);
	if (!err)
		*ret = l;
	return gs_error_wrap(err, "%s", name);
}

void gs_proxy_listener_close(struct gs_proxy_listener *l)
{
	if (l->path)
		remove_own(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct gs_proxy_listener){.fd = -1};
}
