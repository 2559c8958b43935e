/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What finding the kernel means on each architecture, and what they share. */
#ifndef GUESTSCOPE_LINUX_KERNEL_H
#define GUESTSCOPE_LINUX_KERNEL_H

#include "paging.h"

struct kernel_arch {
	enum gs_arch arch;
	const char *sign; /* a key that is in its kernels' VMCOREINFO, and in no other's */
	const struct paging_format *format;
	/*
	 * Find the page tables (NODATA: VMCOREINFO does not fit this memory), then the text, the
	 * direct map and phys_base, of which each may stay unknown.
	 */
	struct gs_error *(*look_around)(struct gs_linux *l);
};
extern const struct kernel_arch gs_kernel_x86_64, gs_kernel_aarch64;

/* Where a virtual address is. */
struct place {
	bool mapped;
	gs_gpa_t gpa;
	uint64_t left; /* bytes up to where this answer ends */
};

/*
 * Ask the tables at @root, of the shape that @l says. Tables that say nothing sensible are an
 * answer; a memory that cannot be read is an error. @cache may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_kernel_look_up(struct gs_linux *l, struct page_table_cache *cache,
						 gs_gpa_t root, uint64_t vaddr, struct place *ret);

/* Take the table at @gpa as the root if it maps @vaddr, where it is itself, to that. */
GS_MUST_CHECK struct gs_error *gs_kernel_try_root(struct gs_linux *l, gs_gpa_t gpa, uint64_t vaddr);

/* The kernel's text: from @vaddr on, within @size_max bytes. Stays unknown if that is unmapped. */
GS_MUST_CHECK struct gs_error *gs_kernel_find_text(struct gs_linux *l, uint64_t vaddr,
						   uint64_t size_max);

/* Whether guest physical 0 is, as far as it is mapped, at @vaddr; then it is l->direct_map. */
GS_MUST_CHECK struct gs_error *gs_kernel_try_direct_map(struct gs_linux *l, uint64_t vaddr);
/* The same of a map that is known to have @vaddr in it, and to begin at a multiple of @align. */
GS_MUST_CHECK struct gs_error *gs_kernel_try_direct_map_around(struct gs_linux *l, uint64_t vaddr,
							       uint64_t align);
#endif
