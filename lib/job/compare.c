/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two memories, page by page, over all addresses that either of them has. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/job.h>

#define PAGE_BYTES UINT64_C(4096)
#define WINDOW_PAGES (GS_CHUNK_BYTES / PAGE_BYTES)

/* A window of one of the two. */
struct side {
	struct gs_memory *mem;
	uint8_t *bytes;             /* GS_CHUNK_BYTES; zero where nothing is stored */
	uint8_t kind[WINDOW_PAGES]; /* enum gs_extent of each page's first byte */
};

struct comparison {
	struct side a, b;
	gs_difference_fn fn;
	void *arg;
	struct gs_difference *result;
	/* The run of differing pages that is being collected. */
	gs_gpa_t run_start;
	uint64_t run_bytes;
	const char *run_what;
};

static struct gs_error *fill(struct side *s, gs_gpa_t gpa, uint64_t size)
{
	memset(s->bytes, 0, size);
	for (gs_gpa_t at = gpa; at < gpa + size;) {
		enum gs_extent kind;
		gs_gpa_t end;
		struct gs_error *err = gs_memory_extent(s->mem, at, &kind, &end);

		if (!err && end > gpa + size)
			end = gpa + size;
		if (!err && kind == GS_EXTENT_DATA)
			err = gs_memory_read(s->mem, at, s->bytes + (at - gpa), end - at);
		if (err)
			return err;
		for (gs_gpa_t page = (at + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); page < end;
		     page += PAGE_BYTES)
			s->kind[(page - gpa) / PAGE_BYTES] = kind;
		at = end;
	}
	return NULL;
}

static void flush_run(struct comparison *c)
{
	if (c->run_bytes && c->fn)
		c->fn(c->arg, c->run_start, c->run_bytes, c->run_what);
	c->run_bytes = 0;
}

static void add_run(struct comparison *c, gs_gpa_t start, uint64_t size, const char *what)
{
	if (c->run_bytes &&
	    (start != c->run_start + c->run_bytes || strcmp(what, c->run_what) != 0))
		flush_run(c);
	if (!c->run_bytes) {
		c->run_start = start;
		c->run_what = what;
	}
	c->run_bytes += size;
}

static bool is_there(enum gs_extent kind)
{
	return kind == GS_EXTENT_DATA || kind == GS_EXTENT_ZERO;
}

/* Pages of which at least one side is known to have nothing, or both the same. */
static void judge_run(struct comparison *c, gs_gpa_t start, uint64_t size, bool a, bool b)
{
	uint64_t pages = size / PAGE_BYTES;

	if (a && b) {
		c->result->pages_compared += pages;
	} else if (a) {
		c->result->pages_only_a += pages;
		add_run(c, start, size, "only in the first");
	} else if (b) {
		c->result->pages_only_b += pages;
		add_run(c, start, size, "only in the second");
	}
}

static void compare_page(struct comparison *c, gs_gpa_t page, size_t i)
{
	bool a = is_there(c->a.kind[i]), b = is_there(c->b.kind[i]);

	judge_run(c, page, PAGE_BYTES, a, b);
	if (a && b &&
	    memcmp(c->a.bytes + i * PAGE_BYTES, c->b.bytes + i * PAGE_BYTES, PAGE_BYTES)) {
		c->result->pages_different++;
		add_run(c, page, PAGE_BYTES, "different");
	}
}

/* How far from @gpa on neither side has bytes: nothing to read there. */
static struct gs_error *judge_empty(struct comparison *c, gs_gpa_t gpa, gs_gpa_t *end_ret)
{
	enum gs_extent a, b;
	gs_gpa_t a_end, b_end, end;
	struct gs_error *err = gs_memory_extent(c->a.mem, gpa, &a, &a_end);

	*end_ret = gpa;
	if (!err)
		err = gs_memory_extent(c->b.mem, gpa, &b, &b_end);
	if (err || a == GS_EXTENT_DATA || b == GS_EXTENT_DATA)
		return err;
	end = (a_end < b_end ? a_end : b_end) & ~(GS_CHUNK_BYTES - 1);
	if (end > gpa) {
		judge_run(c, gpa, end - gpa, is_there(a), is_there(b));
		*end_ret = end;
	}
	return NULL;
}

static gs_gpa_t end_of(const struct gs_memory *mem)
{
	const struct gs_range *last = mem->ranges + mem->range_count - 1;

	return mem->range_count ? last->start + last->size : 0;
}

static struct gs_error *compare_all(struct comparison *c, struct gs_progress *progress)
{
	gs_gpa_t end = end_of(c->a.mem) > end_of(c->b.mem) ? end_of(c->a.mem) : end_of(c->b.mem);
	struct gs_error *err = NULL;

	for (gs_gpa_t gpa = 0; !err && gpa < end;) {
		gs_gpa_t next;

		if (progress && progress->cancelled)
			break;
		err = judge_empty(c, gpa, &next);
		if (!err && next == gpa) {
			next = gpa + GS_CHUNK_BYTES;
			err = fill(&c->a, gpa, GS_CHUNK_BYTES);
			if (!err)
				err = fill(&c->b, gpa, GS_CHUNK_BYTES);
			for (size_t i = 0; !err && i < WINDOW_PAGES; i++)
				compare_page(c, gpa + i * PAGE_BYTES, i);
		}
		if (progress)
			progress->done += next - gpa;
		gpa = next;
	}
	flush_run(c);
	return err;
}

static bool same_ranges(const struct gs_memory *a, const struct gs_memory *b)
{
	return a->range_count == b->range_count &&
	       (a->range_count == 0 ||
		memcmp(a->ranges, b->ranges, a->range_count * sizeof(*a->ranges)) == 0);
}

struct gs_error *gs_compare(struct gs_memory *a, struct gs_memory *b, struct gs_progress *progress,
			    gs_difference_fn fn, void *arg, struct gs_difference *ret)
{
	gs_autofree uint8_t *a_bytes = malloc(GS_CHUNK_BYTES);
	gs_autofree uint8_t *b_bytes = malloc(GS_CHUNK_BYTES);
	struct gs_difference result = {.ranges_differ = !same_ranges(a, b)};
	struct comparison c = {.a = {.mem = a, .bytes = a_bytes},
			       .b = {.mem = b, .bytes = b_bytes},
			       .fn = fn,
			       .arg = arg,
			       .result = &result};
	struct gs_error *err = a_bytes && b_bytes ? NULL : gs_error_nomem();

	if (!err)
		err = compare_all(&c, progress);
	if (!err)
		*ret = result;
	return err;
}
