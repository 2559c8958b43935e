/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes from a pipe, kept in a file without a name. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/text.h>
#include <guestscope/job.h>

#define COPY_BYTES ((size_t)1 << 20)

/* Where the filesystem has no unnamed files, the name is gone as soon as it was made. */
static int create_unnamed(const char *dir)
{
	gs_autofree char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	path = gs_strf("%s/guestscope-XXXXXX", dir);
	if (!path) {
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static struct gs_error *copy_all(int from, const char *name, int to, const char *dir)
{
	gs_autofree uint8_t *buffer = malloc(COPY_BYTES);

	if (!buffer)
		return gs_error_nomem();
	for (;;) {
		ssize_t n = gs_read_full(from, buffer, COPY_BYTES);

		if (n < 0)
			return gs_error_os(errno, "%s", name);
		if (n == 0)
			return NULL;
		if (gs_write_full(to, buffer, (size_t)n) < 0)
			return gs_error_os(errno, "%s: spool of %s", dir, name);
	}
}

/* A redirected file can be read where it is. */
static bool is_whole_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
}

struct gs_error *gs_spool(int fd, const char *name, const char *dir, struct gs_blob **ret)
{
	gs_autoclose int spool = -1;
	struct gs_error *err;

	if (!dir)
		dir = "/var/tmp";
	if (is_whole_file(fd)) {
		spool = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (spool < 0)
			return gs_error_os(errno, "%s", name);
	} else {
		spool = create_unnamed(dir);
		if (spool < 0)
			return gs_error_os(errno, "%s: spool of %s", dir, name);
		err = copy_all(fd, name, spool, dir);
		if (err)
			return err;
	}
	err = gs_blob_from_fd(name, spool, ret);
	if (!err)
		gs_take_fd(&spool);
	return err;
}
