/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs, followed: most are dismissed as soon as they end, and then only events tell how. */
#include "blk_jobs.h"

#include <stdlib.h>
#include <string.h>

/* A peer that invents jobs without end is not followed for ever. */
#define FOLLOWED_MAX 65536
#define WINDOW_NS UINT64_C(5000000000)

const char *const job_end_words[] = {
	[JOB_GOES_ON] = NULL,          [JOB_COMPLETED] = "completed", [JOB_FAILED] = "failed",
	[JOB_CANCELLED] = "cancelled", [JOB_DISMISSED] = "gone",
};

static bool is_wanted(const struct followed_jobs *jobs, const char *id)
{
	for (const char *const *only = jobs->only; only && *only; only++) {
		if (strcmp(*only, id) == 0)
			return true;
	}
	return !jobs->only || !*jobs->only;
}

static struct followed_job *find(const struct followed_jobs *jobs, const char *id)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (strcmp(jobs->jobs[i].id, id) == 0)
			return &jobs->jobs[i];
	}
	return NULL;
}

/* NULL: no memory, or too many. */
static struct followed_job *find_or_add(struct followed_jobs *jobs, const char *id)
{
	struct followed_job *job = find(jobs, id), *grown;
	char *copy;

	if (job || jobs->count == FOLLOWED_MAX)
		return job;
	grown = reallocarray(jobs->jobs, jobs->count + 1, sizeof(*grown));
	copy = grown ? strdup(id) : NULL;
	if (grown)
		jobs->jobs = grown;
	if (!copy)
		return NULL;
	job = &jobs->jobs[jobs->count++];
	*job = (struct followed_job){.id = copy, .pace = {-1, -1, -1}};
	return job;
}

/* false: no memory. A NULL @text leaves what was known. */
static bool set(char **at, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!text)
		return true;
	free(*at);
	*at = copy;
	return copy;
}

/* An id can be used again when its job has ended: that is another job. */
static void begin_again(struct followed_job *job)
{
	free(gs_take(job->error));
	job->end = JOB_GOES_ON;
	job->aborted = false;
	job->from = job->next = (struct job_mark){0};
}

/* Jobs move in steps that may be seconds apart, so the rate is that of the last few seconds. */
static void measure(struct followed_job *job, const struct gs_block_job *now)
{
	struct gs_block_job from = {.taken_ns = job->from.taken_ns, .current = job->from.current};

	gs_block_job_pace(from.taken_ns ? &from : NULL, now, &job->pace);
	if (!from.taken_ns || now->taken_ns - job->next.taken_ns >= WINDOW_NS) {
		job->from = job->next;
		job->next = (struct job_mark){now->taken_ns, now->current};
	}
	if (!job->from.taken_ns || now->current < job->from.current)
		job->from = job->next = (struct job_mark){now->taken_ns, now->current};
}

static bool update(struct followed_jobs *jobs, const struct gs_block_job *now)
{
	struct followed_job *job = find_or_add(jobs, now->id);

	if (!job)
		return false;
	if (job->end && !gs_block_job_is_over(now))
		return true; /* it ended behind the answer; one that begins is told of */
	measure(job, now);
	job->current = now->current;
	job->total = now->total;
	job->speed_limit = now->speed_limit;
	job->is_block_job = now->is_block_job;
	if (gs_block_job_is_over(now) && !job->end)
		job->end = now->error ? JOB_FAILED : JOB_COMPLETED;
	return set(&job->type, now->type) && set(&job->status, now->status) &&
	       set(&job->error, now->error) && set(&job->io_status, now->io_status);
}

/* What is no longer listed and of whose end nothing was heard was dismissed before we listened. */
static void end_missing(struct followed_jobs *jobs, const struct gs_block_jobs *listed)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct followed_job *job = &jobs->jobs[i];

		if (!job->end && !gs_block_job_find(listed, job->id))
			job->end = job->error ? JOB_FAILED : JOB_DISMISSED;
	}
}

