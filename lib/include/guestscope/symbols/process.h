/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in the code of a process that runs: where its functions begin, and the lines of its
 * source.
 *
 * Files are those that the process has mapped, in its own mount namespace, deleted and replaced
 * ones too (as another user than root, of a deleted library what is loaded of it). Names come from
 * each file's .symtab, its separate debug file (by build-id or .gnu_debuglink, here or in the
 * process's own root), .gnu_debugdata, or .dynsym; the first that there is. Addresses are the
 * process's own: PIE and address randomization are accounted for. All work is done when it is asked
 * for, so that nothing has to be read while somebody stands still.
 *
 * Debug information is libdw's to read. What is hostile in it may cost the caller its life, so ask
 * before anything is held, and not in the process that holds.
 */
#ifndef GUESTSCOPE_SYMBOLS_PROCESS_H
#define GUESTSCOPE_SYMBOLS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/symbols.h>

/* By what is there, however it was asked for: a line's code may be a function's entry. */
enum gs_place_kind {
	GS_PLACE_FUNCTION, /* its entry */
	GS_PLACE_CLONE,    /* of a part or variant that the compiler has made: NAME.part.0, .isra.0,
			    * .constprop.0: arguments may be others */
	GS_PLACE_INLINED,  /* where it is inlined into another function: no arguments */
	GS_PLACE_LINE,     /* the first instruction of a line */
	GS_PLACE_ADDRESS,  /* elsewhere, as was asked for */
};
const char *gs_place_kind_name(enum gs_place_kind kind); /* "function", "clone", ... */

/* All texts are the place's own. */
struct gs_place {
	enum gs_place_kind kind;
	uint64_t address;
	char *symbol;    /* the function that contains it; NULL: unknown */
	uint64_t offset; /* from its beginning */
	char *name;      /* of INLINED, and of what an IFUNC chose: the function that was asked for;
			  * else NULL */
	char *module;    /* the file, as the process names it */
	struct gs_build_id build_id;
	char *file; /* source; NULL: no line information */
	unsigned int line;
};
void gs_place_deinit(struct gs_place *place);
/* false: out of memory; @ret is empty then. */
bool gs_place_copy(const struct gs_place *place, struct gs_place *ret);

struct gs_places {
	struct gs_place *places; /* by address, each address once */
	size_t count;
};
void gs_places_deinit(struct gs_places *places);

struct gs_process_symbols;

struct gs_process_symbols_options {
	bool debuginfod; /* ask servers for what is not here: may take minutes. Else never. */
};
/* GONE: there is no such process. UNREACHABLE: it is not ours to see. */
GS_MUST_CHECK struct gs_error *gs_process_symbols_open(
	pid_t pid, const struct gs_process_symbols_options *options,
	struct gs_process_symbols **ret);
void gs_process_symbols_close(struct gs_process_symbols *symbols);
GS_DEFINE_CLEANUP(struct gs_process_symbols *, gs_process_symbols_close)
/* From now on no server is asked: somebody may stand still. */
void gs_process_symbols_stay_local(struct gs_process_symbols *symbols);

/*
 * @what: FUNC, FUNC@VERSION, FILE:LINE (the end of a source file's path), 0xADDRESS, or LIB! before
 * one of the first three. LIB is a file's name without its path, with or without ".so" and what
 * stands behind that ("libvirt", "libvirt.so.0", "a.out"); with a slash in it, the end of its path.
 *
 * All places that it means: aliases are one; static functions of one name, clones and inlined ones
 * are several. NAME.cold is nothing that is called, and so only meant by its whole name. Where a
 * function is inlined is looked for in files whose symbols know the function, and in all files if
 * none does. A line means where its code begins in each function that it is in, inlined ones too;
 * only a line with code is one.
 *
 * An IFUNC means its resolver's choice if that can be told (somebody calls it, and the loader has
 * looked it up), else UNSUPPORTED says so, as of more than 1024 places. NODATA names what is near,
 * and says which files have no names. INVALID: none of the forms, or an address without code.
 */
GS_MUST_CHECK struct gs_error *gs_process_symbols_find(struct gs_process_symbols *symbols,
						       const char *what, struct gs_places *ret);
/* What is at @address. NODATA: no file of the process. */
GS_MUST_CHECK struct gs_error *gs_process_symbols_at(struct gs_process_symbols *symbols,
						     uint64_t address, struct gs_place *ret);

/* Files that were mapped meanwhile, or are not any more; *changed: whether there are any. */
GS_MUST_CHECK struct gs_error *gs_process_symbols_refresh(struct gs_process_symbols *symbols,
							  bool *changed);
/*
 * Where the dynamic loader comes to whenever it is about to map or unmap something, and when it has
 * done so (r_brk of its r_debug; before it has begun, the function of that purpose by its name). At
 * a program's exec that is known already. NODATA: no loader, as in static programs.
 */
GS_MUST_CHECK struct gs_error *gs_process_symbols_loader(struct gs_process_symbols *symbols,
							 uint64_t *ret);
/* The program's first instruction of its own (AT_ENTRY), behind the loader's work. */
GS_MUST_CHECK struct gs_error *gs_process_symbols_entry(struct gs_process_symbols *symbols,
							uint64_t *ret);

#endif
