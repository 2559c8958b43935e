/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: kept in order, bounded, and the end of a connection told as one. */
#include "fake_qmp.h"

#define STATUS "{\"status\": \"running\", \"running\": true}"
#define FLOOD 100000
#define QUEUE_MAX 65536 /* as promised by qmp.h */

static void finish(struct fake *f, struct gs_qmp *qmp)
{
	gs_qmp_close(qmp);
	fake_join(f);
}

static void assert_event(struct gs_qmp *qmp, const char *name, bool synthetic)
{
	struct gs_qmp_event event;

	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(FAKE_PATIENCE_MS), &event));
	assert_string_equal(event.name, name);
	assert_int_equal(event.synthetic, synthetic);
	assert_in_range(gs_now_ms() - event.received_ms, 0, FAKE_PATIENCE_MS);
	gs_qmp_event_deinit(&event);
}

static void serve_early(struct fake *f)
{
	fake_send(f, "{\"event\": \"STOP\"}\r\n{\"event\": \"RESUME\", \"data\": {\"a\": 1}}\r\n");
	fake_greet(f);
	fake_send(f, "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": -1, \"microseconds\": "
		     "-1}}\r\n");
	fake_await_close(f);
}

static void test_before_the_greeting(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_early);
	qmp = fake_connect();
	assert_event(qmp, "STOP", false);
	assert_ok(gs_qmp_next_event(qmp, 0, &event));
	assert_string_equal(event.name, "RESUME");
	assert_string_equal(gs_json_number_text(gs_json_get(event.data, "a")), "1");
	gs_qmp_event_deinit(&event);
	assert_event(qmp, "STOP", false);
	assert_error(gs_qmp_next_event(qmp, gs_deadline_in(20), &event), GS_ERROR_TIMEOUT,
		     "./monitor: nothing came in time");
	finish(&f, qmp);
}

static void serve_flood(struct fake *f)
{
	fake_greet(f);
	fake_expect(f, "query-status");
	for (int i = 0; i < FLOOD; i++)
		fake_send(f, "{\"event\": \"E\", \"data\": {\"n\": %d}}\r\n", i);
	fake_return(f, STATUS);
	fake_await_close(f);
}

static void test_flood(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	uint64_t number;
	struct fake f;

	(void)state;
	fake_start(&f, serve_flood);
	qmp = fake_connect();
	assert_ok(gs_qmp_simple(qmp, "query-status"));
	assert_ok(gs_qmp_next_event(qmp, 0, &event));
	assert_string_equal(event.name, GS_QMP_EVENTS_LOST);
	assert_true(event.synthetic);
	assert_true(gs_json_u64(gs_json_get(event.data, "count"), &number));
	assert_int_equal(number, FLOOD - QUEUE_MAX);
	gs_qmp_event_deinit(&event);
	for (uint64_t i = number; i < FLOOD; i++) {
		assert_ok(gs_qmp_next_event(qmp, 0, &event));
		assert_true(gs_json_u64(gs_json_get(event.data, "n"), &number));
		assert_int_equal(number, i);
		gs_qmp_event_deinit(&event);
	}
	assert_false(gs_qmp_has_pending(qmp));
	finish(&f, qmp);
}

static void serve_big_events(struct fake *f)
{
	gs_autofree char *text = malloc(1024 * 1024 + 1);

	memset(text, 'x', 1024 * 1024);
	text[1024 * 1024] = '\0';
	fake_greet(f);
	fake_expect(f, "query-status");
	for (int i = 0; i < 80; i++)
		fake_send(f, "{\"event\": \"E\", \"data\": \"%s\"}\r\n", text);
	fake_return(f, STATUS);
	fake_await_close(f);
}

static void test_flood_of_big_ones(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_big_events);
	qmp = fake_connect();
	assert_ok(gs_qmp_simple(qmp, "query-status"));
	assert_event(qmp, GS_QMP_EVENTS_LOST, true);
	for (int i = 0; i < 63; i++)
		assert_event(qmp, "E", false);
	assert_false(gs_qmp_has_pending(qmp));
	finish(&f, qmp);
}

/* ---- the end ---- */

static void serve_end(struct fake *f)
{
	fake_greet(f);
	if (f->number >= 1)
		fake_send(f, "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\r\n");
	if (f->number >= 2)
		fake_send(f, "{\"event\": \"RESUME\"}\r\n");
}

static struct gs_qmp *connect_to_end(struct fake *f, int number)
{
	fake_listen(f);
	f->number = number;
	fake_run(f, serve_end);
	return fake_connect();
}

