/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the segments of an ELF vmcore hold: whether those that overlap agree, and every page. Holes
 * of the file, and what segments leave out, cost nothing however large they are.
 */
#include "verify_elf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define PAGE_BYTES UINT64_C(4096)
#define WINDOW_BYTES GS_CHUNK_BYTES
#define WINDOW_PAGES (WINDOW_BYTES / PAGE_BYTES)

/* ---- layers ---- */

/* A Linux dump lacks what makedumpfile left out; QEMU has no RAM at all where p_offset is -1. */
static uint64_t source_beyond_file(const struct elf *e, const struct load *l)
{
	bool is_unbacked = l->filesz == 0 && (uint32_t)l->offset == UINT32_MAX;

	return (e->notes.has_vmcoreinfo || e->notes.has_eraseinfo) && !is_unbacked ? SRC_EXCLUDED
										   : SRC_ZERO;
}

static struct gs_error *add_load(const struct elf *e, size_t index, struct layers *layers)
{
	const struct load *l = &e->loads[index];
	uint64_t border = l->paddr + l->filesz, end = l->paddr + l->memsz;
	uint64_t pages_less = (GS_GPA_MAX - l->filesz) / PAGE_BYTES;
	struct layer in_file = {l->paddr, border, l->offset, pages_less * GS_RANGES_MAX + index};
	struct layer beyond = {border, end, source_beyond_file(e, l), (UINT64_C(1) << 63) + index};
	struct gs_error *err = NULL;

	if (in_file.start < in_file.end)
		err = gs_layers_add(layers, &in_file);
	if (!err && beyond.start < beyond.end)
		err = gs_layers_add(layers, &beyond);
	return err;
}

struct gs_error *gs_verify_elf_layers(const struct elf *e, struct layers *ret)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < e->load_count; i++)
		err = add_load(e, i, ret);
	return err ? err : gs_layers_resolve(ret);
}

/* ---- what is known without reading ---- */

/* The later ones make a page that they have a part in what they are. */
enum stretch { STRETCH_ZERO, STRETCH_DATA, STRETCH_EXCLUDED, STRETCH_LOST };

/* Of the file, from @off on, and for how much of @size that holds. */
static struct gs_error *look_into_file(struct gs_blob *blob, uint64_t off, uint64_t size,
				       enum stretch *ret, uint64_t *size_ret)
{
	uint64_t data, end;
	struct gs_error *err;

	*ret = STRETCH_LOST;
	*size_ret = size;
	if (off >= blob->size)
		return NULL;
	err = gs_blob_next_data(blob, off, &data, &end);
	if (err)
		return err;
	*ret = data > off ? STRETCH_ZERO : STRETCH_DATA;
	end = data > off ? data : end;
	*size_ret = end - off < size ? end - off : size;
	return NULL;
}

static struct gs_error *look(const struct elf *e, const struct layer *l, uint64_t gpa,
			     enum stretch *ret, uint64_t *end_ret)
{
	struct gs_error *err = NULL;
	uint64_t size = l->end - gpa;

	if (SRC_IS_OFFSET(l->src))
		err = look_into_file(e->blob, l->src + (gpa - l->start), size, ret, &size);
	else
		*ret = l->src == SRC_ZERO ? STRETCH_ZERO : STRETCH_EXCLUDED;
	*end_ret = gpa + size;
	return err;
}

/* ---- overlaps ---- */

/* Two places in the file that should hold the same, and what comparing may still cost. */
struct comparison {
	const struct elf *e;
	const struct layers *layers;
	uint8_t *a, *b;  /* WINDOW_BYTES each */
	uint64_t budget; /* bytes */
};

/* How many bytes from @a and @b on are equal, at most @size; *size_ret says how many were looked
 * at.
 */
static struct gs_error *compare_window(struct comparison *c, uint64_t a, uint64_t b, uint64_t size,
				       uint64_t *equal_ret, uint64_t *size_ret)
{
	struct gs_blob *blob = c->e->blob;
	enum stretch a_is = STRETCH_LOST, b_is = STRETCH_LOST;
	uint64_t a_size, b_size, equal = 0;
	struct gs_error *err = look_into_file(blob, a, size, &a_is, &a_size);

	if (!err)
		err = look_into_file(blob, b, size, &b_is, &b_size);
	if (err)
		return err;
	size = a_size < b_size ? a_size : b_size;
	*size_ret = *equal_ret = size;
	if (a_is == STRETCH_LOST || b_is == STRETCH_LOST || (a_is == STRETCH_ZERO && a_is == b_is))
		return NULL;
	*size_ret = size = size < WINDOW_BYTES ? size : WINDOW_BYTES;
	err = gs_blob_read(blob, "segment", a, c->a, size);
	if (!err)
		err = gs_blob_read(blob, "segment", b, c->b, size);
	if (err)
		return err;
	while (equal < size && c->a[equal] == c->b[equal])
		equal++;
	*equal_ret = equal;
	return NULL;
}

/* False in *same_ret at the first byte of @size that differs, which *at_ret counts from the start.
 */
