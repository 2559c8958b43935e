/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One chunk of guest memory made into the pages of a kdump file. */
#ifndef GUESTSCOPE_DUMP_KDUMP_ENCODE_H
#define GUESTSCOPE_DUMP_KDUMP_ENCODE_H

#include <guestscope/dump.h>

enum slot_kind {
	SLOT_ABSENT, /* no descriptor */
	SLOT_ZERO,   /* shares the zero page */
	SLOT_RAW,
	SLOT_COMPRESSED,
};

struct page_slot {
	uint8_t kind;  /* enum slot_kind */
	uint32_t size; /* bytes in data; 0 for ABSENT and ZERO */
};

/*
 * A DATA chunk has a slot for each of its pages and their bytes one after the other in data. A run
 * (ZERO or EXCLUDED) is of any length and has neither.
 */
struct kdump_encoded {
	struct gs_codec_state *codec;
	enum gs_extent kind;
	gs_pfn_t pfn;
	uint64_t page_count;
	struct page_slot slots[GS_CHUNK_PAGES_MAX];
	uint8_t *data;
	uint8_t *partial;    /* a page that the chunk covers in part, padded with zeros */
	uint64_t data_bytes; /* of a run of zero pages that are not shared: what they will take */
	uint64_t off;        /* of data in the file, once placed */
};

GS_MUST_CHECK struct gs_error *gs_kdump_encoded_init(struct kdump_encoded *e,
						     const struct gs_layout *layout);
void gs_kdump_encoded_deinit(struct kdump_encoded *e);
void gs_kdump_encode(struct kdump_encoded *e, const struct gs_layout *layout,
		     const struct gs_chunk *chunk);

#endif
