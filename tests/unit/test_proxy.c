/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proxy between clients that do as they please and a monitor that says what a test tells it to:
 * ids, order, what is answered without the monitor, who is dropped, and how it ends.
 */
#include "fake_clients.h"

/* ---- ids and order ---- */

static void test_ids(void **state)
{
	static const char *const ids[] = {
		"1",    "18446744073709551616",       "1.10", "1e3",  "-0",          "null",
		"true", "{\"a\": [1, {\"b\": 1.0}]}", "[]",   "\"\"", "\"\\u00fc\"",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		gs_autofree char *request = gs_strf("{\"id\": %s, \"execute\": \"x\"}", ids[i]);
		gs_autofree char *end_of_reply = gs_strf(", \"id\": %s}", ids[i]);
		const char *line;

		tell(fd, request);
		line = hear(fd);
		assert_true(strlen(line) > strlen(end_of_reply));
		assert_string_equal(line + strlen(line) - strlen(end_of_reply), end_of_reply);
	}
	close(fd);
	assert_int_equal(end(&s), 0);
}

/* Without its id, which is the session's. */
static void assert_echo(int fd, const char *request, const char *behind)
{
	gs_autofree char *start = gs_strf("{\"return\": %s, \"id\": \"gs-", request);
	const char *line = hear(fd), *tail = strchr(line + strlen(start), '"');

	assert_true(starts(line, start));
	assert_non_null(tail);
	assert_string_equal(tail, behind);
}

static void test_exact_and_in_order(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"one\", \"arguments\": {\"n\": 18446744073709551615, \"m\": 1.10}}"
		"{\"execute\": \"two\", \"id\": 7}\r\n{\"execute\": \"event\"}");
	assert_echo(
		a,
		"{\"execute\": \"one\", \"arguments\": {\"n\": 18446744073709551615, \"m\": 1.10}",
		"\"}}");
	assert_echo(a, "{\"execute\": \"two\"", "\"}, \"id\": 7}");
	/* An event comes to all, and to the asker before the reply that followed it. */
	assert_hears(a, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}");
	assert_echo(a, "{\"execute\": \"event\"", "\"}}");
	assert_hears(b, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}");
	/* Members stay where they are. */
	tell(b, "{\"execute\": \"fail\", \"arguments\": {\"str\": \"x\"}, \"id\": 1}");
	assert_hears(b, "{\"id\": 1, \"error\": {\"class\": \"X\", \"desc\": \"'x'?\"}}");
	close(a);
	close(b);
	assert_int_equal(end(&s), 0);
}

/* Who has not negotiated gets no events. */
static void test_events_after_negotiation(void **state)
{
	struct shared s;
	int early, other;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	early = dial_only();
	assert_hears_part(early, "QMP");
	other = dial();
	tell(other, "{\"execute\": \"event\"}");
	assert_hears_part(other, "\"event\"");
	assert_hears_part(other, "\"return\"");
	tell(early, "{\"execute\": \"qmp_capabilities\"}");
	assert_hears(early, "{\"return\": {}}");
	close(early);
	close(other);
	assert_int_equal(end(&s), 0);
}

#define GREEDY 8
#define MUCH 50

/* Those with much to ask do not keep others from asking. */
static void test_turns(void **state)
{
	struct shared s;
	int greedy[GREEDY], modest, before = 0;

	(void)state;
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	for (int i = 0; i < GREEDY; i++)
		greedy[i] = dial();
	modest = dial();
	tell(greedy[0], "{\"execute\": \"gate\"}");
	for (int i = 0; i < GREEDY * MUCH; i++)
		tell(greedy[i / MUCH], "{\"execute\": \"much\"}");
	tell(modest, "{\"execute\": \"little\"}");
	assert_silent(modest);
	open_gate();
	assert_hears_part(modest, "little");
	assert_hears_part(greedy[0], "gate");
	for (int i = 0; i < GREEDY * MUCH; i++)
		assert_hears_part(greedy[i / MUCH], "much");
	for (int i = 0; i < GREEDY; i++)
		close(greedy[i]);
	close(modest);
	assert_int_equal(end(&s), 0);
	for (const char *at = asked.data; !starts(at, "{\"execute\":\"little"); at++)
		before += starts(at, "{\"execute\":\"much");
	assert_in_range(before, 0, 2 * GREEDY);
	close(gate);
}

/* ---- what is answered without the monitor ---- */

static void test_negotiation(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial_only();
	hear(fd);
	tell(fd, "{\"execute\": \"query-status\", \"id\": 1}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"CommandNotFound\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": 1}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"x\": []}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}, \"id\": 2}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"id\": 3}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"CommandNotFound\"");
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_int_equal(asked.size, 0);
}

