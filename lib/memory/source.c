/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page sources, and the one that walks a memory.
 *
 * Chunks are planned ahead (next: serial, no page is read) and loaded by whoever has time (load). A
 * stretch without data that reaches the end of its chunk becomes a run of any length, so the walk
 * costs as much as there is data; shorter ones are pages inside a chunk of data.
 */
#include <stdlib.h>

#include <guestscope/memory.h>

/* What holds from start up to end. */
struct answer {
	gs_gpa_t start, end;
	enum gs_extent kind;
};

struct memory_source {
	struct gs_page_source src;
	struct gs_memory *mem;
	size_t range;                   /* the one that holds pos */
	gs_gpa_t pos;                   /* handed out up to here */
	gs_gpa_t pos_last;              /* end of that range, exclusive */
	const struct gs_selection *sel; /* what is not kept is EXCLUDED; NULL: all is kept */
	/* The last answer of gs_memory_extent(): it may be costly to ask again. */
	struct answer memory;
	struct answer known; /* the same, as far as the selection keeps it */
};

/* Consecutive pages of one kind. */
struct run {
	gs_gpa_t end;
	enum gs_extent kind;
};

static gs_gpa_t min_gpa(gs_gpa_t a, gs_gpa_t b)
{
	return a < b ? a : b;
}

static gs_gpa_t page_start(const struct memory_source *s, gs_gpa_t gpa)
{
	return gpa & ~(gs_gpa_t)(s->src.page_size - 1);
}

static gs_gpa_t page_end(const struct memory_source *s, gs_gpa_t gpa)
{
	return min_gpa(page_start(s, gpa) + s->src.page_size, s->pos_last);
}

static bool answers(const struct answer *answer, gs_gpa_t gpa)
{
	return gpa >= answer->start && gpa < answer->end;
}

static struct gs_error *ask_memory(struct memory_source *s, gs_gpa_t gpa)
{
	struct gs_error *err;

	if (answers(&s->memory, gpa))
		return NULL;
	err = gs_memory_extent(s->mem, gpa, &s->memory.kind, &s->memory.end);
	s->memory.start = gpa;
	if (err)
		s->memory.end = gpa;
	return err;
}

/* Whether the page of @gpa is kept; *end_ret: up to where that holds. */
static bool ask_selection(const struct memory_source *s, gs_gpa_t gpa, gs_gpa_t *end_ret)
{
	uint32_t page_size = s->src.page_size;
	gs_pfn_t pfn = gpa / page_size, first;
	uint64_t count;

	gs_selection_next(s->sel, pfn, UINT64_MAX, &first, &count);
	if (!count)
		*end_ret = s->pos_last;
	else
		*end_ret = (first > pfn ? first : first + count) * page_size;
	return count && first == pfn;
}

static struct gs_error *look(struct memory_source *s, gs_gpa_t gpa)
{
	gs_gpa_t end = GS_GPA_MAX;
	struct gs_error *err;

	if (answers(&s->known, gpa))
		return NULL;
	if (s->sel && !ask_selection(s, gpa, &end)) {
		s->known = (struct answer){gpa, end, GS_EXTENT_EXCLUDED};
		return NULL;
	}
	err = ask_memory(s, gpa);
	s->known = (struct answer){gpa, min_gpa(s->memory.end, end), s->memory.kind};
	return err;
}

/*
 * The page that holds @gpa, from there on: DATA if any of it is, but EXCLUDED if any of it is that:
 * half a page is not to be had.
 */
static struct gs_error *look_at_page(struct memory_source *s, gs_gpa_t gpa, struct run *ret)
{
	struct run page = {.end = page_end(s, gpa), .kind = GS_EXTENT_ZERO};

	for (gs_gpa_t at = gpa; at < page.end; at = s->known.end) {
		struct gs_error *err = look(s, at);

		if (err)
			return err;
		if (s->known.kind == GS_EXTENT_DATA && page.kind == GS_EXTENT_ZERO)
			page.kind = GS_EXTENT_DATA;
		else if (s->known.kind == GS_EXTENT_EXCLUDED || s->known.kind == GS_EXTENT_HOLE)
			page.kind = GS_EXTENT_EXCLUDED;
	}
	*ret = page;
	return NULL;
}

/*
 * The pages from @gpa on that are of one kind: up to @limit, or, if they have no data, up to
 * @far_limit. Both are ends of pages or of the range.
 */
static struct gs_error *look_at_run(struct memory_source *s, gs_gpa_t gpa, gs_gpa_t limit,
				    gs_gpa_t far_limit, struct run *ret)
{
	struct run run, page;
	struct gs_error *err = look_at_page(s, gpa, &run);

	if (err)
		return err;
	if (run.kind != GS_EXTENT_DATA)
		limit = far_limit;
	while (run.end < limit) {
		err = look_at_page(s, run.end, &page);
		if (err)
			return err;
		if (page.kind != run.kind)
			break;
		/* What was answered for the page may hold for many more. */
		if (s->known.end > page.end && s->known.kind == page.kind)
			page.end = page_start(s, s->known.end) > page.end
					   ? page_start(s, s->known.end)
					   : page.end;
		run.end = min_gpa(page.end, limit);
	}
	*ret = run;
	return NULL;
}

