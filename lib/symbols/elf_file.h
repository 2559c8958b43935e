/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF file, open in libelf. */
#ifndef GUESTSCOPE_SYMBOLS_ELF_FILE_H
#define GUESTSCOPE_SYMBOLS_ELF_FILE_H

#include <gelf.h>

#include <guestscope/symbols.h>

struct gs_elf_file {
	int fd;
	Elf *elf;
};

/* *ret is NULL for a file that is no ELF. */
GS_MUST_CHECK struct gs_error *gs_elf_file_open(const char *path, struct gs_elf_file **ret);
void gs_elf_file_close(struct gs_elf_file *file);
GS_DEFINE_CLEANUP(struct gs_elf_file *, gs_elf_file_close)

/* NT_GNU_BUILD_ID; false: none. */
bool gs_build_id_of_elf(Elf *elf, struct gs_build_id *ret);

#endif
