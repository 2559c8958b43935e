// SPDX-License-Identifier: GPL-2.0-or-later
/* What two exports leave open: who shares what with whom. */
#include <string.h>

#include "worlds.h"

#define LIMIT_SHARED 2
#define LIMIT_STRUCTS 5

/* ---- paths ---- */

bool path_ends_in(const char *path, const char *end)
{
	size_t size = strlen(path), end_size = strlen(end);

	return size > end_size && path[size - end_size - 1] == '/' &&
	       strcmp(path + size - end_size, end) == 0;
}

const char *path_join(const char *path, const char *step)
{
	char *joined = pool_printf("%s%s%s", path, *path ? "/" : "", step);

	/* Of the step alone, and not where it is a subsection's name in brackets. */
	for (char *c = joined + strlen(path); *c && *step != '['; c++)
		*c = *c == '.' ? '/' : *c;
	return joined;
}

/* ---- variables ---- */

static int find_variable(const struct worlds *worlds, enum gs_literal_kind kind,
			 const char *description, const char *name, unsigned int occurrence)
{
	for (size_t i = 0; i < worlds->variable_count; i++) {
		const struct variable *variable = &worlds->variables[i];

		if (variable->kind == kind && variable->occurrence == occurrence &&
		    strcmp(variable->description, description) == 0 &&
		    strcmp(variable->name, name) == 0)
			return (int)i;
	}
	return NONE;
}

int worlds_find(const struct worlds *worlds, const struct gs_literal *literal)
{
	return find_variable(
		worlds, literal->kind, literal->kind == GS_LITERAL_USED ? "" : literal->description,
		literal->name, literal->kind == GS_LITERAL_PREDICATE ? literal->occurrence : 0);
}

static int add_variable(struct worlds *worlds, const struct variable *variable)
{
	int i = find_variable(worlds, variable->kind, variable->description, variable->name,
			      variable->occurrence);

	if (i == NONE && worlds->variable_count == VARIABLES_MAX) {
		worlds->too_many = true;
		return 0;
	}
	if (i == NONE) {
		i = (int)worlds->variable_count++;
		worlds->variables[i] = *variable;
	}
	worlds->variables[i].saver |= variable->saver;
	worlds->variables[i].loader |= variable->loader;
	return i;
}

static void add_variables(struct worlds *worlds, struct description *description, bool saver)
{
	for (size_t i = 0; i < description->field_count; i++) {
		struct field *field = &description->fields[i];

		field->predicate = NONE;
		if (field->conditional)
			field->predicate = add_variable(
				worlds,
				&(struct variable){GS_LITERAL_PREDICATE, description->name,
						   field->name, field_occurrence(description, i),
						   saver, !saver});
		if (field->description)
			add_variables(worlds, field->description, saver);
	}
	for (size_t i = 0; i < description->subsection_count; i++) {
		struct description *sub = description->subsections[i];

		sub->sent = NONE;
		if (saver)
			sub->sent = add_variable(
				worlds, &(struct variable){GS_LITERAL_SUBSECTION, description->name,
							   sub->name, 0, true, false});
		add_variables(worlds, sub, saver);
	}
}

/* ---- partners: whose lengths are taken to be the same ---- */

#define PLACES_MAX 128

/* A field where it stands. The same path may be there several times. */
struct place {
	struct field *field;
	const char *path, *scope; /* the subsections on the path */
	const struct description *list;
	size_t index;
	const struct place *parent; /* NULL: the section, or a subsection */
	bool told;                  /* lengths are */
	bool shared;                /* the other side has one of that path, too */
	struct place *partner;
};
struct places {
	struct place all[PLACES_MAX];
	size_t count;
};

static void collect(struct places *places, struct description *list, const struct place *parent,
		    const char *path, const char *scope, bool told)
{
	for (size_t i = 0; i < list->field_count && places->count < PLACES_MAX; i++) {
		struct field *field = &list->fields[i];
		struct place *place = &places->all[places->count++];

		*place = (struct place){
			field, path_join(path, field->name), scope, list, i, parent, told, false,
			NULL};
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

static void pair_up(struct place *a, struct place *b)
{
	a->partner = b;
	b->partner = a;
}

static bool same_elements(const struct field *a, const struct field *b)
{
	return !a->description == !b->description && (a->description || a->size == b->size);
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
	return match_path(a, b) && same_elements(a->field, b->field);
}

/* The one's path ends in the other's, and neither's is on the other side. */
static bool match_end(const struct place *a, const struct place *b)
{
	return !a->shared && !b->shared && strcmp(a->scope, b->scope) == 0 &&
	       (path_ends_in(a->path, b->path) || path_ends_in(b->path, a->path));
}

/* In structs that are partners, but not by their names. */
static bool match_name(const struct place *a, const struct place *b)
{
	return same_list(a, b) && strcmp(a->field->name, b->field->name) == 0;
}

/* The first of each, in order. */
static void pair_by(struct places *as, struct places *bs, match_fn *match)
{
	for (size_t i = 0; i < as->count; i++) {
		struct place *a = &as->all[i];

		for (size_t k = 0; k < bs->count && !a->partner; k++) {
			if (!bs->all[k].partner && match(a, &bs->all[k]))
				pair_up(a, &bs->all[k]);
		}
	}
}

static void note_shared(struct places *as, const struct places *bs)
{
	for (size_t i = 0; i < as->count; i++)
		as->all[i].shared = has_path(bs, as->all[i].path);
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

			if (!b->partner && same_elements(a->field, b->field) && same_list(a, b) &&
			    same_neighbours(as, a, bs, b))
				pair_up(a, b);
		}
	}
}

