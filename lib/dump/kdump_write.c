/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer of kdump-compressed files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bit_stream.h"
#include "desc_table.h"
#include "kdump_encode.h"
#include "kdump_plan.h"
#include "writer.h"

struct kdump_writer {
	struct gs_writer w;
	struct kdump_plan plan;
	struct desc_table table;
	struct bit_stream pages; /* the second bitmap: what has a descriptor */
	uint64_t data_off;       /* where the next page goes */
	gs_pfn_t next_pfn;       /* pages come in ascending order, each once */
	/* A zero page as the codec makes it, for files in which zero pages are not shared. */
	uint8_t *zero_page;
	struct page_desc zero_desc;
};

static struct kdump_writer *to_kdump(struct gs_writer *w)
{
	return (struct kdump_writer *)w;
}

static struct gs_error *encode_zero_page(struct kdump_writer *k)
{
	GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *codec = NULL;
	uint32_t page_size = k->plan.block_size;
	gs_autofree uint8_t *page = calloc(1, page_size);
	struct gs_error *err;

	k->zero_page = calloc(1, page_size);
	if (!page || !k->zero_page)
		return gs_error_nomem();
	err = gs_codec_state_create(k->w.layout.codec, k->w.layout.level, &codec);
	if (err)
		return err;
	k->zero_desc.size = (uint32_t)gs_codec_compress(codec, page, page_size, k->zero_page);
	k->zero_desc.flags = gs_codec_info(k->w.layout.codec)->kdump_flag;
	if (!k->zero_desc.size) {
		k->zero_desc = (struct page_desc){.size = page_size};
		memset(k->zero_page, 0, page_size);
	}
	return NULL;
}

static struct gs_error *kdump_begin(struct gs_writer *w)
{
	struct kdump_writer *k = to_kdump(w);
	struct gs_error *err;

	err = gs_desc_table_init(&k->table, k->plan.table_off, w->layout.attrs->big_endian,
				 w->sink);
	if (!err)
		err = gs_bit_stream_init(&k->pages, w->sink, k->plan.bitmap2_off);
	if (!err)
		err = encode_zero_page(k);
	if (!err)
		err = gs_kdump_write_headers(&k->plan, &w->layout, w->sink);
	k->data_off = k->plan.data_off;
	if (err || !k->plan.zero_off)
		return err;
	w->stats.data_bytes += k->plan.block_size;
	k->zero_desc = (struct page_desc){.offset = k->plan.zero_off, .size = k->plan.block_size};
	memset(k->zero_page, 0, k->plan.block_size);
	return gs_sink_write(w->sink, k->plan.zero_off, k->zero_page, k->plan.block_size);
}

static void kdump_encoded_destroy(void *state)
{
	gs_kdump_encoded_deinit(state);
	free(state);
}

static struct gs_error *kdump_encoded_create(struct gs_writer *w, void **state_ret)
{
	struct kdump_encoded *e = calloc(1, sizeof(*e));
	struct gs_error *err;

	if (!e)
		return gs_error_nomem();
	err = gs_kdump_encoded_init(e, &w->layout);
	if (err)
		kdump_encoded_destroy(e);
	else
		*state_ret = e;
	return err;
}

static struct gs_error *kdump_encode_chunk(struct gs_writer *w, const struct gs_chunk *chunk,
					   void *state)
{
	gs_kdump_encode(state, &w->layout, chunk);
	return NULL;
}

static void count_slot(struct gs_writer_stats *stats, enum slot_kind kind)
{
	stats->pages += kind != SLOT_ABSENT;
	stats->zero_pages += kind == SLOT_ZERO;
	stats->raw_pages += kind == SLOT_RAW;
	stats->compressed_pages += kind == SLOT_COMPRESSED;
	stats->dropped_pages += kind == SLOT_ABSENT;
}

/* As gs_desc_table_add(), for pages from @pfn on; PFNs ascend from call to call. */
static struct gs_error *place_pages(struct kdump_writer *k, gs_pfn_t pfn, uint64_t count,
				    const struct page_desc *desc, uint32_t step)
{
	struct gs_error *err = gs_desc_table_add(&k->table, count, desc, step);

	return err ? err : gs_bit_stream_set(&k->pages, pfn, count);
}

static struct gs_error *place_slots(struct kdump_writer *k, struct kdump_encoded *e)
{
	uint32_t codec_flag = gs_codec_info(k->w.layout.codec)->kdump_flag;
	uint64_t off = e->off;
	struct gs_error *err = NULL;

	for (size_t i = 0; i < e->page_count && !err; i++) {
		const struct page_slot *slot = &e->slots[i];
		struct page_desc desc = {.offset = off, .size = slot->size};

		if (slot->kind == SLOT_COMPRESSED)
			desc.flags = codec_flag;
		if (slot->kind != SLOT_ABSENT)
			err = place_pages(k, e->pfn + i, 1,
					  slot->kind == SLOT_ZERO ? &k->zero_desc : &desc, 0);
		count_slot(&k->w.stats, slot->kind);
		off += slot->size;
	}
	return err;
}

