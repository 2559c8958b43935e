/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buckets of a survey. */
#ifndef GUESTSCOPE_JOB_SURVEY_H
#define GUESTSCOPE_JOB_SURVEY_H

#include <guestscope/job.h>

/* All that the ranges of @mem touch, with empty tallies; INVALID as gs_survey() says. */
GS_MUST_CHECK struct gs_error *gs_survey_make_buckets(const struct gs_memory *mem,
						      uint64_t bucket_bytes, struct gs_survey *s);
/* The one that holds @gpa, an address inside a range. */
struct gs_bucket *gs_survey_find_bucket(const struct gs_survey *s, gs_gpa_t gpa);
void gs_page_tally_merge(struct gs_page_tally *t, const struct gs_page_tally *other);

#endif
