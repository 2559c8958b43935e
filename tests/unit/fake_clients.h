/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A proxy in a thread of its own, between a fake monitor and what a test says as its clients. */
#ifndef TESTS_UNIT_FAKE_CLIENTS_H
#define TESTS_UNIT_FAKE_CLIENTS_H

#include "fake_qmp.h"

#include <ctype.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/proxy.h>

#define SHARED_PATH "./shared"
#define VERSION "{\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"fake\"}"

struct shared {
	struct fake fake;
	struct gs_qmp *qmp;
	struct gs_proxy_listener listener;
	struct gs_proxy_options options;
	struct gs_error *outcome;
	pthread_t thread;
};

/* What the monitor was asked since the proxy began, a line each; read it after the end. */
static struct gs_text asked;
FAKE_HELPER int gate = -1; /* the monitor stands still at "gate" until this is readable */

FAKE_HELPER void *run_proxy(void *arg)
{
	struct shared *s = arg;

	s->outcome = gs_proxy_run(s->qmp, s->listener.fd, &s->options);
	return NULL;
}

FAKE_HELPER void begin(struct shared *s, void (*serve)(struct fake *f),
		       struct gs_proxy_options options)
{
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = SHARED_PATH};

	gs_text_clear(&asked);
	*s = (struct shared){.options = options};
	s->options.stop_fd = eventfd(0, EFD_CLOEXEC);
	fake_start(&s->fake, serve);
	s->qmp = fake_connect();
	assert_ok(gs_proxy_listen(&address, false, &s->listener));
	assert_int_equal(pthread_create(&s->thread, NULL, run_proxy, s), 0);
}

/* How the proxy ended. */
FAKE_HELPER enum gs_error_code end(struct shared *s)
{
	uint64_t one = 1;
	enum gs_error_code code;

	assert_int_equal(write(s->options.stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_join(s->thread, NULL);
	code = s->outcome ? s->outcome->code : 0;
	gs_error_destroy(s->outcome);
	gs_proxy_listener_close(&s->listener);
	gs_qmp_close(s->qmp);
	fake_join(&s->fake);
	close(s->options.stop_fd);
	return code;
}

/* ---- the monitor ---- */

FAKE_HELPER void note(const char *line)
{
	gs_text_puts(&asked, line);
	gs_text_puts(&asked, "\n");
}

FAKE_HELPER void start_serving(struct fake *f)
{
	fake_greet(f);
	if (fake_expect(f, "query-version"))
		fake_return(f, VERSION);
}

FAKE_HELPER bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

FAKE_HELPER bool asks(const struct fake *f, const char *command)
{
	char start[128];

	snprintf(start, sizeof(start), "{\"execute\":\"%s\"", command);
	return starts(f->request, start);
}

FAKE_HELPER void wait_at_gate(void)
{
	uint64_t count;

	(void)!read(gate, &count, sizeof(count));
}

FAKE_HELPER void open_gate(void)
{
	uint64_t one = 1;

	(void)!write(gate, &one, sizeof(one));
}

/* The reply to "fail" speaks of the argument "str". */
FAKE_HELPER void send_failure(struct fake *f)
{
	const char *str = strstr(f->request, "\"str\":\"") + 7;

	fake_send(f, "{\"id\": %s, \"error\": {\"class\": \"X\", \"desc\": \"'%.*s'?\"}}\r\n",
		  f->id, (int)strcspn(str, "\""), str);
}

/* Returns what it was asked, numbers and all. */
FAKE_HELPER void serve_echo(struct fake *f)
{
	start_serving(f);
	while (fake_read(f)) {
		note(f->request);
		if (asks(f, "gate"))
			wait_at_gate();
		if (asks(f, "event"))
			fake_send(f, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}\r\n");
		if (asks(f, "fail"))
			send_failure(f);
		else
			fake_return(f, f->request);
	}
}

/* ---- a client ---- */

/* What has come from each descriptor and was not heard yet. */
static struct gs_text heard[256];

FAKE_HELPER int dial_only(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SHARED_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_in_range(fd, 0, 255);
	gs_text_clear(&heard[fd]);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

FAKE_HELPER void tell(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next line without its end; "" at the end of the connection. Static. */
FAKE_HELPER const char *hear(int fd)
{
	static char line[65536], chunk[65536];
	struct gs_text *text = &heard[fd];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const char *eol;
	size_t size;

	while (!(eol = text->size ? memchr(text->data, '\n', text->size) : NULL)) {
		ssize_t got;

		if (poll(&p, 1, FAKE_PATIENCE_MS) <= 0)
			fail_msg("the proxy says nothing");
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got <= 0)
			return "";
		gs_text_append(text, chunk, (size_t)got);
	}
	size = (size_t)(eol - text->data);
	snprintf(line, sizeof(line), "%.*s", (int)size - 1, text->data);
	memmove(text->data, eol + 1, text->size - size - 1);
	text->size -= size + 1;
	return line;
}

#define assert_hears(fd, text) assert_string_equal(hear(fd), text)

FAKE_HELPER void assert_hears_part(int fd, const char *part)
{
	const char *line = hear(fd);

	if (!strstr(line, part))
		fail_msg("heard %s, not %s", line, part);
}

FAKE_HELPER void assert_silent(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(heard[fd].size, 0);
	assert_int_equal(poll(&p, 1, 50), 0);
}

FAKE_HELPER int dial(void)
{
	int fd = dial_only();

	assert_hears(
		fd,
		"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
		"\"package\": \"fake\"}, \"capabilities\": [], \"guestscope-proxy\": true}}");
	tell(fd, "{\"execute\": \"qmp_capabilities\"}");
	assert_hears(fd, "{\"return\": {}}");
	return fd;
}

FAKE_HELPER void tell_with_fds(int fd, const char *text, int count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (char *)text, .iov_len = strlen(text)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
	int fds[4];

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	for (int i = 0; i < count; i++)
		fds[i] = memfd_create("passed", MFD_CLOEXEC);
	memcpy(CMSG_DATA(&control.align), fds, (size_t)count * sizeof(int));
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), strlen(text));
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

#endif
