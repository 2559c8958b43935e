/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, pause, resume: a guest's run state, as QEMU tells it. */
#include <string.h>

#include <guestscope/base/text.h>

#include "qmpctl.h"

/* ---- status ---- */

static void emit_version(struct gs_emit *e, const struct gs_qmp *qmp)
{
	int version[3];
	gs_autofree char *text = NULL;

	gs_qmp_version(qmp, version);
	text = gs_strf("%d.%d.%d", version[0], version[1], version[2]);
	gs_emit_string(e, "qemu_version", "QEMU", text);
}

/* What QEMU refuses (early in its life, or because it is old) is unknown, and said to be. */
static struct gs_json *ask(struct gs_qmp *qmp, const char *command)
{
	struct gs_json *answer = NULL;

	gs_error_destroy(gs_qmp_execute(qmp, command, NULL, 0, &answer));
	return answer;
}

static void emit_name(struct gs_emit *e, struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *answer = ask(qmp, "query-name");
	const char *name = gs_json_string(gs_json_get(answer, "name"));

	if (name)
		gs_emit_string(e, "name", "Name", name);
	else
		gs_emit_null(e, "name", "Name");
}

static void emit_kvm(struct gs_emit *e, struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *answer = ask(qmp, "query-kvm");

	if (answer)
		gs_emit_bool(e, "kvm", "KVM", gs_json_is_true(gs_json_get(answer, "enabled")));
	else
		gs_emit_null(e, "kvm", "KVM");
}

static void emit_memory(struct gs_emit *e, struct gs_qmp *qmp)
{
	gs_autojson struct gs_json *answer = ask(qmp, "query-memory-size-summary");
	uint64_t base, plugged = 0;

	gs_json_u64(gs_json_get(answer, "plugged-memory"), &plugged);
	if (gs_json_u64(gs_json_get(answer, "base-memory"), &base))
		gs_emit_bytes(e, "memory", "Memory", base + plugged);
	else
		gs_emit_null(e, "memory", "Memory");
}

int cmd_status(struct gs_args *args)
{
	auto_target struct target target;
	struct gs_qmp_status status;
	struct gs_error *err = target_open(args, 0, &target);
	struct gs_emit *e;

	if (!err)
		err = gs_qmp_query_status(target.qmp, &status);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	emit_name(e, target.qmp);
	gs_emit_string(e, "state", "State", status.status);
	gs_emit_bool(e, "running", NULL, status.running);
	if (target.pid)
		gs_emit_i64(e, "pid", "PID", target.pid);
	else
		gs_emit_null(e, "pid", "PID");
	emit_version(e, target.qmp);
	emit_kvm(e, target.qmp);
	emit_memory(e, target.qmp);
	gs_emit_string(e, "monitor", "Monitor", gs_qmp_name(target.qmp));
	gs_emit_end(e);
	return finish_output(args, e, GS_EXIT_OK);
}

/* ---- pause, resume ---- */

static int report_change(struct gs_args *args, const struct gs_qmp_status *before,
			 const struct gs_qmp_status *after)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "state", "State", after->status);
	gs_emit_bool(e, "running", NULL, after->running);
	gs_emit_string(e, "before", "Before", before->status);
	gs_emit_end(e);
	return finish_output(args, e, GS_EXIT_OK);
}

/*
 * Send @command and look what came of it: QEMU accepts "cont" also where it does not make a guest
 * run now (one that awaits a migration, say).
 */
static int change(struct gs_args *args, const char *command, bool running)
{
	auto_target struct target target;
	struct gs_qmp_status before, after;
	struct gs_error *err = target_open(args, 0, &target);

	if (!err)
		err = gs_qmp_query_status(target.qmp, &before);
	if (!err)
		err = gs_qmp_simple(target.qmp, command);
	if (!err)
		err = gs_qmp_query_status(target.qmp, &after);
	if (!err && after.running != running)
		err = gs_error_create(GS_ERROR_REFUSED,
				      "QEMU accepted '%s', but the guest is in state '%s'", command,
				      after.status);
	return err ? gs_args_fail(args, err) : report_change(args, &before, &after);
}

int cmd_pause(struct gs_args *args)
{
	return change(args, "stop", false);
}

int cmd_resume(struct gs_args *args)
{
	return change(args, "cont", true);
}
