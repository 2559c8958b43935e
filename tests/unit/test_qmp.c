/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and replies: matching, deadlines, failures of every kind, descriptors. */
#include <fcntl.h>
#include <sys/stat.h>

#include "fake_qmp.h"

#define STATUS "{\"status\": \"running\", \"running\": true}"
#define SOON gs_deadline_in(50)

static void finish(struct fake *f, struct gs_qmp *qmp)
{
	gs_qmp_close(qmp);
	fake_join(f);
}

static struct gs_error *get_status(struct gs_qmp *qmp, uint64_t deadline_ms)
{
	return gs_qmp_execute(qmp, "query-status", NULL, deadline_ms, NULL);
}

/* ---- replies ---- */

static void serve_strangers(struct fake *f)
{
	fake_send(f, "{\"x-new\": 1, \"QMP\": {\"version\": {\"qemu\": 5}, \"x\": []}}\r\n");
	fake_expect(f, "qmp_capabilities");
	fake_send(f, "{\"x-what\": {}}\r\n{}\r\n");
	fake_send(f, "{\"x\": 1, \"id\": %s, \"y\": [2], \"return\": {}, \"z\": null}\r\n", f->id);
	fake_expect(f, "query-status");
	fake_return(f, "{\"status\": \"x-unheard-of\", \"running\": false, \"x\": 0}");
	fake_expect(f, "query-status");
	fake_return(f, "null");
}

static void test_unknown_members(void **state)
{
	struct gs_qmp_status status;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_strangers);
	qmp = fake_connect();
	assert_ok(gs_qmp_query_status(qmp, &status));
	assert_string_equal(status.status, "x-unheard-of");
	assert_error(gs_qmp_query_status(qmp, &status), GS_ERROR_PROTOCOL, NULL);
	finish(&f, qmp);
}

static void serve_reversed(struct fake *f)
{
	char ids[3][128];

	fake_greet(f);
	for (int i = 0; i < 3; i++) {
		fake_expect(f, "query-status");
		strcpy(ids[i], f->id);
	}
	for (int i = 2; i >= 0; i--)
		fake_send(f, "{\"return\": %d, \"id\": %s}\r\n", i, ids[i]);
}

static void test_out_of_order(void **state)
{
	struct gs_qmp *qmp;
	uint64_t ids[3];
	struct fake f;

	(void)state;
	fake_start(&f, serve_reversed);
	qmp = fake_connect();
	for (int i = 0; i < 3; i++)
		assert_ok(gs_qmp_send(qmp, "query-status", NULL, &ids[i]));
	for (uint64_t i = 0; i < 3; i++) {
		gs_autojson struct gs_json *reply = NULL;
		uint64_t number;

		assert_ok(gs_qmp_await(qmp, ids[i], 0, &reply));
		assert_true(gs_json_u64(reply, &number));
		assert_int_equal(number, i);
	}
	assert_error(gs_qmp_await(qmp, ids[0], 0, NULL), GS_ERROR_INVALID, NULL);
	finish(&f, qmp);
}

static void serve_refusal(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "bogus");
	fake_send(f,
		  "{\"id\": %s, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The "
		  "command bogus\\n has \\u001b[1mnot been found\"}}\r\n",
		  f->id);
	fake_expect(f, "odd");
	fake_send(f, "{\"id\": %s, \"error\": 5}\r\n", f->id);
}

static void test_refusal(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_refusal);
	qmp = fake_connect();
	assert_string_equal(gs_qmp_error_class(qmp), "");
	assert_error(gs_qmp_simple(qmp, "bogus"), GS_ERROR_REFUSED,
		     "The command bogus  has  [1mnot been found");
	assert_string_equal(gs_qmp_error_class(qmp), "CommandNotFound");
	assert_error(gs_qmp_simple(qmp, "odd"), GS_ERROR_REFUSED, "error without a description");
	finish(&f, qmp);
}

static void serve_whole(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "good");
	fake_send(f, "{\"return\": {\"n\": 1.10}, \"id\": %s, \"more\": 1}\r\n", f->id);
	fake_expect(f, "bad");
	fake_send(f, "{\"id\": %s, \"error\": {\"class\": \"C\", \"desc\": \"d\"}}\r\n", f->id);
	fake_expect(f, "quit");
}

