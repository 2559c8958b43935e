/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump that is being mended: what mend.c opens, and what the formats' menders add to it.
 *
 *	file ─ flattened? (may be cut) ─ padded with zeros up to where its tables end ─> memory
 *	menders ─> changes for people, edits of the dump's bytes ─> edits of the file's bytes
 */
#ifndef GUESTSCOPE_DUMP_MEND_H
#define GUESTSCOPE_DUMP_MEND_H

#include <guestscope/base/text.h>

#include "formats.h"

/* New bytes at [off, off + size): @bytes, or what @fill makes when it is asked for them. */
struct gs_edit {
	uint64_t off, size;
	uint8_t *bytes; /* owned; NULL: @fill */
	struct gs_error *(*fill)(struct gs_mend *m, uint64_t pos, void *buf, size_t size);
	size_t origin; /* of a flattened file's: the dump's edit that it carries; SIZE_MAX: none */
};

struct gs_edits {
	struct gs_edit *items;
	size_t count, capacity;
};

/* Entries of the table of descriptors that stay, in runs. */
struct gs_kept_run {
	uint64_t new_rank, old_rank, count;
};

struct gs_mend {
	struct gs_memory *mem;     /* owns the blobs */
	struct gs_blob *container; /* the file */
	struct gs_blob *view;      /* the dump: its bytes, with zeros behind them if need be */
	uint64_t there;            /* bytes of the dump that the file has */
	bool flattened;
	struct gs_flat_end end;
	struct gs_mend_change *changes;
	size_t change_count, change_capacity;
	struct gs_edits edits;      /* of the dump */
	struct gs_edits file_edits; /* of the file; the same unless flattened */
	uint64_t size;              /* of the mended dump */
	uint64_t file_size;         /* of the mended file */
	/* kdump */
	struct gs_kept_run *runs;
	size_t run_count;
	uint64_t lost_pages;     /* have descriptors, but their data is not in the file */
	uint64_t lost_known;     /* of those: their descriptors say so */
	uint64_t first_changed;  /* rank of an entry in the new table */
	struct gs_range *ranges; /* the pages that stay; NULL: all */
	size_t range_count;
	uint64_t bitmap_off[2]; /* where the bitmaps were */
	uint64_t bitmap_bytes;  /* of each one to be written */
	uint64_t bitmap_gap;    /* bytes that both together need less */
};

/* "kdump-phys-base", what is wrong, and the values; NULL where there is no value to show. */
GS_MUST_CHECK GS_PRINTF(5, 6) struct gs_error *gs_mend_note(struct gs_mend *m, const char *code,
							    const char *old_value,
							    const char *new_value, const char *fmt,
							    ...);
/* Takes @bytes, also when it fails. */
GS_MUST_CHECK struct gs_error *gs_edits_add_bytes(struct gs_edits *e, uint64_t off, uint8_t *bytes,
						  uint64_t size);
GS_MUST_CHECK struct gs_error *gs_edits_add(struct gs_edits *e, const struct gs_edit *edit);
/* Only if @now differs from @was; a copy is made. */
GS_MUST_CHECK struct gs_error *gs_edits_add_changed(struct gs_edits *e, uint64_t off,
						    const uint8_t *was, const uint8_t *now,
						    size_t size);

/* The menders: each adds its changes and edits. */
GS_MUST_CHECK struct gs_error *gs_mend_kdump(struct gs_mend *m,
					     const struct gs_mend_wanted *wanted);
GS_MUST_CHECK struct gs_error *gs_mend_elf(struct gs_mend *m, const struct gs_mend_wanted *wanted);
/* What of the kdump headers follows from the pages; part of gs_mend_kdump(). */
struct gs_kdump_headers;
GS_MUST_CHECK struct gs_error *gs_mend_kdump_pages(struct gs_mend *m,
						   const struct gs_mend_wanted *wanted,
						   struct gs_kdump_headers *h);
/* From edits of the dump to those of the flattened file around it. */
GS_MUST_CHECK struct gs_error *gs_mend_flat(struct gs_mend *m);

/* Where the tables of a kdump file end, for which the file may be too short. */
GS_MUST_CHECK struct gs_error *gs_kdump_table_end(struct gs_blob *blob, uint64_t *end_ret);

#endif
