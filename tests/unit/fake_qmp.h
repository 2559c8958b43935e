/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP server that says exactly what a test tells it to. A test's serve function runs in a thread,
 * with the accepted connection; the session under test runs in the test's own thread. The server
 * shares no code with the library.
 */
#ifndef TESTS_UNIT_FAKE_QMP_H
#define TESTS_UNIT_FAKE_QMP_H

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <guestscope/qmp.h>

#include "unit.h"

#define FAKE_PATH "./monitor"
#define FAKE_GREETING                                                                      \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, " \
	"\"package\": \"fake\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define FAKE_PATIENCE_MS 10000 /* after which a test is taken for hung */

struct fake {
	void (*serve)(struct fake *f);
	pthread_t thread;
	int listener; /* -1: none, the connection was there from the start */
	int fd;
	char request[8192]; /* the last one read; its start if it was longer */
	size_t request_size;
	char id[128]; /* its id, as JSON */
	int resets;   /* 0xFF bytes read so far */
	int fds;      /* descriptors received so far */
	int last_fd;
	size_t fd_at;      /* bytes read before the one with the last descriptor */
	size_t bytes_read; /* in all */
	int number;        /* a parameter for the serve function */
	char failure[256]; /* what the server did not expect */
};

#define FAKE_HELPER __attribute__((unused)) static

FAKE_HELPER void fake_fail(struct fake *f, const char *what)
{
	if (!*f->failure)
		snprintf(f->failure, sizeof(f->failure), "fake server: %s (request %.100s)", what,
			 f->request);
}

FAKE_HELPER void fake_write(struct fake *f, const char *data, size_t size)
{
	while (size) {
		ssize_t sent = send(f->fd, data, size, MSG_NOSIGNAL);

		if (sent < 0) {
			if (errno == EINTR)
				continue;
			return; /* the client may leave whenever it wants */
		}
		data += sent;
		size -= (size_t)sent;
	}
}

FAKE_HELPER GS_PRINTF(2, 3) void fake_send(struct fake *f, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int size;

	va_start(ap, fmt);
	size = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (size < 0) {
		fake_fail(f, "no memory");
		return;
	}
	fake_write(f, text, (size_t)size);
	free(text);
}

/* Until the client has read all that was sent. */
FAKE_HELPER void fake_await_drained(struct fake *f)
{
	uint64_t deadline = gs_deadline_in(FAKE_PATIENCE_MS);
	int left = 1;

	while (ioctl(f->fd, SIOCOUTQ, &left) == 0 && left > 0 && !gs_deadline_passed(deadline))
		sched_yield();
}

/* One byte, with the descriptor that may ride on it. False at the end of the connection. */
FAKE_HELPER bool fake_read_byte(struct fake *f, char *ret)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct iovec part = {.iov_base = ret, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct pollfd p = {.fd = f->fd, .events = POLLIN};

	if (poll(&p, 1, FAKE_PATIENCE_MS) <= 0) {
		fake_fail(f, "no request came");
		return false;
	}
	if (recvmsg(f->fd, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
		f->fds += (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(&f->last_fd, CMSG_DATA(h), sizeof(int));
		f->fd_at = f->bytes_read;
	}
	f->bytes_read++;
	return true;
}

/* The member "id" of a compact request; it is the last one. */
FAKE_HELPER void fake_find_id(struct fake *f, const char *tail)
{
	const char *id = strstr(tail, "\"id\":");
	size_t size;

	f->id[0] = '\0';
	if (!id)
		return;
	for (const char *next; (next = strstr(id + 1, "\"id\":"));)
		id = next; /* arguments may have one, too */
	id += 5;
	size = strcspn(id, ",}");
	if (size < sizeof(f->id)) {
		memcpy(f->id, id, size);
		f->id[size] = '\0';
	}
}

/* The next request, by its braces. False at the end of the connection. */
FAKE_HELPER bool fake_read(struct fake *f)
{
	char tail[256] = "", c;
	bool in_string = false, escaped = false;
	int depth = 0;

	f->request_size = 0;
	do {
		if (!fake_read_byte(f, &c))
			return false;
		if (c == '\xff') {
			f->resets++;
			depth = 0;
			in_string = escaped = false;
			f->request_size = 0;
			continue;
		}
		if (f->request_size < sizeof(f->request) - 1)
			f->request[f->request_size] = c;
		f->request_size++;
		memmove(tail, tail + 1, sizeof(tail) - 2);
		tail[sizeof(tail) - 2] = c;
		if (in_string) {
			in_string = escaped || c != '"';
			escaped = !escaped && c == '\\';
		} else if (c == '"') {
			in_string = true;
		} else {
			depth += (c == '{') - (c == '}');
		}
	} while (depth > 0 || f->request_size == 0);
	f->request[f->request_size < sizeof(f->request) ? f->request_size
							: sizeof(f->request) - 1] = '\0';
	for (size_t i = 0; i < sizeof(tail) - 2; i++)
		if (tail[i] == '\0')
			tail[i] = ' ';
	fake_find_id(f, tail);
	return true;
}

/* Read a request, which must be this command. */
FAKE_HELPER bool fake_expect(struct fake *f, const char *command)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "{\"execute\":\"%s\"", command);
	if (!fake_read(f)) {
		fake_fail(f, command);
		return false;
	}
	if (strncmp(f->request, wanted, strlen(wanted)) != 0) {
		fake_fail(f, command);
		return false;
	}
	return true;
}

