/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a peer's bytes may look like: split anywhere, pretty, huge, garbled, cut off. */
#include "fake_qmp.h"

#define STATUS "{\"status\": \"running\", \"running\": true}"

static void assert_running(struct gs_qmp *qmp)
{
	struct gs_qmp_status status;

	assert_ok(gs_qmp_query_status(qmp, &status));
	assert_true(status.running);
	assert_string_equal(status.status, "running");
}

static void finish(struct fake *f, struct gs_qmp *qmp)
{
	gs_qmp_close(qmp);
	fake_join(f);
}

/* ---- splits ---- */

/* A greeting behind an event, and a reply with everything that could mislead a framer. */
static const char opening[] = "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
			      "\"event\": \"STOP\"}\r\n" FAKE_GREETING;
#define TRICKY \
	"{\"status\": \"running\", \"running\": true, \"x\": \"}{][\\\"\\\\\", \"y\": [[], {}]}"

static void write_split(struct fake *f, const char *text, size_t at)
{
	size_t size = strlen(text);

	if (at > size)
		at = size;
	fake_write(f, text, at);
	fake_await_drained(f);
	fake_write(f, text + at, size - at);
}

static void serve_split(struct fake *f)
{
	char reply[512];

	write_split(f, opening, (size_t)f->number);
	fake_expect(f, "qmp_capabilities");
	snprintf(reply, sizeof(reply), "{\"id\": %s, \"return\": {}}\r\n", f->id);
	write_split(f, reply, (size_t)f->number);
	fake_expect(f, "query-status");
	snprintf(reply, sizeof(reply), "{\"return\": " TRICKY ", \"id\": %s}\r\n", f->id);
	write_split(f, reply, (size_t)f->number);
}

static void test_split_at_every_byte(void **state)
{
	(void)state;
	for (size_t at = 1; at < strlen(opening); at++) {
		struct gs_qmp_event event;
		struct gs_qmp *qmp;
		struct fake f;

		fake_listen(&f);
		f.number = (int)at;
		fake_run(&f, serve_split);
		qmp = fake_connect();
		assert_running(qmp);
		assert_ok(gs_qmp_next_event(qmp, 0, &event));
		assert_string_equal(event.name, "STOP");
		gs_qmp_event_deinit(&event);
		finish(&f, qmp);
	}
}

static void serve_byte_by_byte(struct fake *f)
{
	char reply[512];

	for (const char *c = opening; *c; c++) {
		fake_write(f, c, 1);
		fake_await_drained(f);
	}
	fake_expect(f, "qmp_capabilities");
	fake_return(f, "{}");
	fake_expect(f, "query-status");
	snprintf(reply, sizeof(reply), "{\"return\": " TRICKY ", \"id\": %s}\r\n", f->id);
	for (const char *c = reply; *c; c++) {
		fake_write(f, c, 1);
		fake_await_drained(f);
	}
}

static void test_byte_by_byte(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_byte_by_byte);
	qmp = fake_connect();
	assert_running(qmp);
	finish(&f, qmp);
}

/* ---- layouts ---- */

static void serve_pretty(struct fake *f)
{
	fake_send(f,
		  "{\r\n    \"QMP\": {\r\n        \"version\": {\r\n            \"qemu\": {"
		  "\r\n                \"micro\": 1,\r\n                \"minor\": 0,\r\n"
		  "                \"major\": 9\r\n            }\r\n        }\r\n    }\r\n}\r\n");
	fake_expect(f, "qmp_capabilities");
	fake_send(f, "{\n    \"return\": {\n    },\n    \"id\": %s\n}\n", f->id);
	fake_expect(f, "query-status");
	fake_send(f,
		  "{\n\n    \"event\": \"RESUME\"\n}\n{\n    \"return\": {\n        \"status\": "
		  "\"running\",\n        \"running\": true\n    },\n    \"id\": %s\n}\n",
		  f->id);
}

static void test_pretty(void **state)
{
	int version[3];
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_pretty);
	qmp = fake_connect();
	gs_qmp_version(qmp, version);
	assert_int_equal(version[0], 9);
	assert_int_equal(version[1], 0);
	assert_int_equal(version[2], 1);
	assert_running(qmp);
	finish(&f, qmp);
}

