/* SPDX-License-Identifier: GPL-2.0-or-later */
/* powerdown, quit: end a guest through its monitor. */
#include <guestscope/base/time.h>

#include "qmpctl.h"

#define POWERDOWN_MS 60000
#define QUIT_MS 60000

static int report_ending(struct gs_args *args, const struct ending *ending)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	emit_ending(e, ending);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* ---- powerdown ---- */

/* A guest that does not run cannot feel the button. */
static struct gs_error *press_button(struct gs_args *args, struct gs_qmp *qmp)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(qmp, &status);

	if (err)
		return err;
	if (!status.running)
		gs_args_note(args, "the guest is in state '%s': it will not notice until it runs",
			     status.status);
	return gs_qmp_simple(qmp, "system_powerdown");
}

/* Takes @err. */
static struct gs_error *explain_powerdown(struct gs_error *err)
{
	if (!err || err->code != GS_ERROR_TIMEOUT)
		return err;
	gs_error_destroy(err);
	return gs_error_create(GS_ERROR_TIMEOUT,
			       "the guest was asked, but did not power down in time");
}

/* An end that the guest did not choose is no powerdown. */
static struct gs_error *judge_powerdown(const struct ending *ending)
{
	if (ending->by_guest)
		return NULL;
	return gs_error_create(GS_ERROR_GONE, "the guest did not power down, it was ended (%s)",
			       ending->reason);
}

int cmd_powerdown(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	struct ending ending;
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", POWERDOWN_MS, &timeout_ms);

	if (!err)
		err = target_open(args, 0, &target);
	if (!err)
		err = press_button(args, target.qmp);
	if (err)
		return gs_args_fail(args, err);
	if (!gs_args_has(args, "wait")) {
		gs_args_note(args, "the guest was asked; --wait waits until it is down");
		return GS_EXIT_OK;
	}
	err = await_end(&target, gs_deadline_in(timeout_ms), &ending);
	if (!err)
		err = judge_powerdown(&ending);
	if (err)
		return gs_args_fail(args, explain_powerdown(err));
	return report_ending(args, &ending);
}

/* ---- quit ---- */

int cmd_quit(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	struct ending ending;
	uint64_t timeout_ms;
	struct gs_error *err = gs_args_duration(args, "timeout", QUIT_MS, &timeout_ms);

	if (!err)
		err = target_open(args, timeout_ms, &target);
	if (!err)
		err = gs_qmp_simple(target.qmp, "quit");
	if (!err)
		err = await_end(&target, gs_deadline_in(timeout_ms), &ending);
	return err ? gs_args_fail(args, err) : report_ending(args, &ending);
}
