/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables of x86 without long mode (Intel SDM volume 3, chapters 4.3 and 4.4).
 *
 *	vaddr bits          31..30  29..21  20..12  11..0      entries of 8 bytes: PAE
 *	vaddr bits          31..22  21..12  11..0              entries of 4 bytes
 *
 * Bit 7 makes an entry of the last level but one a page of 2 MiB, or of 4 MiB if CR4 allows that.
 */
#include "paging.h"

#include <guestscope/base/bytes.h>

#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LARGE (UINT64_C(1) << 7)
#define PAE_ADDRESS UINT64_C(0x000ffffffffff000)
#define PAE_ROOT UINT64_C(0xffffffe0)
#define LEGACY_ADDRESS UINT64_C(0xfffff000)
#define PAGE_BYTES UINT64_C(4096)

struct level {
	unsigned int shift, bits;
	bool may_be_large;
};

static const struct level pae_levels[] = {{30, 2, false}, {21, 9, true}, {12, 9, false}};
static const struct level legacy_levels[] = {{22, 10, true}, {12, 10, false}};

static gs_gpa_t large_page(uint64_t entry, uint64_t page_bytes, bool pae)
{
	if (pae)
		return entry & PAE_ADDRESS & ~(page_bytes - 1);
	/* PSE-36: bits 13 to 20 are the address's bits 32 to 39. */
	return (entry & LEGACY_ADDRESS & ~(page_bytes - 1)) | (entry >> 13 & 0xff) << 32;
}

struct gs_error *gs_x86_32_walk(struct gs_memory *mem, const struct x86_32_paging *paging,
				uint64_t vaddr, gs_gpa_t *gpa_ret, uint64_t *left_ret)
{
	const struct level *levels = paging->pae ? pae_levels : legacy_levels;
	unsigned int count = paging->pae ? 3 : 2, width = paging->pae ? 8 : 4;
	gs_gpa_t table = paging->cr3 & (paging->pae ? PAE_ROOT : LEGACY_ADDRESS);

	*left_ret = PAGE_BYTES - (vaddr & (PAGE_BYTES - 1));
	if (vaddr > UINT32_MAX)
		return gs_error_create(GS_ERROR_NODATA, "0x%" PRIx64 ": not an address of 32 bits",
				       vaddr);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t page_bytes = UINT64_C(1) << levels[i].shift, entry;
		uint64_t index = vaddr >> levels[i].shift & ((1u << levels[i].bits) - 1);
		uint8_t raw[8];
		struct gs_error *err = gs_memory_read(mem, table + index * width, raw, width);

		if (err)
			return gs_error_wrap(err, "0x%" PRIx64 ": page table of level %u", vaddr,
					     count - i);
		entry = gs_get_uint(raw, width, false);
		*left_ret = page_bytes - (vaddr & (page_bytes - 1));
		if (!(entry & ENTRY_PRESENT))
			return gs_error_create(GS_ERROR_NODATA,
					       "0x%" PRIx64 ": not mapped (level %u)", vaddr,
					       count - i);
		table = entry & (paging->pae ? PAE_ADDRESS : LEGACY_ADDRESS);
		if (levels[i].may_be_large && entry & ENTRY_LARGE && (paging->pae || paging->pse))
			table = large_page(entry, page_bytes, paging->pae);
		else if (i + 1 < count)
			continue;
		*gpa_ret = table | (vaddr & (page_bytes - 1));
		break;
	}
	return NULL;
}
