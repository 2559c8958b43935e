/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: two answers joined, some of them odd, and the pace between two looks. */
#include "fake_qmp.h"

#include <guestscope/base/text.h>
#include <guestscope/block.h>

static const char *answers[2];

static void serve_jobs(struct fake *f)
{
	fake_greet(f);
	if (fake_expect(f, "query-jobs"))
		fake_return(f, answers[0]);
	if (fake_expect(f, "query-block-jobs"))
		fake_return(f, answers[1]);
	fake_await_close(f);
}

static struct gs_error *try_query(const char *jobs, const char *block_jobs,
				  struct gs_block_jobs *ret)
{
	struct gs_error *err;
	struct gs_qmp *qmp;
	struct fake f;

	answers[0] = jobs;
	answers[1] = block_jobs;
	fake_start(&f, serve_jobs);
	qmp = fake_connect();
	err = gs_block_jobs_query(qmp, ret);
	gs_qmp_close(qmp);
	fake_join(&f);
	return err;
}

static struct gs_block_jobs query(const char *jobs, const char *block_jobs)
{
	struct gs_block_jobs ret;

	assert_ok(try_query(jobs, block_jobs, &ret));
	return ret;
}

static void joins_both_answers(void **state)
{
	uint64_t before_ns = gs_now_ns();
	struct gs_block_jobs jobs =
		query("[{\"id\": \"m\", \"type\": \"mirror\", \"status\": \"running\", "
		      "\"current-progress\": 9007199254740993, \"total-progress\": "
		      "18446744073709551615}, {\"id\": \"c\", \"type\": \"create\", \"status\": "
		      "\"concluded\", \"current-progress\": 1, \"total-progress\": 1, \"error\": "
		      "\"no\"}]",
		      "[{\"device\": \"other\", \"speed\": 1}, {\"device\": \"m\", \"speed\": 7, "
		      "\"io-status\": \"nospace\"}]");
	const struct gs_block_job *mirror = gs_block_job_find(&jobs, "m");
	const struct gs_block_job *create = gs_block_job_find(&jobs, "c");

	(void)state;
	assert_int_equal(jobs.count, 2);
	assert_ptr_equal(create, &jobs.jobs[0]);
	assert_string_equal(create->error, "no");
	assert_true(gs_block_job_is_over(create) && !create->is_block_job);
	assert_true(mirror->current == UINT64_C(9007199254740993));
	assert_true(mirror->total == UINT64_MAX);
	assert_null(mirror->error);
	assert_true(mirror->is_block_job && !gs_block_job_is_over(mirror));
	assert_int_equal(mirror->speed_limit, 7);
	assert_string_equal(mirror->io_status, "nospace");
	assert_in_range(mirror->taken_ns, before_ns, gs_now_ns());
	assert_null(gs_block_job_find(&jobs, "other"));
	gs_block_jobs_deinit(&jobs);
}

static void lives_with_odd_answers(void **state)
{
	struct gs_block_jobs jobs = query(
		"[{}, 5, {\"id\": 3, \"status\": []}, {\"id\": \"x\", \"total-progress\": -1, "
		"\"current-progress\": \"9\", \"error\": {}}]",
		"{\"device\": \"x\", \"speed\": 3}");
	const struct gs_block_job *x = gs_block_job_find(&jobs, "x");

	(void)state;
	assert_int_equal(jobs.count, 4);
	assert_string_equal(x->status, "?");
	assert_null(x->error);
	assert_int_equal(x->total, 0);
	assert_false(x->is_block_job);
	gs_block_jobs_deinit(&jobs);
	jobs = query("[]", "[]");
	assert_int_equal(jobs.count, 0);
	assert_null(gs_block_job_find(&jobs, ""));
	gs_block_jobs_deinit(&jobs);
	assert_error(try_query("{}", "[]", &jobs), GS_ERROR_PROTOCOL,
		     "query-jobs: reply is no list, but object");
}

static struct gs_block_job at(uint64_t taken_ns, uint64_t current, uint64_t total)
{
	return (struct gs_block_job){
		.status = "running", .taken_ns = taken_ns, .current = current, .total = total};
}

static void paces_between_two_looks(void **state)
{
	struct gs_block_job before = at(1000000000, 100, 1000), after = at(3000000000, 500, 1000);
	struct gs_block_job_pace pace;

	(void)state;
	gs_block_job_pace(&before, &after, &pace);
	assert_true(pace.percent == 50 && pace.rate == 200 && pace.left_s == 2.5);
	gs_block_job_pace(NULL, &after, &pace);
	assert_true(pace.percent == 50 && pace.rate < 0 && pace.left_s < 0);
	after.status = "concluded";
	gs_block_job_pace(&before, &after, &pace);
	assert_true(pace.percent == 50 && pace.rate < 0 && pace.left_s < 0);
}

