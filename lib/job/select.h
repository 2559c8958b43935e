/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step "select" for a memory that can be read more than once. */
#ifndef GUESTSCOPE_JOB_SELECT_H
#define GUESTSCOPE_JOB_SELECT_H

#include <guestscope/job.h>

struct select_options {
	bool drop_zero;       /* reads all pages that are kept otherwise */
	unsigned int exclude; /* GS_EXCLUDE_*; ZERO means nothing here: the writer sees to it */
	unsigned int threads; /* 0: as many as CPUs */
	struct gs_progress *progress; /* only to see a cancel; or NULL */
};

/*
 * The pages of @ranges (normalized, within @mem) that @mem has, less those that are to be left out.
 * NODATA if only the guest's kernel could tell them and is not found: the message has the remedy.
 */
GS_MUST_CHECK struct gs_error *gs_job_select(struct gs_memory *mem, const struct gs_range *ranges,
					     size_t range_count,
					     const struct select_options *options,
					     struct gs_selection **ret);

#endif
