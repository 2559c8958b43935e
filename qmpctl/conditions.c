/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be waited for: an event, a run state, the end of a job, the end of the guest.
 *
 * The session queues events from its first moment, and what can be asked is asked after that: what
 * happens in between shows in one or the other. As some changes of state come without an event, and
 * events can be lost, it is asked again once in a while.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "conditions.h"

#define ASK_AGAIN_MS 1000
#define JOB_PREFIX "job:"

/* ---- what is meant ---- */

/* Names of events are upper case, run states lower. */
struct condition condition_parse(const char *text)
{
	if (!text || strcmp(text, "exit") == 0)
		return (struct condition){.kind = CONDITION_EXIT, .name = "exit"};
	if (strncmp(text, JOB_PREFIX, strlen(JOB_PREFIX)) == 0)
		return (struct condition){.kind = CONDITION_JOB, .name = text + strlen(JOB_PREFIX)};
	if (isupper((unsigned char)*text) || strpbrk(text, "*?["))
		return (struct condition){.kind = CONDITION_EVENT, .name = text};
	return (struct condition){.kind = CONDITION_STATE, .name = text};
}

struct gs_error *conditions_check(struct gs_qmp *qmp, const struct condition *conditions,
				  size_t count)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < count; i++) {
		if (conditions[i].kind == CONDITION_EVENT)
			err = check_event(qmp, conditions[i].name);
		else if (conditions[i].kind == CONDITION_STATE)
			err = check_state(conditions[i].name);
	}
	return err;
}

static bool any_of(const struct waiting *w, enum condition_kind kind)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->conditions[i].kind == kind)
			return true;
	}
	return false;
}

void waiting_deinit(struct waiting *w)
{
	gs_qmp_event_deinit(&w->event);
	for (size_t i = 0; i < w->count; i++) {
		free(w->conditions[i].job_error);
		w->conditions[i].job_error = NULL;
	}
}

/* ---- states ---- */

static struct gs_error *ask_state(struct waiting *w)
{
	struct gs_error *err;

	if (!any_of(w, CONDITION_STATE))
		return NULL;
	err = gs_qmp_query_status(w->target->qmp, &w->status);
	for (size_t i = 0; !err && !w->met && i < w->count; i++) {
		const struct condition *c = &w->conditions[i];

		if (c->kind == CONDITION_STATE && strcmp(c->name, w->status.status) == 0)
			w->met = c;
	}
	return err;
}

/* ---- jobs ---- */

static void set_job_error(struct condition *c, const struct gs_json *text)
{
	if (!c->job_error && gs_json_string(text))
		c->job_error = strdup(gs_json_string(text));
}

static const struct gs_json *find_job(const struct gs_json *jobs, const char *id)
{
	gs_json_for_each (job, jobs) {
		const char *name = gs_json_string(gs_json_get(job, "id"));

		if (name && strcmp(name, id) == 0)
			return job;
	}
	return NULL;
}

/* A job that is there no more has ended and was dismissed; if it ever was there. */
static struct gs_error *judge_job(struct waiting *w, struct condition *c, const struct gs_json *job)
{
	const char *status = gs_json_string(gs_json_get(job, "status"));

	if (!job && !c->job_seen)
		return gs_error_create(GS_ERROR_NODATA,
				       "there is no job '%s' (if there was one, it has ended)",
				       c->name);
	c->job_seen = true;
	if (!job && gs_qmp_has_pending(w->target->qmp))
		return NULL; /* how it ended is on its way */
	if (job && (!status || (strcmp(status, "concluded") != 0 && strcmp(status, "null") != 0)))
		return NULL;
	set_job_error(c, gs_json_get(job, "error"));
	if (c->job_failed && !c->job_error)
		c->job_error = strdup("the job was aborted");
	w->met = c;
	return NULL;
}

/* On its way out QEMU cancels its jobs: that is not their own end, but the guest's. */
static bool is_leaving(const struct waiting *w)
{
	return w->ending.shut_down && !w->ending.stays;
}

static struct gs_error *ask_jobs(struct waiting *w)
{
	gs_autojson struct gs_json *jobs = NULL;
	struct gs_error *err;