static struct gs_error *compare_bytes(struct comparison *c, uint64_t a, uint64_t b, uint64_t size,
				      bool *same_ret, uint64_t *at_ret)
{
	uint64_t at = 0;

	*same_ret = true;
	while (at < size && c->budget) {
		uint64_t equal, looked, cost;
		struct gs_error *err =
			compare_window(c, a + at, b + at, size - at, &equal, &looked);

		if (err)
			return err;
		cost = looked < WINDOW_BYTES ? looked + PAGE_BYTES : WINDOW_BYTES;
		c->budget -= cost < c->budget ? cost : c->budget;
		if (equal < looked) {
			*same_ret = false;
			*at_ret = at + equal;
			return NULL;
		}
		at += looked;
	}
	return NULL;
}

static void find_overlap(const struct comparison *c, const struct load *l, uint64_t gpa,
			 uint64_t src)
{
	gs_verify_find(c->e->v, GS_SEVERITY_ERROR, "elf-overlap", l->phdr_off,
		       "segments overlap: physical 0x%" PRIx64 " is at 0x%" PRIx64
		       " and, with other bytes, at 0x%" PRIx64,
		       gpa, src, l->offset + (gpa - l->paddr));
}

/* The bytes of a segment against those that hold; tells the first difference. */
static struct gs_error *judge_bytes(struct comparison *c, const struct load *l)
{
	uint64_t end = l->paddr + l->filesz, gpa = l->paddr;
	bool same = true;

	for (size_t i = gs_layers_find(c->layers, gpa); same && gpa < end && c->budget; i++) {
		const struct layer *layer = &c->layers->items[i];
		uint64_t mine = l->offset + (gpa - l->paddr), at = 0;
		uint64_t theirs = layer->src + (gpa - layer->start);
		uint64_t size = (layer->end < end ? layer->end : end) - gpa;
		struct gs_error *err;

		if (mine == theirs) {
			c->budget -= c->budget < PAGE_BYTES ? c->budget : PAGE_BYTES;
		} else {
			err = compare_bytes(c, mine, theirs, size, &same, &at);
			if (err)
				return err;
		}
		if (!same)
			find_overlap(c, l, gpa + at, theirs + at);
		gpa += size;
	}
	return NULL;
}

/* What a segment calls zero or left out may be in another one: then the bytes hold. */
static void judge_rest(struct comparison *c, const struct load *l)
{
	uint64_t gpa = l->paddr + l->filesz, end = l->paddr + l->memsz;

	for (size_t i = gs_layers_find(c->layers, gpa); gpa < end && c->budget; i++) {
		const struct layer *layer = &c->layers->items[i];

		c->budget -= c->budget < PAGE_BYTES ? c->budget : PAGE_BYTES;
		if (SRC_IS_OFFSET(layer->src)) {
			gs_verify_find(
				c->e->v, GS_SEVERITY_WARNING, "elf-overlap-short", l->phdr_off,
				"segments overlap: physical 0x%" PRIx64
				" is beyond p_filesz here, but at 0x%" PRIx64 " of another segment",
				gpa, layer->src + (gpa - layer->start));
			return;
		}
		gpa = layer->end;
	}
}

struct gs_error *gs_verify_elf_overlaps(const struct elf *e, const struct layers *layers)
{
	gs_autofree uint8_t *a = malloc(WINDOW_BYTES);
	gs_autofree uint8_t *b = malloc(WINDOW_BYTES);
	uint64_t effort = UINT64_C(1) << 34;
	struct comparison c = {.e = e, .layers = layers, .a = a, .b = b};
	struct gs_error *err = a && b ? NULL : gs_error_nomem();

	/* Reading the file once more is fair; what is beyond that somebody made up to cost time. */
	if (e->blob->size < effort)
		effort = e->blob->size;
	c.budget = effort + e->load_count * PAGE_BYTES + WINDOW_BYTES;
	for (size_t i = 0; !err && i < e->load_count && c.budget; i++) {
		err = judge_bytes(&c, &e->loads[i]);
		if (!err)
			judge_rest(&c, &e->loads[i]);
	}
	if (!err && c.budget == 0)
		gs_verify_find(e->v, GS_SEVERITY_INFO, "elf-overlap-many", NO_OFFSET,
			       "too many segments overlap for all of them to be compared");
	return err;
}

/* ---- memory ---- */

struct walk {
	const struct elf *e;
	const struct layer *layer, *end; /* the one that holds the place, behind the last one */
	uint8_t *buf;                    /* WINDOW_BYTES */
	uint8_t page[WINDOW_PAGES];      /* enum stretch */
};

static uint64_t pages_in(uint64_t size)
{
	return size / PAGE_BYTES + (size % PAGE_BYTES != 0);
}

static void count_pages(const struct walk *w, enum stretch stretch, uint64_t count)
{
	struct gs_verify_result *r = w->e->v->result;

	r->pages_declared += count;
	r->pages_lost += stretch == STRETCH_LOST ? count : 0;
	r->sum.excluded_pages += stretch == STRETCH_EXCLUDED ? count : 0;
	r->pages_zero += stretch == STRETCH_ZERO ? count : 0;
	r->pages_readable += stretch == STRETCH_ZERO || stretch == STRETCH_DATA ? count : 0;
}

