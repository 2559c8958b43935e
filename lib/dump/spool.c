/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that spill: the kernel may write back and drop what is mapped from an unlinked file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <guestscope/base/cleanup.h>

#include "spool.h"

#define IN_MEMORY_MAX ((size_t)8 << 20)
#define FIRST_BYTES ((size_t)64 << 10)

void gs_spool_deinit(struct gs_spool *s)
{
	if (s->fd >= 0) {
		munmap(s->data, s->capacity);
		close(s->fd);
	} else {
		free(s->data);
	}
	*s = (struct gs_spool){.fd = -1, .dir = s->dir};
}

static struct gs_error *open_unlinked(const char *dir, int *fd_ret)
{
	char path[PATH_MAX];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
		if ((size_t)snprintf(path, sizeof(path), "%s/guestscope-XXXXXX", dir) >=
		    sizeof(path))
			return gs_error_os(ENAMETOOLONG, "spool in %s", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return gs_error_os(errno, "spool in %s", dir);
	*fd_ret = fd;
	return NULL;
}

/* Space is reserved before it is mapped: a full disk is an error here and no SIGBUS later. */
static struct gs_error *grow_file(struct gs_spool *s, int fd, size_t capacity, void **data_ret)
{
	const char *dir = s->dir ? s->dir : "/var/tmp";
	int result = posix_fallocate(fd, 0, (off_t)capacity);
	void *data;

	if (result)
		return gs_error_os(result, "spool in %s: %zu bytes", dir, capacity);
	data = s->fd >= 0 ? mremap(s->data, s->capacity, capacity, MREMAP_MAYMOVE)
			  : mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return gs_error_os(errno, "spool in %s: map %zu bytes", dir, capacity);
	*data_ret = data;
	return NULL;
}

static struct gs_error *grow(struct gs_spool *s, size_t capacity)
{
	gs_autoclose int fd = -1;
	struct gs_error *err;
	void *data = NULL;

	if (s->fd < 0 && capacity <= IN_MEMORY_MAX) {
		data = realloc(s->data, capacity);
		if (!data)
			return gs_error_nomem();
		s->data = data;
		s->capacity = capacity;
		return NULL;
	}
	if (s->fd < 0) {
		err = open_unlinked(s->dir ? s->dir : "/var/tmp", &fd);
		if (err)
			return err;
	}
	err = grow_file(s, s->fd >= 0 ? s->fd : fd, capacity, &data);
	if (err)
		return err;
	if (s->fd < 0) {
		if (s->size)
			memcpy(data, s->data, s->size);
		free(s->data);
		s->fd = gs_take_fd(&fd);
	}
	s->data = data;
	s->capacity = capacity;
	return NULL;
}

struct gs_error *gs_spool_extend(struct gs_spool *s, size_t size, void **ret)
{
	size_t capacity = s->capacity ? s->capacity : FIRST_BYTES;

	if (size > SIZE_MAX / 4 - s->size)
		return gs_error_nomem();
	while (capacity < s->size + size)
		capacity *= 2;
	if (capacity > s->capacity) {
		struct gs_error *err = grow(s, capacity);

		if (err)
			return err;
	}
	*ret = (uint8_t *)s->data + s->size;
	s->size += size;
	return NULL;
}