static void test_end_without_a_word(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = connect_to_end(&f, 0);
	assert_ok(gs_qmp_next_event(qmp, gs_deadline_in(FAKE_PATIENCE_MS), &event));
	assert_string_equal(event.name, "SHUTDOWN");
	assert_true(event.synthetic);
	assert_string_equal(gs_json_string(gs_json_get(event.data, "reason")), "disconnected");
	assert_int_equal(gs_json_type(gs_json_get(event.data, "guest")), GS_JSON_BOOL);
	assert_false(gs_json_is_true(gs_json_get(event.data, "guest")));
	gs_qmp_event_deinit(&event);
	assert_error(gs_qmp_next_event(qmp, 0, &event), GS_ERROR_GONE,
		     "./monitor: the peer closed the connection");
	finish(&f, qmp);
}

static void test_end_after_shutdown(void **state)
{
	struct gs_qmp_event event;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = connect_to_end(&f, 1);
	assert_event(qmp, "SHUTDOWN", false);
	assert_error(gs_qmp_next_event(qmp, gs_deadline_in(FAKE_PATIENCE_MS), &event),
		     GS_ERROR_GONE, NULL);
	finish(&f, qmp);
}

/* A guest that was shut down, reset and resumed has not been said goodbye to. */
static void test_end_after_resume(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = connect_to_end(&f, 2);
	assert_event(qmp, "SHUTDOWN", false);
	assert_event(qmp, "RESUME", false);
	assert_event(qmp, "SHUTDOWN", true);
	finish(&f, qmp);
}

/* ---- before and after a command ---- */

static void serve_around(struct fake *f)
{
	fake_greet(f);
	fake_send(f, "{\"event\": \"OLD\"}\r\n{\"event\": \"OLD\"}\r\n");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
	fake_send(f, "{\"event\": \"OLD\"}\r\n");
	fake_await_drained(f);
	fake_send(f, "{\"event\": \"OLD\"}\r\n");
	fake_send(f, "{\"event\": \"MARK\"}\r\n");
	fake_expect(f, "stop");
	fake_send(f, "{\"event\": \"NEW\"}\r\n");
	fake_return(f, "{}");
	fake_await_close(f);
}

static void test_drop(void **state)
{
	struct gs_qmp *qmp;
	struct fake f;
	struct pollfd p;

	(void)state;
	fake_start(&f, serve_around);
	qmp = fake_connect();
	assert_ok(gs_qmp_simple(qmp, "query-status"));
	assert_true(gs_qmp_has_pending(qmp));
	for (int i = 0; i < 3; i++)
		assert_event(qmp, "OLD", false);
	/* The rest has arrived but was not read. */
	p = (struct pollfd){.fd = gs_qmp_fd(qmp), .events = POLLIN};
	while (!gs_qmp_has_pending(qmp) && poll(&p, 1, FAKE_PATIENCE_MS) == 1 && usleep(20000) == 0)
		break;
	gs_qmp_drop_events(qmp);
	assert_false(gs_qmp_has_pending(qmp));
	assert_ok(gs_qmp_simple(qmp, "stop"));
	assert_event(qmp, "NEW", false);
	finish(&f, qmp);
}

#define AT(seconds, us) "\"timestamp\": {\"seconds\": " #seconds ", \"microseconds\": " #us "}"

static void serve_pauses(struct fake *f)
{
	fake_greet(f);
	fake_send(f, "{\"event\": \"RESUME\", " AT(90, 0) "}\r\n"); /* of a stop before us */
	fake_send(f, "{\"event\": \"STOP\", " AT(100, 900000) "}\r\n");
	fake_send(f, "{\"event\": \"RESUME\", " AT(101, 100) "}\r\n");
	fake_send(f, "{\"event\": \"STOP\", " AT(102, 5) "}\r\n");
	fake_send(f, "{\"event\": \"RESUME\", " AT(101, 0) "}\r\n"); /* its clock was set */
	fake_send(f, "{\"event\": \"STOP\", " AT(-1, -1) "}\r\n");
	fake_send(f, "{\"event\": \"RESUME\", " AT(200, 0) "}\r\n");
	fake_send(f, "{\"event\": \"STOP\", " AT(300, 0) "}\r\n");
	fake_expect(f, "query-status");
	fake_return(f, STATUS);
	fake_await_close(f);
}

/* Whether anybody takes the events does not matter. */
static void test_run_history(void **state)
{
	struct gs_qmp_run_history history;
	struct gs_qmp_status status;
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	fake_start(&f, serve_pauses);
	qmp = fake_connect();
	gs_qmp_drop_events(qmp);
	assert_ok(gs_qmp_query_status(qmp, &status));
	history = gs_qmp_run_history(qmp);
	assert_int_equal(history.resumes, 4);
	assert_int_equal(history.stood_us, 100100);
	finish(&f, qmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_before_the_greeting),
		unit_test_in_scratch(test_flood),
		unit_test_in_scratch(test_flood_of_big_ones),
		unit_test_in_scratch(test_end_without_a_word),
		unit_test_in_scratch(test_end_after_shutdown),
		unit_test_in_scratch(test_end_after_resume),
		unit_test_in_scratch(test_drop),
		unit_test_in_scratch(test_run_history),
	};

	return cmocka_run_group_tests_name("qmp events", tests, NULL, NULL);
}
