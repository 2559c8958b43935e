/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the kernel: from VMCOREINFO's symbols to a page table root, and from there to what every
 * reader of a vmcore wants to know. x86_64's virtual addresses
 * (Documentation/arch/x86/x86_64/mm.rst): kernel text is linked at START_KERNEL_MAP and lies at
 * phys_base; all memory is mapped once more, in one piece, at the direct map, whose start KASLR
 * moves in steps of 1 GiB.
 */
#include "paging.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)
#define KERNEL_IMAGE_END UINT64_C(0xffffffffc0000000) /* modules from here on, if not before */
#define DIRECT_MAP_ALIGN (UINT64_C(1) << 30)
#define KERNEL_HALF UINT64_C(0xffff800000000000)
#define KERNEL_HALF_LA57 UINT64_C(0xff00000000000000)
#define CR3_ADDRESS UINT64_C(0x000ffffffffff000)

/*
 * A search of a live guest's page tables keeps the guest stopped, a millisecond or two per table:
 * tables that were made to be searched for ever are given up.
 */
#define CPU_ROOTS_MAX 64
#define DIRECT_MAP_TRIES 4096 /* KASLR leaves at most 512 unused entries at each of the levels */
#define DIRECT_MAP_READS 64

/* Where a virtual address is. */
struct place {
	bool mapped;
	gs_gpa_t gpa;
	uint64_t left; /* bytes up to where this answer ends */
};

/* Tables that say nothing sensible are an answer; a memory that cannot be read is an error. */
static struct gs_error *look_up(struct gs_linux *l, struct page_table_cache *cache, gs_gpa_t root,
				uint64_t vaddr, struct place *ret)
{
	struct gs_error *err =
		gs_x86_64_walk_cached(l->mem, cache, root, l->levels, vaddr, &ret->gpa, &ret->left);

	ret->mapped = !err;
	if (!err || !gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

/* The root table must map itself where the candidate says it is, else the candidate is stale. */
static struct gs_error *try_swapper(struct gs_linux *l, const char *symbol)
{
	struct place place;
	struct gs_error *err;
	uint64_t vaddr;
	int64_t phys_base;
	gs_gpa_t gpa;

	if (!gs_vmcoreinfo_symbol(l->info, symbol, &vaddr) ||
	    !gs_vmcoreinfo_number(l->info, "phys_base", &phys_base) || vaddr < START_KERNEL_MAP)
		return NULL;
	gpa = vaddr - START_KERNEL_MAP + (uint64_t)phys_base;
	if (gpa >= GS_GPA_MAX)
		return NULL;
	err = look_up(l, NULL, gpa, vaddr, &place);
	if (err || !place.mapped || place.gpa != gpa)
		return err;
	l->root_gpa = gpa;
	l->phys_base = phys_base;
	l->has_phys_base = true;
	return NULL;
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
		err = look_up(l, NULL, root, vaddr, &place);
		if (!err && place.mapped)
			l->root_gpa = root;
	}
	return err;
}

static struct gs_error *find_root(struct gs_linux *l)
{
	struct gs_error *err;
	int64_t l5 = 0;

	l->levels = gs_vmcoreinfo_number(l->info, "pgtable_l5_enabled", &l5) && l5 ? 5 : 4;
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

/*
 * The kernel text's mapping is linear from _stext to the end of .bss, but for pages of .init that
 * were unmapped when they were freed: the last page that still fits the line ends it.
 */
static struct gs_error *find_text(struct gs_linux *l)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	struct place place;
	struct gs_error *err;
	uint64_t vaddr, size_max;

	if (!cache)
		return gs_error_nomem();
	if (!gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr) || vaddr < START_KERNEL_MAP ||
	    vaddr >= KERNEL_IMAGE_END)
		return NULL;
	err = look_up(l, cache, l->root_gpa, vaddr, &place);
	if (err || !place.mapped)
		return err;
	l->phys_base = (int64_t)(place.gpa - (vaddr - START_KERNEL_MAP));
	l->has_phys_base = true;
	l->text_vaddr = vaddr;
	l->text_gpa = place.gpa;
	size_max = KERNEL_IMAGE_END - vaddr;
	for (uint64_t off = 0; off < size_max && !err; off += place.left) {
		err = look_up(l, cache, l->root_gpa, vaddr + off, &place);
		if (!err && place.left > size_max - off)
			place.left = size_max - off;
		if (!err && place.mapped && place.gpa == l->text_gpa + off)
			l->text_size = off + place.left;
	}
	return err;
}

