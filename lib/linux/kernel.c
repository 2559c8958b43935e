/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the kernel: from VMCOREINFO's symbols to a page table root, and from there to what every
 * reader of a vmcore wants to know. Each architecture lays out its virtual addresses in its own
 * way; on all of them the kernel's text is one piece, and all memory is mapped once more, in
 * another piece: the direct map.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

static const struct kernel_arch *const archs[] = {&gs_kernel_x86_64, &gs_kernel_aarch64};

/* NULL: none that is known here. */
static const struct kernel_arch *find_arch(enum gs_arch arch)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		if (archs[i]->arch == arch)
			return archs[i];
	}
	return NULL;
}

/* A plain image does not say what machine it is of; its kernel does. */
static enum gs_arch arch_of(const struct gs_vmcoreinfo *info, const struct gs_attributes *attrs)
{
	for (size_t i = 0; attrs->arch == GS_ARCH_UNKNOWN && i < sizeof(archs) / sizeof(*archs);
	     i++) {
		if (gs_vmcoreinfo_get(info, archs[i]->sign))
			return archs[i]->arch;
	}
	return attrs->arch;
}

static struct paging paging_at(const struct gs_linux *l, gs_gpa_t root)
{
	return (struct paging){
		.format = find_arch(l->arch)->format,
		.root_gpa = root,
		.page_bits = (unsigned int)__builtin_ctz(l->page_size),
		.va_bits = l->va_bits,
	};
}

struct gs_error *gs_kernel_look_up(struct gs_linux *l, struct page_table_cache *cache,
				   gs_gpa_t root, uint64_t vaddr, struct place *ret)
{
	const struct paging paging = paging_at(l, root);
	struct gs_error *err = gs_paging_walk(&paging, l->mem, cache, vaddr, &ret->gpa, &ret->left);

	ret->mapped = !err;
	if (!err || !gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *gs_kernel_try_root(struct gs_linux *l, gs_gpa_t gpa, uint64_t vaddr)
{
	struct place place;
	struct gs_error *err;

	if (gpa >= GS_GPA_MAX || gpa % PAGE_TABLE_PART_BYTES)
		return NULL;
	err = gs_kernel_look_up(l, NULL, gpa, vaddr, &place);
	if (!err && place.mapped && place.gpa == gpa)
		l->root_gpa = gpa;
	return err;
}

/*
 * The kernel text's mapping is linear from _stext to the end of .bss, but for pages of .init that
 * were unmapped when they were freed: the last page that still fits the line ends it.
 */
struct gs_error *gs_kernel_find_text(struct gs_linux *l, uint64_t vaddr, uint64_t size_max)
{
	gs_autofree struct page_table_cache *cache = calloc(1, sizeof(*cache));
	struct place place;
	struct gs_error *err;

	if (!cache)
		return gs_error_nomem();
	err = gs_kernel_look_up(l, cache, l->root_gpa, vaddr, &place);
	if (err || !place.mapped)
		return err;
	l->text_vaddr = vaddr;
	l->text_gpa = place.gpa;
	for (uint64_t off = 0; off < size_max && !err; off += place.left) {
		err = gs_kernel_look_up(l, cache, l->root_gpa, vaddr + off, &place);
		if (!err && place.left > size_max - off)
			place.left = size_max - off;
		if (!err && place.mapped && place.gpa == l->text_gpa + off)
			l->text_size = off + place.left;
	}
	return err;
}

/* A direct map maps all RAM, so also the page table that we found. */
struct gs_error *gs_kernel_try_direct_map(struct gs_linux *l, uint64_t vaddr)
{
	struct place place;
	struct gs_error *err = gs_kernel_look_up(l, NULL, l->root_gpa, vaddr + l->root_gpa, &place);

	l->has_direct_map = !err && place.mapped && place.gpa == l->root_gpa;
	if (l->has_direct_map)
		l->direct_map = vaddr;
	return err;
}

struct gs_error *gs_kernel_try_direct_map_around(struct gs_linux *l, uint64_t vaddr, uint64_t align)
{
	struct place place;
	struct gs_error *err = gs_kernel_look_up(l, NULL, l->root_gpa, vaddr, &place);

	if (err || !place.mapped || (vaddr - place.gpa) % align)
		return err;
	return gs_kernel_try_direct_map(l, vaddr - place.gpa);
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

static struct gs_error *look_around(struct gs_linux *l)
{
	const struct kernel_arch *arch = find_arch(l->arch);
	struct gs_error *err = arch ? arch->look_around(l) : NULL;
	struct paging paging;

	if (err)
		return err;
	if (l->root_gpa) {
		paging = paging_at(l, l->root_gpa);
		l->levels = gs_paging_levels(&paging);
	}
	return find_utsname(l);
}

struct gs_error *gs_linux_open_with(struct gs_memory *mem, const char *text, size_t size,
				    struct gs_linux **ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = calloc(1, sizeof(*l));
	struct gs_error *err;

	if (!l)
		return gs_error_nomem();
	l->mem = mem;
	err = gs_vmcoreinfo_parse(text, size, &l->info);
	if (err)
		return err;
	if (!gs_vmcoreinfo_get(l->info, "OSRELEASE"))
		return gs_error_create(GS_ERROR_NODATA, "vmcoreinfo without OSRELEASE");
	l->arch = arch_of(l->info, &mem->attrs);
	l->page_size = gs_arch_kernel_page_size(l->arch, text, size);
	if (!l->page_size)
		l->page_size = gs_arch_info(l->arch)->page_size;
	err = look_around(l);
	if (!err)
		*ret = gs_take(l);
	return err;
}

struct gs_error *gs_linux_open(struct gs_memory *mem, struct gs_linux **ret)
{
	const struct gs_attributes *attrs = &mem->attrs;

	if (!attrs->vmcoreinfo)
		return gs_error_create(GS_ERROR_NODATA, "no vmcoreinfo");
	return gs_linux_open_with(mem, attrs->vmcoreinfo, attrs->vmcoreinfo_size, ret);
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
	struct paging paging;
	uint64_t left;

	if (!l->root_gpa)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "page tables of %s are not known here",
				       gs_arch_info(l->arch)->name);
	paging = paging_at(l, l->root_gpa);
	return gs_paging_walk(&paging, l->mem, NULL, vaddr, gpa_ret, left_ret ? left_ret : &left);
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
