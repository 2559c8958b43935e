/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of one kdump file, read and checked against its size. kdump_layout.h has the drawing.
 */
#ifndef GUESTSCOPE_DUMP_KDUMP_PARSE_H
#define GUESTSCOPE_DUMP_KDUMP_PARSE_H

#include <guestscope/base/io.h>
#include <guestscope/memory.h>

#include "kdump_layout.h"

struct gs_kdump_headers {
	enum kdump_shape shape;
	bool big_endian;
	uint8_t raw[KDUMP_HEADER_BYTES_MAX]; /* the main header as it is */
	uint64_t header[KDUMP_HEADER_FIELD_COUNT];
	uint64_t sub[KDUMP_SUB_FIELD_COUNT]; /* 0 where the version lacks the field */
	/* derived */
	uint32_t block_size;
	uint64_t max_mapnr;                /* exclusive end of the pages */
	uint64_t bitmap1_off, bitmap2_off; /* the same if there is one map for both purposes */
	uint64_t table_off;                /* page descriptors */
	bool split;
	gs_pfn_t start_pfn, end_pfn; /* of this part; 0 and max_mapnr if not split */
};

/*
 * Byte order, class and shape are guessed: the first combination in which the headers are sound.
 * If none is, the error is that of the most likely one.
 */
GS_MUST_CHECK struct gs_error *gs_kdump_parse(struct gs_blob *blob, struct gs_kdump_headers *h);
/* What the headers, notes, VMCOREINFO and erase text say. @attrs is the caller's to deinit, even
 * after an error. */
GS_MUST_CHECK struct gs_error *gs_kdump_attributes(struct gs_blob *blob,
						   const struct gs_kdump_headers *h,
						   struct gs_attributes *attrs);

#endif
