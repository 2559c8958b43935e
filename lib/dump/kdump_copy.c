/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kdump files made of kdump files, page data going over as it is stored.
 *
 * Headers, notes and bitmaps stay as they are, byte for byte: a part of a split set has all of
 * them, with its own range of pages in the sub header, and room for the descriptors of all pages.
 * What the sub header points at behind the page data (erase text, as makedumpfile writes it) goes
 * behind the data again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "desc_table.h"
#include "kdump_parse.h"
#include "kdump_walk.h"

#define COPY_BYTES ((size_t)1 << 20)

/* Page data, or whatever else, that goes over in one piece. */
struct stretch {
	struct gs_blob *from;
	uint64_t from_off, to_off, size;
};

struct copy {
	const struct gs_kdump_memory *m;
	const struct gs_kdump_copy *options;
	struct gs_sink *sink;
	struct gs_kdump_headers h;
	struct desc_table table;
	uint64_t zero_off; /* the shared zero page of the output; 0: none so far */
	uint64_t data_off; /* where the next page goes */
	struct stretch waiting;
	struct gs_writer_stats stats;
	uint8_t buffer[COPY_BYTES];
};

/* ---- bytes ---- */

static struct gs_error *copy_stretch(struct copy *c, const char *what, const struct stretch *s)
{
	struct gs_error *err = NULL;

	for (uint64_t done = 0; done < s->size && !err;) {
		size_t n = s->size - done < COPY_BYTES ? s->size - done : COPY_BYTES;

		err = gs_blob_read(s->from, what, s->from_off + done, c->buffer, n);
		if (!err)
			err = gs_sink_write(c->sink, s->to_off + done, c->buffer, n);
		done += n;
	}
	return err;
}

/* [@off, @end) of the head, leaving its holes out: the bitmaps of large guests are mostly such. */
static struct gs_error *copy_head(struct copy *c, uint64_t off, uint64_t end)
{
	struct gs_blob *from = c->m->parts[0].blob;
	struct gs_error *err = NULL;

	while (off < end && !err) {
		uint64_t data_off, data_end;

		err = gs_blob_next_data(from, off, &data_off, &data_end);
		if (err || data_off >= end)
			break;
		if (data_end > end)
			data_end = end;
		err = copy_stretch(
			c, "headers and bitmaps",
			&(struct stretch){from, data_off, data_off, data_end - data_off});
		off = data_end;
	}
	return err;
}

static struct gs_error *flush(struct copy *c)
{
	struct gs_error *err = copy_stretch(c, "page data", &c->waiting);

	c->waiting.size = 0;
	return err;
}

/* Data that continues what is waiting goes over together with it. */
static struct gs_error *take_data(struct copy *c, struct gs_blob *from, uint64_t off, uint32_t size)
{
	struct stretch *w = &c->waiting;
	struct gs_error *err = NULL;

	if (w->size &&
	    (w->from != from || w->from_off + w->size != off || w->size + size > COPY_BYTES))
		err = flush(c);
	if (!w->size)
		*w = (struct stretch){.from = from, .from_off = off, .to_off = c->data_off};
	w->size += size;
	c->data_off += size;
	return err;
}

/* ---- pages ---- */

/* Room for the shared zero page: a gap, which reads as zero. */
static void place_zero_page(struct copy *c)
{
	c->zero_off = c->data_off;
	c->data_off += c->m->block_size;
	c->stats.data_bytes += c->m->block_size;
}

static struct gs_error *check_page(const struct gs_kdump_batch *batch, size_t i)
{
	enum gs_codec codec;

	return gs_error_wrap(gs_kdump_check_page(batch->part, &batch->pages[i], &codec),
			     "%s: page 0x%llx", batch->part->blob->name,
			     (unsigned long long)batch->pfn + i);
}

static struct gs_error *copy_page(struct copy *c, const struct gs_kdump_batch *batch, size_t i)
{
	const struct gs_kdump_page *page = &batch->pages[i];
	bool is_zero = batch->shares_zero[i];
	struct page_desc desc = {.size = page->size, .flags = page->flags};
	struct gs_error *err;

