/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets as files in a folder, whose path may be of any length. */
#ifndef GUESTSCOPE_BASE_SOCKET_H
#define GUESTSCOPE_BASE_SOCKET_H

#include <sys/un.h>

#include <guestscope/base/error.h>

/* For NAME in the folder that @dir_fd is, as long as that is open. INVALID: too long a name. */
GS_MUST_CHECK struct gs_error *gs_unix_address(int dir_fd, const char *name,
					       struct sockaddr_un *ret);
/* @type: SOCK_STREAM or SOCK_SEQPACKET; mode 0600. What was there goes. */
GS_MUST_CHECK struct gs_error *gs_unix_listen(const char *dir, const char *name, int type,
					      int *fd_ret);
/* UNREACHABLE: nobody listens there. */
GS_MUST_CHECK struct gs_error *gs_unix_connect(const char *dir, const char *name, int type,
					       int *fd_ret);

#endif