static void paces_what_does_not_move_or_went_back(void **state)
{
	struct gs_block_job before = at(1000000000, 500, 1000), still = at(2000000000, 500, 1000);
	struct gs_block_job back = at(2000000000, 5, 1000), beyond = at(2000000000, 1500, 1000);
	struct gs_block_job slow = at(1000000001, 501, UINT64_MAX), unknown = at(2000000000, 9, 0);
	struct gs_block_job_pace pace;

	(void)state;
	gs_block_job_pace(&before, &still, &pace);
	assert_true(pace.rate == 0 && pace.left_s < 0);
	gs_block_job_pace(&before, &back, &pace);
	assert_true(pace.percent == 0.5 && pace.rate < 0 && pace.left_s < 0);
	gs_block_job_pace(&before, &beyond, &pace);
	assert_true(pace.percent == 100 && pace.rate == 1000 && pace.left_s == 0);
	gs_block_job_pace(&still, &before, &pace);
	assert_true(pace.rate < 0);
	slow.taken_ns = UINT64_MAX;
	gs_block_job_pace(&before, &slow, &pace);
	assert_true(pace.rate > 0 && pace.left_s < 0); /* longer than anybody waits */
	gs_block_job_pace(&before, &unknown, &pace);
	assert_true(pace.percent < 0);
}

/* ---- following ---- */

/* Take note of an event of this name, with these data. */
static bool note(struct gs_block_followed_jobs *jobs, const char *name, const char *data)
{
	gs_autofree char *text = gs_strf("{\"event\": \"%s\", \"data\": %s}", name, data);
	struct gs_qmp_event event = {.name = name};
	bool noted;

	assert_ok(gs_json_parse(text, strlen(text), &event.message));
	event.data = gs_json_get(event.message, "data");
	noted = gs_block_follow_note(jobs, &event);
	gs_qmp_event_deinit(&event);
	return noted;
}

static enum gs_block_job_end end_of(const struct gs_block_followed_jobs *jobs, const char *id)
{
	const struct gs_block_followed_job *job = gs_block_follow_find(jobs, id);

	assert_non_null(job);
	return job->end;
}

static const char *between; /* the two answers, an event is sent */

static void serve_look(struct fake *f)
{
	fake_greet(f);
	if (fake_expect(f, "query-jobs"))
		fake_return(f, answers[0]);
	if (fake_expect(f, "query-block-jobs")) {
		fake_send(f, "%s", between);
		fake_return(f, answers[1]);
	}
	fake_await_close(f);
}

static struct gs_error *try_look(struct gs_block_followed_jobs *jobs, const char *listed,
				 const char *event)
{
	struct gs_error *err;
	struct gs_qmp *qmp;
	struct fake f;

	answers[0] = listed;
	answers[1] = "[]";
	between = event;
	fake_start(&f, serve_look);
	qmp = fake_connect();
	err = gs_block_follow_look(jobs, qmp);
	gs_qmp_close(qmp);
	fake_join(&f);
	return err;
}

#define RUNNING "[{\"id\": \"a\", \"type\": \"backup\", \"status\": \"running\"}]"
#define CANCELLED                                                                         \
	"{\"event\": \"BLOCK_JOB_CANCELLED\", \"data\": {\"device\": \"a\", \"len\": 8, " \
	"\"offset\": 2}}\r\n"

static void an_end_between_two_answers_is_an_end(void **state)
{
	struct gs_block_followed_jobs jobs = {0};

	(void)state;
	assert_ok(try_look(&jobs, RUNNING, ""));
	assert_true(gs_block_follow_goes_on(&jobs));
	assert_ok(try_look(&jobs, RUNNING, CANCELLED));
	assert_int_equal(end_of(&jobs, "a"), GS_BLOCK_JOB_CANCELLED);
	assert_false(gs_block_follow_goes_on(&jobs));
	assert_ok(try_look(&jobs, "[]", ""));
	assert_int_equal(end_of(&jobs, "a"), GS_BLOCK_JOB_CANCELLED);
	assert_true(gs_block_follow_find(&jobs, "a")->pace.percent == 25);
	gs_block_follow_deinit(&jobs);
}

static void one_that_is_missing_is_gone(void **state)
{
	struct gs_block_followed_jobs jobs = {0};

	(void)state;
	assert_ok(try_look(&jobs, RUNNING, ""));
	assert_ok(try_look(&jobs, "[]", ""));
	assert_int_equal(end_of(&jobs, "a"), GS_BLOCK_JOB_GONE);
	assert_ok(try_look(&jobs,
			   "[{\"id\": \"b\", \"status\": \"concluded\", \"error\": \"no\"}, "
			   "{\"id\": \"c\", \"status\": \"concluded\"}]",
			   ""));
	assert_int_equal(end_of(&jobs, "b"), GS_BLOCK_JOB_FAILED);
	assert_int_equal(end_of(&jobs, "c"), GS_BLOCK_JOB_COMPLETED);
	assert_false(gs_block_follow_goes_on(&jobs));
	gs_block_follow_deinit(&jobs);
}

