/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step "write", as dump and convert share it. */
#ifndef GUESTSCOPE_JOB_OUTPUT_H
#define GUESTSCOPE_JOB_OUTPUT_H

#include <guestscope/job.h>

/* The options that make no sense together; INVALID says which. */
GS_MUST_CHECK struct gs_error *gs_job_check_spec(const struct gs_output_spec *spec);

/* To spec->note, if there is one. */
GS_PRINTF(2, 3) void gs_job_note(const struct gs_output_spec *spec, const char *fmt, ...);
/*
 * What a user ought to know before the write: ranges of @all that are left out, a guest that is no
 * Linux, zero pages that readers will not find.
 */
void gs_job_note_choices(const struct gs_output_spec *spec, const struct gs_description *d,
			 const struct gs_range *all, size_t all_count);

/* A kdump file needs offsets, and where there are none it is flattened. @out is borrowed. */
GS_MUST_CHECK struct gs_error *gs_job_open_sink(const struct gs_outfile *out,
						enum gs_dump_format format, bool flatten,
						struct gs_sink **ret);

void gs_job_layout_init(struct gs_layout *layout, const struct gs_output_spec *spec,
			const struct gs_description *d, const struct gs_selection *selection);

/*
 * Everything from @src (which hands out the selection's ranges) into @out, not yet committed. Fills
 * all of *ret but seconds.
 */
GS_MUST_CHECK struct gs_error *gs_job_write(struct gs_page_source *src,
					    const struct gs_output_spec *spec,
					    const struct gs_description *d,
					    const struct gs_selection *selection,
					    struct gs_outfile *out, struct gs_job_result *ret);

#endif
