/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel on x86_64. Virtual addresses (Documentation/arch/x86/x86_64/mm.rst): text is linked at
 * START_KERNEL_MAP and lies at phys_base; the direct map's start is moved by KASLR in steps of 1
 * GiB.
 */
#include "kernel.h"

#include <stdlib.h>

#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)
#define KERNEL_IMAGE_END UINT64_C(0xffffffffc0000000) /* modules from here on, if not before */
#define DIRECT_MAP_ALIGN (UINT64_C(1) << 30)
#define KERNEL_HALF UINT64_C(0xffff800000000000)
#define KERNEL_HALF_LA57 UINT64_C(0xff00000000000000)
#define CR3_ADDRESS UINT64_C(0x000ffffffffff000)
#define VA_BITS 48
#define VA_BITS_LA57 57

/*
 * A search of a live guest's page tables keeps the guest stopped, a millisecond or two per table:
 * tables that were made to be searched for ever are given up.
 */
#define CPU_ROOTS_MAX 64
#define DIRECT_MAP_TRIES 4096 /* KASLR leaves at most 512 unused entries at each of the levels */
#define DIRECT_MAP_READS 64

/* The root table must map itself where the candidate says it is, else the candidate is stale. */
static struct gs_error *try_swapper(struct gs_linux *l, const char *symbol)
{
	struct gs_error *err;
	uint64_t vaddr;
	int64_t phys_base;

	if (!gs_vmcoreinfo_symbol(l->info, symbol, &vaddr) ||
	    !gs_vmcoreinfo_number(l->info, "phys_base", &phys_base) || vaddr < START_KERNEL_MAP)
		return NULL;
	err = gs_kernel_try_root(l, vaddr - START_KERNEL_MAP + (uint64_t)phys_base, vaddr);
	if (l->root_gpa) {
		l->phys_base = phys_base;
		l->has_phys_base = true;
	}
	return err;
}

/* The page tables that the next CPU was using, as QEMU's note recorded them; 0: no more CPUs. */
static gs_gpa_t next_cpu_root(const struct gs_attributes *attrs, size_t *pos)
{
	for (;;) {
		struct gs_note note;
		bool found = false;
		struct gs_error *err = gs_note_next(attrs->notes, attrs->notes_size,
						    attrs->big_endian, pos, &note, &found);
		struct gs_cpu cpu;

		if (err || !found) {
			gs_error_destroy(err);
			return 0;
		}
		if (gs_note_cpu(&note, attrs->arch, attrs->big_endian, &cpu) && cpu.has_cr3 &&
		    (cpu.cr3 & CR3_ADDRESS))
			return cpu.cr3 & CR3_ADDRESS;
	}
}

/*
 * Without a usable phys_base. Under page-table isolation the tables of user mode lack most of the
 * kernel, so each CPU is tried.
 */
static struct gs_error *try_cpu_roots(struct gs_linux *l)
{
	struct gs_error *err = NULL;
	uint64_t vaddr;
	size_t pos = 0;

	if (!gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr))
		return NULL;
	for (unsigned int i = 0; i < CPU_ROOTS_MAX && !err && !l->root_gpa; i++) {
		gs_gpa_t root = next_cpu_root(&l->mem->attrs, &pos);
		struct place place;

		if (!root)
			break;
		err = gs_kernel_look_up(l, NULL, root, vaddr, &place);
		if (!err && place.mapped)
			l->root_gpa = root;
	}
	return err;
}

static struct gs_error *find_root(struct gs_linux *l)
{
	struct gs_error *err;
	int64_t l5 = 0;

	l->va_bits = gs_vmcoreinfo_number(l->info, "pgtable_l5_enabled", &l5) && l5 ? VA_BITS_LA57
										    : VA_BITS;
	err = try_swapper(l, "swapper_pg_dir");
	if (!err && !l->root_gpa)
		err = try_swapper(l, "init_top_pgt");
	if (!err && !l->root_gpa)
		err = try_cpu_roots(l);
	if (err || l->root_gpa)
		return err;
	return gs_error_create(GS_ERROR_NODATA,
			       "vmcoreinfo does not fit this memory: no page table found at "
			       "swapper_pg_dir, nor one of a CPU that maps _stext");
}

static struct gs_error *find_text(struct gs_linux *l)
{
	struct gs_error *err;
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr) || vaddr < START_KERNEL_MAP ||
	    vaddr >= KERNEL_IMAGE_END)
		return NULL;
	err = gs_kernel_find_text(l, vaddr, KERNEL_IMAGE_END - vaddr);
	if (l->text_size) {
		l->phys_base = (int64_t)(l->text_gpa - (vaddr - START_KERNEL_MAP));
		l->has_phys_base = true;
	}
	return err;
}

/* mem_section is allocated from the direct map on all kernels since 4.15. */
static struct gs_error *direct_map_from_mem_section(struct gs_linux *l)
{
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(l->info, "mem_section", &vaddr) || vaddr >= START_KERNEL_MAP)
		return NULL;
	return gs_kernel_try_direct_map_around(l, vaddr, DIRECT_MAP_ALIGN);
}

/* Else the lowest kernel address, in steps of 1 GiB, at which guest physical 0 is mapped. */
static struct gs_error *direct_map_from_tables(struct gs_linux *l)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	uint64_t vaddr = l->va_bits == VA_BITS_LA57 ? KERNEL_HALF_LA57 : KERNEL_HALF;

	if (!cache)
		return gs_error_nomem();
	for (unsigned int i = 0; i < DIRECT_MAP_TRIES && cache->reads < DIRECT_MAP_READS; i++) {
		struct place place;
		struct gs_error *err = gs_kernel_look_up(l, cache, l->root_gpa, vaddr, &place);

		if (err)
			return err;
		if (place.mapped && place.gpa == 0)
			return gs_kernel_try_direct_map(l, vaddr);
		vaddr += place.left < DIRECT_MAP_ALIGN ? DIRECT_MAP_ALIGN : place.left;
		vaddr &= ~(DIRECT_MAP_ALIGN - 1);
		if (vaddr >= START_KERNEL_MAP || vaddr < KERNEL_HALF_LA57)
			break;
	}
	return NULL;
}

static struct gs_error *look_around(struct gs_linux *l)
{
	struct gs_error *err = find_root(l);

	if (!err)
		err = find_text(l);
	if (!err)
		err = direct_map_from_mem_section(l);
	if (!err && !l->has_direct_map)
		err = direct_map_from_tables(l);
	return err;
}

const struct kernel_arch gs_kernel_x86_64 = {
	.arch = GS_ARCH_X86_64,
	.sign = "NUMBER(phys_base)",
	.format = &gs_paging_x86_64,
	.look_around = look_around,
};
