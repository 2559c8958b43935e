/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: two answers joined, some of them odd, and the pace between two looks. */
#include "fake_qmp.h"

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
		     "query-jobs: 0 jobs in object");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(joins_both_answers),
		unit_test_in_scratch(lives_with_odd_answers),
		cmocka_unit_test(paces_between_two_looks),
		cmocka_unit_test(paces_what_does_not_move_or_went_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