static void events_tell_how_jobs_end(void **state)
{
	struct gs_block_followed_jobs jobs = {0};

	(void)state;
	assert_false(note(&jobs, "STOP", "{}"));
	assert_false(note(&jobs, "JOB_STATUS_CHANGE", "{\"id\": 5, \"status\": \"null\"}"));
	assert_false(note(&jobs, "BLOCK_JOB_COMPLETED", "[]"));
	assert_int_equal(jobs.count, 0);
	assert_true(note(&jobs, "BLOCK_JOB_COMPLETED", "{\"device\": \"done\"}"));
	assert_true(note(&jobs, "BLOCK_JOB_COMPLETED",
			 "{\"device\": \"bad\", \"error\": \"no space\", \"len\": -1}"));
	note(&jobs, "JOB_STATUS_CHANGE", "{\"id\": \"quit\", \"status\": \"aborting\"}");
	assert_true(gs_block_follow_goes_on(&jobs));
	note(&jobs, "JOB_STATUS_CHANGE", "{\"id\": \"quit\", \"status\": \"null\"}");
	note(&jobs, "JOB_STATUS_CHANGE", "{\"id\": \"made\", \"status\": \"null\"}");
	assert_int_equal(end_of(&jobs, "done"), GS_BLOCK_JOB_COMPLETED);
	assert_int_equal(end_of(&jobs, "bad"), GS_BLOCK_JOB_FAILED);
	assert_string_equal(gs_block_follow_find(&jobs, "bad")->error, "no space");
	assert_int_equal(end_of(&jobs, "quit"), GS_BLOCK_JOB_FAILED);
	assert_int_equal(end_of(&jobs, "made"), GS_BLOCK_JOB_COMPLETED);
	assert_false(gs_block_follow_goes_on(&jobs));
	/* The same id, another job. */
	note(&jobs, "JOB_STATUS_CHANGE", "{\"id\": \"bad\", \"status\": \"created\"}");
	assert_int_equal(end_of(&jobs, "bad"), GS_BLOCK_JOB_GOES_ON);
	assert_null(gs_block_follow_find(&jobs, "bad")->error);
	gs_block_follow_deinit(&jobs);
}

static void only_those_that_are_wanted(void **state)
{
	const char *const only[] = {"b", NULL};
	struct gs_block_followed_jobs jobs = {.only = only};

	(void)state;
	assert_false(note(&jobs, "BLOCK_JOB_COMPLETED", "{\"device\": \"a\"}"));
	assert_true(note(&jobs, "BLOCK_JOB_READY", "{\"device\": \"b\"}"));
	assert_ok(try_look(&jobs, RUNNING, ""));
	assert_null(gs_block_follow_find(&jobs, "a"));
	gs_block_follow_deinit(&jobs);
}

static void note_many(struct gs_block_followed_jobs *jobs, const char *status)
{
	for (int i = 0; i < 4096; i++) {
		gs_autofree char *data =
			gs_strf("{\"id\": \"job%d\", \"status\": \"%s\"}", i, status);

		note(jobs, "JOB_STATUS_CHANGE", data);
	}
}

static void far_too_many_are_not_followed(void **state)
{
	struct gs_block_followed_jobs jobs = {0};

	(void)state;
	note_many(&jobs, "null");
	assert_ok(try_look(&jobs, RUNNING, ""));
	assert_int_equal(jobs.count, 4096);
	assert_null(gs_block_follow_find(&jobs, "job0"));
	assert_int_equal(end_of(&jobs, "job1"), GS_BLOCK_JOB_COMPLETED);
	assert_int_equal(end_of(&jobs, "a"), GS_BLOCK_JOB_GOES_ON);
	gs_block_follow_deinit(&jobs);
	note_many(&jobs, "running");
	note(&jobs, "BLOCK_JOB_READY", "{\"device\": \"z\"}");
	assert_error(try_look(&jobs, RUNNING, ""), GS_ERROR_PROTOCOL,
		     "more than 4096 jobs at a time");
	gs_block_follow_deinit(&jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(joins_both_answers),
		unit_test_in_scratch(lives_with_odd_answers),
		cmocka_unit_test(paces_between_two_looks),
		cmocka_unit_test(paces_what_does_not_move_or_went_back),
		unit_test_in_scratch(an_end_between_two_answers_is_an_end),
		unit_test_in_scratch(one_that_is_missing_is_gone),
		cmocka_unit_test(events_tell_how_jobs_end),
		unit_test_in_scratch(only_those_that_are_wanted),
		unit_test_in_scratch(far_too_many_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
