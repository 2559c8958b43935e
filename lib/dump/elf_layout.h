/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of ELF headers that matter in a dump, as tables for whoever writes them. */
#ifndef GUESTSCOPE_DUMP_ELF_LAYOUT_H
#define GUESTSCOPE_DUMP_ELF_LAYOUT_H

#include <guestscope/base/bytes.h>

enum ehdr_field {
	E_TYPE,
	E_MACHINE,
	E_VERSION,
	E_PHOFF,
	E_SHOFF,
	E_FLAGS,
	E_EHSIZE,
	E_PHENTSIZE,
	E_PHNUM,
	E_SHENTSIZE,
	E_SHNUM,
	E_SHSTRNDX,
	EHDR_FIELD_COUNT,
};

enum phdr_field {
	P_TYPE,
	P_FLAGS,
	P_OFFSET,
	P_VADDR,
	P_PADDR,
	P_FILESZ,
	P_MEMSZ,
	PHDR_FIELD_COUNT,
};

/* makedumpfile's mark of a file whose writer did not finish, in e_flags. */
#define DUMP_ELF_INCOMPLETE 0x1

/* Indexed by is_64bit. Fields that are not listed are 0 in what we write. */
extern const struct gs_field gs_elf_ehdr_fields[2][EHDR_FIELD_COUNT];
extern const struct gs_field gs_elf_phdr_fields[2][PHDR_FIELD_COUNT];
extern const struct gs_field gs_elf_sh_info_field[2];

/* Sizes of the headers in a class. */
uint32_t gs_elf_ehdr_bytes(bool is_64bit);
uint32_t gs_elf_phdr_bytes(bool is_64bit);
uint32_t gs_elf_shdr_bytes(bool is_64bit);

#endif
