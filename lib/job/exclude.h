/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving out pages by what the guest's kernel uses them for: a part of the step "select". */
#ifndef GUESTSCOPE_JOB_EXCLUDE_H
#define GUESTSCOPE_JOB_EXCLUDE_H

#include <guestscope/job.h>

/* The classes that only the guest's kernel can tell. */
#define EXCLUDE_BY_KERNEL (GS_EXCLUDE_ALL & ~GS_EXCLUDE_ZERO)

/*
 * Drop from @sel the pages of @mem that are in the classes @exclude (some of EXCLUDE_BY_KERNEL).
 * NODATA says what to do about it when the kernel cannot be found. A cancel gives OS "stopped".
 */
GS_MUST_CHECK struct gs_error *gs_exclude_pages(struct gs_memory *mem, unsigned int exclude,
						unsigned int threads, struct gs_progress *progress,
						struct gs_selection *sel);

#endif
