/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of "verify" share. They parse the formats once more, on purpose: a reader that
 * tolerates a flaw, or shares a mistake with the writer, would hide it.
 *
 *	verify.c        entry: opens the file, sees through flattening, picks the format
 *	verify_flat.c   records of a flattened file
 *	verify_elf.c    ELF headers and segments
 *	verify_kdump.c  kdump headers, bitmaps; verify_pages.c its descriptors and pages
 *	verify_notes.c  ELF notes and VMCOREINFO, of both
 *	verify_report.c findings
 */
#ifndef GUESTSCOPE_JOB_VERIFY_H
#define GUESTSCOPE_JOB_VERIFY_H

#include <guestscope/base/io.h>
#include <guestscope/job.h>

#include "sum.h"

#define PER_CODE_MAX 8 /* findings of one code that are told one by one */
#define CODES_MAX 64

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
void verify_find(struct verify *v, enum gs_severity severity, const char *code, uint64_t off,
		 const char *fmt, ...);
/* The counts of what was not told. */
void verify_close(struct verify *v);

/* Judge the records; *ret is the payload as a blob. Takes @blob. */
GS_MUST_CHECK struct gs_error *verify_flat(struct verify *v, struct gs_blob *blob,
					   struct gs_blob **ret);
GS_MUST_CHECK struct gs_error *verify_elf(struct verify *v, struct gs_blob *blob);
GS_MUST_CHECK struct gs_error *verify_kdump(struct verify *v, struct gs_blob *const *blobs,
					    size_t count);

/* The notes of [off, off + size); *vmcoreinfo_* say where its text lies (0, 0 if there is none). */
GS_MUST_CHECK struct gs_error *verify_notes(struct verify *v, struct gs_blob *blob, uint64_t off,
					    uint64_t size, bool big_endian,
					    uint64_t *vmcoreinfo_off_ret,
					    uint64_t *vmcoreinfo_size_ret);
GS_MUST_CHECK struct gs_error *verify_vmcoreinfo(struct verify *v, struct gs_blob *blob,
						 uint64_t off, uint64_t size, uint32_t page_size);

/* A stretch of page data; verify_runs_* find out whether any two overlap. */
struct run {
	uint64_t start, end;
};
struct runs {
	struct run *items;
	size_t count, capacity;
	bool overflow; /* more than RUNS_MAX: not judged */
};
GS_MUST_CHECK struct gs_error *verify_runs_add(struct runs *runs, uint64_t start, uint64_t size);
void verify_runs_judge(struct verify *v, struct runs *runs);

/* What the pages of a kdump file (or of one part) are judged against. */
struct kdump_pages {
	struct gs_blob *blob;
	const uint8_t *bitmap1, *bitmap2; /* max_mapnr bits each */
	uint64_t first_pfn, end_pfn;      /* of this part */
	uint64_t desc_off, data_off;      /* descriptor table, first byte that may be page data */
	uint32_t block_size;
	bool big_endian, incomplete;
};
GS_MUST_CHECK struct gs_error *verify_pages(struct verify *v, const struct kdump_pages *pages);

#endif