/* A direct map maps all RAM, so also the page table that we found. */
static struct gs_error *try_direct_map(struct gs_linux *l, uint64_t vaddr)
{
	struct place place;
	struct gs_error *err = look_up(l, NULL, l->root_gpa, vaddr + l->root_gpa, &place);

	l->has_direct_map = !err && place.mapped && place.gpa == l->root_gpa;
	if (l->has_direct_map)
		l->direct_map = vaddr;
	return err;
}

/* mem_section is allocated from the direct map on all kernels since 4.15. */
static struct gs_error *direct_map_from_mem_section(struct gs_linux *l)
{
	struct place place;
	struct gs_error *err;
	uint64_t vaddr;

	if (!gs_vmcoreinfo_symbol(l->info, "mem_section", &vaddr) || vaddr >= START_KERNEL_MAP)
		return NULL;
	err = look_up(l, NULL, l->root_gpa, vaddr, &place);
	if (err || !place.mapped || place.gpa > vaddr || (vaddr - place.gpa) % DIRECT_MAP_ALIGN)
		return err;
	return try_direct_map(l, vaddr - place.gpa);
}

/* Else the lowest kernel address, in steps of 1 GiB, at which guest physical 0 is mapped. */
static struct gs_error *direct_map_from_tables(struct gs_linux *l)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	uint64_t vaddr = l->levels == 5 ? KERNEL_HALF_LA57 : KERNEL_HALF;

	if (!cache)
		return gs_error_nomem();
	for (unsigned int i = 0; i < DIRECT_MAP_TRIES && cache->reads < DIRECT_MAP_READS; i++) {
		struct place place;
		struct gs_error *err = look_up(l, cache, l->root_gpa, vaddr, &place);

		if (err)
			return err;
		if (place.mapped && place.gpa == 0)
			return try_direct_map(l, vaddr);
		vaddr += place.left < DIRECT_MAP_ALIGN ? DIRECT_MAP_ALIGN : place.left;
		vaddr &= ~(DIRECT_MAP_ALIGN - 1);
		if (vaddr >= START_KERNEL_MAP || vaddr < KERNEL_HALF_LA57)
			break;
	}
	return NULL;
}

static struct gs_error *look_around_x86_64(struct gs_linux *l)
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

/* *found_ret: whether the kernel's own strings are where VMCOREINFO says. */
static struct gs_error *read_utsname(struct gs_linux *l, bool *found_ret)
{
	uint8_t raw[GS_UTSNAME_FIELDS * GS_UTSNAME_SIZE];
	uint64_t vaddr, off;
	struct gs_error *err;

	*found_ret = false;
	if (!gs_vmcoreinfo_symbol(l->info, "init_uts_ns", &vaddr) ||
	    !gs_vmcoreinfo_count(l->info, "OFFSET", "uts_namespace.name", &off))
		return NULL;
	err = gs_linux_read(l, vaddr + off, raw, sizeof(raw));
	if (err && gs_error_is_answer(err)) {
		gs_error_destroy(err);
		return NULL;
	}
	if (err || strncmp((char *)raw, "Linux", 6) != 0)
		return err;
	for (size_t i = 0; i < GS_UTSNAME_FIELDS; i++) {
		memcpy(l->utsname[i], raw + i * GS_UTSNAME_SIZE, GS_UTSNAME_SIZE);
		l->utsname[i][GS_UTSNAME_SIZE - 1] = '\0';
	}
	*found_ret = true;
	return NULL;
}

