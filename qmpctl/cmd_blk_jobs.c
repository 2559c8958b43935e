/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk jobs: how far a guest's jobs are, how fast, and how they ended. */
#include <string.h>
#include <time.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include <guestscope/block.h>

#include "live.h"

static const struct gs_emit_column columns[] = {
	{"id", "JOB", false},  {"type", "TYPE", false},     {"status", NULL, false},
	{"end", NULL, false},  {NULL, "STATUS", false},     {"current", "DONE", true},
	{"total", "OF", true}, {"percent", NULL, true},     {NULL, "%", true},
	{"rate", NULL, true},  {NULL, "RATE", true},        {"left_s", NULL, true},
	{NULL, "LEFT", true},  {"speed_limit", NULL, true}, {NULL, "LIMIT", true},
	{NULL, "", false},     {"io_status", NULL, false},  {"error", "ERROR", false},
};

/* Bytes, where that is what a job counts. */
static void emit_amount(struct gs_emit *e, const struct gs_block_followed_job *job, const char *key,
			const char *header, uint64_t amount)
{
	if (job->is_block_job)
		gs_emit_bytes(e, key, header, amount);
	else
		gs_emit_u64(e, key, header, amount);
}

/* "12 MiB/s", "3.0/s"; "-" below 0 */
static void emit_per_second(struct gs_emit *e, const struct gs_block_followed_job *job,
			    const char *header, double v)
{
	gs_autofree char *text = NULL;
	char size[GS_SIZE_TEXT];

	if (v >= 0)
		text = job->is_block_job ? gs_strf("%s/s", gs_format_size((uint64_t)v, size))
					 : gs_strf("%.1f/s", v);
	gs_emit_string(e, NULL, header, text);
}

static void emit_rates(struct gs_emit *e, const struct gs_block_followed_job *job)
{
	if (job->pace.rate < 0)
		gs_emit_null(e, "rate", NULL);
	else
		gs_emit_double(e, "rate", NULL, job->pace.rate, 1);
	emit_per_second(e, job, "RATE", job->pace.rate);
	if (job->speed_limit)
		gs_emit_u64(e, "speed_limit", NULL, job->speed_limit);
	else
		gs_emit_null(e, "speed_limit", NULL);
	emit_per_second(e, job, "LIMIT", job->speed_limit ? (double)job->speed_limit : -1);
}

/* "1:02:03", "0:05" */
static void emit_left(struct gs_emit *e, const struct gs_block_followed_job *job)
{
	uint64_t left_s = (uint64_t)(job->pace.left_s + 0.5);
	gs_autofree char *text = NULL;

	if (job->end || job->pace.left_s < 0) {
		gs_emit_null(e, "left_s", NULL);
		gs_emit_null(e, NULL, "LEFT");
		return;
	}
	gs_emit_double(e, "left_s", NULL, job->pace.left_s, 1);
	text = left_s < 3600
		       ? gs_strf("%u:%02u", (unsigned int)left_s / 60, (unsigned int)left_s % 60)
		       : gs_strf("%llu:%02u:%02u", (unsigned long long)left_s / 3600,
				 (unsigned int)(left_s / 60 % 60), (unsigned int)(left_s % 60));
	gs_emit_string(e, NULL, "LEFT", text);
}

static void emit_percent(struct gs_emit *e, const struct gs_block_followed_job *job)
{
	char bar[BAR_TEXT];

	if (job->pace.percent < 0) {
		gs_emit_null(e, "percent", NULL);
		gs_emit_null(e, NULL, "%");
		return;
	}
	gs_emit_double(e, "percent", NULL, job->pace.percent, 1);
	gs_emit_double(e, NULL, "%", job->pace.percent, 1);
	gs_emit_string(e, NULL, "", draw_bar(job->pace.percent / 100, bar));
}

static void emit_job(struct gs_emit *e, const struct gs_block_followed_job *job)
{
	const char *end = gs_block_job_end_name(job->end);

	gs_emit_row(e);
	gs_emit_string(e, "id", "JOB", job->id);
	gs_emit_string(e, "type", "TYPE", job->type);
	gs_emit_string(e, "status", NULL, job->status);
	gs_emit_string(e, "end", NULL, end);
	gs_emit_string(e, NULL, "STATUS", end ? end : job->status);
	emit_amount(e, job, "current", "DONE", job->current);
	emit_amount(e, job, "total", "OF", job->total);
	emit_percent(e, job);
	emit_rates(e, job);
	emit_left(e, job);
	gs_emit_string(e, "io_status", NULL, job->io_status);
	gs_emit_string(e, "error", "ERROR", job->error);
}

