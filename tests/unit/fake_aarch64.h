/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest memory with as much of an aarch64 Linux kernel in it as lib/linux looks at, of any page
 * size and any number of bits. RAM begins at FA_RAM:
 *
 *	+0x000000  kernel text at _stext       +0x080000  swapper_pg_dir      +0x100000  init_uts_ns
 *	+0x200000  mem_section: its pointers   +0x210000  the first of its arrays of sections
 *	+0x300000  page tables, one after the other                           +0x800000  end of RAM
 */
#ifndef TESTS_UNIT_FAKE_AARCH64_H
#define TESTS_UNIT_FAKE_AARCH64_H

#include <guestscope/base/bytes.h>
#include <guestscope/linux.h>

#include "unit.h"

#define FA_RAM UINT64_C(0x40000000)
#define FA_RAM_BYTES 0x800000
#define FA_TEXT FA_RAM
#define FA_TEXT_BYTES 0x200000
#define FA_SWAPPER (FA_RAM + 0x80000)
#define FA_UTS (FA_RAM + 0x100000)
#define FA_ROOTS (FA_RAM + 0x200000)
#define FA_SECTIONS (FA_RAM + 0x210000)
#define FA_TABLES (FA_RAM + 0x300000)

#define FA_STEXT UINT64_C(0xffffffff80000000) /* in the upper half, however few bits there are */
#define FA_VOFFSET (FA_STEXT - FA_TEXT)
#define FA_SECTION_BITS 30

/* What an entry is, by its low bits. */
#define FA_BLOCK UINT64_C(1)
#define FA_TABLE UINT64_C(3)
#define FA_PAGE UINT64_C(3)

struct fake_aarch64 {
	struct gs_memory mem;
	struct gs_range range;
	uint8_t *ram;
	unsigned int page_bits, va_bits;
	int64_t phys_offset;
	uint64_t direct; /* virtual address of guest physical 0 */
	gs_gpa_t next_table;
	unsigned int reads;
	gs_gpa_t bad; /* reads at or above it fail as a dead guest's do; 0: none */
	char info[4096];
};

static inline struct gs_error *fa_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct fake_aarch64 *k = (struct fake_aarch64 *)mem;

	k->reads++;
	if (k->bad && gpa >= k->bad)
		return gs_error_create(GS_ERROR_TIMEOUT, "silence");
	memcpy(buf, k->ram + (gpa - FA_RAM), size);
	return NULL;
}

static const struct gs_memory_ops fa_ops = {.format = "fake", .read = fa_read};

static inline void fa_put(struct fake_aarch64 *k, gs_gpa_t gpa, uint64_t value)
{
	assert_in_range(gpa, FA_RAM, FA_RAM + FA_RAM_BYTES - 8);
	gs_put_u64(k->ram + (gpa - FA_RAM), value, false);
}

static inline uint64_t fa_get(const struct fake_aarch64 *k, gs_gpa_t gpa)
{
	assert_in_range(gpa, FA_RAM, FA_RAM + FA_RAM_BYTES - 8);
	return gs_get_u64(k->ram + (gpa - FA_RAM), false);
}

GS_PRINTF(2, 3) static inline void fa_say(struct fake_aarch64 *k, const char *fmt, ...)
{
	size_t used = strlen(k->info);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->info + used, sizeof(k->info) - used - 1, fmt, ap);
	va_end(ap);
	strcat(k->info, "\n");
	k->mem.attrs.vmcoreinfo = k->info;
	k->mem.attrs.vmcoreinfo_size = strlen(k->info);
}

static inline void fa_unsay(struct fake_aarch64 *k, const char *key)
{
	char *at = strstr(k->info, key);

	assert_non_null(at);
	*at = '#';
}

static inline unsigned int fa_level_shift(const struct fake_aarch64 *k, unsigned int level)
{
	return k->page_bits + (k->page_bits - 3) * (level - 1);
}

static inline unsigned int fa_levels(const struct fake_aarch64 *k)
{
	unsigned int levels = 1;

	while (fa_level_shift(k, levels + 1) < k->va_bits)
		levels++;
	return levels;
}

/* Where the bits of an address above the 48th are in an entry. */
static inline uint64_t fa_encode(const struct fake_aarch64 *k, gs_gpa_t gpa)
{
	uint64_t low = gpa & ((UINT64_C(1) << 48) - 1);

	if (k->page_bits == 16)
		return low | (gpa >> 48 & 15) << 12;
	if (k->va_bits > 48)
		return (gpa & ((UINT64_C(1) << 50) - 1)) | (gpa >> 50 & 3) << 8;
	return low;
}

