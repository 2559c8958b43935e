// SPDX-License-Identifier: GPL-2.0-or-later
/* Partners by path, by name and by place; and lengths that make two runs of fields as long. */
#include <string.h>

#include "partners.h"

/* ---- paths ---- */

static bool ends_in(const char *path, size_t size, const char *end, size_t end_size)
{
	return size > end_size && (end_size == 0 || path[size - end_size - 1] == '/') &&
	       memcmp(path + size - end_size, end, end_size) == 0;
}

static bool ends_match(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return (a_size == b_size && memcmp(a, b, a_size) == 0) || ends_in(a, a_size, b, b_size) ||
	       ends_in(b, b_size, a, a_size);
}

/* With the last step that is a subsection, in brackets; elements of arrays end in some. */
static size_t subsections_size(const char *path)
{
	size_t size = 0;

	for (const char *c = path; *c; c++) {
		if (*c == '[' && (c == path || c[-1] == '/'))
			size = (size_t)(strchr(c, ']') + 1 - path) + (strchr(c, ']')[1] == '/');
	}
	return size;
}

bool paths_end_alike(const char *a, const char *b)
{
	size_t a_size = subsections_size(a), b_size = subsections_size(b);

	return !a_size == !b_size && ends_match(a, a_size, b, b_size) &&
	       ends_match(a + a_size, strlen(a + a_size), b + b_size, strlen(b + b_size));
}

const char *path_join(const char *path, const char *step)
{
	char *joined = pool_printf("%s%s%s", path, *path ? "/" : "", step);

	/* Of the step alone, and not where it is a subsection's name in brackets. */
	for (char *c = joined + strlen(path); *c && *step != '['; c++)
		*c = *c == '.' ? '/' : *c;
	return joined;
}

/* ---- places ---- */

bool place_is_unsized(const struct place *place)
{
	return !place->field->description && place->field->size == 0;
}

static unsigned int told_count(const struct place *place)
{
	return place->field->num ? place->field->num : 1;
}

static void collect(struct places *places, struct description *list, const struct place *parent,
		    const char *path, const char *scope, bool told)
{
	for (size_t i = 0; i < list->field_count && places->count < PLACES_MAX; i++) {
		struct field *field = &list->fields[i];
		struct place *place = &places->all[places->count++];

		*place = (struct place){.field = field,
					.path = path_join(path, field->name),
					.scope = scope,
					.list = list,
					.index = i,
					.parent = parent,
					.told = told};
		if (field->description)
			collect(places, field->description, place, place->path, scope, told);
	}
	for (size_t i = 0; i < list->subsection_count; i++) {
		const char *step = pool_printf("[%s]", list->subsections[i]->name);

		collect(places, list->subsections[i], NULL, path_join(path, step),
			path_join(scope, step), told);
	}
}

static bool has_path(const struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++) {
		if (strcmp(places->all[i].path, path) == 0)
			return true;
	}
	return false;
}

/* ---- pairs ---- */

static void pair_up(struct place *a, struct place *b)
{
	a->partner = b;
	b->partner = a;
}

static bool same_kind(const struct place *a, const struct place *b)
{
	return !a->field->description == !b->field->description;
}

static bool same_elements(const struct place *a, const struct place *b)
{
	return same_kind(a, b) && (a->field->description || a->field->size == b->field->size);
}

bool place_is_shared(const struct place *place)
{
	return place->partner && same_elements(place, place->partner);
}

/* Whether both are in the same section or subsection, or in structs that are partners. */
static bool same_list(const struct place *a, const struct place *b)
{
	if (a->parent || b->parent)
		return a->parent && b->parent && a->parent->partner == b->parent;
	return strcmp(a->scope, b->scope) == 0;
}

typedef bool match_fn(const struct place *a, const struct place *b);

static bool match_path(const struct place *a, const struct place *b)
{
	return strcmp(a->path, b->path) == 0;
}

