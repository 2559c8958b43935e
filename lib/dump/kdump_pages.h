/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of one kdump file: descriptors, data, decompression. */
#ifndef GUESTSCOPE_DUMP_KDUMP_PAGES_H
#define GUESTSCOPE_DUMP_KDUMP_PAGES_H

#include <stdatomic.h>

#include <guestscope/base/io.h>
#include <guestscope/codec.h>
#include <guestscope/memory.h>

/* A file of a split set, or the only one. */
struct gs_kdump_part {
	struct gs_blob *blob; /* owned */
	bool big_endian;
	uint32_t block_size;
	gs_pfn_t start_pfn, end_pfn;
	uint64_t first_rank; /* of start_pfn: its descriptor is the first in the table */
	uint64_t table_off, data_off;
	/* Where a raw page of zeros was seen: the one that zero pages share. 0: not yet. */
	_Atomic uint64_t zero_off;
	_Atomic bool looked_for_zero; /* where writers put it */
};

/* What a descriptor says of its page. */
struct gs_kdump_page {
	uint64_t off; /* 0: the page was lost while dumping */
	uint32_t size, flags;
};

/* How many pages are worth looking at together. */
#define KDUMP_BATCH_PAGES 256u

/* Contexts and buffers of one reading thread. */
struct gs_kdump_decoder;
GS_MUST_CHECK struct gs_error *gs_kdump_decoder_create(struct gs_kdump_decoder **ret);
void gs_kdump_decoder_destroy(struct gs_kdump_decoder *d);

/* The descriptors of @count (at most KDUMP_BATCH_PAGES) pages from the @rank-th of the file on. */
GS_MUST_CHECK struct gs_error *gs_kdump_read_descs(struct gs_kdump_part *part, uint64_t rank,
						   size_t count, struct gs_kdump_page *pages);

/*
 * The bytes of @count consecutive pages from @pfn on, all in the dump; @rank is that of the first
 * in the file's table.
 */
GS_MUST_CHECK struct gs_error *gs_kdump_read_pages(struct gs_kdump_decoder *d,
						   struct gs_kdump_part *part, gs_pfn_t pfn,
						   uint64_t rank, size_t count, uint8_t *out);

/* What descriptor @page leads to; CORRUPT and NODATA say what is wrong with it. */
GS_MUST_CHECK struct gs_error *gs_kdump_check_page(const struct gs_kdump_part *part,
						   const struct gs_kdump_page *page,
						   enum gs_codec *codec_ret);

/* Whether a page is the shared zero page; @next is the one behind it or NULL. */
GS_MUST_CHECK struct gs_error *gs_kdump_is_shared_zero(struct gs_kdump_part *part,
						       const struct gs_kdump_page *page,
						       const struct gs_kdump_page *next, bool *ret);

#endif
