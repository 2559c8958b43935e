/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's jobs: query-jobs knows them all, query-block-jobs more of those that are block jobs. */
#include <guestscope/block.h>

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/time.h>

/* A guest with more has been made up. */
#define JOBS_MAX 4096

/* Without the member, or with one of another type. */
static const char *text(const struct gs_json *object, const char *key, const char *fallback)
{
	const char *string = gs_json_string(gs_json_get(object, key));

	return string ? string : fallback;
}

static uint64_t number(const struct gs_json *object, const char *key)
{
	uint64_t v = 0;

	gs_json_u64(gs_json_get(object, key), &v);
	return v;
}

static void parse_job(const struct gs_json *entry, uint64_t taken_ns, struct gs_block_job *ret)
{
	*ret = (struct gs_block_job){
		.id = text(entry, "id", ""),
		.type = text(entry, "type", "?"),
		.status = text(entry, "status", "?"),
		.error = text(entry, "error", NULL),
		.current = number(entry, "current-progress"),
		.total = number(entry, "total-progress"),
		.taken_ns = taken_ns,
	};
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct gs_block_job *)a)->id, ((const struct gs_block_job *)b)->id);
}

static struct gs_block_job *find(const struct gs_block_jobs *jobs, const char *id)
{
	struct gs_block_job key = {.id = id};

	return jobs->count ? bsearch(&key, jobs->jobs, jobs->count, sizeof(key), compare) : NULL;
}

/* What it calls "device" is the job's id, which is the device's name unless one was chosen. */
static void add_block_job(const struct gs_json *entry, struct gs_block_jobs *jobs)
{
	struct gs_block_job *job = find(jobs, text(entry, "device", ""));

	if (!job)
		return; /* it ended between the two answers, or has just begun */
	job->is_block_job = true;
	job->speed_limit = number(entry, "speed");
	job->io_status = text(entry, "io-status", NULL);
}

static struct gs_error *parse(const struct gs_json *list, uint64_t taken_ns,
			      struct gs_block_jobs *ret)
{
	size_t count = gs_json_count(list);

	if (gs_json_type(list) != GS_JSON_ARRAY)
		return gs_error_create(GS_ERROR_PROTOCOL, "query-jobs: reply is no list, but %s",
				       gs_json_type_name(gs_json_type(list)));
	if (count > JOBS_MAX)
		return gs_error_create(GS_ERROR_PROTOCOL, "query-jobs: %zu jobs, at most %d", count,
				       JOBS_MAX);
	ret->jobs = calloc(count + 1, sizeof(*ret->jobs));
	if (!ret->jobs)
		return gs_error_nomem();
	gs_json_for_each (entry, list)
		parse_job(entry, taken_ns, &ret->jobs[ret->count++]);
	qsort(ret->jobs, ret->count, sizeof(*ret->jobs), compare);
	return NULL;
}

struct gs_error *gs_block_jobs_query(struct gs_qmp *qmp, struct gs_block_jobs *ret)
{
	struct gs_block_jobs jobs = {0};
	uint64_t taken_ns = 0;
	struct gs_error *err = gs_qmp_execute(qmp, "query-jobs", NULL, 0, &jobs.answers[0]);

	if (!err) {
		taken_ns = gs_now_ns();
		err = gs_qmp_execute(qmp, "query-block-jobs", NULL, 0, &jobs.answers[1]);
	}
	if (!err)
		err = parse(jobs.answers[0], taken_ns, &jobs);
	if (err) {
		gs_block_jobs_deinit(&jobs);
		return err;
	}
	gs_json_for_each (entry, jobs.answers[1])
		add_block_job(entry, &jobs);
	*ret = jobs;
	return NULL;
}

void gs_block_jobs_deinit(struct gs_block_jobs *jobs)
{
	free(jobs->jobs);
	gs_json_destroy(jobs->answers[0]);
	gs_json_destroy(jobs->answers[1]);
	*jobs = (struct gs_block_jobs){0};
}

const struct gs_block_job *gs_block_job_find(const struct gs_block_jobs *jobs, const char *id)
{
	return find(jobs, id);
}

bool gs_block_job_is_over(const struct gs_block_job *job)
{
	return strcmp(job->status, "concluded") == 0 || strcmp(job->status, "null") == 0;
}

/* The time that is left is not known while nothing moves, and told to a thousand years at most. */
#define LEFT_MAX_S 3.2e10

void gs_block_job_pace(const struct gs_block_job *before, const struct gs_block_job *after,
		       struct gs_block_job_pace *ret)
{
	uint64_t left = after->total > after->current ? after->total - after->current : 0;

	*ret = (struct gs_block_job_pace){.percent = -1, .rate = -1, .left_s = -1};
	if (after->total)
		ret->percent = 100 * (double)(after->total - left) / (double)after->total;
	if (!before || after->taken_ns <= before->taken_ns || after->current < before->current ||
	    gs_block_job_is_over(after))
		return;
	ret->rate = (double)(after->current - before->current) * 1e9 /
		    (double)(after->taken_ns - before->taken_ns);
	if (ret->rate > 0 && (double)left / ret->rate < LEFT_MAX_S)
		ret->left_s = (double)left / ret->rate;
}
