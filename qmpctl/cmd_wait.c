/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait: until a guest has ended, or something else has happened. */
#include <string.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "conditions.h"

/* "STOP, job:j or exit": what was waited for; the caller frees. */
static char *list_conditions(const struct gs_args *args)
{
	gs_autotext struct gs_text text = {0};
	const char *word;
	char *ret;

	if (!gs_args_has(args, "for"))
		return strdup("the guest to end");
	for (size_t i = 0; (word = gs_args_get_nth(args, "for", i)); i++)
		gs_text_printf(&text, "%s%s",
			       !i                                    ? ""
			       : gs_args_get_nth(args, "for", i + 1) ? ", "
								     : " or ",
			       word);
	gs_autoerror struct gs_error *err = gs_text_finish(&text, &ret);
	return err ? NULL : ret;
}

/* Takes @err; says what was waited for, and how the guest ended if it did. */
static struct gs_error *explain(const struct gs_args *args, const struct waiting *w,
				struct gs_error *err)
{
	gs_autofree char *what = list_conditions(args);
	const char *reason = w->ending.reason[0] ? w->ending.reason : "disconnected";
	struct gs_error *full;

	if (!what)
		full = gs_error_nomem();
	else if (err->code == GS_ERROR_GONE || err->code == GS_ERROR_LOST)
		full = gs_error_create(GS_ERROR_GONE, "the guest ended (%s) without %s", reason,
				       what);
	else if (err->code == GS_ERROR_TIMEOUT && !w->met)
		full = gs_error_create(GS_ERROR_TIMEOUT, "timed out waiting for %s", what);
	else
		return err;
	gs_error_destroy(err);
	return full;
}

/* ---- what ended it ---- */

/* How QEMU exited. Of a process that is not our child, not every kernel tells. */
static bool exit_status(const struct waiting *w, int *status_ret)
{
	return !w->ending.stays && w->target->pidfd >= 0 &&
	       gs_pidfd_status(w->target->pidfd, status_ret);
}

static void emit_exit(struct gs_emit *e, const struct waiting *w)
{
	gs_autofree char *text = NULL;
	int status;
	bool known = exit_status(w, &status);

	emit_ending(e, &w->ending);
	if (known)
		text = gs_wait_status_text(status);
	if (known && WIFEXITED(status))
		gs_emit_u64(e, "exit_status", NULL, (uint64_t)WEXITSTATUS(status));
	else
		gs_emit_null(e, "exit_status", NULL);
	if (known && WIFSIGNALED(status))
		gs_emit_u64(e, "signal", NULL, (uint64_t)WTERMSIG(status));
	else
		gs_emit_null(e, "signal", NULL);
	if (!w->ending.stays)
		gs_emit_string(e, NULL, "QEMU", known ? text : "ended, with unknown status");
}

static void emit_event(struct gs_emit *e, const struct gs_qmp_event *event)
{
	gs_emit_string(e, NULL, "Event", event->name);
	if (event->data)
		gs_emit_json(e, NULL, "Data", event->data);
	gs_emit_json(e, "event", NULL, event->message);
}

static void emit_job(struct gs_emit *e, const struct condition *job)
{
	gs_emit_string(e, "job", "Job", job->name);
	gs_emit_bool(e, "failed", NULL, job->job_error != NULL);
	gs_emit_string(e, NULL, "Result", job->job_error ? "failed" : "done");
	if (job->job_error)
		gs_emit_string(e, "error", "Error", job->job_error);
	else
		gs_emit_null(e, "error", NULL);
}

static void emit_what(struct gs_emit *e, const struct waiting *w)
{
	static const char *const kinds[] = {"end", "event", "state", "job"};

	gs_emit_string(e, "ended_by", NULL, kinds[w->met->kind]);
	switch (w->met->kind) {
	case CONDITION_EXIT:
		emit_exit(e, w);
		break;
	case CONDITION_EVENT:
		emit_event(e, &w->event);
		break;
	case CONDITION_STATE:
		gs_emit_string(e, "state", "State", w->status.status);
		break;
	case CONDITION_JOB:
		emit_job(e, w->met);
		break;
	}
}

/* As QEMU exited: its own status, or that of a shell for a signal. */
static int pass_on(const struct gs_args *args, const struct waiting *w)
{
	int status;

	if (!exit_status(w, &status))
		return gs_args_fail(
			args, gs_error_create(GS_ERROR_LOST, "QEMU's exit status is not known"));
	return WIFSIGNALED(status) ? GS_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int report(struct gs_args *args, const struct waiting *w)
{
	struct gs_emit *e = gs_args_emit(args, false);
	int status;

	gs_emit_begin(e, NULL, NULL);
	emit_what(e, w);
	gs_emit_end(e);
	status = gs_args_finish(args, e, w->met->job_error ? GS_EXIT_FAILED : GS_EXIT_OK);
	if (!status && w->met->kind == CONDITION_EXIT && gs_args_has(args, "exit-status"))
		return pass_on(args, w);
	return status;
}

/* ---- the command ---- */

static int wait_for(struct gs_args *args, struct waiting *w, uint64_t timeout_ms)
{
	uint64_t deadline_ms = gs_deadline_in(timeout_ms);
	struct gs_error *err = conditions_check(w->target->qmp, w->conditions, w->count);
	int status;

	if (!err)
		err = waiting_await(w, deadline_ms);
	status = err ? gs_args_fail(args, explain(args, w, err)) : report(args, w);
	waiting_deinit(w);
	return status;
}

int cmd_wait(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	gs_autofree struct condition *conditions = NULL;
	struct waiting waiting = {.target = &target, .count = 1};
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", GS_NO_DEADLINE, &timeout_ms);

	while (gs_args_get_nth(args, "for", waiting.count))
		waiting.count++;
	conditions = calloc(waiting.count, sizeof(*conditions));
	if (!err && !conditions)
		err = gs_error_nomem();
	if (!err)
		err = target_open(args, 0, &target);
	if (err)
		return gs_args_fail(args, err);
	for (size_t i = 0; i < waiting.count; i++)
		conditions[i] = condition_parse(gs_args_get_nth(args, "for", i));
	waiting.conditions = conditions;
	return wait_for(args, &waiting, timeout_ms);
}
