/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the dump and its dry run share. */
#ifndef GUESTSCOPE_JOB_DUMP_H
#define GUESTSCOPE_JOB_DUMP_H

#include <guestscope/job.h>

/* What this guest or the options do not allow is refused before the guest is touched. */
GS_MUST_CHECK struct gs_error *gs_job_check_dump(struct gs_qmp *qmp,
						 const struct gs_dump_spec *spec);
enum gs_engine gs_job_pick_engine(const struct gs_dump_spec *spec);
const char *gs_job_engine_name(enum gs_engine engine);

#endif
