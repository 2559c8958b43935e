/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list: the launched guests. */
#include <time.h>

#include "qmpctl.h"

#define GREETING_MS 1000
#define ANSWER_MS 2000

static const struct gs_emit_column columns[] = {
	{"name", "NAME", false},    {"pid", "PID", true},           {"state", "STATE", false},
	{"memory", "MEMORY", true}, {"shared_memory", NULL, false}, {"started", NULL, false},
	{NULL, "STARTED", false},   {"qemu", "QEMU", false},        {"dir", NULL, false},
};

/* The guest's run state, or why there is none: one that hangs must not spoil the list. */
static void emit_state(struct gs_emit *e, const struct gs_guest *guest)
{
	const struct gs_qmp_options options = {.greeting_ms = GREETING_MS, .command_ms = ANSWER_MS};
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	gs_autoerror struct gs_error *err = gs_guest_open(guest, &options, &qmp);
	struct gs_qmp_status status;

	if (!err)
		err = gs_qmp_query_status(qmp, &status);
	gs_emit_string(e, "state", "STATE", err ? gs_error_code_name(err->code) : status.status);
}

static void emit_guest(struct gs_emit *e, const struct gs_guest *guest)
{
	char started[32] = "?";
	struct tm tm;
	time_t seconds = guest->started_sec;

	if (localtime_r(&seconds, &tm))
		strftime(started, sizeof(started), "%Y-%m-%d %H:%M:%S", &tm);
	gs_emit_row(e);
	gs_emit_string(e, "name", "NAME", guest->name);
	gs_emit_i64(e, "pid", "PID", guest->pid);
	emit_state(e, guest);
	gs_emit_bytes(e, "memory", "MEMORY", guest->mem_bytes);
	gs_emit_bool(e, "shared_memory", NULL, guest->shared_ram);
	gs_emit_i64(e, "started", NULL, guest->started_sec);
	gs_emit_string(e, NULL, "STARTED", started);
	gs_emit_string(e, "qemu", "QEMU", guest->qemu);
	gs_emit_string(e, "dir", NULL, guest->dir);
}

int cmd_list(struct gs_args *args)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_guest *guests;
	size_t count;
	struct gs_error *err =
		run_dir ? gs_registry_list(run_dir, &guests, &count) : gs_error_nomem();
	struct gs_emit *e;

	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "guests", "", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++)
		emit_guest(e, &guests[i]);
	gs_emit_end(e);
	gs_emit_end(e);
	gs_registry_free(guests, count);
	return finish_output(args, e, GS_EXIT_OK);
}
