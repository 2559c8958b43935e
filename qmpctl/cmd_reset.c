/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset: press the guest's reset button and see that it was felt. */
#include <string.h>

#include <guestscope/base/time.h>

#include "qmpctl.h"

#define RESET_MS 30000

/* RESET comes when the machine has been reset; SHUTDOWN instead of it under -no-reboot. */
static struct gs_error *await_reset(struct gs_qmp *qmp)
{
	uint64_t deadline_ms = gs_deadline_in(RESET_MS);
	struct ending ending = {0};
	bool done = false, over = false;

	while (!done && !over) {
		struct gs_qmp_event event;
		struct gs_error *err = gs_qmp_next_event(qmp, deadline_ms, &event);

		if (err)
			return gs_error_wrap(err, "awaiting RESET");
		done = strcmp(event.name, "RESET") == 0;
		over = ending_note(&ending, &event);
		gs_qmp_event_deinit(&event);
	}
	return over ? gs_error_create(GS_ERROR_GONE, "the guest ended instead (%s)", ending.reason)
		    : NULL;
}

int cmd_reset(struct gs_args *args)
{
	auto_target struct target target;
	struct gs_qmp_status status;
	struct gs_error *err = target_open(args, 0, &target);
	struct gs_emit *e;

	if (err)
		return gs_args_fail(args, err);
	gs_qmp_drop_events(target.qmp);
	err = gs_qmp_simple(target.qmp, "system_reset");
	if (!err)
		err = await_reset(target.qmp);
	if (!err)
		err = gs_qmp_query_status(target.qmp, &status);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "state", "State", status.status);
	gs_emit_bool(e, "running", NULL, status.running);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