/* Not a line end anywhere, messages touching each other. */
static void serve_without_lines(struct fake *f)
{
	fake_send(
		f,
		"{\"event\":\"A\"}{\"QMP\":{\"version\":{},\"capabilities\":[]}}{\"event\":\"B\"}");
	fake_expect(f, "qmp_capabilities");
	fake_send(f, "{\"event\":\"C\"}{\"id\":%s,\"return\":{}}", f->id);
	fake_expect(f, "query-status");
	fake_send(f, "{\"id\":%s,\"return\":" STATUS "}{\"event\":\"D\"}", f->id);
}

static void test_without_lines(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_without_lines);
	qmp = fake_connect();
	assert_running(qmp);
	for (const char *name = "ABCD"; *name; name++) {
		struct gs_qmp_event event;

		assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(1000), &event));
		assert_int_equal(event.name[0], *name);
		gs_qmp_event_deinit(&event);
	}
	finish(&f, qmp);
}

/* ---- sizes ---- */

static void serve_big(struct fake *f)
{
	size_t size = (size_t)f->number * 1024 * 1024;
	char *text = malloc(size);

	memset(text, 'x', size);
	fake_greet(f);
	fake_expect(f, "human-monitor-command");
	fake_send(f, "{\"return\": \"");
	/* Small pieces, as a socket would deliver them. */
	for (size_t off = 0; off < size; off += 4096)
		fake_write(f, text + off, 4096);
	fake_send(f, "\", \"id\": %s}\r\n", f->id);
	free(text);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void assert_big_reply(int mib)
{
	gs_autofree char *text = NULL;
	struct gs_qmp *qmp;
	struct fake f;

	fake_listen(&f);
	f.number = mib;
	fake_run(&f, serve_big);
	qmp = fake_connect();
	assert_ok(gs_qmp_hmp(qmp, "xp", -1, &text));
	assert_int_equal(strlen(text), (size_t)mib * 1024 * 1024);
	assert_running(qmp);
	finish(&f, qmp);
}

static void test_12_mib_line(void **state)
{
	(void)state;
	assert_big_reply(12);
}

/* Quadratic work would take minutes for this. */
static void test_64_mib_line(void **state)
{
	uint64_t start_ms = gs_now_ms();

	(void)state;
	assert_big_reply(64);
	assert_in_range(gs_now_ms() - start_ms, 0, 30000);
}

static void serve_too_big(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "human-monitor-command");
	fake_send(f, "{\"id\": %s, \"return\": \"", f->id);
	for (int i = 0; i < 1000; i++)
		fake_send(f, "%0100d", i);
	fake_send(f, "\"}\r\n");
	fake_recover(f);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_too_big(void **state)
{
	const struct gs_qmp_options options = {.message_max = 10000};
	gs_autofree char *text = NULL;
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_too_big);
	assert_ok(fake_try_connect(&options, &qmp));
	assert_error(gs_qmp_hmp(qmp, "xp", -1, &text), GS_ERROR_PROTOCOL,
		     "./monitor: human-monitor-command: message of more than 10000 bytes");
	assert_running(qmp);
	finish(&f, qmp);
}

/* ---- garbage ---- */

static void serve_garbage(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "query-status");
	fake_send(f, "\x01\x02 ]} nonsense { \"\r\n");
	fake_recover(f);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_garbage_for_a_reply(void **state)
{
	struct gs_qmp_status status;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_garbage);
	qmp = fake_connect();
	assert_error(gs_qmp_query_status(qmp, &status), GS_ERROR_PROTOCOL,
		     "./monitor: query-status: not a QMP message: \".. ]} nonsense { \"..\"");
	assert_running(qmp);
	finish(&f, qmp);
}

/* The reply itself arrives: nobody fails for bytes between messages. */
static void serve_garbage_aside(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "query-status");
	fake_send(f, ")(\r\n{\"return\": " STATUS ", \"id\": %s}\r\n", f->id);
	fake_recover(f);
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_garbage_aside(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_garbage_aside);
	qmp = fake_connect();
	assert_running(qmp);
	assert_running(qmp);
	finish(&f, qmp);
}

