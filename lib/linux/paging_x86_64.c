/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_64 page tables (Intel SDM volume 3, chapter 4.5): 4 or 5 levels of 512 entries.
 *
 *	vaddr bits  56..48  47..39  38..30  29..21  20..12  11..0
 *	level          5       4       3       2       1    offset
 *
 * An entry is present by bit 0; at level 3 and 2 bit 7 makes it a 1 GiB or 2 MiB page.
 */
#include "paging.h"

#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LARGE (UINT64_C(1) << 7)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define LARGE_LEVEL_MAX 3
#define PAGE_BITS 12

/* Canonical: bits that are not translated are copies of the highest that is. */
static bool holds(const struct paging *paging, uint64_t vaddr)
{
	unsigned int unused = 64 - paging->va_bits;

	return (uint64_t)((int64_t)(vaddr << unused) >> unused) == vaddr;
}

static enum paging_target decode(const struct paging *paging, uint64_t entry, unsigned int level,
				 gs_gpa_t *gpa_ret)
{
	(void)paging;
	if (!(entry & ENTRY_PRESENT))
		return PAGING_NOTHING;
	*gpa_ret = entry & ENTRY_ADDRESS;
	if (level == 1 || (level <= LARGE_LEVEL_MAX && (entry & ENTRY_LARGE)))
		return PAGING_PAGE;
	return PAGING_TABLE;
}

const struct paging_format gs_paging_x86_64 = {holds, decode};

struct gs_error *gs_x86_64_walk(struct gs_memory *mem, gs_gpa_t root_gpa, unsigned int levels,
				uint64_t vaddr, gs_gpa_t *gpa_ret, uint64_t *left_ret)
{
	const struct paging paging = {
		.format = &gs_paging_x86_64,
		.root_gpa = root_gpa & ENTRY_ADDRESS,
		.page_bits = PAGE_BITS,
		.va_bits = levels == 5 ? 57 : 48,
	};
	uint64_t left;

	if (levels != 4 && levels != 5)
		return gs_error_create(GS_ERROR_INVALID, "page tables of %u levels, not 4 or 5",
				       levels);
	return gs_paging_walk(&paging, mem, NULL, vaddr, gpa_ret, left_ret ? left_ret : &left);
}
