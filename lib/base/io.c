/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/time.h>

/* Whether the failed call on @fd may be repeated, after waiting if somebody made it non-blocking.
 */
static bool may_retry(int fd, short events)
{
	struct pollfd wait = {.fd = fd, .events = events};

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	return poll(&wait, 1, -1) >= 0 || errno == EINTR;
}

/* -1 and ETIMEDOUT if nothing comes. */
static int await_input(int fd, uint64_t silence_ms)
{
	uint64_t deadline_ms = gs_deadline_in(silence_ms);
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int ready;

	do {
		ready = poll(&wait, 1, gs_deadline_poll_ms(deadline_ms));
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0 ? 0 : -1;
}

ssize_t gs_read_full(int fd, void *buf, size_t size)
{
	return gs_read_steady(fd, buf, size, 0);
}

ssize_t gs_read_steady(int fd, void *buf, size_t size, uint64_t silence_ms)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n;

		if (silence_ms && await_input(fd, silence_ms) < 0)
			return -1;
		n = read(fd, (char *)buf + done, size - done);

		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (!may_retry(fd, POLLIN))
			return -1;
	}
	return (ssize_t)done;
}

ssize_t gs_pread_full(int fd, void *buf, size_t size, uint64_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, (off_t)(off + done));

		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (!may_retry(fd, POLLIN))
			return -1;
	}
	return (ssize_t)done;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

int gs_write_full(int fd, const void *buf, size_t size)
{
	bool socket = is_socket(fd);
	size_t done = 0;

	while (done < size) {
		const char *from = (const char *)buf + done;
		ssize_t n = socket ? send(fd, from, size - done, MSG_NOSIGNAL)
				   : write(fd, from, size - done);

		if (n >= 0)
			done += (size_t)n;
		else if (!may_retry(fd, POLLOUT))
			return -1;
	}
	return 0;
}

int gs_pwrite_full(int fd, const void *buf, size_t size, uint64_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)buf + done, size - done, (off_t)(off + done));

		if (n >= 0)
			done += (size_t)n;
		else if (!may_retry(fd, POLLOUT))
			return -1;
	}
	return 0;
}

#define READ_FIRST 4096      /* of what does not tell its size, as in /proc */
#define LARGE (512u << 10)   /* from there on it is worth it */
#define HUGE_PAGE (2u << 20) /* of most architectures */

/* Room for all that the file tells to have, and one byte more: so its end shows by one read. */
static size_t first_room(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < READ_FIRST)
		return READ_FIRST;
	return (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : max;
}

/*
 * Of what is large, the kernel makes the pages one by one as they are touched, and that takes
 * longer than to read them. Huge ones, where it has them, are made at once.
 */
static char *make_room(size_t size)
{
	void *room = NULL;
	size_t rounded = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

	if (size < LARGE || rounded < size)
		return malloc(size);
	if (posix_memalign(&room, HUGE_PAGE, rounded) != 0)
		return NULL;
	(void)madvise(room, rounded, MADV_HUGEPAGE);
	return room;
}

/* All of @fd, or one byte more than @max; an errno. */
static int read_all(int fd, size_t max, char **ret, size_t *size_ret)
{
	size_t room = first_room(fd, max), size = 0;
	gs_autofree char *data = make_room(room + 1); /* the NUL */

	while (data) {
		ssize_t n = gs_read_full(fd, data + size, room - size);
		char *more;

		if (n < 0)
			return errno;
		size += (size_t)n;
		if (size < room || size > max)
			break;
		room = room < max / 2 ? 2 * room : max + 1;
		more = realloc(data, room + 1);
		if (!more)
			return ENOMEM;
		data = more;
	}
	if (!data)
		return ENOMEM;
	data[size] = '\0';
	*ret = gs_take(data);
	*size_ret = size;
	return 0;
}

struct gs_error *gs_read_file(const char *path, size_t max, char **ret, size_t *size_ret)
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	gs_autofree char *data = NULL;
	size_t size = 0;
	int status;

	if (fd < 0)
		return gs_error_os(errno, "%s", path);
	status = read_all(fd, max, &data, &size);
	if (status == ENOMEM)
		return gs_error_nomem();
	if (status)
		return gs_error_os(status, "%s", path);
	if (size > max)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: longer than %zu bytes", path, max);
	if (size_ret)
		*size_ret = size;
	*ret = gs_take(data);
	return NULL;
}
