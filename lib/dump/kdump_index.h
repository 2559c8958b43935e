/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bitmap of a kdump file in memory: which pages are set, and how many before each (their
 * descriptors' places). Blocks of 32768 pages that are all alike take no memory of their own.
 */
#ifndef GUESTSCOPE_DUMP_KDUMP_INDEX_H
#define GUESTSCOPE_DUMP_KDUMP_INDEX_H

#include <stdbool.h>

#include <guestscope/base/io.h>
#include <guestscope/memory.h>

#define KDUMP_PAGES_MAX (UINT64_C(1) << 36) /* 256 TiB of 4 KiB pages */

struct gs_kdump_index;

/* The bitmap of @pages bits at @off; bits behind them do not count. */
GS_MUST_CHECK struct gs_error *gs_kdump_index_load(struct gs_blob *blob, const char *what,
						   uint64_t off, uint64_t pages,
						   struct gs_kdump_index **ret);
void gs_kdump_index_destroy(struct gs_kdump_index *index);
GS_DEFINE_CLEANUP(struct gs_kdump_index *, gs_kdump_index_destroy)

/* How many pages are set below @pfn, which may be the end. */
uint64_t gs_kdump_index_rank(const struct gs_kdump_index *index, gs_pfn_t pfn);
/* Whether @pfn is set, and where that changes: at most @limit, at most the end of the bitmap. */
bool gs_kdump_index_run(const struct gs_kdump_index *index, gs_pfn_t pfn, gs_pfn_t limit,
			gs_pfn_t *end_ret);

#endif
