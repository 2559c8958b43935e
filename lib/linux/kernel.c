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

#include <guestscope/base/bytes.h>

#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)
#define DIRECT_MAP_ALIGN (UINT64_C(1) << 30)
#define KERNEL_HALF UINT64_C(0xffff800000000000)
#define KERNEL_HALF_LA57 UINT64_C(0xff00000000000000)
#define IMAGE_SIZE_MAX (UINT64_C(1) << 30)
#define QEMU_NOTE_CR3_OFF 416 /* of 440: cr0 cr1 cr2 cr3 cr4 kernel_gs_base close the note */
#define CR3_ADDRESS UINT64_C(0x000ffffffffff000)

static bool symbol_is_at(struct gs_linux *l, gs_gpa_t root, uint64_t vaddr, gs_gpa_t *gpa_ret)
{
	uint64_t left;
	struct gs_error *err =
		gs_x86_64_walk_cached(l->mem, NULL, root, l->levels, vaddr, gpa_ret, &left);

	if (!err)
		return true;
	gs_error_destroy(err);
	return false;
}

/* The root table must map itself where the candidate says it is, else the candidate is stale. */
static bool try_swapper(struct gs_linux *l, const char *symbol)
{
	gs_gpa_t gpa, found;
	uint64_t vaddr;
	int64_t phys_base;

	if (!gs_vmcoreinfo_symbol(l->info, symbol, &vaddr) ||
	    !gs_vmcoreinfo_number(l->info, "phys_base", &phys_base) || vaddr < START_KERNEL_MAP)
		return false;
	gpa = vaddr - START_KERNEL_MAP + (uint64_t)phys_base;
	if (gpa >= GS_GPA_MAX || !symbol_is_at(l, gpa, vaddr, &found) || found != gpa)
		return false;
	l->root_gpa = gpa;
	return true;
}

/*
 * Without a usable phys_base: the page tables that a CPU was using, as QEMU's note recorded them.
 * Under page-table isolation those of user mode lack most of the kernel, so each CPU is tried.
 */
static bool try_cpu_roots(struct gs_linux *l)
{
	const struct gs_attributes *attrs = &l->mem->attrs;
	uint64_t vaddr;
	size_t pos = 0;

	if (!gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr))
		return false;
	for (;;) {
		struct gs_note note;
		bool found = false;
		gs_gpa_t root, gpa;
		struct gs_error *err = gs_note_next(attrs->notes, attrs->notes_size,
						    attrs->big_endian, &pos, &note, &found);

		if (err || !found) {
			gs_error_destroy(err);
			return false;
		}
		if (!gs_note_is(&note, "QEMU", 0) || note.desc_size < QEMU_NOTE_CR3_OFF + 8)
			continue;
		root = gs_get_u64(note.desc + QEMU_NOTE_CR3_OFF, false) & CR3_ADDRESS;
		if (root && symbol_is_at(l, root, vaddr, &gpa)) {
			l->root_gpa = root;
			return true;
		}
	}
}

static void find_root(struct gs_linux *l)
{
	int64_t l5 = 0;

	l->levels = gs_vmcoreinfo_number(l->info, "pgtable_l5_enabled", &l5) && l5 ? 5 : 4;
	if (!try_swapper(l, "swapper_pg_dir") && !try_swapper(l, "init_top_pgt"))
		try_cpu_roots(l);
}

/*
 * The kernel text's mapping is linear from _stext to the end of .bss, but for pages of .init that
 * were unmapped when they were freed: the last page that still fits the line ends it.
 */
static void find_text(struct gs_linux *l)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	uint64_t vaddr, end, left, size_max = IMAGE_SIZE_MAX;
	gs_gpa_t gpa;

	if (!cache || !gs_vmcoreinfo_symbol(l->info, "_stext", &vaddr) ||
	    vaddr < START_KERNEL_MAP || !symbol_is_at(l, l->root_gpa, vaddr, &gpa))
		return;
	l->phys_base = (int64_t)(gpa - (vaddr - START_KERNEL_MAP));
	l->has_phys_base = true;
	l->text_vaddr = vaddr;
	l->text_gpa = gpa;
	if (size_max > -vaddr)
		size_max = -vaddr;
	for (uint64_t off = 0; off < size_max; off += left) {
		gs_autoerror struct gs_error *err = gs_x86_64_walk_cached(
			l->mem, cache, l->root_gpa, l->levels, vaddr + off, &gpa, &left);

		if (err && err->code != GS_ERROR_NODATA)
			break;
		end = off + left;
		if (!err && gpa == l->text_gpa + off)
			l->text_size = end < size_max ? end : size_max;
	}
}