static void test_forbidden(void **state)
{
	static const char *const requests[] = {
		"{\"execute\": \"quit\"}",
		"{\"execute\": \"human-monitor-command\", "
		"\"arguments\": {\"command-line\": \"\\t quit\"}}",
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
		"\"q/\"}}",
		"{\"execute\": \"yank\", \"arguments\": {\"instances\": "
		"[{\"type\": \"migration\"}, {\"type\": \"chardev\", \"id\": \"m\"}]}}",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		tell(fd, requests[i]);
		assert_hears_part(fd, "does not allow");
	}
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_int_equal(asked.size, 0);

	begin(&s, serve_echo, (struct gs_proxy_options){.allow_quit = true});
	fd = dial();
	tell(fd, requests[0]);
	assert_hears_part(fd, "\"return\"");
	close(fd);
	assert_int_equal(end(&s), 0);
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = {
		"]",
		"nonsense ",
		"12 ",
		"[1]",
		"{]",
		"{\"a\" 1}",
		"{\"a\": \"\x80\"}",
		"\xff",
		"{\"a\": \"\xff",
		"{\"a\": 1, \"a\": 2}",
		"{'execute': 'x'}",
		"{\"a\": \"\\u0000\"}",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){.request_max = 1000});
	fd = dial();
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		tell(fd, garbage[i]);
		assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": ");
		tell(fd, "{\"execute\": \"fine\"}");
		assert_hears_part(fd, "{\"return\": {\"execute\": \"fine\"");
	}
	tell(fd, "{\"execute\": \"");
	for (int i = 0; i < 500; i++)
		tell(fd, "0123456789");
	tell(fd, "\"}{\"execute\": \"fine\"}");
	assert_hears_part(fd, "more than 1000 bytes");
	assert_hears_part(fd, "{\"return\": {\"execute\": \"fine\"");
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_null(strstr(asked.data, "nonsense"));
	assert_int_equal(s.fake.resets, 0);
}

/* ---- those who leave, and those who hang ---- */

/* Again and again: what nobody waits for any more takes nobody's place. */
static void test_leaves_in_flight(void **state)
{
	struct shared s;
	int other;

	(void)state;
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	other = dial();
	for (int i = 0; i < 6; i++) {
		int fd = dial();

		tell(fd, "{\"execute\": \"gate\", \"id\": 1}{\"execute\": \"never\"}"
			 "{\"execute\": \"never\"}");
		assert_silent(fd);
		tell(other, "{\"execute\": \"after\", \"id\": 1}");
		close(fd);
		assert_silent(other);
		open_gate();
		assert_hears_part(other, "{\"return\": {\"execute\": \"after\"");
	}
	close(other);
	assert_int_equal(end(&s), 0);
	assert_null(strstr(asked.data, "never"));
	close(gate);
}

static void test_half_closed(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"one\"}{\"execute\": \"two\"}{\"execute\": \"qmp_capabilities\"}");
	shutdown(fd, SHUT_WR);
	assert_hears_part(fd, "one");
	assert_hears_part(fd, "two");
	assert_hears_part(fd, "CommandNotFound");
	assert_hears(fd, "");
	close(fd);
	assert_int_equal(end(&s), 0);
}

#define FLOOD 50

static void serve_flood(struct fake *f)
{
	char padding[1024];

	memset(padding, 'x', sizeof(padding));
	start_serving(f);
	while (fake_read(f)) {
		for (int i = 0; i < FLOOD && asks(f, "flood"); i++)
			fake_send(f, "{\"event\": \"E%d\", \"data\": {\"x\": \"%.*s\"}}\r\n", i,
				  (int)sizeof(padding), padding);
		fake_return(f, "{}");
	}
}

/* Who reads gets every event; who does not is dropped, and reads what there was. */
static void test_backlog(void **state)
{
	struct shared s;
	int reader, sleeper, count = 0;

	(void)state;
	begin(&s, serve_flood, (struct gs_proxy_options){.backlog_max = 100000});
	reader = dial();
	sleeper = dial();
	for (int round = 0; round < 80; round++) {
		tell(reader, "{\"execute\": \"flood\"}");
		for (int i = 0; i < FLOOD; i++) {
			gs_autofree char *start = gs_strf("{\"event\": \"E%d\",", i);

			assert_true(starts(hear(reader), start));
		}
		assert_hears(reader, "{\"return\": {}}");
	}
	while (*hear(sleeper))
		count++;
	assert_in_range(count, 1, 80 * FLOOD - 1);
	close(reader);
	close(sleeper);
	assert_int_equal(end(&s), 0);
}

/* It asks and asks, and reads nothing: no more is taken from it than its socket holds. */
static void test_never_reads(void **state)
{
	static const char request[] = "{\"execute\": \"something of some length\"}";
	struct shared s;
	int sleeper, other;
	ssize_t sent;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	sleeper = dial();
	other = dial();
	do {
		struct pollfd p = {.fd = sleeper, .events = POLLOUT};

		if (poll(&p, 1, 200) == 0)
			break;
		sent = send(sleeper, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0 && sent < (ssize_t)strlen(request))
			break;
	} while (sent >= 0 || errno == EAGAIN);
	tell(other, "{\"execute\": \"x\"}");
	assert_hears_part(other, "\"x\"");
	close(sleeper);
	close(other);
	assert_int_equal(end(&s), 0);
}

