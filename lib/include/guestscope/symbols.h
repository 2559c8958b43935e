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
/* @type as nm(1) prints it ('T', 'd', ...); 0 unknown. The name is copied. */
GS_MUST_CHECK struct gs_error *gs_symbols_add(struct gs_symbols *symbols, const char *name,
					      size_t name_size, uint64_t address, char type);

/* An ELF file's .symtab, else .dynsym, or a System.map (as nm prints it): told by content. */
GS_MUST_CHECK struct gs_error *gs_symbols_open(const char *path, struct gs_symbols **ret);

struct gs_symbol {
	const char *name; /* borrowed from the table */
	uint64_t address;
	char type;
};
/* The symbol at or below @address; false if there is none, or none near enough to mean it. */
bool gs_symbols_at(struct gs_symbols *symbols, uint64_t address, struct gs_symbol *ret);
bool gs_symbols_find(struct gs_symbols *symbols, const char *name, struct gs_symbol *ret);
size_t gs_symbols_count(const struct gs_symbols *symbols);
/* Added to every address from now on: what KASLR moved the kernel by. */
void gs_symbols_set_offset(struct gs_symbols *symbols, uint64_t offset);

#define GS_BUILD_ID_MAX 64 /* bytes; in practice 20 */
struct gs_build_id {
	uint8_t bytes[GS_BUILD_ID_MAX];
	size_t size; /* 0: none */
};
/* "fe12...": lower case hex; false if @text is no such thing. */
bool gs_build_id_parse(const char *text, struct gs_build_id *ret);
void gs_build_id_format(const struct gs_build_id *id, char ret[2 * GS_BUILD_ID_MAX + 1]);
/* NT_GNU_BUILD_ID of an ELF file. NODATA: it has none. */
GS_MUST_CHECK struct gs_error *gs_build_id_of_file(const char *path, struct gs_build_id *ret);

#endif