static char *whole_reply(struct gs_qmp *qmp, const char *command)
{
	gs_autojson struct gs_json *reply = NULL;
	char *text;

	assert_ok(gs_qmp_execute_reply(qmp, command, NULL, -1, 0, &reply));
	gs_json_destroy(gs_json_detach(reply, "id"));
	text = gs_json_print(reply, GS_JSON_COMPACT);
	assert_non_null(text);
	return text;
}

/* Replies as they came, errors and what nobody asked for included. */
static void test_whole_reply(void **state)
{
	gs_autofree char *good = NULL, *bad = NULL, *quit = NULL;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_whole);
	qmp = fake_connect();
	good = whole_reply(qmp, "good");
	assert_string_equal(good, "{\"return\":{\"n\":1.10},\"more\":1}");
	bad = whole_reply(qmp, "bad");
	assert_string_equal(bad, "{\"error\":{\"class\":\"C\",\"desc\":\"d\"}}");
	quit = whole_reply(qmp, "quit");
	assert_string_equal(quit, "{\"return\":{}}");
	finish(&f, qmp);
}

static void serve_without_ids(struct fake *f)
{
	fake_send(f, FAKE_GREETING);
	fake_expect(f, "qmp_capabilities");
	fake_send(f, "{\"return\": {}}\r\n");
	fake_expect(f, "query-status");
	fake_expect(f, "query-version");
	fake_send(f, "{\"return\": 1}\r\n{\"return\": 2}\r\n");
}

static void test_peer_without_ids(void **state)
{
	gs_autojson struct gs_json *first = NULL, *second = NULL;
	struct gs_qmp *qmp;
	uint64_t ids[2];
	struct fake f;

	(void)state;
	fake_start(&f, serve_without_ids);
	qmp = fake_connect();
	assert_ok(gs_qmp_send(qmp, "query-status", NULL, &ids[0]));
	assert_ok(gs_qmp_send(qmp, "query-version", NULL, &ids[1]));
	assert_ok(gs_qmp_await(qmp, ids[1], 0, &second));
	assert_ok(gs_qmp_await(qmp, ids[0], 0, &first));
	assert_string_equal(gs_json_number_text(first), "1");
	assert_string_equal(gs_json_number_text(second), "2");
	finish(&f, qmp);
}

/* ---- errors without an id ---- */

static void serve_not_understood(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "first");
	fake_expect(f, "second");
	for (int i = 0; i < f->number; i++)
		fake_send(f, FAKE_PARSE_ERROR);
	fake_return(f, "2");
	fake_recover(f);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

/* One bad input gives one error or hundreds; the innocent command behind it must not suffer. */
static void check_not_understood(int errors)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_qmp *qmp;
	uint64_t ids[2];
	struct fake f;

	fake_listen(&f);
	f.number = errors;
	fake_run(&f, serve_not_understood);
	qmp = fake_connect();
	assert_ok(gs_qmp_send(qmp, "first", NULL, &ids[0]));
	assert_ok(gs_qmp_send(qmp, "second", NULL, &ids[1]));
	assert_error(gs_qmp_await(qmp, ids[0], 0, NULL), GS_ERROR_REFUSED,
		     "JSON parse error, stray input");
	assert_string_equal(gs_qmp_error_class(qmp), "GenericError");
	assert_ok(gs_qmp_await(qmp, ids[1], 0, &reply));
	assert_string_equal(gs_json_number_text(reply), "2");
	assert_ok(get_status(qmp, 0));
	finish(&f, qmp);
}

static void test_error_without_id(void **state)
{
	(void)state;
	check_not_understood(1);
	check_not_understood(2);
	check_not_understood(500);
}

static void serve_stray_error(struct fake *f)
{
	fake_greet(f);
	fake_send(f, FAKE_PARSE_ERROR FAKE_PARSE_ERROR "{\"event\": \"GO\"}\r\n");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_error_about_nothing(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_stray_error);
	qmp = fake_connect();
	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(FAKE_PATIENCE_MS), &event));
	gs_qmp_event_deinit(&event);
	assert_ok(get_status(qmp, 0));
	finish(&f, qmp);
}

/* ---- deadlines ---- */

static void serve_late(struct fake *f)
{
	char late[128];

	fake_greet(f);
	fake_expect(f, "query-status");
	strcpy(late, f->id);
	fake_expect(f, "query-version");
	fake_send(f, "{\"return\": \"late\", \"id\": %s}\r\n", late);
	fake_return(f, "\"right\"");
}

