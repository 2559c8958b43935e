/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitors' sockets, which QEMU inherits: they exist before it does and nobody can be faster.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <guestscope/base/text.h>

#include "internal.h"

#define BACKLOG 8

/* An address for DIR/NAME; a path too long for one goes through the folder's descriptor. */
static struct gs_error *make_address(const char *dir, const char *name, int dir_fd,
				     struct sockaddr_un *ret)
{
	const size_t room = sizeof(ret->sun_path);

	ret->sun_family = AF_UNIX;
	if ((size_t)snprintf(ret->sun_path, room, "%s/%s", dir, name) < room)
		return NULL;
	if ((size_t)snprintf(ret->sun_path, room, "/proc/self/fd/%d/%s", dir_fd, name) < room)
		return NULL;
	return gs_error_create(GS_ERROR_INVALID, "%s: too long a name for a socket", name);
}

struct gs_error *gs_launch_listen(const char *dir, const char *name, int *fd_ret)
{
	gs_autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	gs_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {0};
	struct gs_error *err;

	if (dir_fd < 0 || fd < 0)
		return gs_error_os(errno, "%s/%s", dir, name);
	err = make_address(dir, name, dir_fd, &address);
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