/* Answer the last request with this value. */
FAKE_HELPER void fake_return(struct fake *f, const char *value)
{
	fake_send(f, "{\"return\": %s, \"id\": %s}\r\n", value, f->id);
}

#define FAKE_PARSE_ERROR                                                                          \
	"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray input\"}}" \
	"\r\n"

/* What QEMU does about a reset byte and the marker behind it. */
FAKE_HELPER void fake_recover(struct fake *f)
{
	int before = f->resets;

	if (!fake_expect(f, "qmp_capabilities"))
		return;
	if (f->resets == before)
		fake_fail(f, "marker without a reset");
	fake_send(f, FAKE_PARSE_ERROR);
	fake_send(
		f,
		"{\"id\": %s, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"done\"}}\r\n",
		f->id);
}

FAKE_HELPER void fake_greet(struct fake *f)
{
	fake_send(f, FAKE_GREETING);
	if (fake_expect(f, "qmp_capabilities"))
		fake_return(f, "{}");
}

/* Until the client closes; it may say anything. */
FAKE_HELPER void fake_await_close(struct fake *f)
{
	char c;

	while (fake_read_byte(f, &c))
		;
}

FAKE_HELPER void *fake_thread(void *arg)
{
	struct fake *f = arg;

	if (f->listener >= 0)
		f->fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	f->serve(f);
	if (f->fd >= 0)
		close(f->fd);
	if (f->last_fd >= 0)
		close(f->last_fd);
	return NULL;
}

FAKE_HELPER void fake_listen(struct fake *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = FAKE_PATH};

	*f = (struct fake){.fd = -1, .last_fd = -1};
	unlink(FAKE_PATH);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listener, 1), 0);
}

FAKE_HELPER void fake_run(struct fake *f, void (*serve)(struct fake *f))
{
	f->serve = serve;
	assert_int_equal(pthread_create(&f->thread, NULL, fake_thread, f), 0);
}

/* Listens at FAKE_PATH in the current folder. */
FAKE_HELPER void fake_start(struct fake *f, void (*serve)(struct fake *f))
{
	fake_listen(f);
	fake_run(f, serve);
}

/* Connected from the start: returns the client's end. */
FAKE_HELPER int fake_start_pair(struct fake *f, void (*serve)(struct fake *f))
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*f = (struct fake){.listener = -1, .fd = pair[0], .last_fd = -1};
	fake_run(f, serve);
	return pair[1];
}

FAKE_HELPER void fake_join(struct fake *f)
{
	pthread_join(f->thread, NULL);
	if (f->listener >= 0)
		close(f->listener);
	if (*f->failure)
		fail_msg("%s", f->failure);
}

/* ---- the client's side ---- */

FAKE_HELPER struct gs_error *fake_try_connect(const struct gs_qmp_options *options,
					      struct gs_qmp **ret)
{
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = FAKE_PATH};

	return gs_qmp_connect(&address, options, ret);
}

FAKE_HELPER struct gs_qmp *fake_connect(void)
{
	struct gs_qmp *qmp = NULL;

	assert_ok(fake_try_connect(NULL, &qmp));
	return qmp;
}

#endif
