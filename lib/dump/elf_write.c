/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer of ELF dumps. */
#include <inttypes.h>
#include <stdlib.h>

#include <guestscope/base/bytes.h>

#include "elf_plan.h"
#include "writer.h"

struct elf_writer {
	struct gs_writer w;
	struct elf_plan plan;
};

/* Bytes of a chunk that are not all zero. */
struct data_run {
	size_t start, size; /* counted from the chunk's first byte */
};

/* Refers to the chunk's bytes until it is stored. */
struct elf_encoded {
	gs_gpa_t gpa;
	const uint8_t *data;
	struct data_run runs[GS_CHUNK_PAGES_MAX];
	size_t run_count;
	uint64_t data_pages, zero_pages, dropped_pages;
	uint64_t data_bytes;
};

static struct elf_writer *to_elf(struct gs_writer *w)
{
	return (struct elf_writer *)w;
}

static struct gs_error *elf_begin(struct gs_writer *w)
{
	return gs_elf_write_headers(&to_elf(w)->plan, w->layout.attrs, w->sink);
}

static struct gs_error *elf_encoded_create(struct gs_writer *w, void **state_ret)
{
	(void)w;
	*state_ret = calloc(1, sizeof(struct elf_encoded));
	return *state_ret ? NULL : gs_error_nomem();
}

static void add_run(struct elf_encoded *e, size_t start, size_t size)
{
	struct data_run *last = e->run_count ? &e->runs[e->run_count - 1] : NULL;

	if (last && last->start + last->size == start)
		last->size += size;
	else
		e->runs[e->run_count++] = (struct data_run){start, size};
	e->data_bytes += size;
	e->data_pages++;
}

static struct gs_error *missing_page(gs_pfn_t pfn)
{
	return gs_error_create(GS_ERROR_NODATA, "page 0x%" PRIx64 " is not in the source", pfn);
}

/* Chunks are cut at pages of the guest, except at the ends of a range. */
static struct gs_error *encode_pages(const struct gs_layout *layout, const struct gs_chunk *chunk,
				     struct elf_encoded *e)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);
	gs_pfn_t pfn = chunk->gpa / page_size;
	size_t start = 0;

	for (size_t i = 0; start < chunk->size; i++, pfn++) {
		size_t size = (size_t)((pfn + 1) * page_size - (chunk->gpa + start));

		if (size > chunk->size - start)
			size = chunk->size - start;
		if (!gs_selection_keeps(layout->selection, pfn))
			e->dropped_pages++;
		else if (chunk->page[i] == GS_EXTENT_EXCLUDED)
			return missing_page(pfn);
		else if (chunk->page[i] == GS_EXTENT_ZERO || gs_is_zero(chunk->data + start, size))
			e->zero_pages++;
		else
			add_run(e, start, size);
		start += size;
	}
	return NULL;
}

/* How many pages of a run are kept; of an EXCLUDED run none may be. */
static struct gs_error *encode_run(const struct gs_layout *layout, const struct gs_chunk *chunk,
				   struct elf_encoded *e)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);
	gs_pfn_t pfn = chunk->gpa / page_size;
	gs_pfn_t end = (chunk->gpa + chunk->size - 1) / page_size + 1;
	uint64_t total = end - pfn, count;

	for (;; pfn += count) {
		gs_selection_next(layout->selection, pfn, end, &pfn, &count);
		if (!count)
			break;
		if (chunk->kind == GS_EXTENT_EXCLUDED)
			return missing_page(pfn);
		e->zero_pages += count < end - pfn ? count : end - pfn;
	}
	e->dropped_pages = total - e->zero_pages;
	return NULL;
}

static struct gs_error *elf_encode(struct gs_writer *w, const struct gs_chunk *chunk, void *state)
{
	struct elf_encoded *e = state;

	e->gpa = chunk->gpa;
	e->data = chunk->data;
	e->run_count = 0;
	e->data_pages = e->zero_pages = e->dropped_pages = e->data_bytes = 0;
	return chunk->kind == GS_EXTENT_DATA ? encode_pages(&w->layout, chunk, e)
					     : encode_run(&w->layout, chunk, e);
}

/* Every place is known from the start; only the counting has an order. */
static struct gs_error *elf_place(struct gs_writer *w, void *state)
{
	const struct elf_encoded *e = state;

	w->stats.pages += e->data_pages + e->zero_pages;
	w->stats.raw_pages += e->data_pages;
	w->stats.zero_pages += e->zero_pages;
	w->stats.dropped_pages += e->dropped_pages;
	w->stats.data_bytes += e->data_bytes;
	return NULL;
}

/* A run may lie in several PT_LOADs. */
static struct gs_error *store_run(struct elf_writer *elf, const struct elf_encoded *e,
				  const struct data_run *run)
{
	gs_gpa_t gpa = e->gpa + run->start, end = gpa + run->size;
	const uint8_t *data = e->data + run->start;
	struct gs_error *err = NULL;
	size_t i = gs_elf_plan_find(&elf->plan, gpa);

	for (; gpa < end && i < elf->plan.piece_count && !err; i++) {
		const struct elf_piece *p = &elf->plan.pieces[i];
		uint64_t size = p->gpa + p->size - gpa;

		if (size > end - gpa)
			size = end - gpa;
		err = gs_sink_write(elf->w.sink, p->off + (gpa - p->gpa), data, (size_t)size);
		gpa += size;
		data += size;
	}
	return err;
}

static struct gs_error *elf_store(struct gs_writer *w, void *state)
{
	const struct elf_encoded *e = state;
	struct gs_error *err = NULL;

	for (size_t i = 0; i < e->run_count && !err; i++)
		err = store_run(to_elf(w), e, &e->runs[i]);
	return err;
}

static struct gs_error *elf_finish(struct gs_writer *w)
{
	w->stats.file_bytes = to_elf(w)->plan.end_off;
	return NULL;
}

static void elf_destroy(struct gs_writer *w)
{
	gs_elf_plan_deinit(&to_elf(w)->plan);
	free(w);
}

static const struct writer_ops elf_ops = {
	.begin = elf_begin,
	.encoded_create = elf_encoded_create,
	.encoded_destroy = free,
	.encode = elf_encode,
	.place = elf_place,
	.store = elf_store,
	.finish = elf_finish,
	.destroy = elf_destroy,
};

struct gs_error *gs_elf_writer_create(const struct gs_layout *layout, struct gs_sink *sink,
				      struct gs_writer **ret)
{
	struct elf_writer *elf = calloc(1, sizeof(*elf));
	struct gs_error *err;

	(void)sink;
	if (!elf)
		return gs_error_nomem();
	elf->w.ops = &elf_ops;
	err = gs_elf_plan_init(&elf->plan, layout);
	if (err)
		free(elf);
	else
		*ret = &elf->w;
	return err;
}
