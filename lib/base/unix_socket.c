/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in folders: an address holds 107 bytes, a path may be longer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/socket.h>

#define BACKLOG 8

struct gs_error *gs_unix_address(int dir_fd, const char *name, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd,
			     name) < sizeof(ret->sun_path))
		return NULL;
	return gs_error_create(GS_ERROR_INVALID, "%s: too long a name for a socket", name);
}

/* The path itself where it fits: it is what /proc/net/unix and ss show. */
static struct gs_error *make_address(const char *dir, int dir_fd, const char *name,
				     struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", dir, name) <
	    sizeof(ret->sun_path))
		return NULL;
	return gs_unix_address(dir_fd, name, ret);
}

static struct gs_error *open_both(const char *dir, const char *name, int type, int *dir_fd_ret,
				  int *fd_ret, struct sockaddr_un *address_ret)
{
	*dir_fd_ret = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*fd_ret = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (*dir_fd_ret < 0 || *fd_ret < 0)
		return gs_error_os(errno, "%s/%s", dir, name);
	return make_address(dir, *dir_fd_ret, name, address_ret);
}

struct gs_error *gs_unix_listen(const char *dir, const char *name, int type, int *fd_ret)
{
	gs_autoclose int dir_fd = -1, fd = -1;
	struct sockaddr_un address;
	struct gs_error *err = open_both(dir, name, type, &dir_fd, &fd, &address);

	if (err)
		return err;
	/* The file gets the socket's own mode: no need for a umask, which is the whole process's.
	 */
	if ((unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT) || fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return gs_error_os(errno, "%s/%s", dir, name);
	*fd_ret = gs_take_fd(&fd);
	return NULL;
}

struct gs_error *gs_unix_connect(const char *dir, const char *name, int type, int *fd_ret)
{
	gs_autoclose int dir_fd = -1, fd = -1;
	struct sockaddr_un address;
	struct gs_error *err = open_both(dir, name, type, &dir_fd, &fd, &address);

	if (err)
		return err;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return gs_error_create(GS_ERROR_UNREACHABLE, "%s/%s: %s", dir, name,
				       strerror(errno));
	*fd_ret = gs_take_fd(&fd);
	return NULL;
}