static void test_client_max(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){.client_max = 1});
	a = dial();
	b = dial_only();
	assert_silent(b);
	close(a);
	assert_hears_part(b, "QMP");
	close(b);
	assert_int_equal(end(&s), 0);
}

/* ---- the monitor's faults ---- */

static void serve_misunderstanding(struct fake *f)
{
	start_serving(f);
	if (!fake_expect(f, "odd"))
		return;
	fake_send(f, FAKE_PARSE_ERROR);
	fake_recover(f);
	if (fake_expect(f, "fine"))
		fake_return(f, "{}");
	fake_await_close(f);
}

/* What QEMU does not understand is the asker's all the same, with its id. */
static void test_misunderstanding(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_misunderstanding, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"odd\", \"id\": \"mine\"}");
	assert_hears(
		fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray "
		    "input\"}, \"id\": \"mine\"}");
	tell(fd, "{\"execute\": \"fine\"}");
	assert_hears(fd, "{\"return\": {}}");
	close(fd);
	assert_int_equal(end(&s), 0);
}

#define BIG (512 * 1024)

/*
 * Says that the first request was not understood while it has yet to read most of the second, so
 * that the way to ask what it meant is blocked.
 */
static void serve_misunderstanding_late(struct fake *f)
{
	int pending = 0;

	start_serving(f);
	if (!fake_expect(f, "odd"))
		return;
	while (pending < 64 * 1024)
		(void)ioctl(f->fd, FIONREAD, &pending);
	fake_send(f, FAKE_PARSE_ERROR "{\"event\": \"SEEN\"}\r\n");
	wait_at_gate();
	if (fake_read(f))
		fake_return(f, "{}");
	fake_recover(f);
	fake_await_close(f);
}

static void test_misunderstanding_late(void **state)
{
	gs_autofree char *big = malloc(BIG + 1), *request = NULL;
	struct shared s;
	int a, b;

	(void)state;
	memset(big, 'x', BIG);
	big[BIG] = '\0';
	request = gs_strf("{\"execute\": \"big\", \"arguments\": {\"x\": \"%s\"}}", big);
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_misunderstanding_late, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"odd\", \"id\": 1}");
	tell(b, request);
	assert_hears(a, "{\"event\": \"SEEN\"}");
	assert_hears(b, "{\"event\": \"SEEN\"}");
	open_gate();
	assert_hears(b, "{\"return\": {}}");
	assert_hears_part(a, "\"desc\": \"JSON parse error, stray input\"}, \"id\": 1}");
	close(a);
	close(b);
	assert_int_equal(end(&s), 0);
	close(gate);
}

static void serve_end(struct fake *f)
{
	start_serving(f);
	if (fake_read(f)) {
		fake_send(f, "{\"event\": \"SHUTDOWN\"}\r\n");
		fake_return(f, "{}");
	}
}

static void test_end(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_end, (struct gs_proxy_options){.allow_quit = true});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"quit\"}");
	assert_hears(a, "{\"event\": \"SHUTDOWN\"}");
	assert_hears(a, "{\"return\": {}}");
	assert_hears(a, "");
	assert_hears(b, "{\"event\": \"SHUTDOWN\"}");
	assert_hears(b, "");
	close(a);
	close(b);
	assert_int_equal(end(&s), GS_ERROR_GONE);
}

static void serve_sudden_end(struct fake *f)
{
	start_serving(f);
	(void)fake_read(f);
}

/* Nothing is made up: each client draws its own conclusions. */
static void test_sudden_end(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_sudden_end, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"x\"}");
	assert_hears(fd, "");
	close(fd);
	assert_int_equal(end(&s), GS_ERROR_GONE);
}

/* The process at the other end is not QEMU, and our own sessions know. */
static void test_mark(void **state)
{
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = SHARED_PATH};
	struct gs_qmp *qmp = NULL;
	struct shared s;
	int version[3];

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	assert_ok(gs_qmp_connect(&address, NULL, &qmp));
	gs_qmp_version(qmp, version);
	assert_int_equal(version[0], 7);
	assert_int_equal(version[2], 22);
	assert_int_equal(gs_qmp_peer_pid(qmp), 0);
	gs_qmp_close(qmp);
	assert_int_equal(end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_ids),
		unit_test_in_scratch(test_exact_and_in_order),
		unit_test_in_scratch(test_events_after_negotiation),
		unit_test_in_scratch(test_turns),
		unit_test_in_scratch(test_negotiation),
		unit_test_in_scratch(test_forbidden),
		unit_test_in_scratch(test_garbage),
		unit_test_in_scratch(test_leaves_in_flight),
		unit_test_in_scratch(test_half_closed),
		unit_test_in_scratch(test_backlog),
		unit_test_in_scratch(test_never_reads),
		unit_test_in_scratch(test_client_max),
		unit_test_in_scratch(test_misunderstanding),
		unit_test_in_scratch(test_misunderstanding_late),
		unit_test_in_scratch(test_end),
		unit_test_in_scratch(test_sudden_end),
		unit_test_in_scratch(test_mark),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	gs_text_deinit(&asked);
	for (size_t i = 0; i < 256; i++)
		gs_text_deinit(&heard[i]);
	return failed;
}
