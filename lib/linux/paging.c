/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks page tables. */
#include "paging.h"

#include <guestscope/base/bytes.h>

#define ENTRY_BITS 3 /* log2 of an entry's size */

static unsigned int index_bits(const struct paging *paging)
{
	return paging->page_bits - ENTRY_BITS;
}

unsigned int gs_paging_levels(const struct paging *paging)
{
	return (paging->va_bits - paging->page_bits + index_bits(paging) - 1) / index_bits(paging);
}

/* The lowest bit of an address that selects an entry of that level. */
static unsigned int level_shift(const struct paging *paging, unsigned int level)
{
	return paging->page_bits + index_bits(paging) * (level - 1);
}

/* The top level's table may be smaller than a page. */
static uint64_t index_at(const struct paging *paging, unsigned int level, uint64_t vaddr)
{
	uint64_t translated = vaddr & ((UINT64_C(1) << paging->va_bits) - 1);

	return translated >> level_shift(paging, level) & ((UINT64_C(1) << index_bits(paging)) - 1);
}

static struct gs_error *read_entry(struct gs_memory *mem, struct page_table_part *part,
				   struct page_table_cache *cache, gs_gpa_t gpa, uint64_t *ret)
{
	gs_gpa_t start = gpa & ~(gs_gpa_t)(PAGE_TABLE_PART_BYTES - 1);
	struct gs_error *err;

	if (!part->valid || part->gpa != start) {
		part->valid = false;
		cache->reads++;
		err = gs_memory_read(mem, start, part->bytes, sizeof(part->bytes));
		if (err)
			return err;
		part->gpa = start;
		part->valid = true;
	}
	*ret = gs_get_u64(part->bytes + (gpa - start), false);
	return NULL;
}

static struct gs_error *get_entry(struct gs_memory *mem, struct page_table_cache *cache,
				  unsigned int level, gs_gpa_t gpa, uint64_t *ret)
{
	uint8_t raw[1 << ENTRY_BITS];
	struct gs_error *err;

	if (cache)
		return read_entry(mem, &cache->level[level - 1], cache, gpa, ret);
	err = gs_memory_read(mem, gpa, raw, sizeof(raw));
	if (!err)
		*ret = gs_get_u64(raw, false);
	return err;
}

struct gs_error *gs_paging_walk(const struct paging *paging, struct gs_memory *mem,
				struct page_table_cache *cache, uint64_t vaddr, gs_gpa_t *gpa_ret,
				uint64_t *left_ret)
{
	gs_gpa_t gpa = paging->root_gpa & ~(gs_gpa_t)((1 << ENTRY_BITS) - 1);

	*left_ret = PAGE_TABLE_PART_BYTES - (vaddr & (PAGE_TABLE_PART_BYTES - 1));
	if (!paging->format->holds(paging, vaddr))
		return gs_error_create(GS_ERROR_NODATA, "0x%" PRIx64 ": not canonical", vaddr);
	for (unsigned int level = gs_paging_levels(paging); level > 0; level--) {
		uint64_t page_bytes = UINT64_C(1) << level_shift(paging, level), entry = 0;
		gs_gpa_t at = gpa + (index_at(paging, level, vaddr) << ENTRY_BITS);
		struct gs_error *err = get_entry(mem, cache, level, at, &entry);

		*left_ret = page_bytes - (vaddr & (page_bytes - 1));
		if (err)
			return gs_error_wrap(err, "0x%" PRIx64 ": page table of level %u", vaddr,
					     level);
		switch (paging->format->decode(paging, entry, level, &gpa)) {
		case PAGING_TABLE:
			break;
		case PAGING_PAGE:
			*gpa_ret = (gpa & ~(page_bytes - 1)) | (vaddr & (page_bytes - 1));
			return NULL;
		case PAGING_NOTHING:
			return gs_error_create(GS_ERROR_NODATA,
					       "0x%" PRIx64 ": not mapped (level %u)", vaddr,
					       level);
		}
	}
	return gs_error_create(GS_ERROR_INVALID, "page tables without levels");
}
