/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be waited for, and waiting for it. */
#ifndef QMPCTL_CONDITIONS_H
#define QMPCTL_CONDITIONS_H

#include "qmpctl.h"

enum condition_kind {
	CONDITION_EXIT,
	CONDITION_EVENT, /* name: of the event, or a GLOB */
	CONDITION_STATE,
	CONDITION_JOB, /* name: its id */
};

struct condition {
	enum condition_kind kind;
	const char *name;
	/* Of a job: whether it was there, was seen to be aborted, and what went wrong. */
	bool job_seen, job_failed;
	char *job_error;
};

/* What --for says; NULL: the end of the guest. */
struct condition condition_parse(const char *text);
/* INVALID: there is no such event or state, so that it would be waited for in vain. */
GS_MUST_CHECK struct gs_error *conditions_check(struct gs_qmp *qmp,
						const struct condition *conditions, size_t count);

struct waiting {
	struct target *target;
	struct condition *conditions;
	size_t count;
	/* What came of it. */
	const struct condition *met;
	struct gs_qmp_event event; /* of an event: the one */
	struct gs_qmp_status status;
	struct ending ending;
};
/*
 * Until the first condition is met. GONE or LOST: the guest ended, and its end was not what was
 * awaited. NODATA: there is no such job. TIMEOUT.
 */
GS_MUST_CHECK struct gs_error *waiting_await(struct waiting *waiting, uint64_t deadline_ms);
void waiting_deinit(struct waiting *waiting);

#endif
