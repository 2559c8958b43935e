/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the fields of ELF headers are, in each class. */
#include <elf.h>

#include "elf_layout.h"

#define FIELD(type, member)                                                     \
	{                                                                       \
#member, offsetof(type, member), sizeof(((type *)0)->member), 0 \
	}
#define EHDR_FIELDS(type)                                                                       \
	{                                                                                       \
		FIELD(type, e_type), FIELD(type, e_machine), FIELD(type, e_version),            \
			FIELD(type, e_phoff), FIELD(type, e_shoff), FIELD(type, e_flags),       \
			FIELD(type, e_ehsize), FIELD(type, e_phentsize), FIELD(type, e_phnum),  \
			FIELD(type, e_shentsize), FIELD(type, e_shnum), FIELD(type, e_shstrndx) \
	}
#define PHDR_FIELDS(type)                                                                  \
	{                                                                                  \
		FIELD(type, p_type), FIELD(type, p_flags), FIELD(type, p_offset),          \
			FIELD(type, p_vaddr), FIELD(type, p_paddr), FIELD(type, p_filesz), \
			FIELD(type, p_memsz)                                               \
	}

const struct gs_field gs_elf_ehdr_fields[2][EHDR_FIELD_COUNT] = {EHDR_FIELDS(Elf32_Ehdr),
								 EHDR_FIELDS(Elf64_Ehdr)};
const struct gs_field gs_elf_phdr_fields[2][PHDR_FIELD_COUNT] = {PHDR_FIELDS(Elf32_Phdr),
								 PHDR_FIELDS(Elf64_Phdr)};
const struct gs_field gs_elf_sh_info_field[2] = {FIELD(Elf32_Shdr, sh_info),
						 FIELD(Elf64_Shdr, sh_info)};

uint32_t gs_elf_ehdr_bytes(bool is_64bit)
{
	return is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

uint32_t gs_elf_phdr_bytes(bool is_64bit)
{
	return is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

uint32_t gs_elf_shdr_bytes(bool is_64bit)
{
	return is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}