static void mark_pages(struct walk *w, uint64_t gpa, uint64_t end, enum stretch stretch)
{
	uint64_t last = (end - 1) % WINDOW_BYTES / PAGE_BYTES;

	for (uint64_t i = gpa % WINDOW_BYTES / PAGE_BYTES; i <= last; i++)
		if (stretch > w->page[i])
			w->page[i] = (uint8_t)stretch;
}

/* [gpa, end) of one window and one range into buf. */
static struct gs_error *fill_window(struct walk *w, uint64_t gpa, uint64_t end)
{
	struct gs_error *err = NULL;

	memset(w->page, STRETCH_ZERO, sizeof(w->page));
	for (uint64_t at = gpa, until; !err && at < end; at = until) {
		enum stretch stretch = STRETCH_LOST;
		uint8_t *to = w->buf + (at - gpa);

		while (w->layer->end <= at)
			w->layer++;
		err = look(w->e, w->layer, at, &stretch, &until);
		if (err)
			return err;
		until = until < end ? until : end;
		mark_pages(w, at, until, stretch);
		if (stretch == STRETCH_DATA)
			err = gs_blob_read(w->e->blob, "segment",
					   w->layer->src + (at - w->layer->start), to, until - at);
		else
			memset(to, 0, until - at);
	}
	return err;
}

static void judge_window(const struct walk *w, uint64_t gpa, uint64_t end)
{
	struct gs_verify_result *r = w->e->v->result;

	for (uint64_t at = gpa, until; at < end; at = until) {
		enum stretch stretch = w->page[at % WINDOW_BYTES / PAGE_BYTES];
		const uint8_t *bytes = w->buf + (at - gpa);

		until = (at / PAGE_BYTES + 1) * PAGE_BYTES;
		until = until < end ? until : end;
		if (stretch == STRETCH_DATA && gs_is_zero(bytes, until - at))
			stretch = STRETCH_ZERO;
		count_pages(w, stretch, 1);
		if (stretch == STRETCH_DATA && w->e->v->options->sum)
			gs_sum_add(&r->sum, at, bytes, until - at);
	}
}

/* The end of the whole pages from @gpa on that are alike, as far as is known; @gpa if none are. */
static uint64_t end_of_alike(uint64_t gpa, uint64_t until, uint64_t range_end)
{
	if (until < range_end)
		until = until / PAGE_BYTES * PAGE_BYTES;
	return until > gpa ? until : gpa;
}

/* From @gpa on, to some place that *next_ret names. */
static struct gs_error *judge_some(struct walk *w, uint64_t gpa, uint64_t range_end,
				   uint64_t *next_ret)
{
	uint64_t border = (gpa / WINDOW_BYTES + 1) * WINDOW_BYTES, until;
	enum stretch stretch = STRETCH_LOST;
	struct gs_error *err;

	while (w->layer->end <= gpa)
		w->layer++;
	err = look(w->e, w->layer, gpa, &stretch, &until);
	if (err)
		return err;
	until = end_of_alike(gpa, until, range_end);
	if (stretch != STRETCH_DATA && until > gpa) {
		count_pages(w, stretch, pages_in(until) - gpa / PAGE_BYTES);
		*next_ret = until;
		return NULL;
	}
	*next_ret = border < range_end ? border : range_end;
	err = fill_window(w, gpa, *next_ret);
	if (!err)
		judge_window(w, gpa, *next_ret);
	return err;
}

/* Layers that touch are one range. */
static uint64_t end_of_range(const struct walk *w)
{
	const struct layer *l = w->layer;

	while (l + 1 < w->end && l[1].start == l->end)
		l++;
	return l->end;
}

static struct gs_error *judge_range(struct walk *w)
{
	struct gs_progress *progress = w->e->v->options->progress;
	uint64_t gpa = w->layer->start, end = end_of_range(w), next = gpa;
	struct gs_error *err = NULL;

	for (; !err && gpa < end && !(progress && progress->cancelled); gpa = next) {
		err = judge_some(w, gpa, end, &next);
		if (progress)
			progress->done += next - gpa;
	}
	while (w->layer < w->end && w->layer->end <= end)
		w->layer++;
	return err;
}

struct gs_error *gs_verify_elf_memory(const struct elf *e, const struct layers *layers)
{
	gs_autofree uint8_t *buf = malloc(WINDOW_BYTES);
	struct walk w = {.e = e, .buf = buf, .layer = layers->items};
	struct gs_error *err = buf ? NULL : gs_error_nomem();

	if (err || layers->count == 0)
		return err;
	w.end = layers->items + layers->count;
	for (size_t i = 0; e->v->options->progress && i < layers->count; i++)
		e->v->options->progress->total += layers->items[i].end - layers->items[i].start;
	while (!err && w.layer < w.end)
		err = judge_range(&w);
	return err;
}
