/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF vmcore as its raw headers describe it: verify_elf.c fills it, verify_elf_memory.c reads.
 */
#ifndef GUESTSCOPE_JOB_VERIFY_ELF_H
#define GUESTSCOPE_JOB_VERIFY_ELF_H

#include "verify.h"

/* A sound PT_LOAD: filesz <= memsz > 0, paddr + memsz <= GS_GPA_MAX. */
struct load {
	uint64_t offset, vaddr, paddr, filesz, memsz;
	uint64_t phdr_off; /* of its program header */
};

struct elf {
	struct verify *v;
	struct gs_blob *blob;
	bool wide, big_endian;
	enum gs_arch arch;
	uint64_t phoff, shoff, phnum;
	uint16_t ehsize, phentsize, shentsize;
	struct load *loads; /* in the order of the program headers */
	size_t load_count;
	struct note_facts notes;
	bool has_note;
	gs_gpa_t kernel_gpa; /* NO_KERNEL if it is not known */
};

/*
 * What each stretch of memory is: bytes in the file hold over zeros beyond p_filesz, the segment
 * with the most pages in the file over others, and the first one in the table over its equals.
 * Beyond p_filesz memory is zero, but left out if this is the dump of a Linux kernel.
 */
GS_MUST_CHECK struct gs_error *gs_verify_elf_layers(const struct elf *e, struct layers *ret);
/* Segments that overlap show the same bytes. @layers are resolved. */
GS_MUST_CHECK struct gs_error *gs_verify_elf_overlaps(const struct elf *e,
						      const struct layers *layers);
/* Read all of it. */
GS_MUST_CHECK struct gs_error *gs_verify_elf_memory(const struct elf *e,
						    const struct layers *layers);

#endif
