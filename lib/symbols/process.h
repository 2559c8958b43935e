/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of process symbols share: the files of a process, each a module of libdwfl. */
#ifndef GUESTSCOPE_SYMBOLS_PROCESS_PARTS_H
#define GUESTSCOPE_SYMBOLS_PROCESS_PARTS_H

#include <elfutils/libdwfl.h>
#include <sys/types.h>

#include <guestscope/base/text.h>
#include <guestscope/symbols/process.h>

/* A file with code in it, where the process has mapped it. */
struct process_file {
	struct gs_process_symbols *symbols;
	uint64_t start, end; /* of all its mappings */
	uint64_t first_end;  /* of the first of them */
	unsigned int dev_major, dev_minor;
	uint64_t inode;
	char *path; /* as the process names it: without " (deleted)", in its own namespace */
	bool executable;
	Dwfl_Module *module;
};

struct gs_process_symbols {
	pid_t pid;
	int proc_fd; /* /proc/PID of this process for ever, even when another has its number */
	bool debuginfod;
	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	struct process_file *files;
	size_t file_count;
};

/* ---- the files ---- */

/* /proc/PID/NAME. GONE when the process has ended. */
GS_MUST_CHECK struct gs_error *gs_process_open_proc(struct gs_process_symbols *symbols,
						    const char *name, int *fd_ret);
GS_MUST_CHECK struct gs_error *gs_process_read_proc(struct gs_process_symbols *symbols,
						    const char *name, char **ret, size_t *size_ret);
GS_MUST_CHECK struct gs_error *gs_process_files_read(struct gs_process_symbols *symbols,
						     struct process_file **ret, size_t *count_ret);
void gs_process_files_free(struct process_file *files, size_t count);
/* NULL: none. */
struct process_file *gs_process_file_at(struct gs_process_symbols *symbols, uint64_t address);
const char *gs_process_file_name(const struct process_file *file); /* without folders */
/* As LIB! means it: "libvirt.so.0", "libvirt.so", "libvirt"; or the end of its path. */
bool gs_process_file_is(const struct process_file *file, const char *lib);

/* NULL: no ELF file, or one that libdw should not see. @fd stays the caller's. */
Elf *gs_process_open_elf(int fd);
/* Callback of libdwfl: opens the very file that is mapped, or its image in memory. */
int gs_process_find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			char **path_ret, Elf **elf_ret);
/* Callback of libdwfl: the separate debug file. */
int gs_process_find_debug(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *path, const char *link, GElf_Word crc, char **path_ret);

/* false: there is no such memory, or it is not ours to see. */
bool gs_process_read_memory(const struct gs_process_symbols *symbols, uint64_t address, void *buf,
			    size_t size);

/* ---- places ---- */

/* A place more, of which @place's texts are taken. One at the same address: the better stays. */
GS_MUST_CHECK struct gs_error *gs_places_add(struct gs_places *places, struct gs_place *place);
void gs_places_sort(struct gs_places *places);

/* Tables lead elsewhere, too: those of functions that the linker left out begin at 0. */
bool gs_process_is_code(const struct process_file *file, uint64_t address);
/* An address in a file: which function that is in, which source. @name: its symbol, or NULL. */
GS_MUST_CHECK struct gs_error *gs_process_place(const struct process_file *file, uint64_t address,
						const char *name, struct gs_place *ret);
/* The file and line of @place, if there is any information. */
GS_MUST_CHECK struct gs_error *gs_process_place_source(const struct process_file *file,
						       struct gs_place *place);

/* ---- names ---- */

/* What is asked for, cut into its parts. */
struct process_query {
	char *lib;         /* NULL: any */
	char *name;        /* of a function, or the end of a source file's path */
	char *version;     /* NULL: any */
	unsigned int line; /* 0: a function */
};

/* Functions of that name, and clones of them, in the symbol tables of @file. */
GS_MUST_CHECK struct gs_error *gs_process_find_names(const struct process_file *file,
						     const struct process_query *query,
						     struct gs_places *places);

/* What @name in @file is, if the symbol is an IFUNC: UNSUPPORTED if that cannot be told. */
GS_MUST_CHECK struct gs_error *gs_process_find_chosen(const struct process_file *file,
						      const char *name, uint64_t resolver,
						      uint64_t *ret);

/* By what compilers put behind the name of a part or variant. */
enum gs_place_kind gs_process_name_kind(const char *name);

/* ---- debug information ---- */

/* What is near something that is not found. Texts are borrowed from libdwfl. */
#define PROCESS_CONTAINING 3
struct process_nearby {
	const char *wanted; /* a function, a file without its folders */
	const char *nearest, *containing[PROCESS_CONTAINING];
	bool has_file; /* of the line that is wanted, with code at those nearest to it; 0: none */
	unsigned int line, below, above;
};
void gs_process_nearby_begin(struct process_nearby *nearby, const struct process_query *query);
void gs_process_nearby_see(struct process_nearby *nearby, const char *name);
void gs_process_nearby_see_line(struct process_nearby *nearby, unsigned int line);
/* NODATA: not found, and what was found instead. */
GS_MUST_CHECK struct gs_error *gs_process_nearby_error(struct process_nearby *nearby,
						       const struct gs_process_symbols *symbols,
						       const struct process_query *query);

/* Functions that no symbol tells of, and where functions of that name are inlined. */
GS_MUST_CHECK struct gs_error *gs_process_find_inlined(const struct process_file *file,
						       const struct process_query *query,
						       struct gs_places *places);
/* Where a line's code begins, in each function that it is in. */
GS_MUST_CHECK struct gs_error *gs_process_find_lines(const struct process_file *file,
						     const struct process_query *query,
						     struct gs_places *places,
						     struct process_nearby *nearby);

#endif
