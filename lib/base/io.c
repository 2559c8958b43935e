/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
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

struct gs_error *gs_read_file(const char *path, size_t max, char **ret, size_t *size_ret)
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	gs_autotext struct gs_text text = {0};
	char chunk[4096];
	size_t size;
	ssize_t n;
	struct gs_error *err;

	if (fd < 0)
		return gs_error_os(errno, "%s", path);
	while ((n = gs_read_full(fd, chunk, sizeof(chunk))) > 0) {
		if ((size_t)n > max - text.size)
			return gs_error_create(GS_ERROR_CORRUPT, "%s: longer than %zu bytes", path,
					       max);
		gs_text_append(&text, chunk, (size_t)n);
	}
	if (n < 0)
		return gs_error_os(errno, "%s", path);
	size = text.size;
	err = gs_text_finish(&text, ret);
	if (!err && size_ret)
		*size_ret = size;
	return err;
}
