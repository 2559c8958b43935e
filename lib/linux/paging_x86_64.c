/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_64 page tables (Intel SDM volume 3, chapter 4.5): 4 or 5 levels of 512 entries of 8 bytes.
 *
 *	vaddr bits  56..48  47..39  38..30  29..21  20..12  11..0
 *	level          5       4       3       2       1    offset
 *
 * An entry is present by bit 0; at level 3 and 2 bit 7 makes it a 1 GiB or 2 MiB page.
 */
#include "paging.h"

#include <guestscope/base/bytes.h>

#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LARGE (UINT64_C(1) << 7)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define LEVEL_BITS 9
#define PAGE_BITS 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_BITS)

static unsigned int level_shift(unsigned int level)
{
	return PAGE_BITS + LEVEL_BITS * (level - 1);
}

static bool is_canonical(uint64_t vaddr, unsigned int levels)
{
	unsigned int unused = 64 - (level_shift(levels) + LEVEL_BITS);

	return (uint64_t)((int64_t)(vaddr << unused) >> unused) == vaddr;
}

static struct gs_error *read_entry(struct gs_memory *mem, struct page_table_cache *cache,
				   unsigned int level, gs_gpa_t table, unsigned int index,
				   uint64_t *ret)
{
	uint8_t raw[8];
	struct page_table *t;
	struct gs_error *err;

	if (!cache) {
		err = gs_memory_read(mem, table + index * 8, raw, sizeof(raw));
		if (!err)
			*ret = gs_get_u64(raw, false);
		return err;
	}
	t = &cache->level[level - 1];
	if (!t->valid || t->gpa != table) {
		t->valid = false;
		cache->reads++;
		err = gs_memory_read(mem, table, t->bytes, sizeof(t->bytes));
		if (err)
			return err;
		t->gpa = table;
		t->valid = true;
	}
	*ret = gs_get_u64(t->bytes + index * 8, false);
	return NULL;
}

struct gs_error *gs_x86_64_walk_cached(struct gs_memory *mem, struct page_table_cache *cache,
				       gs_gpa_t root_gpa, unsigned int levels, uint64_t vaddr,
				       gs_gpa_t *gpa_ret, uint64_t *left_ret)
{
	gs_gpa_t table = root_gpa & ENTRY_ADDRESS;

	*left_ret = PAGE_BYTES - (vaddr & (PAGE_BYTES - 1));
	if (!is_canonical(vaddr, levels))
		return gs_error_create(GS_ERROR_NODATA, "0x%" PRIx64 ": not canonical", vaddr);
	for (unsigned int level = levels; level > 0; level--) {
		unsigned int shift = level_shift(level);
		uint64_t page_bytes = UINT64_C(1) << shift, entry = 0;
		unsigned int index = (vaddr >> shift) & ((1 << LEVEL_BITS) - 1);
		struct gs_error *err = read_entry(mem, cache, level, table, index, &entry);

		if (err)
			return gs_error_wrap(err, "0x%" PRIx64 ": page table of level %u", vaddr,
					     level);
		*left_ret = page_bytes - (vaddr & (page_bytes - 1));
		if (!(entry & ENTRY_PRESENT))
			return gs_error_create(GS_ERROR_NODATA,
					       "0x%" PRIx64 ": not mapped (level %u)", vaddr,
					       level);
		table = entry & ENTRY_ADDRESS;
		if (level == 1 || (level <= 3 && (entry & ENTRY_LARGE))) {
			*gpa_ret = (table & ~(page_bytes - 1)) | (vaddr & (page_bytes - 1));
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_INVALID, "page tables of %u levels", levels);
}

struct gs_error *gs_x86_64_walk(struct gs_memory *mem, gs_gpa_t root_gpa, unsigned int levels,
				uint64_t vaddr, gs_gpa_t *gpa_ret, uint64_t *left_ret)
{
	uint64_t left;

	if (levels != 4 && levels != 5)
		return gs_error_create(GS_ERROR_INVALID, "page tables of %u levels, not 4 or 5",
				       levels);
	return gs_x86_64_walk_cached(mem, NULL, root_gpa, levels, vaddr, gpa_ret,
				     left_ret ? left_ret : &left);
}
