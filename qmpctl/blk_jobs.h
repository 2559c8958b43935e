/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's jobs, followed from look to look, and to an end that only events may tell. */
#ifndef QMPCTL_BLK_JOBS_H
#define QMPCTL_BLK_JOBS_H

#include <guestscope/block.h>

#include "qmpctl.h"

enum job_end { JOB_GOES_ON, JOB_COMPLETED, JOB_FAILED, JOB_CANCELLED, JOB_DISMISSED };
extern const char *const job_end_words[]; /* NULL for one that goes on */

/* Strings are owned. */
struct followed_job {
	char *id, *type, *status, *error, *io_status;
	uint64_t current, total, speed_limit;
	/* What the rate is measured from, and what comes after it; taken at 0: not seen in a list.
	 */
	struct job_mark {
		uint64_t taken_ns, current;
	} from, next;
	bool is_block_job;
	bool aborted; /* it was seen to give up */
	struct gs_block_job_pace pace;
	enum job_end end;
};
struct followed_jobs {
	struct followed_job *jobs; /* in the order in which they were met */
	size_t count;
	const char *const *only; /* NULL-terminated ids; empty: all */
	bool failed;             /* no memory; told by the next jobs_look() */
};
/* Ask for the jobs; those that were there and are no more have ended. */
GS_MUST_CHECK struct gs_error *jobs_look(struct followed_jobs *jobs, struct gs_qmp *qmp);
/* What @event says of the end of a job; true where the list may be worth a look now. */
bool jobs_note(struct followed_jobs *jobs, const struct gs_qmp_event *event);
/* NULL: none has that id. */
const struct followed_job *jobs_find(const struct followed_jobs *jobs, const char *id);
/* Whether one of them goes on. */
bool jobs_go_on(const struct followed_jobs *jobs);
void jobs_free(struct followed_jobs *jobs);

static inline void jobs_cleanup(struct followed_jobs *jobs)
{
	jobs_free(jobs);
}
#define auto_jobs __attribute__((cleanup(jobs_cleanup)))

#endif
