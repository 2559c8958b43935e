/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel's mem_map is (sparsemem, include/linux/mmzone.h).
 *
 *	mem_section ──> array of roots ──> arrays of struct mem_section ──> section_mem_map
 *	                LENGTH(mem_section)  page size / SIZE(mem_section)   bit 1: has a mem_map
 *
 * Section N covers [N, N + 1) << SECTION_SIZE_BITS. Kernels without SPARSEMEM_EXTREME have one flat
 * array; LENGTH then is the number of all sections.
 */
#ifndef GUESTSCOPE_LINUX_SPARSE_H
#define GUESTSCOPE_LINUX_SPARSE_H

#include <guestscope/linux.h>

struct sparse {
	struct gs_linux *l; /* borrowed */
	uint64_t roots_vaddr;
	uint64_t root_count;
	uint64_t sections_per_root;
	uint64_t section_size;     /* sizeof(struct mem_section) */
	uint64_t mem_map_off;      /* of section_mem_map in it */
	uint32_t page_size;        /* the kernel's */
	unsigned int section_bits; /* log2 of the bytes that a section covers */
	bool extreme;
};

/* NODATA names what VMCOREINFO lacks. */
GS_MUST_CHECK struct gs_error *gs_sparse_init(struct gs_linux *l, struct sparse *ret);

/* Bytes of a root's sections: what gs_sparse_read_root() needs as a buffer. */
static inline size_t gs_sparse_root_bytes(const struct sparse *s)
{
	return (size_t)(s->sections_per_root * s->section_size);
}
/* Whether @root, below root_count, is known to have no sections. */
bool gs_sparse_lacks_root(const struct sparse *s, uint64_t root);
/* *found_ret: whether there is such a root. */
GS_MUST_CHECK struct gs_error *gs_sparse_read_root(const struct sparse *s, uint64_t root,
						   uint8_t *buffer, bool *found_ret);
/*
 * section_mem_map of the @i-th section in the buffer, without the bits that are flags: where struct
 * page 0 would be if the section's were an array from there on. 0: no mem_map.
 */
uint64_t gs_sparse_mem_map(const struct sparse *s, const uint8_t *buffer, uint64_t i);
/* The same of one section; 0 also if there is no such section. */
GS_MUST_CHECK struct gs_error *gs_sparse_find(const struct sparse *s, uint64_t section,
					      uint64_t *mem_map_ret);

#endif
