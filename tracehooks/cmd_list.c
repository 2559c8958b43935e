/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list, show: what is held. */
#include <inttypes.h>
#include <time.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/report.h>

#include "tracehooks.h"

static const char *state_of(const struct gs_hold_record *record)
{
	return gs_hold_is_stale(record) ? "stale" : gs_hold_state_name(record->state);
}

static void emit_left(struct gs_emit *e, const struct gs_hold_record *record, const char *label)
{
	int64_t left = record->until - time(NULL);

	if (record->until && record->state != GS_HOLD_DEBUGGED)
		gs_emit_i64(e, "seconds-left", label, left > 0 ? left : 0);
	else
		gs_emit_null(e, "seconds-left", label);
}

/* The function, or that it is an exec. */
static void emit_where(struct gs_emit *e, const struct gs_hold_record *record, const char *label)
{
	const struct gs_place *place = record->at ? &record->at->place : NULL;
	gs_autofree char *address = place ? gs_strf("0x%" PRIx64, place->address) : NULL;

	if (!place)
		gs_emit_string(e, "where", label, "exec");
	else
		gs_emit_string(e, "where", label, place->symbol ? place->symbol : address);
}

static void emit_row(struct gs_emit *e, const struct gs_hold_record *record)
{
	gs_autofree char *command = gs_hold_record_command(record);

	gs_emit_row(e);
	gs_emit_i64(e, "id", NULL, record->id.pid);
	gs_emit_i64(e, "pid", NULL, record->pid);
	gs_emit_string(e, "state", NULL, state_of(record));
	emit_left(e, record, NULL);
	emit_where(e, record, NULL);
	gs_emit_string(e, "program", NULL, record->program);
	gs_emit_string(e, "command", NULL, command ? command : "");
}

static struct gs_error *load(struct gs_hold_list *list)
{
	gs_autofree char *dir = hold_dir();

	return dir ? gs_hold_list(dir, list) : gs_error_nomem();
}

int cmd_list(struct gs_args *args)
{
	static const struct gs_emit_column columns[] = {
		{"id", "ID", true},           {"pid", "PROCESS", true},
		{"state", "STATE", false},    {"seconds-left", "SECONDS LEFT", true},
		{"where", "WHERE", false},    {"program", NULL, false},
		{"command", "COMMAND", false}};
	struct gs_hold_list list = {0};
	struct gs_error *err = load(&list);
	struct gs_emit *e;

	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "holds", "", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < list.count; i++)
		emit_row(e, &list.records[i]);
	gs_emit_end(e);
	gs_emit_end(e);
	gs_hold_list_deinit(&list);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* ---- show ---- */

static void emit_lineage(struct gs_emit *e, const struct gs_hold_record *record)
{
	static const struct gs_emit_column columns[] = {{"pid", "PID", true},
							{"name", "NAME", false}};

	gs_emit_table(e, "lineage", "Forked by", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 1; i < record->lineage_count; i++) {
		gs_emit_row(e);
		gs_emit_i64(e, "pid", NULL, record->lineage[i].pid);
		gs_emit_string(e, "name", NULL, record->lineage[i].name);
	}
	gs_emit_end(e);
}

/* Of a function hold; text has what is not in other rows. */
static void emit_at(struct gs_emit *e, const struct gs_hold_record *record)
{
	gs_autojson struct gs_json *json = gs_hold_record_json(record);
	gs_autotext struct gs_text place = {0}, args = {0};

	gs_emit_json(e, "at", NULL, gs_json_get(json, "at"));
	if (!record->at)
		return;
	gs_hold_put_place(&place, &record->at->place);
	gs_emit_string(e, NULL, "At", place.failed ? "" : place.data);
	if (gs_hold_has_args(&record->at->place)) {
		gs_hold_put_args(&args, record->at);
		gs_emit_string(e, NULL, "Arguments", args.failed ? "" : args.data);
	}
	if (record->at->condition)
		gs_emit_string(e, NULL, "Condition", record->at->condition);
	gs_emit_string(e, NULL, "Thread name", record->at->thread);
	gs_emit_string(e, NULL, "Caught by", gs_catch_mechanism_name(record->at->mechanism));
}

static void emit_one(struct gs_emit *e, const struct gs_hold_record *record)
{
	gs_autofree char *command = gs_hold_record_command(record);
	struct gs_proc_stat stat;
	char state[2] = "";

	if (gs_proc_stat(record->id.pid, &stat))
		state[0] = stat.state;
	gs_emit_begin(e, NULL, NULL);
	gs_emit_i64(e, "id", "Thread", record->id.pid);
	gs_emit_i64(e, "pid", "Process", record->pid);
	gs_emit_string(e, "state", "State", state_of(record));
	gs_emit_string(e, "process-state", "State in ps", state);
	emit_at(e, record);
	gs_emit_string(e, "program", "Program", record->program);
	gs_emit_string(e, "command", "Command", command ? command : "");
	gs_emit_string(e, "cwd", "Working directory", record->cwd);
	gs_emit_i64(e, "keeper", "Keeper", record->keeper.pid);
	if (record->debugger)
		gs_emit_i64(e, "debugger", "Debugger", record->debugger);
	else
		gs_emit_null(e, "debugger", "Debugger");
	emit_left(e, record, "Seconds left");
	emit_watchdog(e, record);
	emit_lineage(e, record);
	emit_blocked(e, record);
	gs_emit_end(e);
}

int cmd_show(struct gs_args *args)
{
	struct gs_hold_list list = {0};
	const struct gs_hold_record *record;
	struct gs_error *err = load(&list);
	struct gs_emit *e;

	if (!err)
		err = find_hold(&list, gs_args_at(args, 0), &record);
	if (err) {
		gs_hold_list_deinit(&list);
		return gs_args_fail(args, err);
	}
	e = gs_args_emit(args, false);
	emit_one(e, record);
	gs_hold_list_deinit(&list);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
