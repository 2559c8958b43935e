/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets with a past: adopted after somebody died in the middle of something, or inherited. */
#include <signal.h>
#include <sys/wait.h>

#include "fake_qmp.h"

#define STATUS "{\"status\": \"running\", \"running\": true}"

/* What the dead one has asked for, and may have read any part of. */
#define OLD_REPLY \
	"{\"return\": {\"a\": [{\"b\": \"}{\\\"\"}], \"event\": \"NO\"}, \"id\": \"old\"}\r\n"
#define OLD_EVENT "{\"event\": \"STOP\", \"data\": {\"x\": {\"y\": {}}}}\r\n"

static void finish(struct fake *f, struct gs_qmp *qmp)
{
	gs_qmp_close(qmp);
	fake_join(f);
}

static struct gs_qmp *adopt(int fd)
{
	struct gs_qmp *qmp = NULL;

	assert_ok(gs_qmp_adopt(fd, NULL, &qmp));
	return qmp;
}

static void serve_after_death(struct fake *f)
{
	fake_send(f, OLD_REPLY OLD_EVENT);
	/* Half a command is in the parser; the reset makes fake_read() forget it too. */
	fake_recover(f);
	if (f->resets != 1)
		fake_fail(f, "resets");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

/* The dead one read @offset bytes. What it left of a message is dropped, whole events are not. */
static void check_death_at(size_t offset)
{
	static const char half[] =
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"x\": \"{";
	struct gs_qmp_status status;
	struct gs_qmp_event event;
	char swallowed[256];
	struct gs_qmp *qmp;
	struct fake f;
	int fd;

	fd = fake_start_pair(&f, serve_after_death);
	assert_int_equal(recv(fd, swallowed, offset, MSG_WAITALL), offset);
	assert_int_equal(send(fd, half, strlen(half), 0), strlen(half));
	qmp = adopt(fd);
	assert_ok(gs_qmp_query_status(qmp, &status));
	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(FAKE_PATIENCE_MS), &event));
	assert_string_equal(event.name, offset <= strlen(OLD_REPLY) ? "STOP" : "SHUTDOWN");
	gs_qmp_event_deinit(&event);
	finish(&f, qmp);
}

static void test_death_at_every_byte(void **state)
{
	(void)state;
	for (size_t offset = 1; offset <= strlen(OLD_REPLY OLD_EVENT); offset++)
		check_death_at(offset);
}

