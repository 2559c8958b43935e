/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected sockets from addresses: unix paths of any length, abstract names, tcp, copies. */
#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINK_SIZE 32 /* "/proc/self/fd/N" */

static struct gs_error *unreachable(int number)
{
	return gs_error_create(GS_ERROR_UNREACHABLE, "connect: %s", strerror(number));
}

static struct gs_error *too_late(void)
{
	return gs_error_create(GS_ERROR_TIMEOUT, "no connection in time");
}

/*
 * A path that does not fit a socket address is named through a descriptor of the socket's file.
 */
static struct gs_error *unix_address(const char *path, int *file_ret, struct sockaddr_un *ret,
				     socklen_t *size_ret)
{
	size_t size = strlen(path);
	char link[LINK_SIZE];

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (*path == '@') {
		if (size > sizeof(ret->sun_path))
			return gs_error_create(GS_ERROR_INVALID, "abstract name is too long");
		memcpy(ret->sun_path + 1, path + 1, size - 1);
		*size_ret = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
		return NULL;
	}
	if (size >= sizeof(ret->sun_path)) {
		*file_ret = open(path, O_PATH | O_CLOEXEC);
		if (*file_ret < 0)
			return unreachable(errno);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", *file_ret);
		path = link;
	}
	strcpy(ret->sun_path, path);
	*size_ret = sizeof(*ret);
	return NULL;
}

/*
 * The kernel lets a unix connect() wait while the server's queue is full, and nothing but that
 * connect() can be told of the end of the wait: so the wait is bounded by the socket's own timeout.
 */
static struct gs_error *connect_unix_until(int fd, const struct sockaddr_un *address,
					   socklen_t size, uint64_t deadline_ms)
{
	do {
		int left_ms = gs_deadline_poll_ms(deadline_ms);
		struct timeval wait = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};

		if (left_ms == 0)
			return too_late();
		if (left_ms < 0)
			wait = (struct timeval){0};
		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
			return gs_error_os(errno, "SO_SNDTIMEO");
		if (connect(fd, (const struct sockaddr *)address, size) == 0)
			return NULL;
	} while (errno == EINTR);
	if (errno == EAGAIN)
		return gs_error_create(GS_ERROR_BUSY,
				       "socket is busy: its queue of waiting clients is full");
	return unreachable(errno);
}

static struct gs_error *open_unix(const char *path, uint64_t deadline_ms, int *ret)
{
	gs_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), file = -1;
	struct sockaddr_un address;
	socklen_t size = 0;
	struct gs_error *err;

	if (fd < 0)
		return gs_error_os(errno, "socket");
	err = unix_address(path, &file, &address, &size);
	if (!err)
		err = connect_unix_until(fd, &address, size, deadline_ms);
	if (!err)
		*ret = gs_take_fd(&fd);
	return err;
}

/* The outcome of a connect() that goes on by itself. */
static struct gs_error *finish_connect(int fd, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int number = 0, ready;
	socklen_t size = sizeof(number);

	do {
		ready = poll(&p, 1, gs_deadline_poll_ms(deadline_ms));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return gs_error_os(errno, "poll");
	if (ready == 0)
		return too_late();
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
		number = errno;
	return number ? unreachable(number) : NULL;
}

/* A host that vanishes says nothing: the kernel asks for it. Failing to ask is no failure. */
static void tune_tcp(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static struct gs_error *open_inet(const struct addrinfo *info, uint64_t deadline_ms, int *ret)
{
	gs_autoclose int fd =
		socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       info->ai_protocol);
	struct gs_error *err = NULL;

	if (fd < 0)
		return unreachable(errno);
	tune_tcp(fd);
	if (connect(fd, info->ai_addr, info->ai_addrlen) < 0)
		err = errno == EINPROGRESS ? finish_connect(fd, deadline_ms) : unreachable(errno);
	if (!err)
		*ret = gs_take_fd(&fd);
	return err;
}

static struct gs_error *open_tcp(const struct gs_qmp_address *address, uint64_t deadline_ms,
				 int *ret)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	struct gs_error *err = NULL;
	char port[8];
	int failed;

	snprintf(port, sizeof(port), "%u", (unsigned int)address->port);
	failed = getaddrinfo(address->host, port, &hints, &list);
	if (failed)
		return gs_error_create(GS_ERROR_UNREACHABLE, "%s: %s", address->host,
				       gai_strerror(failed));
	for (const struct addrinfo *info = list; info; info = info->ai_next) {
		gs_error_destroy(err);
		err = open_inet(info, deadline_ms, ret);
		if (!err)
			break;
	}
	freeaddrinfo(list);
	return err;
}

/* Whoever handed the descriptor down goes on owning it. */
static struct gs_error *copy_fd(int fd, int *ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return gs_error_create(GS_ERROR_UNREACHABLE, "%s", strerror(errno));
	*ret = copy;
	return NULL;
}

struct gs_error *gs_qmp_open_socket(const struct gs_qmp_address *address, uint64_t deadline_ms,
				    int *ret)
{
	switch (address->kind) {
	case GS_QMP_UNIX:
		return open_unix(address->path, deadline_ms, ret);
	case GS_QMP_TCP:
		return open_tcp(address, deadline_ms, ret);
	case GS_QMP_FD:
		return copy_fd(address->fd, ret);
	case GS_QMP_PID:
	case GS_QMP_LIBVIRT:
		break;
	}
	return gs_error_create(GS_ERROR_INVALID, "no such kind of address");
}