static void test_late_reply(void **state)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_late);
	qmp = fake_connect();
	assert_error(get_status(qmp, SOON), GS_ERROR_TIMEOUT,
		     "./monitor: query-status: no reply in time");
	assert_ok(gs_qmp_execute(qmp, "query-version", NULL, 0, &reply));
	assert_string_equal(gs_json_string(reply), "right");
	finish(&f, qmp);
}

/* The first 8 stay unanswered until the 9th is refused; then their late replies make room. */
static void serve_eight_late(struct fake *f)
{
	char ids[8][128];
	char byte;

	fake_greet(f);
	for (int i = 0; i < 8; i++) {
		fake_expect(f, "query-status");
		strcpy(ids[i], f->id);
	}
	(void)!read(f->number, &byte, 1);
	for (int i = 0; i < 8; i++)
		fake_send(f, "{\"return\": {}, \"id\": %s}\r\n", ids[i]);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_abandoned_fill_the_window(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	int go[2];

	(void)state;
	assert_int_equal(pipe(go), 0);
	fake_listen(&f);
	f.number = go[0];
	fake_run(&f, serve_eight_late);
	qmp = fake_connect();
	for (int i = 0; i < 8; i++)
		assert_error(get_status(qmp, gs_deadline_in(5)), GS_ERROR_TIMEOUT, NULL);
	assert_error(get_status(qmp, SOON), GS_ERROR_TIMEOUT,
		     "./monitor: earlier commands are still without a reply");
	assert_int_equal(write(go[1], "", 1), 1);
	assert_ok(get_status(qmp, 0));
	finish(&f, qmp);
	close(go[0]);
	close(go[1]);
}

static void serve_nothing(struct fake *f)
{
	fake_greet(f);
	fake_await_close(f);
}

static void test_window_is_eight(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	uint64_t id;

	(void)state;
	fake_start(&f, serve_nothing);
	qmp = fake_connect();
	for (int i = 0; i < 8; i++)
		assert_ok(gs_qmp_send(qmp, "query-status", NULL, &id));
	assert_error(gs_qmp_send(qmp, "query-status", NULL, &id), GS_ERROR_INVALID,
		     "./monitor: 8 commands are in flight already");
	finish(&f, qmp);
}

/* ---- ends ---- */

static void serve_end_in_command(struct fake *f)
{
	fake_greet(f);
	fake_send(f, "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false}}\r\n");
	if (f->number == 'r') { /* what is not read when a unix socket closes resets the peer */
		struct pollfd p = {.fd = f->fd, .events = POLLIN};

		poll(&p, 1, FAKE_PATIENCE_MS);
	} else {
		fake_read(f);
		fake_send(f, "{\"return\": {\"cut\": \"of");
	}
}

static void check_end_in_command(int how, const char *command, enum gs_error_code code)
{
	gs_autojson struct gs_json *reply = NULL;
	struct gs_qmp *qmp;
	struct gs_error *err;
	struct fake f;

	fake_listen(&f);
	f.number = how;
	fake_run(&f, serve_end_in_command);
	qmp = fake_connect();
	err = gs_qmp_execute(qmp, command, NULL, 0, &reply);
	if (code) {
		assert_error(err, code, NULL);
	} else {
		assert_ok(err);
		assert_int_equal(gs_json_type(reply), GS_JSON_OBJECT);
	}
	assert_error(gs_qmp_simple(qmp, "cont"), GS_ERROR_GONE, NULL);
	assert_int_equal(gs_qmp_peer_pid(qmp), 0);
	finish(&f, qmp);
}

static void test_end_in_command(void **state)
{
	(void)state;
	check_end_in_command('e', "stop", GS_ERROR_LOST);
	check_end_in_command('r', "stop", GS_ERROR_LOST);
	check_end_in_command('e', "quit", 0);
	check_end_in_command('r', "quit", 0);
}

static void serve_end_after_greeting(struct fake *f)
{
	fake_send(f, FAKE_GREETING);
}

static void test_end_after_greeting(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_end_after_greeting);
	assert_error(fake_try_connect(NULL, &qmp), GS_ERROR_GONE,
		     "./monitor: greeted, then ended: the peer closed the connection");
	fake_join(&f);
}

static void serve_end_at_once(struct fake *f)
{
	(void)f;
}

static void test_end_without_greeting(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_end_at_once);
	assert_error(fake_try_connect(NULL, &qmp), GS_ERROR_GONE,
		     "./monitor: no greeting: the peer closed the connection");
	fake_join(&f);
}