static bool match_path_and_size(const struct place *a, const struct place *b)
{
	return match_path(a, b) && same_elements(a, b);
}

/* The one's path ends in the other's, and neither's is on the other side. */
static bool match_end(const struct place *a, const struct place *b)
{
	return !a->known && !b->known && same_elements(a, b) && strcmp(a->scope, b->scope) == 0 &&
	       paths_end_alike(a->path, b->path);
}

/* In structs that are partners, but not by their names. */
static bool match_name(const struct place *a, const struct place *b)
{
	return same_list(a, b) && strcmp(a->field->name, b->field->name) == 0;
}

/* The first of each, in order; structs with structs. */
static void pair_by(struct places *as, struct places *bs, match_fn *match)
{
	for (size_t i = 0; i < as->count; i++) {
		struct place *a = &as->all[i];

		for (size_t k = 0; k < bs->count && !a->partner; k++) {
			struct place *b = &bs->all[k];

			if (!b->partner && same_kind(a, b) && match(a, b))
				pair_up(a, b);
		}
	}
}

static void note_known(struct places *as, const struct places *bs)
{
	for (size_t i = 0; i < as->count; i++)
		as->all[i].known = has_path(bs, as->all[i].path);
}

static struct place *neighbour(struct places *places, const struct place *place, int step)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *other = &places->all[i];

		if (other->list == place->list && other->index == place->index + (size_t)step)
			return other;
	}
	return NULL;
}

/* Both ends of their lists, or partners. */
static bool same_neighbours(struct places *as, const struct place *a, struct places *bs,
			    const struct place *b)
{
	for (int step = -1; step <= 1; step += 2) {
		struct place *x = neighbour(as, a, step), *y = neighbour(bs, b, step);

		if (!x != !y || (x && x->partner != y))
			return false;
	}
	return true;
}

static void pair_between(struct places *as, struct places *bs)
{
	for (size_t i = 0; i < as->count; i++) {
		struct place *a = &as->all[i];

		for (size_t k = 0; k < bs->count && !a->partner; k++) {
			struct place *b = &bs->all[k];

			if (!b->partner && same_elements(a, b) && same_list(a, b) &&
			    same_neighbours(as, a, bs, b))
				pair_up(a, b);
		}
	}
}

static void pair_places(struct places *as, struct places *bs)
{
	note_known(as, bs);
	note_known(bs, as);
	pair_by(as, bs, match_path_and_size);
	pair_by(as, bs, match_path);
	pair_by(as, bs, match_end);
	for (int depth = 0; depth < 3; depth++) {
		pair_between(as, bs);
		pair_by(as, bs, match_name);
	}
}

/* ---- lengths ---- */

static void assume_partners(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->all[i];

		if (place->told)
			place->count = told_count(place);
		else if (place_is_shared(place) && place->partner->told)
			place->count = told_count(place->partner);
		else if (place_is_unsized(place))
			place->count = 1; /* how long it is is one question, and not two */
	}
}

/* Fields of a list on both sides, between the same neighbours or ends, that are not partners. */
struct run {
	struct places *places;
	const struct description *list;
	size_t from, to;
};
struct run_size {
	uint64_t bytes; /* if all lengths that are not known are 1 */
	size_t unknown; /* lengths */
	struct place *last;
	bool unsized;
};

static struct place *place_at(struct places *places, const struct description *list, size_t index)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->all[i].list == list && places->all[i].index == index)
			return &places->all[i];
	}
	return NULL;
}

static void add_run(struct run_size *size, const struct run *run, uint64_t times)
{
	for (size_t i = run->from; i < run->to; i++) {
		struct place *place = place_at(run->places, run->list, i);
		uint64_t elements = times * (place->count ? place->count : 1);

		if (!place->count) {
			size->unknown++;
			size->last = place;
		}
		size->unsized |= place_is_unsized(place);
		if (place->field->description)
			add_run(size,
				&(struct run){run->places, place->field->description, 0,
					      place->field->description->field_count},
				elements);
		else
			size->bytes += elements * place->field->size;
	}
}

