/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two memories, page by page, over all addresses that either of them has.
 *
 * Threads take windows of the address space in order. What they find is told window by window, so
 * that the runs come by address whoever was faster.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/thread.h>
#include <guestscope/job.h>

#include "classes.h"

#define PAGE_BYTES UINT64_C(4096)
#define WINDOW_PAGES (GS_CHUNK_BYTES / PAGE_BYTES)

enum verdict { SAME, ABSENT, DIFFERENT, ONLY_A, ONLY_B };

static const char *const verdict_words[] = {
	[DIFFERENT] = "different",
	[ONLY_A] = "only in the first",
	[ONLY_B] = "only in the second",
};

/* A stretch of the address space: bytes to compare, or a run of any length that has none. */
struct window {
	uint64_t number; /* as handed out */
	gs_gpa_t gpa;
	uint64_t size;
	bool has_bytes;
	enum verdict whole;            /* without bytes: of all its pages */
	uint8_t verdict[WINDOW_PAGES]; /* with bytes */
	struct gs_difference found;
};

struct comparison {
	struct gs_memory *a, *b;
	const struct gs_compare_options *options;
	struct class_cache classes;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t turn;
	gs_gpa_t next_gpa, end;
	uint64_t next_number, report_number;
	bool stop;
	struct gs_difference result;
	/* The run of differing pages that is being collected. */
	gs_gpa_t run_start;
	uint64_t run_bytes;
	enum verdict run_verdict;
};

/* A thread's room for one window of one of the two. */
struct side {
	struct gs_memory *mem;
	uint8_t *bytes;             /* GS_CHUNK_BYTES; zero where nothing is stored */
	uint8_t kind[WINDOW_PAGES]; /* enum gs_extent of each page's first byte */
};

struct worker {
	struct side a, b;
	struct window window;
};

static struct gs_error *fill(struct side *s, gs_gpa_t gpa)
{
	gs_gpa_t limit = gpa + GS_CHUNK_BYTES;

	for (gs_gpa_t at = gpa; at < limit;) {
		enum gs_extent kind;
		gs_gpa_t end;
		struct gs_error *err = gs_memory_extent(s->mem, at, &kind, &end);

		if (!err && end > limit)
			end = limit;
		if (!err && kind == GS_EXTENT_DATA)
			err = gs_memory_read(s->mem, at, s->bytes + (at - gpa), end - at);
		else if (!err)
			memset(s->bytes + (at - gpa), 0, end - at);
		if (err)
			return err;
		for (gs_gpa_t page = (at + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); page < end;
		     page += PAGE_BYTES)
			s->kind[(page - gpa) / PAGE_BYTES] = (uint8_t)kind;
		at = end;
	}
	return NULL;
}

static bool is_there(enum gs_extent kind)
{
	return kind == GS_EXTENT_DATA || kind == GS_EXTENT_ZERO;
}

static enum verdict judge_presence(enum gs_extent a, enum gs_extent b)
{
	if (is_there(a))
		return is_there(b) ? SAME : ONLY_A;
	return is_there(b) ? ONLY_B : ABSENT;
}

static enum verdict judge_page(const struct worker *w, size_t i)
{
	enum verdict verdict = judge_presence(w->a.kind[i], w->b.kind[i]);
	uint64_t off = i * PAGE_BYTES;

	if (verdict == SAME && memcmp(w->a.bytes + off, w->b.bytes + off, PAGE_BYTES) != 0)
		verdict = DIFFERENT;
	return verdict;
}

/* The kernel counts in pages of its own size, which may be larger. */
static struct gs_error *classify(struct comparison *c, gs_gpa_t gpa, uint64_t count,
				 uint8_t *class_ret)
{
	uint64_t size = c->a->attrs.page_size;
	gs_pfn_t first = gpa / size, last = (gpa + count * PAGE_BYTES - 1) / size;
	struct gs_error *err = gs_class_cache_get(&c->classes, first, last - first + 1, class_ret);

	for (uint64_t i = count; !err && size != PAGE_BYTES && i-- > 0;)
		class_ret[i] = class_ret[(gpa + i * PAGE_BYTES) / size - first];
	return err;
}