static void serve_greeting_only(struct fake *f)
{
	fake_send(f, FAKE_GREETING);
	fake_await_close(f);
}

static void test_silence_after_greeting(void **state)
{
	const struct gs_qmp_options options = {.command_ms = 50};
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_greeting_only);
	assert_error(fake_try_connect(&options, &qmp), GS_ERROR_TIMEOUT,
		     "./monitor: qmp_capabilities: no reply in time");
	fake_join(&f);
}

/* ---- descriptors ---- */

static void serve_fd(struct fake *f)
{
	struct stat st;
	size_t before;

	fake_greet(f);
	before = f->bytes_read;
	fake_expect(f, "getfd");
	if (f->fds != 1 || f->fd_at != before || fstat(f->last_fd, &st) < 0 ||
	    !S_ISFIFO(st.st_mode))
		fake_fail(f, "not one pipe on the first byte");
	if (!strstr(f->request, "\"arguments\":{\"fdname\":\"dump\"}"))
		fake_fail(f, "no fdname");
	fake_return(f, "{}");
}

static void test_getfd(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fake_start(&f, serve_fd);
	qmp = fake_connect();
	assert_ok(gs_qmp_getfd(qmp, "dump", ends[1]));
	finish(&f, qmp);
	close(ends[0]);
	close(ends[1]);
}

/* Reads nothing until told to: the command is cut by its deadline, its rest comes later. */
static void serve_cut_fd(struct fake *f)
{
	size_t before;
	char byte;

	fake_greet(f);
	before = f->bytes_read;
	(void)!read(f->number, &byte, 1);
	fake_expect(f, "getfd");
	if (f->request_size < 1000000 || f->fds != 1 || f->fd_at != before)
		fake_fail(f, "long command or its descriptor came otherwise");
	fake_return(f, "\"late\"");
	fake_expect(f, "query-status");
	if (f->fds != 1)
		fake_fail(f, "descriptor came twice");
	fake_return(f, STATUS);
}

static struct gs_json *long_arguments(void)
{
	size_t size = 1000000;
	gs_autofree char *name = malloc(size + 1);
	struct gs_json *arguments = gs_json_new_object();

	memset(name, 'n', size);
	name[size] = '\0';
	assert_true(gs_json_set(arguments, "fdname", gs_json_new_string(name)));
	return arguments;
}

static void test_fd_command_cut_by_deadline(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	int go[2];

	(void)state;
	assert_int_equal(pipe(go), 0);
	fake_listen(&f);
	f.number = go[0];
	fake_run(&f, serve_cut_fd);
	qmp = fake_connect();
	assert_error(gs_qmp_execute_fd(qmp, "getfd", long_arguments(), go[0], SOON, NULL),
		     GS_ERROR_TIMEOUT, "./monitor: getfd: no reply in time");
	/* Nothing of this one leaves, because the other is still on its way: it is not in flight.
	 */
	assert_error(get_status(qmp, SOON), GS_ERROR_TIMEOUT, NULL);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_ok(get_status(qmp, 0));
	finish(&f, qmp);
	close(go[0]);
	close(go[1]);
}

static void serve_two_fds(struct fake *f)
{
	char first[128];
	struct pollfd p = {.fd = f->fd, .events = POLLIN};

	fake_greet(f);
	fake_expect(f, "getfd");
	strcpy(first, f->id);
	if (poll(&p, 1, 100) != 0)
		fake_fail(f, "second descriptor before the first one's reply");
	fake_send(f, "{\"return\": {}, \"id\": %s}\r\n", first);
	fake_expect(f, "getfd");
	fake_return(f, "{}");
}

static void test_descriptors_wait_for_each_other(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fake_start(&f, serve_two_fds);
	qmp = fake_connect();
	assert_error(gs_qmp_execute_fd(qmp, "getfd", NULL, ends[0], SOON, NULL), GS_ERROR_TIMEOUT,
		     NULL);
	assert_ok(gs_qmp_getfd(qmp, "b", ends[1]));
	finish(&f, qmp);
	close(ends[0]);
	close(ends[1]);
}

/* ---- typed commands ---- */