/* The kept pages of a run of zero pages; without sharing each gets its own copy. */
static struct gs_error *place_zero_run(struct kdump_writer *k, struct kdump_encoded *e)
{
	bool shared = k->plan.zero_off;
	gs_pfn_t pfn = e->pfn, end = e->pfn + e->page_count;
	struct page_desc desc = k->zero_desc;
	struct gs_error *err = NULL;

	while (!err) {
		uint64_t count;

		gs_selection_next(k->w.layout.selection, pfn, end, &pfn, &count);
		if (!count)
			break;
		if (count > end - pfn)
			count = end - pfn;
		if (!shared) {
			desc.offset = e->off + e->data_bytes;
			e->data_bytes += count * desc.size;
		}
		err = place_pages(k, pfn, count, &desc, shared ? 0 : desc.size);
		k->w.stats.pages += count;
		k->w.stats.zero_pages += count;
		pfn += count;
	}
	return err;
}

static struct gs_error *kdump_place(struct gs_writer *w, void *state)
{
	struct kdump_writer *k = to_kdump(w);
	struct kdump_encoded *e = state;
	struct gs_error *err = NULL;

	if (e->pfn < k->next_pfn)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "page 0x%" PRIx64 " came twice or too late", e->pfn);
	k->next_pfn = e->pfn + e->page_count;
	e->off = k->data_off;
	if (e->kind == GS_EXTENT_DATA)
		err = place_slots(k, e);
	else if (e->kind == GS_EXTENT_ZERO && !w->layout.drop_zero)
		err = place_zero_run(k, e);
	else
		w->stats.dropped_pages += e->page_count;
	k->data_off += e->data_bytes;
	w->stats.data_bytes += e->data_bytes;
	return err;
}

/* Copies of the same zero page; raw ones need no writing at all, as gaps read as zero. */
static struct gs_error *store_zero_run(struct kdump_writer *k, const struct kdump_encoded *e)
{
	uint32_t size = k->zero_desc.size;
	size_t batch = GS_CHUNK_BYTES / size * size;
	gs_autofree uint8_t *copies = NULL;
	struct gs_error *err = NULL;

	if (!k->zero_desc.flags)
		return NULL;
	if (batch > e->data_bytes)
		batch = (size_t)e->data_bytes;
	copies = malloc(batch ? batch : 1);
	if (!copies)
		return gs_error_nomem();
	for (size_t i = 0; i < batch; i += size)
		memcpy(copies + i, k->zero_page, size);
	for (uint64_t done = 0; done < e->data_bytes && !err; done += batch) {
		if (batch > e->data_bytes - done)
			batch = (size_t)(e->data_bytes - done);
		err = gs_sink_write(k->w.sink, e->off + done, copies, batch);
	}
	return err;
}

static struct gs_error *kdump_store(struct gs_writer *w, void *state)
{
	struct kdump_encoded *e = state;

	if (e->kind == GS_EXTENT_DATA)
		return gs_sink_write(w->sink, e->off, e->data, (size_t)e->data_bytes);
	return e->data_bytes ? store_zero_run(to_kdump(w), e) : NULL;
}

static struct gs_error *kdump_finish(struct gs_writer *w)
{
	struct kdump_writer *k = to_kdump(w);
	struct gs_error *err = gs_desc_table_flush(&k->table);

	w->stats.file_bytes = k->data_off;
	return err ? err : gs_bit_stream_flush(&k->pages);
}

static void kdump_destroy(struct gs_writer *w)
{
	struct kdump_writer *k = to_kdump(w);

	gs_desc_table_deinit(&k->table);
	gs_bit_stream_deinit(&k->pages);
	gs_kdump_plan_deinit(&k->plan);
	free(k->zero_page);
	free(k);
}

static const struct writer_ops kdump_ops = {
	.begin = kdump_begin,
	.encoded_create = kdump_encoded_create,
	.encoded_destroy = kdump_encoded_destroy,
	.encode = kdump_encode_chunk,
	.place = kdump_place,
	.store = kdump_store,
	.finish = kdump_finish,
	.destroy = kdump_destroy,
};

struct gs_error *gs_kdump_writer_create(const struct gs_layout *layout, struct gs_sink *sink,
					struct gs_writer **ret)
{
	struct kdump_writer *k;
	struct gs_error *err;

	if (!sink->positional && !sink->flattened)
		return gs_error_create(
			GS_ERROR_UNSUPPORTED,
			"a kdump file cannot be written as a plain stream: flatten it");
	k = calloc(1, sizeof(*k));
	if (!k)
		return gs_error_nomem();
	k->w.ops = &kdump_ops;
	err = gs_kdump_plan_init(&k->plan, layout);
	if (err)
		kdump_destroy(&k->w);
	else
		*ret = &k->w;
	return err;
}
