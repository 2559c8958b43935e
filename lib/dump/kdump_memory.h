/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kdump file or split set while it is open: what kdump_open.c fills and kdump_read.c reads. */
#ifndef GUESTSCOPE_DUMP_KDUMP_MEMORY_H
#define GUESTSCOPE_DUMP_KDUMP_MEMORY_H

#include "formats.h"
#include "kdump_index.h"
#include "kdump_pages.h"

/* Readers that wait for the next read. When more threads read at a time, they make their own. */
#define KDUMP_POOL_SIZE 64

struct gs_kdump_reader;

struct gs_kdump_memory {
	struct gs_dump_memory dump;
	struct gs_kdump_part *parts; /* by start_pfn */
	size_t part_count;
	struct gs_kdump_index *index; /* of the pages that have a descriptor */
	uint32_t block_size;
	_Atomic gs_pfn_t lost_end; /* lost pages are counted up to here */
	_Atomic(struct gs_kdump_reader *) pool[KDUMP_POOL_SIZE];
};

/* The part that has @pfn, and up to @limit where it has all pages or (*set_ret) none. */
struct gs_kdump_part *gs_kdump_find_run(const struct gs_kdump_memory *m, gs_pfn_t pfn,
					gs_pfn_t limit, bool *set_ret, gs_pfn_t *end_ret);
/* The place of @pfn's descriptor in the table of @part. */
uint64_t gs_kdump_rank_in_part(const struct gs_kdump_memory *m, const struct gs_kdump_part *part,
			       gs_pfn_t pfn);

#endif