static void mark_pages(const struct memory_source *s, struct gs_chunk *chunk, gs_gpa_t gpa,
		       const struct run *run)
{
	size_t first = (page_start(s, gpa) - page_start(s, chunk->gpa)) / s->src.page_size;

	for (; gpa < run->end; gpa = page_end(s, gpa))
		chunk->page[first++] = (uint8_t)run->kind;
}

static struct gs_error *plan_chunk(struct memory_source *s, struct gs_chunk *chunk)
{
	gs_gpa_t border = min_gpa((s->pos | (GS_CHUNK_BYTES - 1)) + 1, s->pos_last);
	struct run run = {.end = s->pos};

	chunk->gpa = s->pos;
	chunk->kind = GS_EXTENT_DATA;
	chunk->data = NULL;
	while (run.end < border) {
		gs_gpa_t start = run.end;
		gs_gpa_t far_limit = start == s->pos ? s->pos_last : border;
		struct gs_error *err = look_at_run(s, start, border, far_limit, &run);

		if (err)
			return err;
		if (start == s->pos && run.kind != GS_EXTENT_DATA && run.end >= border) {
			chunk->kind = run.kind;
			break;
		}
		mark_pages(s, chunk, start, &run);
	}
	chunk->size = run.end - s->pos;
	s->pos = run.end;
	return NULL;
}

static void enter_range(struct memory_source *s)
{
	const struct gs_range *range = &s->src.ranges[s->range];

	s->pos = range->start;
	s->pos_last = range->start + range->size;
}

static struct gs_error *memory_next(struct gs_page_source *src, struct gs_chunk *chunk,
				    bool *end_ret)
{
	struct memory_source *s = (struct memory_source *)src;

	if (s->range < src->range_count && s->pos == s->pos_last && ++s->range < src->range_count)
		enter_range(s);
	*end_ret = s->range >= src->range_count;
	return *end_ret ? NULL : plan_chunk(s, chunk);
}

/* The bytes of the pages [first, end) of a chunk, as offsets in it. */
static size_t offset_of_page(const struct memory_source *s, const struct gs_chunk *chunk,
			     size_t page)
{
	gs_gpa_t gpa = page_start(s, chunk->gpa) + page * s->src.page_size;

	if (gpa <= chunk->gpa)
		return 0;
	return min_gpa(gpa - chunk->gpa, chunk->size);
}

static struct gs_error *memory_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	struct memory_source *s = (struct memory_source *)src;
	gs_gpa_t last = page_start(s, chunk->gpa + chunk->size - 1);
	size_t count = (last - page_start(s, chunk->gpa)) / src->page_size + 1;

	for (size_t first = 0, end; first < count; first = end) {
		size_t from, to;
		struct gs_error *err;

		for (end = first; end < count && chunk->page[end] == GS_EXTENT_DATA;)
			end++;
		from = offset_of_page(s, chunk, first);
		to = offset_of_page(s, chunk, end);
		err = gs_memory_read(s->mem, chunk->gpa + from, chunk->buffer + from, to - from);
		if (err)
			return err;
		end += end < count; /* the one without data */
	}
	chunk->data = chunk->buffer;
	return NULL;
}

static void memory_source_destroy(struct gs_page_source *src)
{
	free(src);
}

static const struct gs_page_source_ops memory_source_ops = {
	.next = memory_next,
	.load = memory_load,
	.destroy = memory_source_destroy,
};

static struct gs_error *create_source(struct gs_memory *mem, const struct gs_selection *sel,
				      const struct gs_range *ranges, size_t range_count,
				      struct gs_page_source **ret)
{
	struct memory_source *s = calloc(1, sizeof(*s));

	if (!s)
		return gs_error_nomem();
	s->src.ops = &memory_source_ops;
	s->src.ranges = ranges;
	s->src.range_count = range_count;
	s->src.page_size = mem->attrs.page_size ? mem->attrs.page_size : 4096;
	s->mem = mem;
	s->sel = sel;
	if (range_count)
		enter_range(s);
	*ret = &s->src;
	return NULL;
}

struct gs_error *gs_memory_source(struct gs_memory *mem, const struct gs_range *ranges,
				  size_t range_count, struct gs_page_source **ret)
{
	return ranges ? create_source(mem, NULL, ranges, range_count, ret)
		      : create_source(mem, NULL, mem->ranges, mem->range_count, ret);
}

struct gs_error *gs_selection_source(struct gs_memory *mem, const struct gs_selection *sel,
				     struct gs_page_source **ret)
{
	size_t count;
	const struct gs_range *ranges = gs_selection_ranges(sel, &count);

	return create_source(mem, sel, ranges, count, ret);
}

struct gs_error *gs_page_source_next(struct gs_page_source *src, struct gs_chunk *chunk,
				     bool *end_ret)
{
	return src->ops->next(src, chunk, end_ret);
}

struct gs_error *gs_page_source_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	if (chunk->kind != GS_EXTENT_DATA || chunk->data)
		return NULL;
	return src->ops->load(src, chunk);
}

void gs_page_source_destroy(struct gs_page_source *src)
{
	if (src)
		src->ops->destroy(src);
}
