/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page table walks with a memory of the tables last seen, for callers that walk many addresses. */
#ifndef GUESTSCOPE_LINUX_PAGING_H
#define GUESTSCOPE_LINUX_PAGING_H

#include <guestscope/linux.h>

#include <inttypes.h>

#define PAGE_TABLE_BYTES 4096
#define PAGE_TABLE_LEVELS_MAX 5

struct page_table {
	bool valid;
	gs_gpa_t gpa;
	uint8_t bytes[PAGE_TABLE_BYTES];
};

/* One table per level: walks of rising addresses read each table once. */
struct page_table_cache {
	unsigned int reads; /* of tables, so far */
	struct page_table level[PAGE_TABLE_LEVELS_MAX];
};

/*
 * As gs_x86_64_walk(); @cache may be NULL. *left_ret is always set, for unmapped addresses too:
 * bytes up to where the missing entry's reach ends.
 */
GS_MUST_CHECK struct gs_error *gs_x86_64_walk_cached(struct gs_memory *mem,
						     struct page_table_cache *cache,
						     gs_gpa_t root_gpa, unsigned int levels,
						     uint64_t vaddr, gs_gpa_t *gpa_ret,
						     uint64_t *left_ret);
#endif