static void emit_jobs(struct gs_emit *e, const struct gs_block_followed_jobs *jobs)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_double(e, "time", NULL, (double)now.tv_sec + (double)now.tv_nsec / 1e9, 3);
	gs_emit_table(e, "jobs", "", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < jobs->count; i++)
		emit_job(e, &jobs->jobs[i]);
	gs_emit_end(e);
	gs_emit_end(e);
}

static bool note(void *arg, const struct gs_qmp_event *event)
{
	gs_block_follow_note(arg, event);
	return false;
}

/* The same, until there is nothing more to wait for. */
static bool note_last(void *arg, const struct gs_qmp_event *event)
{
	return gs_block_follow_note(arg, event) && !gs_block_follow_goes_on(arg);
}

/* Those that the command line names must be there, or have been seen to end. */
static struct gs_error *check_names(const struct gs_block_followed_jobs *jobs)
{
	for (const char *const *id = jobs->only; *id; id++) {
		if (!gs_block_follow_find(jobs, *id))
			return gs_error_create(
				GS_ERROR_NODATA,
				"there is no job '%s' (if there was one, it has ended)", *id);
	}
	return NULL;
}

/* Two looks: jobs that go on have a pace only from one to the other. */
static int show(const struct gs_args *args, struct gs_block_followed_jobs *jobs, struct gs_qmp *qmp,
		struct pace *pace)
{
	struct gs_error *err = gs_block_follow_look(jobs, qmp);
	struct gs_emit *e;

	if (!err)
		err = check_names(jobs);
	if (!err && gs_block_follow_goes_on(jobs))
		err = pace_wait(pace, qmp, note, jobs);
	if (!err && gs_block_follow_goes_on(jobs) && !pace->interrupted)
		err = gs_block_follow_look(jobs, qmp);
	err = live_end(err);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	emit_jobs(e, jobs);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* Until all have ended. */
static struct gs_error *watch(const struct gs_args *args, struct gs_block_followed_jobs *jobs,
			      struct gs_qmp *qmp, struct pace *pace)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *stream = NULL;
	bool live = screen_is_live(args);
	struct screen screen = {0};

	if (!live)
		stream = gs_args_emit(args, true);
	for (;;) {
		struct gs_error *err = gs_block_follow_look(jobs, qmp);
		struct gs_emit *e;

		if (!err)
			err = check_names(jobs);
		if (err)
			return err;
		e = live ? screen_begin(args, &screen) : stream;
		emit_jobs(e, jobs);
		err = live ? screen_draw(&screen, e) : gs_emit_finish(e);
		if (!err && gs_block_follow_goes_on(jobs))
			err = pace_wait(pace, qmp, note_last, jobs);
		else
			return err;
		if (err || pace->interrupted)
			return err;
	}
}

/* What went wrong with the first that something went wrong with. */
static struct gs_error *judge(const struct gs_block_followed_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		const struct gs_block_followed_job *job = &jobs->jobs[i];

		if (job->end == GS_BLOCK_JOB_FAILED)
			return gs_error_create(GS_ERROR_REFUSED, "job '%s' failed: %s", job->id,
					       job->error ? job->error : "it was aborted");
		if (job->end == GS_BLOCK_JOB_CANCELLED)
			return gs_error_create(GS_ERROR_REFUSED, "job '%s' was cancelled", job->id);
		if (job->end == GS_BLOCK_JOB_GONE)
			return gs_error_create(GS_ERROR_REFUSED,
					       "job '%s' is gone; how it ended is not known",
					       job->id);
	}
	return NULL;
}

int cmd_blk_jobs(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	auto_pace struct pace pace = {.interrupt_fd = -1};
	__attribute__((cleanup(gs_block_follow_deinit))) struct gs_block_followed_jobs jobs = {
		.only = gs_args_all(args)};
	struct gs_error *err = pace_init(args, &pace);

	if (!err)
		err = target_open(args, 0, &target);
	if (!err)
		err = pace_start(&pace);
	if (err)
		return gs_args_fail(args, err);
	if (!gs_args_has(args, "watch"))
		return show(args, &jobs, target.qmp, &pace);
	err = live_end(watch(args, &jobs, target.qmp, &pace));
	return gs_args_fail(args, err ? err : judge(&jobs));
}
