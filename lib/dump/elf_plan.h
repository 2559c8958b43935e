/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything of an ELF file to be written goes; known before the first page.
 *
 *	ELF header             at 0; makedumpfile wants the program headers right behind it
 *	program headers        PT_NOTE, PT_LOADs by address, the kernel text's PT_LOADs
 *	section header 0       only if there are more program headers than e_phnum can say
 *	notes
 *	memory                 page aligned, so that it can be mapped and holes are whole blocks
 *
 * Pages that are left out get no PT_LOAD at all. The other way, a PT_LOAD with a p_memsz beyond its
 * p_filesz, makes readers return zeros that were never there.
 */
#ifndef GUESTSCOPE_DUMP_ELF_PLAN_H
#define GUESTSCOPE_DUMP_ELF_PLAN_H

#include <guestscope/dump.h>

/* A PT_LOAD. */
struct elf_piece {
	gs_gpa_t gpa;
	uint64_t size;
	uint64_t vaddr;
	uint64_t off; /* in the file */
};

struct elf_plan {
	bool is_64bit;
	struct elf_piece *pieces; /* by address; owned */
	size_t piece_count, piece_capacity;
	/*
	 * What the file has of the kernel text, once more, at its own addresses; by address, owned.
	 */
	struct elf_piece *texts;
	size_t text_count;
	uint32_t phdr_count;
	uint8_t *notes; /* owned */
	size_t notes_size;
	uint64_t phdrs_off;
	uint64_t shdr_off; /* 0: none */
	uint64_t notes_off;
	uint64_t end_off; /* size of the file */
};

GS_MUST_CHECK struct gs_error *gs_elf_plan_init(struct elf_plan *plan,
						const struct gs_layout *layout);
void gs_elf_plan_deinit(struct elf_plan *plan);
/* Index of the piece that holds @gpa, else of the first one above it. */
size_t gs_elf_plan_find(const struct elf_plan *plan, gs_gpa_t gpa);

/* Everything but the memory. */
GS_MUST_CHECK struct gs_error *gs_elf_write_headers(const struct elf_plan *plan,
						    const struct gs_attributes *attrs,
						    struct gs_sink *sink);

#endif
