/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a hold, for people and for programs. */
#include <stdio.h>

#include <guestscope/hold/report.h>

#include "tracehooks.h"

void emit_hold(struct gs_emit *e, const struct gs_hold_record *record)
{
	gs_autojson struct gs_json *json = gs_hold_record_json(record);

	gs_json_for_each (member, json)
		gs_emit_json(e, gs_json_key(member), NULL, member);
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
	else if (event->id)
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