/* ---- events ---- */

static const char *text_of(const struct gs_qmp_event *event, const char *key)
{
	return gs_json_string(gs_json_get(event->data, key));
}

/* A block job is over, and how far it came. */
static bool note_end(struct followed_job *job, const struct gs_qmp_event *event, enum job_end end)
{
	gs_json_u64(gs_json_get(event->data, "offset"), &job->current);
	gs_json_u64(gs_json_get(event->data, "len"), &job->total);
	if (job->total)
		job->pace.percent = 100 * (double)job->current / (double)job->total;
	job->is_block_job = true;
	job->end = end;
	return set(&job->type, text_of(event, "type")) && set(&job->error, text_of(event, "error"));
}

/* The last status before a job vanishes tells whether it was done or given up. */
static bool note_status(struct followed_job *job, const char *status)
{
	if (job->end && strcmp(status, "created") == 0)
		begin_again(job);
	if (strcmp(status, "aborting") == 0)
		job->aborted = true;
	if (strcmp(status, "null") == 0 && !job->end)
		job->end = job->aborted || job->error ? JOB_FAILED : JOB_COMPLETED;
	return set(&job->status, status);
}

bool jobs_note(struct followed_jobs *jobs, const struct gs_qmp_event *event)
{
	bool is_status = strcmp(event->name, "JOB_STATUS_CHANGE") == 0;
	bool is_block_job = strncmp(event->name, "BLOCK_JOB_", strlen("BLOCK_JOB_")) == 0;
	const char *id = text_of(event, is_status ? "id" : "device");
	const char *status = text_of(event, "status");
	struct followed_job *job;
	bool done = true;

	if ((!is_status && !is_block_job) || !id || !is_wanted(jobs, id))
		return false;
	job = find_or_add(jobs, id);
	if (!job)
		done = false;
	else if (is_status)
		done = !status || note_status(job, status);
	else if (strcmp(event->name, "BLOCK_JOB_COMPLETED") == 0)
		done = note_end(job, event, text_of(event, "error") ? JOB_FAILED : JOB_COMPLETED);
	else if (strcmp(event->name, "BLOCK_JOB_CANCELLED") == 0)
		done = note_end(job, event, JOB_CANCELLED);
	jobs->failed |= !done;
	return true;
}

/* Jobs that are not in the answer may have told of their end. */
static void note_queued(struct followed_jobs *jobs, struct gs_qmp *qmp)
{
	struct gs_error *err = NULL;

	while (!err) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(qmp, 0, &event);
		if (!err) {
			jobs_note(jobs, &event);
			gs_qmp_event_deinit(&event);
		}
	}
	gs_error_destroy(err); /* the end of the guest is told again */
}

struct gs_error *jobs_look(struct followed_jobs *jobs, struct gs_qmp *qmp)
{
	struct gs_block_jobs listed;
	struct gs_error *err = gs_block_jobs_query(qmp, &listed);
	bool done;

	if (err)
		return err;
	note_queued(jobs, qmp);
	done = !jobs->failed;
	for (size_t i = 0; done && i < listed.count; i++) {
		if (is_wanted(jobs, listed.jobs[i].id))
			done = update(jobs, &listed.jobs[i]);
	}
	end_missing(jobs, &listed);
	gs_block_jobs_deinit(&listed);
	return done ? NULL : gs_error_nomem();
}

bool jobs_go_on(const struct followed_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (!jobs->jobs[i].end)
			return true;
	}
	return false;
}

const struct followed_job *jobs_find(const struct followed_jobs *jobs, const char *id)
{
	return find(jobs, id);
}

void jobs_free(struct followed_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct followed_job *job = &jobs->jobs[i];

		free(job->id);
		free(job->type);
		free(job->status);
		free(job->error);
		free(job->io_status);
	}
	free(jobs->jobs);
	*jobs = (struct followed_jobs){0};
}
