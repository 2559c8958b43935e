/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting: long paths, abstract names, tcp, servers that are busy, silent or not there. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fake_qmp.h"

#define PATIENCE_MS 400

static const struct gs_qmp_options impatient = {.greeting_ms = PATIENCE_MS};

static void serve_client(struct fake *f)
{
	fake_greet(f);
	fake_await_close(f);
}

static struct gs_error *try_address(const char *text, const struct gs_qmp_options *options,
				    struct gs_qmp **ret)
{
	struct gs_qmp_address address;
	struct gs_error *err = gs_qmp_address_parse(text, &address);

	if (err)
		return err;
	err = gs_qmp_connect(&address, options, ret);
	gs_qmp_address_deinit(&address);
	return err;
}

/* ---- kinds of addresses ---- */

static void assert_connects(struct fake *f, const char *address)
{
	struct gs_qmp *qmp = NULL;

	assert_ok(try_address(address, NULL, &qmp));
	assert_string_equal(gs_qmp_name(qmp), address);
	gs_qmp_close(qmp);
	fake_join(f);
}

static void test_long_path(void **state)
{
	char directory[201], path[512];
	struct fake f;

	(void)state;
	memset(directory, 'd', 200);
	directory[200] = '\0';
	snprintf(path, sizeof(path), "./%s/%.200s", directory, directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	fake_start(&f, serve_client);
	assert_int_equal(rename(FAKE_PATH, path), 0);
	assert_connects(&f, path);
}

static void listen_at(struct fake *f, const struct sockaddr *address, socklen_t size)
{
	*f = (struct fake){.fd = -1, .last_fd = -1};
	f->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, address, size), 0);
	assert_int_equal(listen(f->listener, 1), 0);
	fake_run(f, serve_client);
}

static void test_abstract_name(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[128];
	int size;
	struct fake f;

	(void)state;
	size = snprintf(address.sun_path + 1, 50, "guestscope-test-%d", (int)getpid());
	listen_at(&f, (struct sockaddr *)&address,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size));
	snprintf(text, sizeof(text), "unix:@%s", address.sun_path + 1);
	assert_connects(&f, text);
}

static uint16_t port_of(const struct fake *f)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static void listen_tcp(struct fake *f)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	listen_at(f, (struct sockaddr *)&address, sizeof(address));
}

static void test_tcp(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;
	char text[64];

	(void)state;
	listen_tcp(&f);
	snprintf(text, sizeof(text), "tcp:127.0.0.1:%d", port_of(&f));
	assert_ok(try_address(text, NULL, &qmp));
	assert_error(gs_qmp_getfd(qmp, "x", 0), GS_ERROR_UNSUPPORTED, NULL);
	gs_qmp_close(qmp);
	fake_join(&f);
}

static void test_nobody_there(void **state)
{
	struct gs_qmp *qmp = NULL;
	gs_autofree char *text = NULL;

	(void)state;
	assert_error(try_address("./nothing", NULL, &qmp), GS_ERROR_UNREACHABLE,
		     "./nothing: connect: No such file or directory");
	assert_error(try_address("tcp:127.0.0.1:1", NULL, &qmp), GS_ERROR_UNREACHABLE,
		     "tcp:127.0.0.1:1: connect: Connection refused");
	assert_error(try_address("pid:2147483647", NULL, &qmp), GS_ERROR_UNREACHABLE,
		     "pid:2147483647: no such process");
	assert_true(asprintf(&text, "pid:%d", (int)getpid()) > 0);
	assert_error(try_address(text, NULL, &qmp), GS_ERROR_UNREACHABLE, NULL);
}

/* ---- servers that say nothing ---- */

