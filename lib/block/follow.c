/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs, followed: most are dismissed as soon as they end, and then only events tell how. */
#include <guestscope/block.h>

#include <stdlib.h>
#include <string.h>

#define FOLLOWED_MAX 4096
#define WINDOW_NS UINT64_C(5000000000)

const char *gs_block_job_end_name(enum gs_block_job_end end)
{
	static const char *const names[] = {NULL, "completed", "failed", "cancelled", "gone"};

	return names[end];
}

static bool is_wanted(const struct gs_block_followed_jobs *jobs, const char *id)
{
	for (const char *const *only = jobs->only; only && *only; only++) {
		if (strcmp(*only, id) == 0)
			return true;
	}
	return !jobs->only || !*jobs->only;
}

static struct gs_block_followed_job *find(const struct gs_block_followed_jobs *jobs, const char *id)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (strcmp(jobs->jobs[i].id, id) == 0)
			return &jobs->jobs[i];
	}
	return NULL;
}

static void forget(struct gs_block_followed_job *job)
{
	free(job->id);
	free(job->type);
	free(job->status);
	free(job->error);
	free(job->io_status);
}

/* Room for one more, be it that of the first that has ended. */
static struct gs_error *make_room(struct gs_block_followed_jobs *jobs)
{
	struct gs_block_followed_job *grown;

	for (size_t i = 0; jobs->count == FOLLOWED_MAX && i < jobs->count; i++) {
		if (!jobs->jobs[i].end)
			continue;
		forget(&jobs->jobs[i]);
		jobs->count--;
		memmove(&jobs->jobs[i], &jobs->jobs[i + 1], (jobs->count - i) * sizeof(*grown));
	}
	if (jobs->count == FOLLOWED_MAX)
		return gs_error_create(GS_ERROR_PROTOCOL, "more than %d jobs at a time",
				       FOLLOWED_MAX);
	grown = reallocarray(jobs->jobs, jobs->count + 1, sizeof(*grown));
	if (!grown)
		return gs_error_nomem();
	jobs->jobs = grown;
	return NULL;
}

static struct gs_error *find_or_add(struct gs_block_followed_jobs *jobs, const char *id,
				    struct gs_block_followed_job **ret)
{
	struct gs_error *err = NULL;
	char *copy;

	*ret = find(jobs, id);
	if (!*ret)
		err = make_room(jobs);
	if (*ret || err)
		return err;
	copy = strdup(id);
	if (!copy)
		return gs_error_nomem();
	*ret = &jobs->jobs[jobs->count++];
	**ret = (struct gs_block_followed_job){.id = copy, .pace = {-1, -1, -1}};
	return NULL;
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

static struct gs_error *keep(bool done)
{
	return done ? NULL : gs_error_nomem();
}

/* An id can be used again when its job has ended: that is another job. */
static void begin_again(struct gs_block_followed_job *job)
{
	free(gs_take(job->error));
	job->end = GS_BLOCK_JOB_GOES_ON;
	job->aborted = false;
	job->from = job->next = (struct gs_block_job_mark){0};
}

/* Jobs move in steps that may be seconds apart, so the rate is that of the last few seconds. */
static void measure(struct gs_block_followed_job *job, const struct gs_block_job *now)
{
	struct gs_block_job from = {.taken_ns = job->from.taken_ns, .current = job->from.current};

	gs_block_job_pace(from.taken_ns ? &from : NULL, now, &job->pace);
	if (!from.taken_ns || now->taken_ns - job->next.taken_ns >= WINDOW_NS) {
		job->from = job->next;
		job->next = (struct gs_block_job_mark){now->taken_ns, now->current};
	}
	if (!job->from.taken_ns || now->current < job->from.current)
		job->from = job->next = (struct gs_block_job_mark){now->taken_ns, now->current};
}

static struct gs_error *update(struct gs_block_followed_jobs *jobs, const struct gs_block_job *now)
{
	struct gs_block_followed_job *job;
	struct gs_error *err = find_or_add(jobs, now->id, &job);

	if (err)
		return err;
	if (job->end && !gs_block_job_is_over(now))
		return NULL; /* it ended behind the answer; one that begins is told of */
	measure(job, now);
	job->current = now->current;
	job->total = now->total;
	job->speed_limit = now->speed_limit;
	job->is_block_job = now->is_block_job;
	if (gs_block_job_is_over(now) && !job->end)
		job->end = now->error ? GS_BLOCK_JOB_FAILED : GS_BLOCK_JOB_COMPLETED;
	return keep(set(&job->type, now->type) && set(&job->status, now->status) &&
		    set(&job->error, now->error) && set(&job->io_status, now->io_status));
}

/* What is no longer listed and of whose end nothing was heard was dismissed before we listened. */
static void end_missing(struct gs_block_followed_jobs *jobs, const struct gs_block_jobs *listed)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct gs_block_followed_job *job = &jobs->jobs[i];

