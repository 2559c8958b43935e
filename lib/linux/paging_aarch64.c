/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aarch64 page tables of the kernel's half (Arm ARM, chapter D8, "VMSAv8-64"). A table is a page of
 * entries; the number of levels follows from the page size and the bits that are translated.
 *
 *	page size   bits per level   blocks                levels for 39, 48 and 52 bits
 *	   4 KiB          9          2 MiB, 1 GiB               3     4     5
 *	  16 KiB         11          32 MiB                     3     4     4
 *	  64 KiB         13          512 MiB                    2     3     3
 *
 * An entry is valid by bit 0. Bit 1 tells a table (at level 1: a page) from a block. Its address
 * ends at bit 47; bits 48 to 51 of it are in bits 12 to 15 with pages of 64 KiB, which are zero
 * where those do not exist. 4 and 16 KiB have such addresses only together with virtual ones of 52
 * bits (LPA2): then they end at bit 49, and bits 50 and 51 are in bits 8 and 9. Blocks of 512 GiB
 * (4 KiB), 64 GiB (16 KiB) and 4 TiB (64 KiB) came with them.
 */
#include "paging.h"

#define ENTRY_VALID UINT64_C(1)
#define ENTRY_TABLE UINT64_C(2)
#define PAGE_BITS_64K 16

static bool has_lpa2(const struct paging *paging)
{
	return paging->page_bits < PAGE_BITS_64K && paging->va_bits > 48;
}

/* The bits [low, high] of @entry, where they are. */
static uint64_t bits(uint64_t entry, unsigned int low, unsigned int high)
{
	return entry & (UINT64_MAX << low) & (UINT64_MAX >> (63 - high));
}

static gs_gpa_t address(const struct paging *paging, uint64_t entry)
{
	if (has_lpa2(paging))
		return bits(entry, paging->page_bits, 49) | bits(entry, 8, 9) << 42;
	if (paging->page_bits == PAGE_BITS_64K)
		return bits(entry, PAGE_BITS_64K, 47) | bits(entry, 12, 15) << 36;
	return bits(entry, paging->page_bits, 47);
}

/* The highest level that may have blocks. */
static unsigned int block_level_max(const struct paging *paging)
{
	unsigned int level = paging->page_bits == 12 ? 3 : 2;

	return level + (has_lpa2(paging) || paging->page_bits == PAGE_BITS_64K);
}

static bool holds(const struct paging *paging, uint64_t vaddr)
{
	return vaddr >> paging->va_bits == UINT64_MAX >> paging->va_bits;
}

static enum paging_target decode(const struct paging *paging, uint64_t entry, unsigned int level,
				 gs_gpa_t *gpa_ret)
{
	bool is_block = !(entry & ENTRY_TABLE);

	if (!(entry & ENTRY_VALID) || (is_block && (level == 1 || level > block_level_max(paging))))
		return PAGING_NOTHING;
	*gpa_ret = address(paging, entry);
	return is_block || level == 1 ? PAGING_PAGE : PAGING_TABLE;
}

const struct paging_format gs_paging_aarch64 = {holds, decode};

bool gs_aarch64_has(uint32_t page_size, unsigned int va_bits)
{
	return (page_size == 4096 || page_size == 16384 || page_size == 65536) && va_bits >= 36 &&
	       va_bits <= 52;
}

struct gs_error *gs_aarch64_walk(struct gs_memory *mem, gs_gpa_t root_gpa, uint32_t page_size,
				 unsigned int va_bits, uint64_t vaddr, gs_gpa_t *gpa_ret,
				 uint64_t *left_ret)
{
	const struct paging paging = {
		.format = &gs_paging_aarch64,
		.root_gpa = root_gpa,
		.page_bits = (unsigned int)__builtin_ctz(page_size ? page_size : 1),
		.va_bits = va_bits,
	};
	uint64_t left;

	if (!gs_aarch64_has(page_size, va_bits))
		return gs_error_create(GS_ERROR_INVALID,
				       "page tables of %u-byte pages and %u-bit addresses",
				       page_size, va_bits);
	return gs_paging_walk(&paging, mem, NULL, vaddr, gpa_ret, left_ret ? left_ret : &left);
}
