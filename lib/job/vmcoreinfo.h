/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO where a memory comes without. */
#ifndef GUESTSCOPE_JOB_VMCOREINFO_H
#define GUESTSCOPE_JOB_VMCOREINFO_H

#include <guestscope/job.h>

/* Whether what @spec asks for takes one, and @mem has none. */
bool gs_job_lacks_vmcoreinfo(const struct gs_memory *mem, const struct gs_output_spec *spec);

/*
 * Look for it in @mem, or only at @places of it where these are known (else NULL). *ret stays NULL
 * if there is none, which a later step will find out and explain; a note tells of one that was
 * found.
 */
GS_MUST_CHECK struct gs_error *gs_job_scan_vmcoreinfo(struct gs_memory *mem,
						      const struct gs_vmcoreinfo_places *places,
						      const struct gs_output_spec *spec,
						      char **ret);

/* Before gs_describe() of a memory that is cheap to read: give it the one that it lacks. */
GS_MUST_CHECK struct gs_error *gs_job_find_vmcoreinfo(struct gs_memory *mem,
						      const struct gs_output_spec *spec);

#endif
