/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest memory with as much of an x86_64 Linux kernel in it as lib/linux looks at:
 *
 *	0x010000  page tables, one after the other
 *	0x200000  kernel text, at _stext       0x300000  swapper_pg_dir      0x301000  init_uts_ns
 *	0x400000  mem_section: 2048 pointers   0x408000  the first of its arrays of sections
 *	0x800000  end of RAM; there is more memory, which the kernel does not own, at 0xfd000000
 */
#ifndef TESTS_UNIT_FAKE_KERNEL_H
#define TESTS_UNIT_FAKE_KERNEL_H

#include <guestscope/base/bytes.h>
#include <guestscope/linux.h>

#include "unit.h"

#define FK_TABLES 0x10000
#define FK_TEXT 0x200000
#define FK_SWAPPER 0x300000
#define FK_UTS 0x301000
#define FK_ROOTS 0x400000
#define FK_SECTIONS 0x408000
#define FK_RAM_BYTES 0x800000
#define FK_VIDEO 0xfd000000
#define FK_VIDEO_BYTES 0x100000

#define FK_TEXT_VADDR UINT64_C(0xffffffff81000000)
#define FK_VADDR(gpa) (FK_TEXT_VADDR + ((gpa)-FK_TEXT)) /* of what lies in the text */
#define FK_PHYS_BASE (FK_TEXT - INT64_C(0x1000000))
#define FK_DIRECT_4 UINT64_C(0xffff888000000000)
#define FK_DIRECT_5 UINT64_C(0xff11000000000000)

#define FK_PRESENT UINT64_C(1)
#define FK_LARGE (UINT64_C(1) << 7)

struct fake_kernel {
	struct gs_memory mem;
	struct gs_range ranges[2];
	uint8_t *ram;
	unsigned int levels;
	uint64_t direct;
	gs_gpa_t next_table;
	unsigned int reads;
	gs_gpa_t bad; /* reads at or above it fail as a dead guest's do; 0: none */
	char info[4096];
};

static inline struct gs_error *fk_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct fake_kernel *k = (struct fake_kernel *)mem;

	k->reads++;
	if (k->bad && gpa >= k->bad)
		return gs_error_create(GS_ERROR_TIMEOUT, "silence");
	if (gpa < FK_RAM_BYTES)
		memcpy(buf, k->ram + gpa, size);
	else
		memset(buf, 0, size);
	return NULL;
}

static const struct gs_memory_ops fk_ops = {.format = "fake", .read = fk_read};

static inline void fk_put(struct fake_kernel *k, gs_gpa_t gpa, uint64_t value)
{
	assert_true(gpa <= FK_RAM_BYTES - 8);
	gs_put_u64(k->ram + gpa, value, false);
}

static inline uint64_t fk_get(const struct fake_kernel *k, gs_gpa_t gpa)
{
	return gs_get_u64(k->ram + gpa, false);
}

/* One more line of VMCOREINFO. */
GS_PRINTF(2, 3) static inline void fk_say(struct fake_kernel *k, const char *fmt, ...)
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

/* Take a line back: what begins with @key is no longer known by that name. */
static inline void fk_unsay(struct fake_kernel *k, const char *key)
{
	char *at = strstr(k->info, key);

	assert_non_null(at);
	*at = '#';
}

/* Where the entry for @vaddr is in the table of that level; the tables above are made. */
static inline gs_gpa_t fk_entry(struct fake_kernel *k, gs_gpa_t root, uint64_t vaddr,
				unsigned int level)
{
	gs_gpa_t table = root;

	for (unsigned int at = k->levels;; at--) {
		gs_gpa_t entry = table + (vaddr >> (12 + 9 * (at - 1)) & 511) * 8;

		if (at == level)
			return entry;
		if (!(fk_get(k, entry) & FK_PRESENT)) {
			fk_put(k, entry, k->next_table | FK_PRESENT);
			k->next_table += 4096;
		}
		table = fk_get(k, entry) & ~UINT64_C(0xfff);
	}
}

/* Map a page of the size that this level has: 1, 2 or 3. */
static inline void fk_map(struct fake_kernel *k, uint64_t vaddr, gs_gpa_t gpa, unsigned int level)
{
	fk_put(k, fk_entry(k, FK_SWAPPER, vaddr, level),
	       gpa | FK_PRESENT | (level > 1 ? FK_LARGE : 0));
}

static inline void fk_describe(struct fake_kernel *k)
{
	fk_say(k, "OSRELEASE=6.1.0-fake");
	fk_say(k, "SYMBOL(_stext)=%llx", (unsigned long long)FK_TEXT_VADDR);
	fk_say(k, "SYMBOL(swapper_pg_dir)=%llx", (unsigned long long)FK_VADDR(FK_SWAPPER));
	fk_say(k, "SYMBOL(init_uts_ns)=%llx", (unsigned long long)FK_VADDR(FK_UTS));
	fk_say(k, "OFFSET(uts_namespace.name)=4");
	fk_say(k, "NUMBER(phys_base)=%lld", (long long)FK_PHYS_BASE);
	fk_say(k, "NUMBER(pgtable_l5_enabled)=%d", k->levels == 5);
	fk_say(k, "SYMBOL(mem_section)=%llx", (unsigned long long)(k->direct + FK_ROOTS));
	fk_say(k, "LENGTH(mem_section)=2048");
	fk_say(k, "SIZE(mem_section)=16");
	fk_say(k, "OFFSET(mem_section.section_mem_map)=0");
	fk_say(k, "NUMBER(SECTION_SIZE_BITS)=27");
	fk_say(k, "NUMBER(MAX_PHYSMEM_BITS)=46");
}

static inline void fk_init(struct fake_kernel *k, unsigned int levels)
{
	static const char *const uts[] = {"Linux", "guest", "6.1.0-fake", "#1", "x86_64", "(none)"};

	*k = (struct fake_kernel){
		.mem = {.ops = &fk_ops, .name = (char *)"fake", .range_count = 2},
		.ranges = {{0, FK_RAM_BYTES}, {FK_VIDEO, FK_VIDEO_BYTES}},
		.ram = calloc(1, FK_RAM_BYTES),
		.levels = levels,
		.direct = levels == 5 ? FK_DIRECT_5 : FK_DIRECT_4,
		.next_table = FK_TABLES,
	};
	assert_non_null(k->ram);
	k->mem.ranges = k->ranges;
	k->mem.attrs = (struct gs_attributes){
		.arch = GS_ARCH_X86_64, .is_64bit = true, .page_size = 4096, .cpu_count = 1};
	fk_map(k, FK_TEXT_VADDR, FK_TEXT, 2);
	fk_map(k, k->direct, 0, 3);
	for (size_t i = 0; i < GS_UTSNAME_FIELDS; i++)
		strcpy((char *)k->ram + FK_UTS + 4 + i * GS_UTSNAME_SIZE, uts[i]);
	fk_put(k, FK_ROOTS, k->direct + FK_SECTIONS);
	fk_put(k, FK_SECTIONS, 0x1003); /* section 0 is present and has a mem_map */
	fk_describe(k);
}

static inline void fk_deinit(struct fake_kernel *k)
{
	free(k->ram);
}

#endif
