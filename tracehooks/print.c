/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a hold, for people and for programs. */
#include <stdio.h>

#include <guestscope/hold/report.h>
#include <guestscope/hold/waiters.h>

#include "tracehooks.h"

void emit_hold(struct gs_emit *e, const struct gs_hold_record *record)
{
	gs_autojson struct gs_json *json = gs_hold_record_json(record);

	gs_json_for_each (member, json)
		gs_emit_json(e, gs_json_key(member), NULL, member);
}

static void emit_waiter(struct gs_emit *e, const struct gs_hold_waiter *waiter)
{
	gs_autofree char *words = gs_hold_waiter_words(waiter);

	gs_emit_row(e);
	gs_emit_i64(e, "pid", NULL, waiter->pid);
	gs_emit_string(e, "name", NULL, waiter->name);
	gs_emit_i64(e, "tid", NULL, waiter->tid);
	gs_emit_string(e, "thread", NULL, waiter->thread);
	gs_emit_string(e, "way", NULL, gs_wait_way_name(waiter->way));
	if (waiter->fd >= 0) {
		gs_emit_string(e, "through", NULL, waiter->is_socket ? "socket" : "pipe");
		gs_emit_i64(e, "fd", NULL, waiter->fd);
	} else {
		gs_emit_null(e, "through", NULL);
		gs_emit_null(e, "fd", NULL);
	}
	gs_emit_u64(e, "others", NULL, waiter->others_count);
	gs_emit_string(e, NULL, "HOW", words ? words : "");
}

void emit_blocked(struct gs_emit *e, const struct gs_hold_record *record)
{
	static const struct gs_emit_column columns[] = {
		{"pid", "PID", true},      {"name", "NAME", false}, {"tid", "THREAD", true},
		{"thread", "NAME", false}, {"way", NULL, false},    {"through", NULL, false},
		{"fd", "FD", true},        {"others", NULL, false}, {NULL, "HOW", false}};
	struct gs_hold_waiters waiters = {0};

	gs_error_destroy(gs_hold_waiters(record, &waiters));
	gs_emit_table(e, "blocked", "Waits for it", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < waiters.count; i++)
		emit_waiter(e, &waiters.waiters[i]);
	gs_emit_end(e);
	gs_hold_waiters_deinit(&waiters);
}

void emit_watchdog(struct gs_emit *e, const struct gs_hold_record *record)
{
	struct gs_hold_watchdog watchdog;
	gs_autofree char *words = NULL;

	if (!gs_hold_watchdog(record, &watchdog)) {
		gs_emit_null(e, "watchdog", NULL);
		return;
	}
	words = gs_hold_watchdog_words(&watchdog);
	gs_emit_string(e, NULL, "Warning", words ? words : "");
	gs_emit_begin(e, "watchdog", NULL);
	gs_emit_i64(e, "pid", NULL, watchdog.pid);
	gs_emit_string(e, "name", NULL, watchdog.name);
	gs_emit_u64(e, "us", NULL, watchdog.us);
	gs_emit_end(e);
}

static void print_line(const struct gs_args *args, const struct gs_keeper_event *event,
		       const struct gs_hold_record *record)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, true);
	gs_autoerror struct gs_error *err = NULL;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "event", NULL, gs_keeper_event_name(event->kind));
	if (record)
		emit_hold(e, record);
	if (record && event->kind == GS_KEEPER_HELD) {
		emit_blocked(e, record);
		emit_watchdog(e, record);
	}
	if (!record && event->id)
		gs_emit_i64(e, "id", NULL, event->id);
	if (*event->reason)
		gs_emit_string(e, "reason", NULL, event->reason);
	gs_emit_end(e);
	err = gs_emit_finish(e);
}

/* At once: blocks of several are not mixed. */
void print_event(const struct gs_args *args, const struct gs_keeper_event *event,
		 const struct gs_hold_record *record)
{
	gs_autotext struct gs_text text = {0};

	if (gs_args_has(args, "json")) {
		print_line(args, event, record);
		return;
	}
	if (gs_args_quiet(args) && event->kind != GS_KEEPER_HELD && event->kind != GS_KEEPER_BLIND)
		return;
	gs_hold_put_event(&text, "tracehooks", event, record);
	if (!text.failed)
		fputs(text.data, stderr);
}
