/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be known of a Linux guest from nothing but its memory and VMCOREINFO. */
#ifndef GUESTSCOPE_LINUX_H
#define GUESTSCOPE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/memory.h>

/*
 * VMCOREINFO: lines "KEY=value" and "KIND(name)=value" that the kernel exports for dump tools
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). SYMBOL is hex; OFFSET, SIZE, LENGTH decimal;
 * NUMBER decimal and signed (a few kernels print hex: see gs_vmcoreinfo_number()). Hostile text:
 * lines that do not parse are skipped.
 */
struct gs_vmcoreinfo;
GS_MUST_CHECK struct gs_error *gs_vmcoreinfo_parse(const char *text, size_t size,
						   struct gs_vmcoreinfo **ret);
void gs_vmcoreinfo_destroy(struct gs_vmcoreinfo *v);
GS_DEFINE_CLEANUP(struct gs_vmcoreinfo *, gs_vmcoreinfo_destroy)

/* Value text of a whole key ("OSRELEASE", "SYMBOL(_stext)"), or NULL. */
const char *gs_vmcoreinfo_get(const struct gs_vmcoreinfo *v, const char *key);
bool gs_vmcoreinfo_symbol(const struct gs_vmcoreinfo *v, const char *name, uint64_t *vaddr_ret);
/* kind: "OFFSET", "SIZE" or "LENGTH"; name as "page.flags" or "list_head". */
bool gs_vmcoreinfo_count(const struct gs_vmcoreinfo *v, const char *kind, const char *name,
			 uint64_t *ret);
bool gs_vmcoreinfo_number(const struct gs_vmcoreinfo *v, const char *name, int64_t *ret);

/* The guest's kernel, found in its memory. */
struct gs_linux {
	struct gs_memory *mem;      /* borrowed */
	struct gs_vmcoreinfo *info; /* owned */
	enum gs_arch arch;
	char utsname[GS_UTSNAME_FIELDS][GS_UTSNAME_SIZE];
	bool has_phys_base;
	int64_t phys_base;   /* x86_64 */
	gs_gpa_t root_gpa;   /* top-level page table; 0: none found */
	unsigned int levels; /* of page tables: 4 or 5 */
	bool has_direct_map;
	uint64_t direct_map; /* virtual address of guest physical 0 */
	uint64_t text_vaddr,
		text_size; /* _stext..., the part that is mapped in one piece; size 0 unknown */
	gs_gpa_t text_gpa;
};

/*
 * Look at @mem's VMCOREINFO and page tables. NODATA: no VMCOREINFO, or nothing of it fits this
 * memory (not a Linux guest, or a stale note): the message says which. What could not be found out
 * is left unset; callers must look.
 */
GS_MUST_CHECK struct gs_error *gs_linux_open(struct gs_memory *mem, struct gs_linux **ret);
void gs_linux_close(struct gs_linux *l);
GS_DEFINE_CLEANUP(struct gs_linux *, gs_linux_close)

/*
 * Walk x86_64 page tables (4 and 5 levels, 1 GiB and 2 MiB pages) from @root_gpa. NODATA: not
 * mapped; names the level. *left_ret: bytes up to the end of that page; may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_x86_64_walk(struct gs_memory *mem, gs_gpa_t root_gpa,
					      unsigned int levels, uint64_t vaddr,
					      gs_gpa_t *gpa_ret, uint64_t *left_ret);
GS_MUST_CHECK struct gs_error *gs_linux_translate(struct gs_linux *l, uint64_t vaddr,
						  gs_gpa_t *gpa_ret, uint64_t *left_ret);
/* Read @size bytes of kernel virtual memory. */
GS_MUST_CHECK struct gs_error *gs_linux_read(struct gs_linux *l, uint64_t vaddr, void *buf,
					     size_t size);

/*
 * The part of the memory's ranges that the kernel owns as RAM: those in sections of mem_map that
 * are present. Leaves out ROM and video memory above it, as /proc/vmcore does, and as makedumpfile
 * must have it. NODATA if the kernel has no sparse mem_map that we can read. The caller frees *ret.
 */
GS_MUST_CHECK struct gs_error *gs_linux_system_ram(struct gs_linux *l, struct gs_range **ret,
						   size_t *count_ret);

#endif