static void serve_dump(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "dump-guest-memory");
	if (!strstr(f->request, "\"arguments\":{\"paging\":false,\"protocol\":\"fd:d\","
				"\"detach\":true,\"begin\":4096,\"length\":8192,"
				"\"format\":\"elf\"}"))
		fake_fail(f, "arguments");
	fake_return(f, "{}");
	fake_expect(f, "query-dump");
	fake_return(f,
		    "{\"status\": \"active\", \"completed\": 5, \"total\": 18446744073709551615}");
	fake_expect(f, "query-dump-guest-memory-capability");
	fake_return(f, "{\"formats\": [\"elf\", \"kdump-zlib\"]}");
}

static void test_dump_commands(void **state)
{
	const struct gs_qmp_dump dump = {.fd_name = "d",
					 .format = "elf",
					 .detach = true,
					 .has_range = true,
					 .begin = 4096,
					 .length = 8192};
	gs_autojson struct gs_json *formats = NULL;
	struct gs_qmp_dump_status status;
	struct gs_qmp *qmp;
	struct fake f;
	uint64_t id;

	(void)state;
	fake_start(&f, serve_dump);
	qmp = fake_connect();
	assert_ok(gs_qmp_dump_start(qmp, &dump, &id));
	assert_ok(gs_qmp_await(qmp, id, 0, NULL));
	assert_ok(gs_qmp_query_dump(qmp, &status));
	assert_string_equal(status.status, "active");
	assert_int_equal(status.completed_bytes, 5);
	assert_true(status.total_bytes == UINT64_MAX);
	assert_ok(gs_qmp_dump_formats(qmp, &formats));
	assert_int_equal(gs_json_count(formats), 2);
	finish(&f, qmp);
}

static void serve_hmp(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "human-monitor-command");
	if (!strstr(f->request, "{\"command-line\":\"info \\\"x\\\"\",\"cpu-index\":1}"))
		fake_fail(f, "arguments");
	fake_return(f, "\"one\\r\\ntwo\\rthree\\r\\n\"");
}

static void test_hmp_text(void **state)
{
	gs_autofree char *text = NULL;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_hmp);
	qmp = fake_connect();
	assert_ok(gs_qmp_hmp(qmp, "info \"x\"", 1, &text));
	assert_string_equal(text, "one\ntwo\rthree\n");
	finish(&f, qmp);
}

static void test_hmp_failures(void **state)
{
	static const char *const failed[] = {
		"unknown command: 'bogus'\n",
		"Error: Device 'x' not found\n",
		"ffffffffffff0000: Cannot access memory\n",
		"00001000: 0x00 0x01\n00002000: Cannot access memory\n",
		"invalid char 'n' in expression\nTry \"help memsave\" for more information\n",
		"stop|s: extraneous characters at the end of line\nTry \"help stop\" for more\n",
		"Invalid boot device 'z'\n",
		"No memory is mapped at address 0xffffffffff\n",
	};
	static const char *const fine[] = {
		"",
		"\n",
		"VM status: paused\n",
		"00001000: 0x00 0x01\n",
		"one\nError: in the middle of a guest's log\nthree\n",
		"Host virtual address for 0x0 (pc.ram) is 0x7fd335e00000\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failed) / sizeof(*failed); i++)
		assert_true(gs_qmp_hmp_looks_failed(failed[i]));
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		assert_false(gs_qmp_hmp_looks_failed(fine[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_unknown_members),
		unit_test_in_scratch(test_out_of_order),
		unit_test_in_scratch(test_refusal),
		unit_test_in_scratch(test_whole_reply),
		unit_test_in_scratch(test_peer_without_ids),
		unit_test_in_scratch(test_error_without_id),
		unit_test_in_scratch(test_error_about_nothing),
		unit_test_in_scratch(test_late_reply),
		unit_test_in_scratch(test_abandoned_fill_the_window),
		unit_test_in_scratch(test_window_is_eight),
		unit_test_in_scratch(test_end_in_command),
		unit_test_in_scratch(test_end_after_greeting),
		unit_test_in_scratch(test_end_without_greeting),
		unit_test_in_scratch(test_silence_after_greeting),
		unit_test_in_scratch(test_getfd),
		unit_test_in_scratch(test_fd_command_cut_by_deadline),
		unit_test_in_scratch(test_descriptors_wait_for_each_other),
		unit_test_in_scratch(test_dump_commands),
		unit_test_in_scratch(test_hmp_text),
		cmocka_unit_test(test_hmp_failures),
	};

	return cmocka_run_group_tests_name("qmp", tests, NULL, NULL);
}