static void count(struct gs_difference *d, enum verdict verdict, uint64_t pages, uint8_t class)
{
	if (verdict == ONLY_A)
		d->pages_only_a += pages;
	else if (verdict == ONLY_B)
		d->pages_only_b += pages;
	if (verdict != SAME && verdict != DIFFERENT)
		return;
	d->pages_compared += pages;
	d->by_class[class].pages_compared += pages;
	if (verdict == DIFFERENT) {
		d->pages_different += pages;
		d->by_class[class].pages_different += pages;
	}
}

static struct gs_error *compare_bytes(struct comparison *c, struct worker *w)
{
	struct window *window = &w->window;
	uint8_t class[WINDOW_PAGES];
	struct gs_error *err = fill(&w->a, window->gpa);

	if (!err)
		err = fill(&w->b, window->gpa);
	if (!err)
		err = classify(c, window->gpa, WINDOW_PAGES, class);
	for (size_t i = 0; i < WINDOW_PAGES && !err; i++) {
		window->verdict[i] = (uint8_t)judge_page(w, i);
		count(&window->found, window->verdict[i], 1, class[i]);
	}
	return err;
}

static struct gs_error *count_empty(struct comparison *c, struct window *window)
{
	uint64_t pages = window->size / PAGE_BYTES;
	struct gs_error *err = NULL;

	if (window->whole != SAME || !c->options->classes) {
		count(&window->found, window->whole, pages, GS_PAGE_CLASS_UNKNOWN);
		return NULL;
	}
	for (uint64_t first = 0; first < pages && !err; first += WINDOW_PAGES) {
		uint8_t class[WINDOW_PAGES];

		err = classify(c, window->gpa + first * PAGE_BYTES, WINDOW_PAGES, class);
		for (size_t i = 0; i < WINDOW_PAGES && !err; i++)
			count(&window->found, SAME, 1, class[i]);
	}
	return err;
}

/* How far from @gpa on neither side has bytes, in whole windows: nothing to read there. */
static struct gs_error *find_empty(const struct comparison *c, gs_gpa_t gpa, struct window *window)
{
	enum gs_extent a, b;
	gs_gpa_t a_end, b_end, end;
	struct gs_error *err = gs_memory_extent(c->a, gpa, &a, &a_end);

	if (!err)
		err = gs_memory_extent(c->b, gpa, &b, &b_end);
	if (err || a == GS_EXTENT_DATA || b == GS_EXTENT_DATA)
		return err;
	end = (a_end < b_end ? a_end : b_end) & ~(GS_CHUNK_BYTES - 1);
	if (end <= gpa)
		return NULL;
	window->has_bytes = false;
	window->size = end - gpa;
	window->whole = judge_presence(a, b);
	return NULL;
}

/* With the lock held. */
static struct gs_error *plan_window(struct comparison *c, struct window *window)
{
	struct gs_error *err;

	*window = (struct window){.number = c->next_number,
				  .gpa = c->next_gpa,
				  .size = GS_CHUNK_BYTES,
				  .has_bytes = true};
	if (c->options->progress && c->options->progress->cancelled)
		return gs_error_os(EINTR, "stopped");
	err = find_empty(c, c->next_gpa, window);
	if (err)
		return err;
	c->next_gpa += window->size;
	c->next_number++;
	return NULL;
}

static void flush_run(struct comparison *c)
{
	if (c->run_bytes && c->options->fn)
		c->options->fn(c->options->arg, c->run_start, c->run_bytes,
			       verdict_words[c->run_verdict]);
	c->run_bytes = 0;
}

static void add_run(struct comparison *c, gs_gpa_t start, uint64_t size, enum verdict verdict)
{
	if (verdict == SAME || verdict == ABSENT)
		return;
	if (c->run_bytes && (start != c->run_start + c->run_bytes || verdict != c->run_verdict))
		flush_run(c);
	if (!c->run_bytes) {
		c->run_start = start;
		c->run_verdict = verdict;
	}
	c->run_bytes += size;
}