	if (!any_of(w, CONDITION_JOB) || is_leaving(w))
		return NULL;
	err = gs_qmp_execute(w->target->qmp, "query-jobs", NULL, 0, &jobs);
	for (size_t i = 0; !err && !w->met && i < w->count; i++) {
		struct condition *c = &w->conditions[i];

		if (c->kind == CONDITION_JOB)
			err = judge_job(w, c, find_job(jobs, c->name));
	}
	return err;
}

/* What of a job's fate events alone tell, where it is dismissed as soon as it has ended. */
static void note_job(struct condition *c, const struct gs_qmp_event *event)
{
	const char *id = gs_json_string(gs_json_get(event->data, "id"));
	const char *device = gs_json_string(gs_json_get(event->data, "device"));
	const char *status = gs_json_string(gs_json_get(event->data, "status"));

	if (strcmp(event->name, "JOB_STATUS_CHANGE") == 0 && id && strcmp(id, c->name) == 0) {
		c->job_seen = true;
		c->job_failed |= status && strcmp(status, "aborting") == 0;
	} else if (device && strcmp(device, c->name) == 0) {
		if (strcmp(event->name, "BLOCK_JOB_COMPLETED") == 0)
			set_job_error(c, gs_json_get(event->data, "error"));
		else if (strcmp(event->name, "BLOCK_JOB_CANCELLED") == 0 && !c->job_error)
			c->job_error = strdup("the job was cancelled");
	}
}

/* ---- waiting ---- */

static bool is_end(const struct gs_error *err)
{
	return err && (err->code == GS_ERROR_GONE || err->code == GS_ERROR_LOST);
}

/* That the guest has ended since, its last events will tell. Takes @err. */
static struct gs_error *unless_end(struct gs_error *err)
{
	if (!is_end(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

/* Asks what can be asked. */
static struct gs_error *ask(struct waiting *w)
{
	struct gs_error *err = ask_state(w);

	if (!err && !w->met)
		err = ask_jobs(w);
	return unless_end(err);
}

static const struct condition *find_exit(const struct waiting *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->conditions[i].kind == CONDITION_EXIT)
			return &w->conditions[i];
	}
	return NULL;
}

/* @event is the session's; it is kept where it is what was awaited. */
static struct gs_error *look_at(struct waiting *w, struct gs_qmp_event *event)
{
	struct gs_error *err = ending_follow(w->target, &w->ending, event);

	for (size_t i = 0; !w->met && i < w->count; i++) {
		struct condition *c = &w->conditions[i];

		if (c->kind == CONDITION_JOB)
			note_job(c, event);
		else if (c->kind == CONDITION_EVENT && !event->synthetic &&
			 fnmatch(c->name, event->name, 0) == 0)
			w->met = c;
	}
	if (w->met)
		w->event = *event;
	else
		gs_qmp_event_deinit(event);
	if (!w->met && w->ending.stays)
		w->met = find_exit(w);
	return err;
}

/* The session is at its end. Takes @err. */
static struct gs_error *end(struct waiting *w, uint64_t deadline_ms, struct gs_error *err)
{
	w->met = find_exit(w);
	if (!w->met)
		return err;
	gs_error_destroy(err);
	return await_process(w->target, deadline_ms);
}

/* One event, or the time to ask again. */
static struct gs_error *await_news(struct waiting *w, uint64_t deadline_ms)
{
	bool asks = any_of(w, CONDITION_STATE) || any_of(w, CONDITION_JOB);
	uint64_t next_ms = asks ? gs_deadline_in(ASK_AGAIN_MS) : GS_NO_DEADLINE;
	struct gs_qmp_event event;
	struct gs_error *err = next_event_in_time(
		w->target->qmp, next_ms < deadline_ms ? next_ms : deadline_ms, &event);

	if (!err)
		return unless_end(look_at(w, &event));
	if (is_end(err))
		return end(w, deadline_ms, err);
	if (err->code != GS_ERROR_TIMEOUT || gs_deadline_passed(deadline_ms))
		return err;
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *waiting_await(struct waiting *w, uint64_t deadline_ms)
{
	struct gs_error *err = ask(w);

	while (!err && !w->met) {
		err = await_news(w, deadline_ms);
		if (!err && !w->met)
			err = ask(w);
	}
	return err;
}