/* Where the entry for @vaddr is in the table of that level; the tables above are made. */
static inline gs_gpa_t fa_entry(struct fake_aarch64 *k, uint64_t vaddr, unsigned int level)
{
	uint64_t translated = vaddr & ((UINT64_C(1) << k->va_bits) - 1);
	gs_gpa_t table = FA_SWAPPER;

	for (unsigned int at = fa_levels(k);; at--) {
		uint64_t mask = (UINT64_C(1) << (k->page_bits - 3)) - 1;
		gs_gpa_t entry = table + (translated >> fa_level_shift(k, at) & mask) * 8;

		if (at == level)
			return entry;
		if (!(fa_get(k, entry) & 1)) {
			fa_put(k, entry, k->next_table | FA_TABLE);
			k->next_table += UINT64_C(1) << k->page_bits;
		}
		table = fa_get(k, entry) & (UINT64_MAX << k->page_bits) & 0xffffffff;
	}
}

/* Map a page (level 1) or a block. */
static inline void fa_map(struct fake_aarch64 *k, uint64_t vaddr, gs_gpa_t gpa, unsigned int level)
{
	fa_put(k, fa_entry(k, vaddr, level), fa_encode(k, gpa) | (level > 1 ? FA_BLOCK : FA_PAGE));
}

static inline void fa_map_pages(struct fake_aarch64 *k, uint64_t vaddr, gs_gpa_t gpa, uint64_t size)
{
	for (uint64_t off = 0; off < size; off += UINT64_C(1) << k->page_bits)
		fa_map(k, vaddr + off, gpa + off, 1);
}

static inline void fa_describe(struct fake_aarch64 *k)
{
	fa_say(k, "OSRELEASE=6.1.0-fake");
	fa_say(k, "PAGESIZE=%u", 1u << k->page_bits);
	fa_say(k, "SYMBOL(_stext)=%llx", (unsigned long long)FA_STEXT);
	fa_say(k, "SYMBOL(swapper_pg_dir)=%llx", (unsigned long long)(FA_SWAPPER + FA_VOFFSET));
	fa_say(k, "SYMBOL(init_uts_ns)=%llx", (unsigned long long)(FA_UTS + FA_VOFFSET));
	fa_say(k, "OFFSET(uts_namespace.name)=4");
	fa_say(k, "NUMBER(VA_BITS)=%u", k->va_bits);
	fa_say(k, "NUMBER(TCR_EL1_T1SZ)=0x%x", 64 - k->va_bits);
	fa_say(k, "NUMBER(kimage_voffset)=0x%llx", (unsigned long long)FA_VOFFSET);
	fa_say(k, "NUMBER(PHYS_OFFSET)=0x%llx", (unsigned long long)k->phys_offset);
	fa_say(k, "SYMBOL(mem_section)=%llx", (unsigned long long)(k->direct + FA_ROOTS));
	fa_say(k, "LENGTH(mem_section)=2048");
	fa_say(k, "SIZE(mem_section)=16");
	fa_say(k, "OFFSET(mem_section.section_mem_map)=0");
	fa_say(k, "NUMBER(SECTION_SIZE_BITS)=%u", FA_SECTION_BITS);
	fa_say(k, "NUMBER(MAX_PHYSMEM_BITS)=48");
}

/* A kernel whose direct map begins at the lowest address of its half, for @phys_offset. */
static inline void fa_init(struct fake_aarch64 *k, uint32_t page_size, unsigned int va_bits,
			   int64_t phys_offset)
{
	static const char *const uts[] = {"Linux", "guest",   "6.1.0-fake",
					  "#1",    "aarch64", "(none)"};

	*k = (struct fake_aarch64){
		.mem = {.ops = &fa_ops, .name = (char *)"fake", .range_count = 1},
		.range = {FA_RAM, FA_RAM_BYTES},
		.ram = calloc(1, FA_RAM_BYTES),
		.page_bits = (unsigned int)__builtin_ctz(page_size),
		.va_bits = va_bits,
		.phys_offset = phys_offset,
		.direct = (UINT64_MAX << va_bits) - (uint64_t)phys_offset,
		.next_table = FA_TABLES,
	};
	assert_non_null(k->ram);
	k->mem.ranges = &k->range;
	/* The page size is not yet known, as in a dump whose VMCOREINFO comes from elsewhere. */
	k->mem.attrs = (struct gs_attributes){
		.arch = GS_ARCH_AARCH64, .is_64bit = true, .page_size = 4096, .cpu_count = 1};
	fa_map_pages(k, FA_STEXT, FA_TEXT, FA_TEXT_BYTES);
	fa_map_pages(k, k->direct + FA_RAM, FA_RAM, FA_RAM_BYTES);
	for (size_t i = 0; i < GS_UTSNAME_FIELDS; i++)
		strcpy((char *)k->ram + (FA_UTS - FA_RAM) + 4 + i * GS_UTSNAME_SIZE, uts[i]);
	fa_put(k, FA_ROOTS, k->direct + FA_SECTIONS);
	fa_put(k, FA_SECTIONS + (FA_RAM >> FA_SECTION_BITS) * 16, 0x1003);
	fa_describe(k);
}

static inline void fa_deinit(struct fake_aarch64 *k)
{
	free(k->ram);
}

#endif
