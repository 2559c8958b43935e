/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page descriptors of a kdump file, written as the pages come, in PFN order. */
#ifndef GUESTSCOPE_DUMP_DESC_TABLE_H
#define GUESTSCOPE_DUMP_DESC_TABLE_H

#include <guestscope/base/io.h>

#include "kdump_layout.h"

struct page_desc {
	uint64_t offset;
	uint32_t size;
	uint32_t flags;
};

struct desc_table {
	struct gs_sink *sink; /* borrowed */
	bool big_endian;
	uint8_t *buffer; /* owned */
	size_t used;     /* bytes in buffer */
	uint64_t off;    /* where buffer[0] goes */
};

/* The table begins at @off of the sink. */
GS_MUST_CHECK struct gs_error *gs_desc_table_init(struct desc_table *t, uint64_t off,
						  bool big_endian, struct gs_sink *sink);
void gs_desc_table_deinit(struct desc_table *t);
/*
 * Give the next @count pages a descriptor each; the first gets *desc, each next one @step more of
 * offset.
 */
GS_MUST_CHECK struct gs_error *gs_desc_table_add(struct desc_table *t, uint64_t count,
						 const struct page_desc *desc, uint32_t step);
GS_MUST_CHECK struct gs_error *gs_desc_table_flush(struct desc_table *t);

#endif