static void set_run(const struct run *run, unsigned int count)
{
	for (size_t i = run->from; i < run->to; i++) {
		struct place *place = place_at(run->places, run->list, i);
		const struct description *inner = place->field->description;

		place->count = place->count ? place->count : count;
		if (inner)
			set_run(&(struct run){run->places, inner, 0, inner->field_count}, count);
	}
}

/* All of them 1, or the only one what is missing on its side, if that makes both as long. */
static void fit_runs(const struct run *a, const struct run *b)
{
	struct run_size sizes[2] = {{0}, {0}};
	size_t one;
	uint64_t missing;

	add_run(&sizes[0], a, 1);
	add_run(&sizes[1], b, 1);
	if (sizes[0].unsized || sizes[1].unsized)
		return;
	if (sizes[0].bytes == sizes[1].bytes) {
		set_run(a, 1);
		set_run(b, 1);
		return;
	}
	one = sizes[1].unknown;
	if (sizes[0].unknown + sizes[1].unknown != 1 || sizes[one].bytes > sizes[!one].bytes ||
	    sizes[one].last->field->description)
		return;
	missing = sizes[!one].bytes - sizes[one].bytes;
	if (missing % sizes[one].last->field->size == 0)
		sizes[one].last->count = (unsigned int)(missing / sizes[one].last->field->size) + 1;
}

/* The next field from @at on whose partner is in the other list; else that list's end. */
static size_t next_anchor(struct places *places, const struct description *list, size_t at,
			  const struct description *other)
{
	for (; at < list->field_count; at++) {
		const struct place *place = place_at(places, list, at);

		if (place_is_shared(place) && place->partner->list == other)
			break;
	}
	return at;
}

static void fit_lists(struct partners *partners, const struct description *saver,
		      const struct description *loader)
{
	struct run a = {&partners->saver, saver, 0, 0}, b = {&partners->loader, loader, 0, 0};

	for (;;) {
		const struct place *anchor;

		a.to = next_anchor(a.places, saver, a.from, loader);
		b.to = next_anchor(b.places, loader, b.from, saver);
		anchor = place_at(a.places, saver, a.to);
		if (anchor ? anchor->partner == place_at(b.places, loader, b.to)
			   : b.to == loader->field_count)
			fit_runs(&a, &b);
		if (!anchor)
			return;
		a.from = a.to + 1;
		b.from = anchor->partner->index + 1;
	}
}

/* All lists that go together: of the sections, of subsections of one name, of shared structs. */
static void fit_all(struct partners *partners, const struct description *saver,
		    const struct description *loader)
{
	fit_lists(partners, saver, loader);
	for (size_t i = 0; i < saver->field_count; i++) {
		const struct place *place = place_at(&partners->saver, saver, i);

		if (saver->fields[i].description && place_is_shared(place))
			fit_all(partners, saver->fields[i].description,
				place->partner->field->description);
	}
	for (size_t i = 0; i < saver->subsection_count; i++) {
		for (size_t k = 0; k < loader->subsection_count; k++) {
			if (strcmp(saver->subsections[i]->name, loader->subsections[k]->name) == 0)
				fit_all(partners, saver->subsections[i], loader->subsections[k]);
		}
	}
}

bool partners_find(struct partners *partners, const struct export *saver,
		   const struct export *loader)
{
	partners->saver.count = partners->loader.count = 0;
	collect(&partners->saver, saver->description, NULL, "", "", saver->tells_num);
	collect(&partners->loader, loader->description, NULL, "", "", loader->tells_num);
	if (partners->saver.count == PLACES_MAX || partners->loader.count == PLACES_MAX)
		return false;
	pair_places(&partners->saver, &partners->loader);
	assume_partners(&partners->saver);
	assume_partners(&partners->loader);
	fit_all(partners, saver->description, loader->description);
	return true;
}