/* Framed well, but no valid JSON, or JSON that is no message. */
static void serve_bad_messages(struct fake *f)
{
	static const char *const bad[] = {
		"{\"return\": \"a\\u0000b\", \"id\": 1}",
		"{\"return\": {}, \"return\": {}}",
		"{\"return\": 01}",
		"[1, 2]",
		"123",
		"{\"event\": 5}",
		"{\"return\": \"\xc3\x28\"}",
	};

	fake_greet(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fake_expect(f, "query-status");
		fake_send(f, "%s\r\n", bad[i]);
		fake_recover(f);
	}
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
}

static void test_bad_messages(void **state)
{
	struct gs_qmp_status status;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_bad_messages);
	qmp = fake_connect();
	for (int i = 0; i < 7; i++)
		assert_error(gs_qmp_query_status(qmp, &status), GS_ERROR_PROTOCOL, NULL);
	assert_running(qmp);
	finish(&f, qmp);
}

static void serve_human(struct fake *f)
{
	fake_send(f, "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
	fake_await_close(f);
}

static void test_human_monitor(void **state)
{
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_human);
	assert_error(fake_try_connect(NULL, &qmp), GS_ERROR_PROTOCOL,
		     "./monitor: not a QMP message: \"QEMU 7.2.22 monitor - type 'help' for mo\"");
	fake_join(&f);
}

/* ---- numbers ---- */

static void serve_numbers(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "memsave");
	if (!strstr(f->request, "\"arguments\":{\"val\":18446744073709551615,\"low\":"
				"-9223372036854775808}"))
		fake_fail(f, "integers were changed");
	/* Somebody else's reply first: ids of any kind may fly by. */
	fake_send(f, "{\"return\": 1, \"id\": 18446744073709551615}\r\n");
	fake_send(f, "{\"return\": 2, \"id\": {\"a\": [null]}}\r\n");
	fake_return(f, "[18446744073709551615, 9007199254740993, -9223372036854775808, 1.10]");
}

static void test_exact_numbers(void **state)
{
	gs_autojson struct gs_json *reply = NULL, *arguments = gs_json_new_object();
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	assert_true(gs_json_set(arguments, "val", gs_json_new_u64(UINT64_MAX)));
	assert_true(gs_json_set(arguments, "low", gs_json_new_i64(INT64_MIN)));
	fake_start(&f, serve_numbers);
	qmp = fake_connect();
	assert_ok(gs_qmp_execute(qmp, "memsave", gs_take(arguments), 0, &reply));
	assert_string_equal(gs_json_number_text(gs_json_at(reply, 0)), "18446744073709551615");
	assert_string_equal(gs_json_number_text(gs_json_at(reply, 1)), "9007199254740993");
	assert_string_equal(gs_json_number_text(gs_json_at(reply, 2)), "-9223372036854775808");
	assert_string_equal(gs_json_number_text(gs_json_at(reply, 3)), "1.10");
	finish(&f, qmp);
}

/* ---- trace ---- */

static void count_trace(void *arg, bool outgoing, const char *text, size_t size)
{
	int *counts = arg;

	assert_true(size > 1 && text[0] == '{');
	counts[outgoing]++;
}

static void serve_status(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "query-status");
	if (f->request[f->request_size - 1] != '}')
		fake_fail(f, "request with a line end");
	fake_return(f, STATUS);
}

static void test_trace(void **state)
{
	int counts[2] = {0};
	const struct gs_qmp_options options = {.trace = count_trace, .trace_arg = counts};
	struct gs_qmp *qmp = NULL;
	struct fake f;

	(void)state;
	fake_start(&f, serve_status);
	assert_ok(fake_try_connect(&options, &qmp));
	assert_running(qmp);
	assert_int_equal(counts[true], 2);
	assert_int_equal(counts[false], 3);
	finish(&f, qmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_split_at_every_byte),
		unit_test_in_scratch(test_byte_by_byte),
		unit_test_in_scratch(test_pretty),
		unit_test_in_scratch(test_without_lines),
		unit_test_in_scratch(test_12_mib_line),
		unit_test_in_scratch(test_64_mib_line),
		unit_test_in_scratch(test_too_big),
		unit_test_in_scratch(test_garbage_for_a_reply),
		unit_test_in_scratch(test_garbage_aside),
		unit_test_in_scratch(test_bad_messages),
		unit_test_in_scratch(test_human_monitor),
		unit_test_in_scratch(test_exact_numbers),
		unit_test_in_scratch(test_trace),
	};

	return cmocka_run_group_tests_name("qmp stream", tests, NULL, NULL);
}
