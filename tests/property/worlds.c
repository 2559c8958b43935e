// SPDX-License-Identifier: GPL-2.0-or-later
/* What two exports leave open: who shares what with whom. */
#include <string.h>

#include "partners.h"
#include "worlds.h"

#define LIMIT_SHARED 2
#define LIMIT_STRUCTS 5

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

static void note_quantities(struct worlds *worlds, const struct place *place)
{
	struct field *field = place->field;
	bool shared = place_is_shared(place);

	worlds->untold |= !place->told || place_is_unsized(place);
	field->count = place->count;
	field->length = field->bytes = NONE;
	if (!place->count)
		field->length =
			add_quantity(worlds, shared, field->description ? LIMIT_STRUCTS : 0);
	if (place_is_unsized(place))
		field->bytes = add_quantity(worlds, shared, 0);
}

static void add_quantities(struct worlds *worlds, struct export *saver, struct export *loader)
{
	static struct partners partners;

	if (!partners_find(&partners, saver, loader)) {
		worlds->too_many = true;
		return;
	}
	for (size_t i = 0; i < partners.saver.count; i++)
		note_quantities(worlds, &partners.saver.all[i]);
	for (size_t i = 0; i < partners.loader.count; i++) {
		const struct place *place = &partners.loader.all[i];
		struct field *field = place->field;

		if (!place_is_shared(place)) {
			note_quantities(worlds, place);
			continue;
		}
		worlds->untold |= !place->told;
		field->count = place->count;
		field->length = place->count ? NONE : place->partner->field->length;
		field->bytes = place->partner->field->bytes;
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
