/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, pause, resume: a guest's run state, as QEMU tells it. */
#include <string.h>

#include <guestscope/base/text.h>

#include "qmpctl.h"

/* ---- status ---- */

/* What is asked, all at once: QEMU answers one while it reads the next. */
enum question { ASK_STATUS, ASK_NAME, ASK_KVM, ASK_MEMORY, QUESTION_COUNT };

static const char *const questions[QUESTION_COUNT] = {
	[ASK_STATUS] = "query-status",
	[ASK_NAME] = "query-name",
	[ASK_KVM] = "query-kvm",
	[ASK_MEMORY] = "query-memory-size-summary",
};

struct answers {
	struct gs_json *to[QUESTION_COUNT]; /* NULL: refused */
};

static void answers_cleanup(struct answers *answers)
{
	for (size_t i = 0; i < QUESTION_COUNT; i++)
		gs_json_destroy(answers->to[i]);
}

/*
 * What QEMU refuses (early in its life, or because it is old) is unknown, and said to be; but not
 * its state.
 */
static struct gs_error *ask(struct target *target, struct answers *ret)
{
	uint64_t ids[QUESTION_COUNT];
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < QUESTION_COUNT; i++)
		err = gs_qmp_send(target->qmp, questions[i], NULL, &ids[i]);
	target_find_process(target);
	for (size_t i = 0; !err && i < QUESTION_COUNT; i++) {
		err = gs_qmp_await(target->qmp, ids[i], 0, &ret->to[i]);
		if (err && i != ASK_STATUS && err->code == GS_ERROR_REFUSED) {
			gs_error_destroy(err);
			err = NULL;
		}
	}
	if (!err && !gs_json_string(gs_json_get(ret->to[ASK_STATUS], "status")))
		err = gs_error_create(GS_ERROR_PROTOCOL, "%s: query-status: reply without a status",
				      gs_qmp_name(target->qmp));
	return err;
}

static void emit_text(struct gs_emit *e, const char *key, const char *label, const char *text)
{
	if (text)
		gs_emit_string(e, key, label, text);
	else
		gs_emit_null(e, key, label);
}

static void emit_version(struct gs_emit *e, const struct gs_qmp *qmp)
{
	int version[3];
	gs_autofree char *text = NULL;

	gs_qmp_version(qmp, version);
	text = gs_strf("%d.%d.%d", version[0], version[1], version[2]);
	gs_emit_string(e, "qemu_version", "QEMU", text);
}

static void emit_kvm(struct gs_emit *e, const struct gs_json *answer)
{
	if (answer)
		gs_emit_bool(e, "kvm", "KVM", gs_json_is_true(gs_json_get(answer, "enabled")));
	else
		gs_emit_null(e, "kvm", "KVM");
}

static void emit_memory(struct gs_emit *e, const struct gs_json *answer)
{
	uint64_t base, plugged = 0;

	gs_json_u64(gs_json_get(answer, "plugged-memory"), &plugged);
	if (gs_json_u64(gs_json_get(answer, "base-memory"), &base))
		gs_emit_bytes(e, "memory", "Memory", base + plugged);
	else
		gs_emit_null(e, "memory", "Memory");
}

static void emit_status(struct gs_emit *e, const struct target *target, const struct answers *a)
{
	const struct gs_json *status = a->to[ASK_STATUS];

	emit_text(e, "name", "Name", gs_json_string(gs_json_get(a->to[ASK_NAME], "name")));
	gs_emit_string(e, "state", "State", gs_json_string(gs_json_get(status, "status")));
	gs_emit_bool(e, "running", NULL, gs_json_is_true(gs_json_get(status, "running")));
	if (target->pid)
		gs_emit_i64(e, "pid", "PID", target->pid);
	else
		gs_emit_null(e, "pid", "PID");
	emit_version(e, target->qmp);
	emit_kvm(e, a->to[ASK_KVM]);
	emit_memory(e, a->to[ASK_MEMORY]);
	gs_emit_string(e, "monitor", "Monitor", gs_qmp_name(target->qmp));
}

int cmd_status(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	__attribute__((cleanup(answers_cleanup))) struct answers answers = {0};
	struct gs_error *err = target_connect(args, gs_args_guest(args), 0, &target);
	struct gs_emit *e;

	if (!err)
		err = ask(&target, &answers);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	emit_status(e, &target, &answers);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
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
	return gs_args_finish(args, e, GS_EXIT_OK);
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
