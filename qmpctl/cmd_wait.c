/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait: until a guest has ended, an event has come, or a run state is reached. */
#include <ctype.h>
#include <string.h>

#include <guestscope/base/time.h>

#include "qmpctl.h"

#define STATE_MS 1000 /* a few changes of state come without an event */

/* What has been awaited. */
struct outcome {
	const char *ended_by; /* "event", "state", "end" */
	struct gs_qmp_event event;
	struct gs_qmp_status status;
	struct ending ending;
};

/* Names of events are upper case, run states lower. */
static bool is_event_name(const char *what)
{
	return isupper((unsigned char)what[0]);
}

static struct gs_error *await_event(struct gs_qmp *qmp, const char *name, uint64_t deadline_ms,
				    struct outcome *ret)
{
	for (;;) {
		struct gs_error *err = gs_qmp_next_event(qmp, deadline_ms, &ret->event);

		if (err)
			return err;
		if (strcmp(ret->event.name, name) == 0 && !ret->event.synthetic)
			return NULL;
		ending_note(&ret->ending, &ret->event);
		gs_qmp_event_deinit(&ret->event);
	}
}

static struct gs_error *await_state(struct gs_qmp *qmp, const char *state, uint64_t deadline_ms,
				    struct outcome *ret)
{
	for (;;) {
		uint64_t next_ms = gs_deadline_in(STATE_MS);
		struct gs_qmp_event event;
		struct gs_error *err = gs_qmp_query_status(qmp, &ret->status);

		if (err || strcmp(ret->status.status, state) == 0)
			return err;
		err = gs_qmp_next_event(qmp, next_ms < deadline_ms ? next_ms : deadline_ms, &event);
		if (!err) {
			ending_note(&ret->ending, &event);
			gs_qmp_event_deinit(&event);
		} else if (err->code != GS_ERROR_TIMEOUT || gs_deadline_passed(deadline_ms)) {
			return err;
		} else {
			gs_error_destroy(err);
		}
	}
}

static struct gs_error *await(struct target *target, const char *what, uint64_t deadline_ms,
			      struct outcome *ret)
{
	struct gs_error *err;

	if (!what) {
		ret->ended_by = "end";
		return await_end(target, deadline_ms, &ret->ending);
	}
	ret->ended_by = is_event_name(what) ? "event" : "state";
	if (is_event_name(what)) {
		err = check_event(target->qmp, what);
		return err ? err : await_event(target->qmp, what, deadline_ms, ret);
	}
	err = check_state(what);
	return err ? err : await_state(target->qmp, what, deadline_ms, ret);
}

/* Takes @err of await(); says what was waited for, and how the guest ended if it did. */
static struct gs_error *explain(struct gs_error *err, const char *what, const struct outcome *o)
{
	struct gs_error *full;

	if (err->code == GS_ERROR_GONE || err->code == GS_ERROR_LOST)
		full = gs_error_create(GS_ERROR_GONE, "the guest ended (%s) without %s",
				       o->ending.reason[0] ? o->ending.reason : "disconnected",
				       what ? what : "a word");
	else if (err->code == GS_ERROR_TIMEOUT)
		full = gs_error_create(GS_ERROR_TIMEOUT, "timed out waiting for %s",
				       what ? what : "the guest to end");
	else
		return err;
	gs_error_destroy(err);
	return full;
}

static int report(struct gs_args *args, const struct outcome *o)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "ended_by", NULL, o->ended_by);
	if (o->event.message) {
		gs_emit_string(e, NULL, "Event", o->event.name);
		if (o->event.data)
			gs_emit_json(e, NULL, "Data", o->event.data);
		gs_emit_json(e, "event", NULL, o->event.message);
	} else if (o->status.status[0]) {
		gs_emit_string(e, "state", "State", o->status.status);
	} else {
		emit_ending(e, &o->ending);
	}
	gs_emit_end(e);
	return finish_output(args, e, GS_EXIT_OK);
}

int cmd_wait(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	const char *what = gs_args_get(args, "for");
	struct outcome outcome = {0};
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", GS_NO_DEADLINE, &timeout_ms);
	int status;

	if (!err)
		err = target_open(args, 0, &target);
	if (err)
		return gs_args_fail(args, err);
	err = await(&target, what, gs_deadline_in(timeout_ms), &outcome);
	if (err)
		return gs_args_fail(args, explain(err, what, &outcome));
	status = report(args, &outcome);
	gs_qmp_event_deinit(&outcome.event);
	return status;
}
