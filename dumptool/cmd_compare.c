/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool compare: which pages differ between two dumps, or a dump and a live guest. */
#include <string.h>

#include "dumptool.h"

#define AREAS_MAX 16          /* half of them for each side */
#define LISTED_MAX (1u << 20) /* the document is built in memory */

static const struct gs_emit_column run_columns[] = {
	{"start", "START", true},
	{"size", "SIZE", true},
	{"what", "WHAT", false},
};

static const struct gs_emit_column area_columns[] = {
	{"start", "START", true},
	{"size", "SIZE", true},
	{"different", "DIFFERENT", true},
	{"only_first", "ONLY FIRST", true},
	{"only_second", "ONLY SECOND", true},
};

static const struct gs_emit_column class_columns[] = {
	{"class", "CLASS", false},
	{"pages_compared", "COMPARED", true},
	{"pages_different", "DIFFERENT", true},
	{"percent", "%", true},
};

static const struct gs_emit_column range_columns[] = {
	{"start", "START", true},
	{"end", "END", true},
	{"in", "IN", false},
};

/* What the runs of differing pages add up to. */
struct findings {
	struct gs_emit *list; /* a table that takes them all; or NULL */
	uint64_t runs;
	uint64_t area_bytes;
	struct area {
		gs_gpa_t start;
		uint64_t different, only_first, only_second; /* bytes */
	} areas[AREAS_MAX];
	size_t area_count;
};

static uint64_t *counter_of(struct area *area, const char *what)
{
	if (strcmp(what, "different") == 0)
		return &area->different;
	return strstr(what, "first") ? &area->only_first : &area->only_second;
}

/* Runs come by address, so the last area is the one that goes on. */
static void add_to_areas(struct findings *f, gs_gpa_t start, uint64_t size, const char *what)
{
	while (size) {
		gs_gpa_t area = start & ~(f->area_bytes - 1);
		uint64_t part = area + f->area_bytes - start;

		if (part > size)
			part = size;
		if (!f->area_count || f->areas[f->area_count - 1].start != area) {
			f->areas[f->area_count++] = (struct area){.start = area};
		}
		*counter_of(&f->areas[f->area_count - 1], what) += part;
		start += part;
		size -= part;
	}
}

static void take_run(void *arg, gs_gpa_t start, uint64_t size, const char *what)
{
	struct findings *f = arg;

	add_to_areas(f, start, size, what);
	if (f->runs++ >= LISTED_MAX || !f->list)
		return;
	gs_emit_row(f->list);
	gs_emit_address(f->list, "start", "", start);
	gs_emit_bytes(f->list, "size", "", size);
	gs_emit_string(f->list, "what", "", what);
}

static void emit_areas(struct gs_emit *e, const struct findings *f)
{
	gs_emit_table(e, "areas", "Where they are", area_columns, 5);
	for (size_t i = 0; i < f->area_count; i++) {
		gs_emit_row(e);
		gs_emit_address(e, "start", "", f->areas[i].start);
		gs_emit_bytes(e, "size", "", f->area_bytes);
		gs_emit_bytes(e, "different", "", f->areas[i].different);
		gs_emit_bytes(e, "only_first", "", f->areas[i].only_first);
		gs_emit_bytes(e, "only_second", "", f->areas[i].only_second);
	}
	gs_emit_end(e);
}

static void emit_classes(struct gs_emit *e, const struct gs_difference *d)
{
	gs_emit_table(e, "classes", "By what the first one's kernel used them for", class_columns,
		      4);
	for (int i = 0; i <= GS_PAGE_CLASS_UNKNOWN; i++) {
		const struct gs_class_difference *c = &d->by_class[i];

		if (!c->pages_compared)
			continue;
		gs_emit_row(e);
		gs_emit_string(e, "class", "", gs_page_class_name((enum gs_page_class)i));
		gs_emit_u64(e, "pages_compared", "", c->pages_compared);
		gs_emit_u64(e, "pages_different", "", c->pages_different);
		gs_emit_double(e, "percent", "",
			       100.0 * (double)c->pages_different / (double)c->pages_compared, 2);
	}
	gs_emit_end(e);
}

/* Ranges that @mem has and @other has not, as such. */
static void emit_own_ranges(struct gs_emit *e, const struct gs_memory *mem,
			    const struct gs_memory *other, const char *which)
{
	for (size_t i = 0; i < mem->range_count; i++) {
		const struct gs_range *r = &mem->ranges[i];
		size_t j = gs_ranges_find(other->ranges, other->range_count, r->start);

		if (j < other->range_count && other->ranges[j].start == r->start &&
		    other->ranges[j].size == r->size)
			continue;
		gs_emit_row(e);
		gs_emit_address(e, "start", "", r->start);
		gs_emit_address(e, "end", "", r->start + (r->size - 1));
		gs_emit_string(e, "in", "", which);
	}
}