	c->stats.pages++;
	if (!page->off) { /* lost when the dump was taken */
		c->stats.dropped_pages++;
		return gs_desc_table_add(&c->table, 1, &desc, 0);
	}
	err = check_page(batch, i);
	if (err)
		return err;
	if (is_zero && !c->zero_off)
		place_zero_page(c);
	desc.offset = is_zero ? c->zero_off : c->data_off;
	c->stats.zero_pages += is_zero;
	c->stats.raw_pages += !is_zero && !page->flags;
	c->stats.compressed_pages += !is_zero && page->flags;
	if (!is_zero) {
		c->stats.data_bytes += page->size;
		err = take_data(c, batch->part->blob, page->off, page->size);
	}
	return err ? err : gs_desc_table_add(&c->table, 1, &desc, 0);
}

static struct gs_error *copy_batch(void *arg, const struct gs_kdump_batch *batch)
{
	struct copy *c = arg;
	struct gs_progress *progress = c->options->progress;
	struct gs_error *err = NULL;

	if (progress && progress->cancelled)
		return gs_error_os(EINTR, "stopped");
	for (size_t i = 0; i < batch->count && !err; i++)
		err = copy_page(c, batch, i);
	if (progress)
		progress->done += (uint64_t)batch->count * c->m->block_size;
	return err;
}

/* ---- headers ---- */

/*
 * Each writer of a split set erased its own part, and says so in its own file: the texts follow
 * each other. A single one that has its place among the headers stays there.
 */
static struct gs_error *copy_erase_texts(struct copy *c, uint64_t sub[KDUMP_SUB_FIELD_COUNT])
{
	const struct gs_kdump_memory *m = c->m;
	uint64_t start = c->data_off;
	struct gs_error *err = NULL;

	if (c->options->part && c->options->start_pfn) {
		sub[KDUMP_OFFSET_ERASEINFO] = sub[KDUMP_SIZE_ERASEINFO] = 0;
		return NULL;
	}
	if (m->part_count == 1 && sub[KDUMP_OFFSET_ERASEINFO] < c->h.table_off)
		return NULL;
	for (size_t i = 0; i < m->part_count && !err; i++) {
		struct gs_kdump_headers h;

		err = gs_kdump_parse(m->parts[i].blob, &h);
		if (err)
			break;
		err = copy_stretch(c, "erase text",
				   &(struct stretch){m->parts[i].blob,
						     h.sub[KDUMP_OFFSET_ERASEINFO], c->data_off,
						     h.sub[KDUMP_SIZE_ERASEINFO]});
		c->data_off += h.sub[KDUMP_SIZE_ERASEINFO];
	}
	sub[KDUMP_SIZE_ERASEINFO] = c->data_off - start;
	sub[KDUMP_OFFSET_ERASEINFO] = c->data_off > start ? start : 0;
	return err;
}

/* Notes, or a VMCOREINFO outside of them, that lie behind the headers go behind the data. */
static struct gs_error *copy_place(struct copy *c, enum kdump_sub_field field, uint64_t *off)
{
	uint64_t size = c->h.sub[field + 1];
	struct gs_error *err;

	if (!size || *off < c->h.table_off)
		return NULL;
	err = copy_stretch(c, gs_kdump_sub_fields(c->h.shape)[field].name,
			   &(struct stretch){c->m->parts[0].blob, *off, c->data_off, size});
	*off = c->data_off;
	c->data_off += size;
	return err;
}

static struct gs_error *copy_places(struct copy *c, uint64_t sub[KDUMP_SUB_FIELD_COUNT])
{
	uint64_t notes = sub[KDUMP_OFFSET_NOTE], text = sub[KDUMP_OFFSET_VMCOREINFO];
	bool inside = text >= notes && text - notes < sub[KDUMP_SIZE_NOTE];
	struct gs_error *err = copy_place(c, KDUMP_OFFSET_NOTE, &sub[KDUMP_OFFSET_NOTE]);

	if (inside)
		sub[KDUMP_OFFSET_VMCOREINFO] = sub[KDUMP_OFFSET_NOTE] + (text - notes);
	else if (!err)
		err = copy_place(c, KDUMP_OFFSET_VMCOREINFO, &sub[KDUMP_OFFSET_VMCOREINFO]);
	return err ? err : copy_erase_texts(c, sub);
}

