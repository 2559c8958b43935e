/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of addresses: symbol tables of ELF files, System.map, or whoever has a list; build-ids. */
#ifndef GUESTSCOPE_SYMBOLS_H
#define GUESTSCOPE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

struct gs_symbols;
void gs_symbols_destroy(struct gs_symbols *symbols);
GS_DEFINE_CLEANUP(struct gs_symbols *, gs_symbols_destroy)

/* A table to be filled by the caller; added symbols may come in any order. */
GS_MUST_CHECK struct gs_error *gs_symbols_create(struct gs_symbols **ret);
#define GS_SYMBOLS_MAX (16u << 20)
#define GS_SYMBOL_NAME_MAX 4096 /* bytes; longer ones are cut */
/*
 * @type as nm(1) prints it ('T', 'd', ...); 0 unknown. The name is copied. CORRUPT beyond
 * GS_SYMBOLS_MAX. Pointers to names handed out before are no longer good.
 */
GS_MUST_CHECK struct gs_error *gs_symbols_add(struct gs_symbols *symbols, const char *name,
					      size_t name_size, uint64_t address, char type);

/*
 * An ELF file's .symtab, else .dynsym, or a System.map (as nm and /proc/kallsyms print it): told by
 * content. NODATA: an ELF file without symbols. CORRUPT names the file and what is wrong.
 */
GS_MUST_CHECK struct gs_error *gs_symbols_open(const char *path, struct gs_symbols **ret);

struct gs_symbol {
	const char *name; /* borrowed from the table, until the next one is added */
	uint64_t address;
	char type;
};
/*
 * The symbol at or below @address; of several there the one that people know best. False if there
 * is none, or none near enough to mean it: within 1 MiB, and not one of those that are no places in
 * memory: absolute ones, and those below all text, as the kernel's offsets of per-CPU variables.
 */
bool gs_symbols_at(struct gs_symbols *symbols, uint64_t address, struct gs_symbol *ret);
bool gs_symbols_find(struct gs_symbols *symbols, const char *name, struct gs_symbol *ret);
size_t gs_symbols_count(const struct gs_symbols *symbols);
/*
 * Added to every address from now on (modulo 2^64), but for those that are no places in memory:
 * what KASLR moved the kernel by.
 */
void gs_symbols_set_offset(struct gs_symbols *symbols, uint64_t offset);

#define GS_BUILD_ID_MAX 64 /* bytes; in practice 20 */
struct gs_build_id {
	uint8_t bytes[GS_BUILD_ID_MAX];
	size_t size; /* 0: none */
};
/* "fe12...": lower case hex; false if @text is no such thing. */
bool gs_build_id_parse(const char *text, struct gs_build_id *ret);
void gs_build_id_format(const struct gs_build_id *id, char ret[2 * GS_BUILD_ID_MAX + 1]);
bool gs_build_id_equal(const struct gs_build_id *a, const struct gs_build_id *b);
/* NT_GNU_BUILD_ID of an ELF file. NODATA: it has none. */
GS_MUST_CHECK struct gs_error *gs_build_id_of_file(const char *path, struct gs_build_id *ret);

/* Which kernel's debug file is wanted, and where it may be. All texts are borrowed. */
struct gs_debug_search {
	struct gs_build_id id;   /* size 0: not known, so only the release tells */
	const char *release;     /* "6.1.0-13-amd64"; hostile; NULL: not known */
	const char *const *dirs; /* to look in before the system's own; NULL-terminated, or NULL */
	bool debuginfod;         /* ask debuginfod-find at last: it may download for long */
};
/*
 * The kernel's ELF file with symbols: vmlinux in the places where distributions and builds put it,
 * its build-id checked. NODATA if there is none. *tried_ret (also then; NULL if there was no memory
 * for it) is one line for each place that was looked at, "PATH: why not". Both are the caller's.
 */
GS_MUST_CHECK struct gs_error *gs_debug_file_find(const struct gs_debug_search *search,
						  char **path_ret, char **tried_ret);

/*
 * What to install for a kernel's debug file, by what its release and version look like: "the
 * package linux-image-6.1.0-13-amd64-dbg". NULL: no memory. The caller frees.
 */
char *gs_debug_package_hint(const char *release, const char *version);

#endif
