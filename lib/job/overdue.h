/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --max-pause: a clock that runs while a guest stands still. */
#ifndef GUESTSCOPE_JOB_OVERDUE_H
#define GUESTSCOPE_JOB_OVERDUE_H

#include <guestscope/base/progress.h>
#include <guestscope/guest.h>

struct overdue;

/*
 * When @max_ms have passed before overdue_end(), @progress is cancelled; and if that does not help
 * soon, as the job hangs in a write, the guardian of @pause resumes the guest. Both are borrowed.
 */
GS_MUST_CHECK struct gs_error *gs_overdue_begin(uint64_t max_ms, struct gs_progress *progress,
						struct gs_pause *pause, struct overdue **ret);
/* Stops the clock; true if it had struck. Frees @o; NULL is fine. */
bool gs_overdue_end(struct overdue *o);

#endif