static void add_counts(struct gs_difference *to, const struct gs_difference *from)
{
	to->pages_compared += from->pages_compared;
	to->pages_different += from->pages_different;
	to->pages_only_a += from->pages_only_a;
	to->pages_only_b += from->pages_only_b;
	for (int i = 0; i <= GS_PAGE_CLASS_UNKNOWN; i++) {
		to->by_class[i].pages_compared += from->by_class[i].pages_compared;
		to->by_class[i].pages_different += from->by_class[i].pages_different;
	}
}

/* When it is this window's turn. */
static void report(struct comparison *c, const struct window *window)
{
	pthread_mutex_lock(&c->lock);
	while (c->report_number != window->number && !c->stop)
		pthread_cond_wait(&c->turn, &c->lock);
	if (c->report_number == window->number) {
		if (!window->has_bytes)
			add_run(c, window->gpa, window->size, window->whole);
		for (size_t i = 0; i < WINDOW_PAGES && window->has_bytes; i++)
			add_run(c, window->gpa + i * PAGE_BYTES, PAGE_BYTES, window->verdict[i]);
		add_counts(&c->result, &window->found);
		if (c->options->progress)
			c->options->progress->done += window->size;
		c->report_number++;
		pthread_cond_broadcast(&c->turn);
	}
	pthread_mutex_unlock(&c->lock);
}

static void stop(struct comparison *c)
{
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_broadcast(&c->turn);
	pthread_mutex_unlock(&c->lock);
}

static struct gs_error *compare_windows(struct comparison *c, struct worker *w)
{
	for (;;) {
		struct gs_error *err = NULL;
		bool is_last;

		pthread_mutex_lock(&c->lock);
		is_last = c->stop || c->next_gpa >= c->end;
		if (!is_last)
			err = plan_window(c, &w->window);
		pthread_mutex_unlock(&c->lock);
		if (is_last || err)
			return err;
		err = w->window.has_bytes ? compare_bytes(c, w) : count_empty(c, &w->window);
		if (err)
			return err;
		report(c, &w->window);
	}
}

static struct gs_error *work(void *arg, unsigned int index)
{
	struct comparison *c = arg;
	gs_autofree struct worker *w = calloc(1, sizeof(*w));
	gs_autofree uint8_t *a = malloc(GS_CHUNK_BYTES), *b = malloc(GS_CHUNK_BYTES);
	struct gs_error *err = w && a && b ? NULL : gs_error_nomem();

	(void)index;
	if (!err) {
		w->a = (struct side){.mem = c->a, .bytes = a};
		w->b = (struct side){.mem = c->b, .bytes = b};
		err = compare_windows(c, w);
	}
	if (err)
		stop(c);
	return err;
}

static gs_gpa_t end_of(const struct gs_memory *mem)
{
	const struct gs_range *last = mem->ranges + mem->range_count - 1;

	return mem->range_count ? last->start + last->size : 0;
}

static bool same_ranges(const struct gs_memory *a, const struct gs_memory *b)
{
	return a->range_count == b->range_count &&
	       (a->range_count == 0 ||
		memcmp(a->ranges, b->ranges, a->range_count * sizeof(*a->ranges)) == 0);
}

struct gs_error *gs_compare(struct gs_memory *a, struct gs_memory *b,
			    const struct gs_compare_options *options, struct gs_difference *ret)
{
	struct comparison c = {.a = a,
			       .b = b,
			       .options = options,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .turn = PTHREAD_COND_INITIALIZER,
			       .end = end_of(a) > end_of(b) ? end_of(a) : end_of(b),
			       .result = {.ranges_differ = !same_ranges(a, b)}};
	struct gs_error *err;

	if (options->progress) {
		options->progress->done = 0;
		options->progress->total = c.end;
	}
	gs_class_cache_init(&c.classes, options->classes);
	err = gs_threads_run(options->threads ? options->threads : gs_cpu_count(), work, &c);
	gs_class_cache_deinit(&c.classes);
	if (err)
		return err;
	flush_run(&c);
	*ret = c.result;
	return NULL;
}