/* Accepts one client; others wait, as QEMU lets them. A child is that client. */
static pid_t start_holder(const char *address)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct gs_qmp *qmp = NULL;
		struct gs_error *err = try_address(address, NULL, &qmp);

		if (err || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void assert_busy(const char *address, pid_t holder)
{
	struct gs_qmp *qmp = NULL;
	char expected[128];

	snprintf(expected, sizeof(expected), "%s: socket is busy: held by %d (%s)", address,
		 (int)holder, "test_qmp_connec");
	assert_error(try_address(address, &impatient, &qmp), GS_ERROR_BUSY, expected);
}

static void end_holder(struct fake *f, pid_t holder)
{
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	fake_join(f);
}

static void test_busy(void **state)
{
	struct fake f;
	pid_t holder;

	(void)state;
	fake_start(&f, serve_client);
	holder = start_holder(FAKE_PATH);
	assert_busy(FAKE_PATH, holder);
	end_holder(&f, holder);
}

static void test_busy_tcp(void **state)
{
	struct fake f;
	pid_t holder;
	char text[64];

	(void)state;
	listen_tcp(&f);
	snprintf(text, sizeof(text), "tcp:127.0.0.1:%d", port_of(&f));
	holder = start_holder(text);
	assert_busy(text, holder);
	end_holder(&f, holder);
}

/* Somebody with patience gets the socket when the holder leaves. */
static void serve_two(struct fake *f)
{
	for (int i = 0; i < 2; i++) {
		fake_greet(f);
		fake_await_close(f);
		close(f->fd);
		f->fd = i == 0 ? accept4(f->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
	}
}

static void *kill_soon(void *arg)
{
	usleep(100000);
	kill(*(pid_t *)arg, SIGKILL);
	return NULL;
}

static void test_turn_comes(void **state)
{
	struct gs_qmp *qmp = NULL;
	pthread_t killer;
	struct fake f;
	pid_t holder;

	(void)state;
	fake_start(&f, serve_two);
	holder = start_holder(FAKE_PATH);
	pthread_create(&killer, NULL, kill_soon, &holder);
	assert_ok(fake_try_connect(NULL, &qmp));
	pthread_join(killer, NULL);
	waitpid(holder, NULL, 0);
	gs_qmp_close(qmp);
	fake_join(&f);
}

/* The first connection is accepted and forgotten; QEMU has done so. */
static void serve_second(struct fake *f)
{
	int first = f->fd;

	f->fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	close(first);
	fake_greet(f);
	fake_await_close(f);
}

static void test_first_connection_hangs(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_second);
	assert_ok(fake_try_connect(&impatient, &qmp));
	gs_qmp_close(qmp);
	fake_join(&f);
}

/* Nobody holds it: it is not busy, whatever else it is. */
static void test_silent_server(void **state)
{
	struct gs_qmp *qmp = NULL;
	uint64_t start_ms = gs_now_ms();
	struct fake f;

	(void)state;
	fake_listen(&f);
	assert_error(fake_try_connect(&impatient, &qmp), GS_ERROR_TIMEOUT,
		     "./monitor: connected, but no greeting: still starting, or hung");
	assert_in_range(gs_now_ms() - start_ms, PATIENCE_MS, 10 * PATIENCE_MS);
	close(f.listener);
}

static void test_stopped_server(void **state)
{
	struct gs_qmp *qmp = NULL;
	char expected[128];
	struct fake f;
	pid_t child;

	(void)state;
	fake_listen(&f);
	child = fork();
	if (child == 0) {
		if (listen(f.listener, 1) == 0)
			raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, WUNTRACED);
	close(f.listener);
	snprintf(expected, sizeof(expected),
		 "./monitor: connected, but no greeting: %d (test_qmp_connec) is stopped by a "
		 "signal",
		 (int)child);
	assert_error(fake_try_connect(&impatient, &qmp), GS_ERROR_TIMEOUT, expected);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_full_queue(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = FAKE_PATH};
	struct fake f;
	int fds[2];

	(void)state;
	fake_listen(&f); /* with a queue of one: two may wait */
	for (int i = 0; i < 2; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
	}
	assert_error(fake_try_connect(&impatient, &qmp), GS_ERROR_BUSY,
		     "./monitor: socket is busy: its queue of waiting clients is full");
	close(fds[0]);
	close(fds[1]);
	close(f.listener);
}

/* ---- who the peer is ---- */

static void test_peer_pid(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;
	pid_t child;

	(void)state;
	fake_listen(&f);
	child = fork();
	if (child == 0) {
		f.fd = accept4(f.listener, NULL, NULL, SOCK_CLOEXEC);
		serve_client(&f);
		_exit(0);
	}
	/* We listened, but who accepted is our peer. */
	assert_ok(fake_try_connect(NULL, &qmp));
	assert_int_equal(gs_qmp_peer_pid(qmp), child);
	gs_qmp_close(qmp);
	waitpid(child, NULL, 0);
	close(f.listener);
}

/* Who listens and serves is the peer, whoever has a copy of its end; of two others, none. */
static void check_shared_end(bool relisten)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;
	pid_t child, copy;
	int ready[2];
	char byte;

	fake_listen(&f);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (relisten)
			listen(f.listener, 1);
		(void)!write(ready[1], "", 1);
		f.fd = accept4(f.listener, NULL, NULL, SOCK_CLOEXEC);
		copy = fork();
		if (copy == 0)
			pause();
		serve_client(&f);
		kill(copy, SIGKILL);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_ok(fake_try_connect(NULL, &qmp));
	assert_int_equal(gs_qmp_peer_pid(qmp), relisten ? child : 0);
	gs_qmp_close(qmp);
	waitpid(child, NULL, 0);
	close(f.listener);
	close(ready[0]);
	close(ready[1]);
}

static void test_peer_shares_its_end(void **state)
{
	(void)state;
	check_shared_end(true);
	check_shared_end(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_long_path),
		cmocka_unit_test(test_abstract_name),
		cmocka_unit_test(test_tcp),
		unit_test_in_scratch(test_nobody_there),
		unit_test_in_scratch(test_busy),
		cmocka_unit_test(test_busy_tcp),
		unit_test_in_scratch(test_turn_comes),
		unit_test_in_scratch(test_first_connection_hangs),
		unit_test_in_scratch(test_silent_server),
		unit_test_in_scratch(test_stopped_server),
		unit_test_in_scratch(test_full_queue),
		unit_test_in_scratch(test_peer_pid),
		unit_test_in_scratch(test_peer_shares_its_end),
	};

	return cmocka_run_group_tests_name("qmp connect", tests, NULL, NULL);
}
