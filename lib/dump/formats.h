/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of the formats offer to open.c. */
#ifndef GUESTSCOPE_DUMP_FORMATS_H
#define GUESTSCOPE_DUMP_FORMATS_H

#include <guestscope/dump.h>

/* A reader's memory embeds this as its first member. */
struct gs_dump_memory {
	struct gs_memory mem;
	struct gs_dump_facts facts;
};

extern const struct gs_memory_ops gs_elf_memory_ops, gs_kdump_memory_ops, gs_raw_memory_ops;

#define GS_DUMP_MAGIC_BYTES 16
bool gs_elf_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES]);
bool gs_kdump_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES]);
/* The predecessor of kdump-compressed: recognised, to say that nobody reads it here. */
bool gs_diskdump_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES]);

/* The blobs are taken on success. */
GS_MUST_CHECK struct gs_error *gs_elf_open(struct gs_blob *blob, struct gs_dump_memory **ret);
/* One file, or all parts of a split set in any order. */
GS_MUST_CHECK struct gs_error *gs_kdump_open(struct gs_blob *const *blobs, size_t count,
					     struct gs_dump_memory **ret);
GS_MUST_CHECK struct gs_error *gs_raw_open(struct gs_blob *blob, const struct gs_dump_open *options,
					   struct gs_dump_memory **ret);

/* Where a flattened file ends. */
struct gs_flat_end {
	bool cut;            /* there is no end record */
	uint64_t pos;        /* of the end record, or where it should be */
	uint64_t record_pos; /* of a record within which the file ends... */
	uint64_t there;      /* ...and how much of its data there is; 0: no such record */
};
/* As gs_flat_open(), but of a file that was cut, all that is there. */
GS_MUST_CHECK struct gs_error *gs_flat_open_cut(struct gs_blob *blob, const char *spool_dir,
						struct gs_flat_end *end_ret, struct gs_blob **ret);
/* Destroys the view that gs_flat_open() made and hands back what it lay over. */
struct gs_blob *gs_flat_close(struct gs_blob *flat);

#endif
