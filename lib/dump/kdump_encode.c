/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classify and compress the pages of a chunk. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "kdump_encode.h"

struct gs_error *gs_kdump_encoded_init(struct kdump_encoded *e, const struct gs_layout *layout)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);

	memset(e, 0, sizeof(*e));
	/* A chunk may begin and end inside a page: both count whole. */
	e->data = malloc(GS_CHUNK_BYTES + 2 * page_size);
	e->partial = malloc(page_size);
	if (!e->data || !e->partial)
		return gs_error_nomem();
	return gs_codec_state_create(layout->codec, layout->level, &e->codec);
}

void gs_kdump_encoded_deinit(struct kdump_encoded *e)
{
	gs_codec_state_destroy(e->codec);
	free(e->partial);
	free(e->data);
}

/*
 * The chunk's bytes of page @pfn, padded to a whole page if need be.
 */
static const uint8_t *page_bytes(struct kdump_encoded *e, const struct gs_chunk *chunk,
				 gs_pfn_t pfn, uint32_t page_size)
{
	gs_gpa_t start = pfn * page_size, end = start + page_size;
	gs_gpa_t chunk_end = chunk->gpa + chunk->size;

	if (start >= chunk->gpa && end <= chunk_end)
		return chunk->data + (start - chunk->gpa);
	memset(e->partial, 0, page_size);
	if (end > chunk_end)
		end = chunk_end;
	if (start >= chunk->gpa)
		memcpy(e->partial, chunk->data + (start - chunk->gpa), end - start);
	else
		memcpy(e->partial + (chunk->gpa - start), chunk->data, end - chunk->gpa);
	return e->partial;
}

static void encode_page(struct kdump_encoded *e, const struct gs_layout *layout,
			const uint8_t *page, uint32_t page_size, struct page_slot *slot)
{
	uint8_t *to = e->data + e->data_bytes;
	bool zero_apart = layout->share_zero || layout->drop_zero;

	if (zero_apart && gs_is_zero(page, page_size)) {
		slot->kind = layout->drop_zero ? SLOT_ABSENT : SLOT_ZERO;
		return;
	}
	slot->size = (uint32_t)gs_codec_compress(e->codec, page, page_size, to);
	slot->kind = SLOT_COMPRESSED;
	if (!slot->size) {
		slot->kind = SLOT_RAW;
		slot->size = page_size;
		memcpy(to, page, page_size);
	}
	e->data_bytes += slot->size;
}

static void encode_slot(struct kdump_encoded *e, const struct gs_layout *layout,
			const struct gs_chunk *chunk, size_t i)
{
	static const uint8_t zero_page[GS_CODEC_PAGE_MAX];
	uint32_t page_size = gs_selection_page_size(layout->selection);
	struct page_slot *slot = &e->slots[i];
	gs_pfn_t pfn = e->pfn + i;

	*slot = (struct page_slot){.kind = SLOT_ABSENT};
	if (!gs_selection_keeps(layout->selection, pfn))
		return;
	if (chunk->page[i] == GS_EXTENT_DATA)
		encode_page(e, layout, page_bytes(e, chunk, pfn, page_size), page_size, slot);
	else if (chunk->page[i] == GS_EXTENT_ZERO)
		encode_page(e, layout, zero_page, page_size, slot);
}

void gs_kdump_encode(struct kdump_encoded *e, const struct gs_layout *layout,
		     const struct gs_chunk *chunk)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);

	e->kind = chunk->kind;
	e->pfn = chunk->gpa / page_size;
	e->page_count = (chunk->gpa + chunk->size - 1) / page_size - e->pfn + 1;
	e->data_bytes = 0;
	if (chunk->kind != GS_EXTENT_DATA)
		return;
	for (size_t i = 0; i < e->page_count; i++)
		encode_slot(e, layout, chunk, i);
}