static void set_range(const struct copy *c, uint64_t sub[KDUMP_SUB_FIELD_COUNT])
{
	bool part = c->options->part;
	uint64_t start = part ? c->options->start_pfn : 0, end = part ? c->options->end_pfn : 0;

	sub[KDUMP_SPLIT] = part;
	sub[KDUMP_START_PFN] = sub[KDUMP_START_PFN_64] = start;
	sub[KDUMP_END_PFN] = sub[KDUMP_END_PFN_64] = end;
}

/* The last thing to be written: only now is it known where everything is. */
static struct gs_error *write_sub_header(struct copy *c, const uint64_t sub[KDUMP_SUB_FIELD_COUNT])
{
	const struct gs_field *fields = gs_kdump_sub_fields(c->h.shape);
	int version = (int)c->h.header[KDUMP_HEADER_VERSION];
	uint32_t size = gs_kdump_sub_bytes(c->h.shape, version);
	uint8_t raw[KDUMP_SUB_BYTES_MAX];
	struct gs_error *err =
		gs_blob_read(c->m->parts[0].blob, "sub header", c->h.block_size, raw, size);

	if (err)
		return err;
	for (int i = 0; i < KDUMP_SUB_FIELD_COUNT; i++) {
		if (fields[i].since <= version)
			gs_field_put(&fields[i], raw, sub[i], c->h.big_endian);
	}
	return gs_sink_write(c->sink, c->h.block_size, raw, size);
}

/* ---- the whole ---- */

static struct gs_error *check_version(const struct gs_memory *mem, const struct copy *c)
{
	int need = gs_kdump_sub_fields(c->h.shape)[KDUMP_SPLIT].since;

	if (!c->options->part || c->h.header[KDUMP_HEADER_VERSION] >= (uint64_t)need)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: header version %llu knows no split sets: convert it first",
			       mem->name, (unsigned long long)c->h.header[KDUMP_HEADER_VERSION]);
}

static struct gs_error *copy_pages(struct copy *c)
{
	const struct gs_kdump_copy *o = c->options;
	uint64_t zero_off, pages = gs_kdump_index_rank(c->m->index, c->h.max_mapnr);
	struct gs_error *err = gs_kdump_find_zero_page(&c->m->parts[0], &c->h, pages, &zero_off);

	if (err)
		return err;
	if (o->progress)
		o->progress->total = pages * c->h.block_size;
	c->data_off = c->h.table_off + pages * KDUMP_DESC_BYTES;
	if (zero_off)
		place_zero_page(c);
	err = gs_kdump_walk(c->m, o->part ? o->start_pfn : 0, o->part ? o->end_pfn : c->h.max_mapnr,
			    copy_batch, c);
	if (!err)
		err = flush(c);
	return err ? err : gs_desc_table_flush(&c->table);
}

static struct gs_error *run(struct copy *c, struct gs_memory *mem)
{
	uint64_t sub[KDUMP_SUB_FIELD_COUNT];
	struct gs_error *err = gs_kdump_parse(c->m->parts[0].blob, &c->h);

	if (!err)
		err = check_version(mem, c);
	if (!err)
		err = gs_desc_table_init(&c->table, c->h.table_off, c->h.big_endian, c->sink);
	if (!err)
		err = copy_head(c, 0, c->h.table_off);
	if (!err)
		err = copy_pages(c);
	if (err)
		return err;
	memcpy(sub, c->h.sub, sizeof(sub));
	set_range(c, sub);
	err = copy_places(c, sub);
	if (!err)
		err = write_sub_header(c, sub);
	c->stats.file_bytes = c->data_off;
	return err ? err : gs_sink_finish(c->sink, c->data_off);
}

struct gs_error *gs_kdump_copy(struct gs_memory *mem, const struct gs_kdump_copy *options,
			       struct gs_sink *sink, struct gs_writer_stats *stats_ret)
{
	struct copy *c = calloc(1, sizeof(*c));
	struct gs_error *err;

	if (!c)
		return gs_error_nomem();
	c->options = options;
	c->sink = sink;
	err = gs_kdump_from_memory(mem, &c->m);
	if (!err)
		err = run(c, mem);
	if (!err)
		*stats_ret = c->stats;
	gs_desc_table_deinit(&c->table);
	free(c);
	return err;
}
