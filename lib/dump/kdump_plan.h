/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where everything of a kdump file to be written goes; known before the first page. */
#ifndef GUESTSCOPE_DUMP_KDUMP_PLAN_H
#define GUESTSCOPE_DUMP_KDUMP_PLAN_H

#include <guestscope/dump.h>

#include "kdump_layout.h"

/* All offsets are in the file. */
struct kdump_plan {
	enum kdump_shape shape;
	uint32_t block_size;
	gs_pfn_t end_pfn; /* max_mapnr */
	uint8_t *notes;   /* owned */
	size_t notes_size;
	uint64_t notes_off;
	uint64_t vmcoreinfo_off; /* 0: none */
	uint64_t eraseinfo_off;  /* 0: none */
	uint32_t sub_hdr_blocks;
	uint32_t bitmap_blocks; /* of each of the two */
	uint64_t bitmap1_off, bitmap2_off;
	uint64_t table_off;
	uint64_t zero_off; /* the page that all zero pages share; 0: they do not */
	uint64_t data_off; /* the first page of its own */
};

GS_MUST_CHECK struct gs_error *gs_kdump_plan_init(struct kdump_plan *plan,
						  const struct gs_layout *layout);
void gs_kdump_plan_deinit(struct kdump_plan *plan);

/* Main header, sub header, notes, erase text and the first bitmap. */
GS_MUST_CHECK struct gs_error *gs_kdump_write_headers(const struct kdump_plan *plan,
						      const struct gs_layout *layout,
						      struct gs_sink *sink);

#endif
