/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of "verify" share. They parse the formats once more, on purpose: a reader that
 * tolerates a flaw, or shares a mistake with the writer, would hide it.
 *
 *	verify.c             entry: opens the file, sees through flattening, picks the format
 *	verify_flat.c        records of a flattened file
 *	verify_elf.c         ELF headers
 *	verify_elf_memory.c  what its segments hold
 *	verify_kdump.c       kdump files and sets of them
 *	verify_kdump_head.c  the main header
 *	verify_kdump_sub.c   the sub header
 *	verify_bits.c        bitmaps
 *	verify_pages.c       page descriptors and data
 *	verify_extents.c     where page data overlaps
 *	verify_sharing.c     whether it may
 *	verify_notes.c       notes, of both formats
 *	verify_vmcoreinfo.c  the text of VMCOREINFO, of both formats
 *	verify_layers.c      which of several overlapping stretches holds
 *	verify_report.c      findings
 */
#ifndef GUESTSCOPE_JOB_VERIFY_H
#define GUESTSCOPE_JOB_VERIFY_H

#include <guestscope/base/io.h>
#include <guestscope/job.h>

#include "sum.h"

#define PER_CODE_MAX 8 /* findings of one code that are told one by one */
#define CODES_MAX 96

struct code_count {
	const char *code;
	enum gs_severity severity;
	uint64_t count;
};

struct verify {
	const struct gs_verify *options;
	struct gs_verify_result *result;
	struct code_count codes[CODES_MAX];
	size_t code_count;
	const char *part; /* name of the file being judged if there are several, else NULL */
};

#define NO_OFFSET UINT64_MAX

/* @code is a string literal. Beyond PER_CODE_MAX findings of one code are only counted. */
GS_PRINTF(5, 6)
void gs_verify_find(struct verify *v, enum gs_severity severity, const char *code, uint64_t off,
		    const char *fmt, ...);
/* The counts of what was not told. */
void gs_verify_close(struct verify *v);

/* Judge the records; *ret is the payload, a view of @file, which stays the caller's. */
GS_MUST_CHECK struct gs_error *gs_verify_flat(struct verify *v, struct gs_blob *file,
					      struct gs_blob **ret);
GS_MUST_CHECK struct gs_error *gs_verify_elf(struct verify *v, struct gs_blob *blob);
GS_MUST_CHECK struct gs_error *gs_verify_kdump(struct verify *v, struct gs_blob *const *blobs,
					       size_t count);

/* ---- notes and VMCOREINFO ---- */

/* What was found in a file's notes: of all PT_NOTE segments together. */
struct note_facts {
	uint64_t cpus, qemu;                      /* NT_PRSTATUS and QEMU notes */
	uint64_t vmcoreinfo_off, vmcoreinfo_size; /* of the first one; 0, 0 if there is none */
	bool has_vmcoreinfo, has_eraseinfo;
};

/* The notes of [off, off + size); adds to *facts. @arch may be unknown. */
GS_MUST_CHECK struct gs_error *gs_verify_notes(struct verify *v, struct gs_blob *blob, uint64_t off,
					       uint64_t size, enum gs_arch arch, bool big_endian,
					       struct note_facts *facts);
/* What all of a file's notes together lack. */
void gs_verify_note_facts(struct verify *v, const struct note_facts *facts);

struct vmcoreinfo_facts {
	bool has_phys_base;
	int64_t phys_base;
	gs_gpa_t kernel_gpa; /* of init_uts_ns, on x86_64; NO_KERNEL if that is not known */
};

#define NO_KERNEL UINT64_MAX

/* The page at @kernel_gpa is RAM that was left out: a filter went wrong. */
void gs_verify_kernel_missing(struct verify *v, gs_gpa_t kernel_gpa);

/* @block_size of a kdump file, else 0. *ret is filled as far as the text goes. */
GS_MUST_CHECK struct gs_error *gs_verify_vmcoreinfo(struct verify *v, struct gs_blob *blob,
						    uint64_t off, uint64_t size,
						    uint32_t block_size,
						    struct vmcoreinfo_facts *ret);

/* ---- layers ---- */

/* A stretch of an address space and where its bytes are. */
struct layer {
	uint64_t start, end; /* start < end */
	uint64_t src;        /* of start, or one of the below */
	uint64_t rank;       /* where layers overlap, the lowest rank holds */
};

/* Sources that are no offsets: the same all over the layer. */
#define SRC_ZERO UINT64_MAX
#define SRC_EXCLUDED (UINT64_MAX - 1)
#define SRC_IS_OFFSET(src) ((src) < SRC_EXCLUDED)

struct layers {
	struct layer *items;
	size_t count, capacity;
};

GS_MUST_CHECK struct gs_error *gs_layers_add(struct layers *l, const struct layer *layer);
/* Make them sorted and disjoint. O(n log n). */
GS_MUST_CHECK struct gs_error *gs_layers_resolve(struct layers *l);
/* Of resolved ones: the first that ends beyond @at, or count. */
size_t gs_layers_find(const struct layers *l, uint64_t at);
void gs_layers_deinit(struct layers *l);

#endif
