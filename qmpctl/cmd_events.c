/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events: those of one guest or of many, as they come. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "qmpctl.h"

/* QEMU's wall clock as local time; "-" when it had none (-1). */
static void format_time(const struct gs_qmp_event *event, char *text, size_t size)
{
	const struct gs_json *stamp = gs_json_get(event->message, "timestamp");
	int64_t seconds = -1, micros = -1;
	char day[32];
	struct tm tm;
	time_t when;

	gs_json_i64(gs_json_get(stamp, "seconds"), &seconds);
	gs_json_i64(gs_json_get(stamp, "microseconds"), &micros);
	when = seconds;
	if (seconds < 0 || micros < 0 || !localtime_r(&when, &tm)) {
		snprintf(text, size, "-");
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text, size, "%s.%06" PRId64, day, micros);
}

/* The event as QEMU sent it, whether QEMU did, and whose it is. */
static void emit_marked(struct gs_emit *e, const struct watched *guest,
			const struct gs_qmp_event *event)
{
	gs_autojson struct gs_json *copy = gs_json_copy(event->message);

	gs_json_set(copy, "synthetic", gs_json_new_bool(event->synthetic));
	gs_json_set(copy, "guest", gs_json_new_string(guest->target.name));
	gs_emit_json(e, NULL, NULL, copy);
}

/* @name: whose it is, where that is a question; else "". */
static void emit_text(struct gs_emit *e, const char *name, const struct gs_qmp_event *event)
{
	gs_autofree char *data = event->data ? gs_json_print(event->data, GS_JSON_COMPACT) : NULL;
	char when[64];

	format_time(event, when, sizeof(when));
	gs_emit_line(e, "%s %s%s%s%s%s%s", when, name, *name ? " " : "", event->name,
		     data ? " " : "", data ? data : "", event->synthetic ? " (synthetic)" : "");
}

/* Each event is out before the next one is awaited: readers of a stream want it now. */
static struct gs_error *emit_event(const struct gs_args *args, struct gs_emit *e,
				   const struct watch *watch, const struct watched *guest,
				   const struct gs_qmp_event *event)
{
	if (gs_args_has(args, "json"))
		emit_marked(e, guest, event);
	else
		emit_text(e, watch->count > 1 ? guest->target.name : "", event);
	return gs_emit_finish(e);
}

/* @seen counts what matched, up to @count. */
static struct gs_error *stream(const struct gs_args *args, struct watch *watch, struct gs_emit *e,
			       uint64_t count, uint64_t deadline_ms, uint64_t *seen)
{
	const char *glob = gs_args_get(args, "match");

	while (*seen < count) {
		const struct watched *guest;
		struct gs_qmp_event event;
		struct gs_error *err = watch_next(args, watch, deadline_ms, &guest, &event);

		if (err)
			return err;
		if (!glob || fnmatch(glob, event.name, 0) == 0) {
			(*seen)++;
			err = emit_event(args, e, watch, guest, &event);
		}
		gs_qmp_event_deinit(&event);
		if (err)
			return err;
	}
	return NULL;
}

/* Takes @err. Without --count, a stream just ends with its time or its guests. */
static struct gs_error *judge(struct gs_error *err, bool counted, uint64_t seen, uint64_t count)
{
	bool natural = err && (err->code == GS_ERROR_TIMEOUT || err->code == GS_ERROR_GONE);

	if (!natural)
		return err;
	if (counted)
		return gs_error_wrap(err, "%" PRIu64 " of %" PRIu64 " events came", seen, count);
	gs_error_destroy(err);
	return NULL;
}

int cmd_events(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, true);
	bool all = gs_args_has(args, "all");
	uint64_t timeout_ms, count, seen = 0;
	struct watch watch;
	struct gs_error *err = gs_args_duration(args, "timeout", GS_NO_DEADLINE, &timeout_ms);
	int status;

	if (!err)
		err = gs_args_u64(args, "count", UINT64_MAX, &count);
	if (!err && all && gs_args_has(args, "guest"))
		err = gs_error_create(GS_ERROR_INVALID, "either --all or --guest");
	if (!err)
		err = watch_open(args, all, &watch);
	if (err)
		return gs_args_fail(args, err);
	err = stream(args, &watch, e, count, gs_deadline_in(timeout_ms), &seen);
	status = gs_args_fail(args, judge(err, gs_args_has(args, "count"), seen, count));
	if (!status)
		status = watch_status(&watch);
	watch_close(&watch);
	return status;
}