		if (!job->end && !gs_block_job_find(listed, job->id))
			job->end = job->error ? GS_BLOCK_JOB_FAILED : GS_BLOCK_JOB_GONE;
	}
}

/* ---- events ---- */

static const char *text_of(const struct gs_qmp_event *event, const char *key)
{
	return gs_json_string(gs_json_get(event->data, key));
}

/* A block job is over, and how far it came. */
static bool note_end(struct gs_block_followed_job *job, const struct gs_qmp_event *event,
		     enum gs_block_job_end end)
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
static bool note_status(struct gs_block_followed_job *job, const char *status)
{
	if (job->end && strcmp(status, "created") == 0)
		begin_again(job);
	if (strcmp(status, "aborting") == 0)
		job->aborted = true;
	if (strcmp(status, "null") == 0 && !job->end)
		job->end =
			job->aborted || job->error ? GS_BLOCK_JOB_FAILED : GS_BLOCK_JOB_COMPLETED;
	return set(&job->status, status);
}

static struct gs_error *note(struct gs_block_followed_jobs *jobs, const char *id,
			     const struct gs_qmp_event *event)
{
	const char *status = text_of(event, "status");
	struct gs_block_followed_job *job;
	struct gs_error *err = find_or_add(jobs, id, &job);

	if (err)
		return err;
	if (strcmp(event->name, "JOB_STATUS_CHANGE") == 0)
		return keep(!status || note_status(job, status));
	if (strcmp(event->name, "BLOCK_JOB_COMPLETED") == 0)
		return keep(note_end(job, event,
				     text_of(event, "error") ? GS_BLOCK_JOB_FAILED
							     : GS_BLOCK_JOB_COMPLETED));
	if (strcmp(event->name, "BLOCK_JOB_CANCELLED") == 0)
		return keep(note_end(job, event, GS_BLOCK_JOB_CANCELLED));
	return NULL;
}

bool gs_block_follow_note(struct gs_block_followed_jobs *jobs, const struct gs_qmp_event *event)
{
	bool is_status = strcmp(event->name, "JOB_STATUS_CHANGE") == 0;
	bool is_block_job = strncmp(event->name, "BLOCK_JOB_", strlen("BLOCK_JOB_")) == 0;
	const char *id = text_of(event, is_status ? "id" : "device");

	if ((!is_status && !is_block_job) || !id || !is_wanted(jobs, id))
		return false;
	if (!jobs->failure)
		jobs->failure = note(jobs, id, event);
	return true;
}

/* Jobs that are not in the answer may have told of their end. */
static void note_queued(struct gs_block_followed_jobs *jobs, struct gs_qmp *qmp)
{
	uint64_t most = 65536; /* a flood does not keep us */
	struct gs_error *err = NULL;

	while (!err && most--) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(qmp, 0, &event);
		if (!err) {
			gs_block_follow_note(jobs, &event);
			gs_qmp_event_deinit(&event);
		}
	}
	gs_error_destroy(err); /* the end of the guest is told again */
}

struct gs_error *gs_block_follow_look(struct gs_block_followed_jobs *jobs, struct gs_qmp *qmp)
{
	struct gs_block_jobs listed;
	struct gs_error *err = gs_block_jobs_query(qmp, &listed);

	if (err)
		return err;
	note_queued(jobs, qmp);
	err = gs_take(jobs->failure);
	for (size_t i = 0; !err && i < listed.count; i++) {
		if (is_wanted(jobs, listed.jobs[i].id))
			err = update(jobs, &listed.jobs[i]);
	}
	end_missing(jobs, &listed);
	gs_block_jobs_deinit(&listed);
	return err;
}

bool gs_block_follow_goes_on(const struct gs_block_followed_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (!jobs->jobs[i].end)
			return true;
	}
	return false;
}

const struct gs_block_followed_job *gs_block_follow_find(const struct gs_block_followed_jobs *jobs,
							 const char *id)
{
	return find(jobs, id);
}

void gs_block_follow_deinit(struct gs_block_followed_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		forget(&jobs->jobs[i]);
	gs_error_destroy(jobs->failure);
	free(jobs->jobs);
	*jobs = (struct gs_block_followed_jobs){0};
}