static void serve_pretty_after_death(struct fake *f)
{
	fake_send(f, "    {\n            \"b\": {\n            }\n        }\n    }\n}\n"
		     "{\n    \"event\": \"STOP\"\n}\n");
	if (!fake_expect(f, "qmp_capabilities"))
		return;
	fake_send(f, "{\n    \"error\": {\n        \"class\": \"GenericError\"\n    }\n}\n");
	fake_send(f, "{\n    \"id\": %s,\n    \"error\": {\n    }\n}\n", f->id);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_pretty(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = adopt(fake_start_pair(&f, serve_pretty_after_death));
	assert_ok(gs_qmp_simple(qmp, "query-status"));
	assert_ok(gs_qmp_next_event(qmp, 0, &event));
	assert_string_equal(event.name, "STOP");
	gs_qmp_event_deinit(&event);
	finish(&f, qmp);
}

/* The dead one may not even have negotiated. */
static void serve_fresh(struct fake *f)
{
	fake_send(f, FAKE_GREETING FAKE_PARSE_ERROR);
	fake_expect(f, "qmp_capabilities");
	fake_return(f, "{}");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_not_negotiated(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = adopt(fake_start_pair(&f, serve_fresh));
	assert_ok(gs_qmp_simple(qmp, "query-status"));
	finish(&f, qmp);
}

/* The fd stays with the caller when it cannot be adopted. */
static void serve_silence(struct fake *f)
{
	fake_await_close(f);
}

static void test_silence(void **state)
{
	const struct gs_qmp_options options = {.command_ms = 50};
	struct gs_qmp *qmp = NULL;
	struct fake f;
	int fd;

	(void)state;
	fd = fake_start_pair(&f, serve_silence);
	assert_error(gs_qmp_adopt(fd, &options, &qmp), GS_ERROR_TIMEOUT, NULL);
	assert_int_equal(close(fd), 0);
	fake_join(&f);
	assert_error(gs_qmp_adopt(fd, &options, &qmp), GS_ERROR_UNREACHABLE, NULL);
}

static void serve_end(struct fake *f)
{
	fake_send(f, OLD_EVENT);
}

static void test_end(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;
	int fd;

	(void)state;
	fd = fake_start_pair(&f, serve_end);
	assert_error(gs_qmp_adopt(fd, NULL, &qmp), GS_ERROR_GONE, NULL);
	close(fd);
	fake_join(&f);
}

/* ---- in a forked child, as a guardian does ---- */

static void serve_parent_and_child(struct fake *f)
{
	char parent[128];

	fake_greet(f);
	fake_expect(f, "query-status");
	strcpy(parent, f->id);
	/* The child's first: had it the parent's ids, it would take the parent's late reply. */
	if (!fake_expect(f, "qmp_capabilities"))
		return;
	fake_send(f, "{\"return\": 1, \"id\": %s}\r\n" FAKE_PARSE_ERROR, parent);
	fake_send(f, "{\"id\": %s, \"error\": {\"class\": \"CommandNotFound\"}}\r\n", f->id);
	fake_expect(f, "cont");
	if (strncmp(parent, f->id, strlen("\"gs-00000000")) == 0)
		fake_fail(f, "child uses the parent's ids");
	fake_return(f, "{}");
}

static void test_forked_child(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	uint64_t id;
	pid_t child;
	int status;

	(void)state;
	fake_start(&f, serve_parent_and_child);
	qmp = fake_connect();
	assert_ok(gs_qmp_send(qmp, "query-status", NULL, &id));
	child = fork();
	if (child == 0) {
		struct gs_qmp *own = NULL;
		struct gs_error *err = gs_qmp_adopt(gs_qmp_fd(qmp), NULL, &own);

		_exit(err || gs_qmp_simple(own, "cont") ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	finish(&f, qmp);
}

/* Who gave the connection away reads none of the replies that are the other's now. */
static void test_given_away(void **state)
{
	struct gs_qmp *qmp, *own;
	struct fake f;
	uint64_t id;
	int copy;

	(void)state;
	fake_start(&f, serve_parent_and_child);
	qmp = fake_connect();
	assert_ok(gs_qmp_send(qmp, "query-status", NULL, &id));
	copy = dup(gs_qmp_fd(qmp));
	gs_qmp_give_away(qmp);
	assert_error(gs_qmp_await(qmp, id, 0, NULL), GS_ERROR_LOST, NULL);
	own = adopt(copy);
	assert_ok(gs_qmp_simple(own, "cont"));
	gs_qmp_close(qmp);
	finish(&f, own);
}

/* ---- fd:N ---- */

static void serve_twice(struct fake *f)
{
	serve_fresh(f);
	fake_recover(f);
	fake_expect(f, "query-version");
	fake_return(f, "{\"qemu\": {\"micro\": 0, \"minor\": 1, \"major\": 8}}");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

/* The same inherited socket, by one short-lived tool after the other. */
static void test_fd_address(void **state)
{
	struct gs_qmp_address address = {.kind = GS_QMP_FD};
	struct fake f;
	int version[3];

	(void)state;
	address.fd = fake_start_pair(&f, serve_twice);
	for (int round = 0; round < 2; round++) {
		struct gs_qmp *qmp = NULL;

		assert_ok(gs_qmp_connect(&address, NULL, &qmp));
		gs_qmp_version(qmp, version);
		assert_int_equal(version[0], round == 0 ? 7 : 8);
		assert_ok(gs_qmp_simple(qmp, "query-status"));
		gs_qmp_close(qmp);
	}
	close(address.fd);
	fake_join(&f);
}

static void test_fd_that_is_no_socket(void **state)
{
	struct gs_qmp_address address = {.kind = GS_QMP_FD};
	struct gs_qmp *qmp = NULL;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	address.fd = ends[0];
	assert_error(gs_qmp_connect(&address, NULL, &qmp), GS_ERROR_INVALID, NULL);
	close(ends[0]);
	close(ends[1]);
	assert_error(gs_qmp_connect(&address, NULL, &qmp), GS_ERROR_UNREACHABLE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_death_at_every_byte),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_not_negotiated),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_end),
		unit_test_in_scratch(test_forked_child),
		unit_test_in_scratch(test_given_away),
		cmocka_unit_test(test_fd_address),
		cmocka_unit_test(test_fd_that_is_no_socket),
	};

	return cmocka_run_group_tests_name("qmp adopt", tests, NULL, NULL);
}