/* mem_section is allocated from the direct map on all kernels since 4.15. */
static bool direct_map_from_mem_section(struct gs_linux *l)
{
	uint64_t vaddr;
	gs_gpa_t gpa;

	if (!gs_vmcoreinfo_symbol(l->info, "mem_section", &vaddr) || vaddr >= START_KERNEL_MAP ||
	    !symbol_is_at(l, l->root_gpa, vaddr, &gpa) || gpa > vaddr ||
	    (vaddr - gpa) % DIRECT_MAP_ALIGN)
		return false;
	l->direct_map = vaddr - gpa;
	return true;
}

/* Else the lowest kernel address, in steps of 1 GiB, at which guest physical 0 is mapped. */
static bool direct_map_from_tables(struct gs_linux *l)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	uint64_t left, vaddr = l->levels == 5 ? KERNEL_HALF_LA57 : KERNEL_HALF;

	for (; cache && vaddr < START_KERNEL_MAP; vaddr += left - left % DIRECT_MAP_ALIGN) {
		gs_gpa_t gpa = 0;
		gs_autoerror struct gs_error *err = gs_x86_64_walk_cached(
			l->mem, cache, l->root_gpa, l->levels, vaddr, &gpa, &left);

		if (!err && gpa == 0) {
			l->direct_map = vaddr;
			return true;
		}
		if (err && err->code != GS_ERROR_NODATA)
			return false;
		if (left < DIRECT_MAP_ALIGN)
			left = DIRECT_MAP_ALIGN;
	}
	return false;
}

static void copy_utsname(struct gs_linux *l, const uint8_t *raw)
{
	for (size_t i = 0; i < GS_UTSNAME_FIELDS; i++) {
		memcpy(l->utsname[i], raw + i * GS_UTSNAME_SIZE, GS_UTSNAME_SIZE);
		l->utsname[i][GS_UTSNAME_SIZE - 1] = '\0';
	}
}

static void set_utsname(struct gs_linux *l, size_t field, const char *value)
{
	strncpy(l->utsname[field], value, GS_UTSNAME_SIZE - 1);
}

/* The kernel's own strings; else what VMCOREINFO tells, as readers want none of them empty. */
static void find_utsname(struct gs_linux *l)
{
	const char *release = gs_vmcoreinfo_get(l->info, "OSRELEASE");
	uint8_t raw[GS_UTSNAME_FIELDS * GS_UTSNAME_SIZE];
	uint64_t vaddr, off;

	if (gs_vmcoreinfo_symbol(l->info, "init_uts_ns", &vaddr) &&
	    gs_vmcoreinfo_count(l->info, "OFFSET", "uts_namespace.name", &off)) {
		gs_autoerror struct gs_error *err = gs_linux_read(l, vaddr + off, raw, sizeof(raw));

		if (!err && strncmp((char *)raw, "Linux", 6) == 0) {
			copy_utsname(l, raw);
			return;
		}
	}
	set_utsname(l, GS_UTS_SYSNAME, "Linux");
	set_utsname(l, GS_UTS_NODENAME, "(none)");
	set_utsname(l, GS_UTS_RELEASE, release ? release : "(unknown)");
	set_utsname(l, GS_UTS_VERSION, "(unknown)");
	set_utsname(l, GS_UTS_MACHINE, gs_arch_info(l->arch)->name);
	set_utsname(l, GS_UTS_DOMAINNAME, "(none)");
}

static struct gs_error *look_around_x86_64(struct gs_linux *l)
{
	find_root(l);
	if (!l->root_gpa)
		return gs_error_create(
			GS_ERROR_NODATA,
			"vmcoreinfo does not fit this memory: no page table found at "
			"swapper_pg_dir, nor one of a CPU that maps _stext");
	find_text(l);
	l->has_direct_map = direct_map_from_mem_section(l) || direct_map_from_tables(l);
	return NULL;
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
	if (err)
		return err;
	find_utsname(l);
	*ret = gs_take(l);
	return NULL;
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