static void pair_places(struct places *as, struct places *bs)
{
	note_shared(as, bs);
	note_shared(bs, as);
	pair_by(as, bs, match_path_and_size);
	pair_by(as, bs, match_path);
	pair_by(as, bs, match_end);
	for (int depth = 0; depth < 3; depth++) {
		pair_between(as, bs);
		pair_by(as, bs, match_name);
	}
}

/* ---- quantities ---- */

/* @limit: 0: as far as it can be gone. */
static int add_quantity(struct worlds *worlds, bool shared, unsigned int limit)
{
	if (worlds->quantity_count == QUANTITIES_MAX) {
		worlds->too_many = true;
		return 0;
	}
	worlds->limits[worlds->quantity_count] = shared ? LIMIT_SHARED : limit;
	worlds->free_count += !shared;
	return (int)worlds->quantity_count++;
}

/* What a field of a size that is not told is long is one quantity, and not two. */
static void note_quantities(struct worlds *worlds, struct place *place)
{
	struct field *field = place->field;
	struct place *partner = place->partner;
	bool shared = partner && same_elements(field, partner->field);
	bool unsized = !field->description && field->size == 0;

	field->length = field->bytes = NONE;
	field->count = place->told && field->num ? field->num : 1;
	if (!place->told && shared && partner->told)
		field->count = partner->field->num ? partner->field->num : 1;
	else if (!place->told && !unsized)
		field->length =
			add_quantity(worlds, shared, field->description ? LIMIT_STRUCTS : 0);
	if (unsized)
		field->bytes = add_quantity(worlds, shared, 0);
}

static void add_quantities(struct worlds *worlds, struct export *saver, struct export *loader)
{
	static struct places as, bs;

	as.count = bs.count = 0;
	collect(&as, saver->description, NULL, "", "", saver->tells_num);
	collect(&bs, loader->description, NULL, "", "", loader->tells_num);
	pair_places(&as, &bs);
	for (size_t i = 0; i < as.count; i++)
		note_quantities(worlds, &as.all[i]);
	for (size_t i = 0; i < bs.count; i++) {
		struct place *b = &bs.all[i], *a = b->partner;

		if (!a || !same_elements(a->field, b->field)) {
			note_quantities(worlds, b);
			continue;
		}
		b->field->count = b->told ? (b->field->num ? b->field->num : 1) : a->field->count;
		b->field->length = b->told ? NONE : a->field->length;
		b->field->bytes = a->field->bytes;
	}
}

/* The fewer there are, the farther each can go. */
static void limit_free(struct worlds *worlds)
{
	static const unsigned int limits[] = {0, 40, 20, 8, 5};

	for (size_t i = 0; i < worlds->quantity_count; i++) {
		if (worlds->limits[i] == 0)
			worlds->limits[i] = limits[worlds->free_count < 4 ? worlds->free_count : 4];
	}
}

static bool too_many_settings(const struct worlds *worlds)
{
	size_t settings = 1;

	for (size_t i = 0; i < worlds->quantity_count; i++)
		settings *= worlds->limits[i];
	return (settings << worlds->variable_count) > SETTINGS_MAX * 16 || settings > SETTINGS_MAX;
}

struct worlds worlds_of(struct export *saver, struct export *loader)
{
	struct worlds worlds = {.saver = saver, .loader = loader};

	if (!saver->description)
		return worlds;
	add_variables(&worlds, saver->description, true);
	if (loader->description) {
		add_variables(&worlds, loader->description, false);
		add_quantities(&worlds, saver, loader);
	} else {
		/* Nothing else matters of a device that the loader does not have. */
		worlds.variable_count = 0;
		add_variable(&worlds,
			     &(struct variable){GS_LITERAL_USED, "", saver->type, 0, true, false});
	}
	limit_free(&worlds);
	worlds.too_many |= too_many_settings(&worlds);
	return worlds;
}

bool worlds_next_setting(const struct worlds *worlds, struct world *world)
{
	if (worlds->quantity_count == 0)
		return world->quantities[0]++ == 0;
	if (world->quantities[0] == 0) {
		for (size_t i = 0; i < worlds->quantity_count; i++)
			world->quantities[i] = 1;
		return true;
	}
	for (size_t i = 0; i < worlds->quantity_count; i++) {
		if (++world->quantities[i] <= worlds->limits[i])
			return true;
		world->quantities[i] = 1;
	}
	return false;
}
