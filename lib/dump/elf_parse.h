/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF vmcores as they come: from kexec, QEMU or makedumpfile, of both classes and byte orders.
 *
 *	ELF header           e_phoff, e_phnum (0xffff: see section 0), e_shoff
 *	program headers      anywhere; QEMU >= 7.2 puts its section headers before them
 *	PT_NOTE              CPU registers, VMCOREINFO
 *	PT_LOADs             memory by p_paddr; may overlap, may alias each other's bytes
 */
#ifndef GUESTSCOPE_DUMP_ELF_PARSE_H
#define GUESTSCOPE_DUMP_ELF_PARSE_H

#include <guestscope/base/io.h>
#include <guestscope/memory.h>

#include "pieces.h"

struct gs_elf_load {
	uint64_t off; /* of the bytes in the file */
	gs_gpa_t gpa;
	uint64_t filesz, memsz; /* filesz <= memsz > 0 */
};

struct gs_elf_headers {
	bool is_64bit, big_endian;
	uint16_t machine;
	uint32_t flags;
	struct gs_elf_load *loads; /* in the order of the program headers */
	size_t load_count;
	bool has_vaddrs; /* that say more than p_paddr */
	uint8_t *notes;  /* of all PT_NOTEs */
	size_t notes_size;
};

/* @blob may be the head of a stream. The caller deinits, even after an error. */
GS_MUST_CHECK struct gs_error *gs_elf_parse(struct gs_blob *blob, struct gs_elf_headers *h);
void gs_elf_headers_deinit(struct gs_elf_headers *h);

/* Takes the notes out of @h. @attrs is the caller's to deinit, even after an error. */
GS_MUST_CHECK struct gs_error *gs_elf_attributes(struct gs_elf_headers *h,
						 struct gs_attributes *attrs);

/* Guest memory as the segments give it: where each stretch of it is in the file. */
struct gs_elf_map {
	struct gs_spool stretches; /* struct gs_stretch */
	struct gs_range *ranges;
	size_t range_count;
};

/*
 * Where PT_LOADs overlap, bytes in the file win over p_memsz beyond p_filesz, and the longest
 * segment wins over shorter ones: the direct map over the kernel's text, which is the same memory
 * at another address and whose bytes, should they be there twice, are the same.
 *
 * What lies beyond p_filesz reads as zero, except in dumps of Linux kernels (@attrs has a
 * VMCOREINFO or an erase text): there makedumpfile left pages out in this way, and reading them as
 * zero would make up data.
 */
GS_MUST_CHECK struct gs_error *gs_elf_map_init(struct gs_elf_map *map,
					       const struct gs_elf_headers *h,
					       const struct gs_attributes *attrs, const char *name);
void gs_elf_map_deinit(struct gs_elf_map *map);
const struct gs_stretch *gs_elf_map_stretches(const struct gs_elf_map *map, size_t *count_ret);

#endif
