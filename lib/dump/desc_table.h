/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page descriptors of a kdump file and their bitmap, written as the pages come, in PFN order.
 */
#ifndef GUESTSCOPE_DUMP_DESC_TABLE_H
#define GUESTSCOPE_DUMP_DESC_TABLE_H

#include "bit_stream.h"
#include "kdump_plan.h"

struct page_desc {
	uint64_t offset;
	uint32_t size;
	uint32_t flags;
};

struct desc_table {
	struct gs_sink *sink; /* borrowed */
	bool big_endian;
	uint8_t *buffer;         /* owned */
	size_t used;             /* bytes in buffer */
	uint64_t off;            /* where buffer[0] goes */
	struct bit_stream pages; /* the second bitmap */
};

GS_MUST_CHECK struct gs_error *gs_desc_table_init(struct desc_table *t,
						  const struct kdump_plan *plan, bool big_endian,
						  struct gs_sink *sink);
void gs_desc_table_deinit(struct desc_table *t);
/*
 * Give @count pages from @pfn on a descriptor each; the first gets *desc, each next one @step more
 * of offset. PFNs ascend from call to call.
 */
GS_MUST_CHECK struct gs_error *gs_desc_table_add(struct desc_table *t, gs_pfn_t pfn, uint64_t count,
						 const struct page_desc *desc, uint32_t step);
GS_MUST_CHECK struct gs_error *gs_desc_table_flush(struct desc_table *t);

#endif
