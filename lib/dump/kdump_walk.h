/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page descriptors of an open kdump file or split set, batch by batch. */
#ifndef GUESTSCOPE_DUMP_KDUMP_WALK_H
#define GUESTSCOPE_DUMP_KDUMP_WALK_H

#include "kdump_memory.h"
#include "kdump_parse.h"

/* Consecutive pages that have descriptors, all in one part. */
struct gs_kdump_batch {
	struct gs_kdump_part *part;
	gs_pfn_t pfn;
	uint64_t rank; /* of the first descriptor in the part's table */
	size_t count;  /* at most KDUMP_BATCH_PAGES */
	struct gs_kdump_page pages[KDUMP_BATCH_PAGES];
	bool shares_zero[KDUMP_BATCH_PAGES]; /* whether its data is the part's shared zero page */
};

typedef struct gs_error *(*gs_kdump_batch_fn)(void *arg, const struct gs_kdump_batch *batch);

/* All pages of [@pfn, @end) that have descriptors, in order; the first error of @fn ends it. */
GS_MUST_CHECK struct gs_error *gs_kdump_walk(const struct gs_kdump_memory *m, gs_pfn_t pfn,
					     gs_pfn_t end, gs_kdump_batch_fn fn, void *arg);

/*
 * The shared zero page of a part: the first of its data, where the dump level says that there is
 * one. *off_ret 0: none there.
 */
GS_MUST_CHECK struct gs_error *gs_kdump_find_zero_page(const struct gs_kdump_part *part,
						       const struct gs_kdump_headers *h,
						       uint64_t kept_pages, uint64_t *off_ret);

/* @mem as what it is; INVALID if it is something else. */
GS_MUST_CHECK struct gs_error *gs_kdump_from_memory(struct gs_memory *mem,
						    const struct gs_kdump_memory **ret);

#endif
