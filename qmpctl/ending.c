/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a guest ends: what SHUTDOWN said, and whether QEMU is gone. */
#include <stdio.h>
#include <string.h>

#include <guestscope/base/process.h>

#include "qmpctl.h"

bool ending_note(struct ending *ending, const struct gs_qmp_event *event)
{
	const char *reason = gs_json_string(gs_json_get(event->data, "reason"));

	if (strcmp(event->name, "SHUTDOWN") != 0)
		return false;
	snprintf(ending->reason, sizeof(ending->reason), "%s", reason ? reason : "unknown");
	ending->by_guest = gs_json_is_true(gs_json_get(event->data, "guest"));
	ending->synthetic = event->synthetic;
	return true;
}

/* After SHUTDOWN, a STOP means that QEMU was told to stay (-no-shutdown). */
static struct gs_error *check_stays(struct target *target, struct ending *ending)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(target->qmp, &status);

	if (!err)
		ending->stays = strcmp(status.status, "shutdown") == 0;
	return err;
}

/* The monitor is silent for ever; the process takes a little longer to be gone. */
struct gs_error *await_process(const struct target *target, uint64_t deadline_ms)
{
	if (target->pidfd < 0 || gs_pidfd_wait(target->pidfd, deadline_ms))
		return NULL;
	return gs_error_create(GS_ERROR_TIMEOUT,
			       "the monitor is closed, but process %d is still there",
			       (int)target->pid);
}

struct gs_error *ending_follow(struct target *target, struct ending *ending,
			       const struct gs_qmp_event *event)
{
	ending->shut_down |= ending_note(ending, event);
	if (ending->shut_down && strcmp(event->name, "STOP") == 0)
		return check_stays(target, ending);
	return NULL;
}

struct gs_error *await_end(struct target *target, uint64_t deadline_ms, struct ending *ret)
{
	*ret = (struct ending){.reason = "unknown"};
	while (!ret->stays) {
		struct gs_qmp_event event;
		struct gs_error *err = next_event_in_time(target->qmp, deadline_ms, &event);

		if (!err) {
			err = ending_follow(target, ret, &event);
			gs_qmp_event_deinit(&event);
		}
		if (err && (err->code == GS_ERROR_GONE || err->code == GS_ERROR_LOST)) {
			gs_error_destroy(err);
			return await_process(target, deadline_ms);
		}
		if (err)
			return err;
	}
	return NULL;
}

void emit_ending(struct gs_emit *e, const struct ending *ending)
{
	gs_emit_string(e, "reason", "Reason", ending->reason);
	gs_emit_bool(e, "guest", "By the guest", ending->by_guest);
	gs_emit_bool(e, "synthetic", NULL, ending->synthetic);
	gs_emit_bool(e, "qemu_stays", ending->stays ? "QEMU stays" : NULL, ending->stays);
}