static void set_if_empty(struct gs_linux *l, size_t field, const char *value)
{
	if (!l->utsname[field][0])
		strncpy(l->utsname[field], value, GS_UTSNAME_SIZE - 1);
}

/* Else what the dump has, and what VMCOREINFO tells, as readers want none of them empty. */
static void guess_utsname(struct gs_linux *l)
{
	const char *release = gs_vmcoreinfo_get(l->info, "OSRELEASE");

	memcpy(l->utsname, l->mem->attrs.utsname, sizeof(l->utsname));
	if (gs_arch_from_name(l->utsname[GS_UTS_MACHINE]) == GS_ARCH_UNKNOWN)
		l->utsname[GS_UTS_MACHINE][0] = '\0'; /* QEMU says "Unknown" */
	set_if_empty(l, GS_UTS_SYSNAME, "Linux");
	set_if_empty(l, GS_UTS_NODENAME, "(none)");
	set_if_empty(l, GS_UTS_RELEASE, release);
	set_if_empty(l, GS_UTS_VERSION, "(unknown)");
	set_if_empty(l, GS_UTS_MACHINE, gs_arch_info(l->arch)->name);
	set_if_empty(l, GS_UTS_DOMAINNAME, "(none)");
}

static struct gs_error *find_utsname(struct gs_linux *l)
{
	bool found;
	struct gs_error *err = read_utsname(l, &found);

	if (!err && !found)
		guess_utsname(l);
	return err;
}

struct gs_error *gs_linux_open(struct gs_memory *mem, struct gs_linux **ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	const struct gs_attributes *attrs = &mem->attrs;
	struct gs_error *err;

	if (!attrs->vmcoreinfo)
		return gs_error_create(GS_ERROR_NODATA, "no vmcoreinfo");
	l = calloc(1, sizeof(*l));
	if (!l)
		return gs_error_nomem();
	l->mem = mem;
	l->arch = attrs->arch;
	err = gs_vmcoreinfo_parse(attrs->vmcoreinfo, attrs->vmcoreinfo_size, &l->info);
	if (!err && !gs_vmcoreinfo_get(l->info, "OSRELEASE"))
		err = gs_error_create(GS_ERROR_NODATA, "vmcoreinfo without OSRELEASE");
	if (!err && l->arch == GS_ARCH_X86_64)
		err = look_around_x86_64(l);
	if (!err)
		err = find_utsname(l);
	if (!err)
		*ret = gs_take(l);
	return err;
}

void gs_linux_close(struct gs_linux *l)
{
	if (!l)
		return;
	gs_vmcoreinfo_destroy(l->info);
	free(l);
}

struct gs_error *gs_linux_translate(struct gs_linux *l, uint64_t vaddr, gs_gpa_t *gpa_ret,
				    uint64_t *left_ret)
{
	if (!l->root_gpa)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "page tables of %s are not known here",
				       gs_arch_info(l->arch)->name);
	return gs_x86_64_walk(l->mem, l->root_gpa, l->levels, vaddr, gpa_ret, left_ret);
}

struct gs_error *gs_linux_read(struct gs_linux *l, uint64_t vaddr, void *buf, size_t size)
{
	uint8_t *to = buf;

	while (size > 0) {
		uint64_t left;
		gs_gpa_t gpa;
		struct gs_error *err = gs_linux_translate(l, vaddr, &gpa, &left);

		if (err)
			return err;
		if (left > size)
			left = size;
		err = gs_memory_read(l->mem, gpa, to, left);
		if (err)
			return gs_error_wrap(err, "virtual 0x%" PRIx64, vaddr);
		vaddr += left;
		to += left;
		size -= left;
	}
	return NULL;
}