static void emit_ranges(struct gs_emit *e, const struct gs_memory *a, const struct gs_memory *b)
{
	gs_emit_table(e, "range_differences", "Ranges that differ", range_columns, 3);
	emit_own_ranges(e, a, b, "first");
	emit_own_ranges(e, b, a, "second");
	gs_emit_end(e);
}

static void emit_result(struct gs_emit *e, const struct findings *f, const struct gs_difference *d)
{
	gs_emit_u64(e, "pages_compared", "Pages compared", d->pages_compared);
	gs_emit_u64(e, "pages_different", "Pages different", d->pages_different);
	gs_emit_u64(e, "pages_only_first", "Only in the first", d->pages_only_a);
	gs_emit_u64(e, "pages_only_second", "Only in the second", d->pages_only_b);
	gs_emit_u64(e, "runs", "Runs of such pages", f->runs);
	if (f->list && f->runs > LISTED_MAX)
		gs_emit_u64(e, "runs_not_listed", "Of these not listed", f->runs - LISTED_MAX);
	gs_emit_bool(e, "same_ranges", "Same ranges", !d->ranges_differ);
	gs_emit_bool(e, "same", "Same memory",
		     !d->pages_different && !d->pages_only_a && !d->pages_only_b);
}

/* Neither side reaches into more than its half of AREAS_MAX. */
static uint64_t choose_area_bytes(const struct gs_memory *a, const struct gs_memory *b)
{
	uint64_t a_bytes = gs_survey_bucket_bytes(a, AREAS_MAX / 2);
	uint64_t b_bytes = gs_survey_bucket_bytes(b, AREAS_MAX / 2);

	return a_bytes > b_bytes ? a_bytes : b_bytes;
}

struct sides {
	struct dumptool_input a, b;
	struct dumptool_classes classes; /* of the first one's pages */
};

static void close_sides(struct sides *s)
{
	dumptool_close_classes(&s->classes);
	dumptool_close_input(&s->a);
	dumptool_close_input(&s->b);
}

static struct gs_error *open_sides(const struct gs_args *args, struct sides *s)
{
	size_t count = gs_args_count(args);
	struct gs_error *err;

	if (count == 2 && dumptool_names_guest(args))
		return gs_error_create(GS_ERROR_INVALID,
				       "two dumps and a guest: one too many to compare");
	err = dumptool_look_at(args, 0, "a dump FILE", &s->a);
	if (!err)
		err = dumptool_look_at(args, 1, "a second dump FILE, or -g GUEST,", &s->b);
	return err ? err : dumptool_open_classes(args, true, s->a.mem, &s->classes);
}

static struct gs_error *run(const struct gs_args *args, const struct sides *s, struct findings *f,
			    struct gs_difference *d)
{
	struct gs_compare_options options = {.classes = s->classes.classifier,
					     .progress = dumptool_progress(),
					     .fn = take_run,
					     .arg = f};
	struct gs_error *err = dumptool_threads(args, &options.threads);
	struct gs_progress_bar *bar;

	if (err)
		return err;
	f->area_bytes = choose_area_bytes(s->a.mem, s->b.mem);
	bar = gs_progress_bar_start(options.progress, "compare", gs_args_quiet(args));
	err = gs_compare(s->a.mem, s->b.mem, &options, d);
	gs_progress_bar_stop(bar);
	return err;
}

static struct gs_error *compare(const struct gs_args *args, struct gs_emit *e,
				const struct sides *s, struct gs_difference *d)
{
	struct findings f = {.list = gs_args_has(args, "list") ? e : NULL};
	struct gs_error *err;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "first", "First", s->a.mem->name);
	gs_emit_string(e, "second", "Second", s->b.mem->name);
	if (f.list)
		gs_emit_table(e, "differences", "Differences", run_columns, 3);
	err = run(args, s, &f, d);
	if (f.list)
		gs_emit_end(e);
	if (err)
		return err;
	if (s->classes.classifier)
		emit_classes(e, d);
	if (!f.list)
		emit_areas(e, &f);
	if (d->ranges_differ)
		emit_ranges(e, s->a.mem, s->b.mem);
	emit_result(e, &f, d);
	gs_emit_end(e);
	return NULL;
}

int cmd_compare(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	__attribute__((cleanup(close_sides))) struct sides sides = {0};
	struct gs_difference d = {0};
	struct gs_error *err = open_sides(args, &sides);

	if (!err)
		err = compare(args, e, &sides, &d);
	if (!err)
		err = gs_emit_finish(e);
	if (err)
		return dumptool_end_job(args, err);
	return d.pages_different || d.pages_only_a || d.pages_only_b ? GS_EXIT_FAILED : GS_EXIT_OK;
}
