/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of a section or a subsection, as a whole. */
#include <stdlib.h>

#include "check_scope.h"

/* ---- units ---- */

static struct gs_error *tell_segment(struct gs_scope *scope, struct gs_item *segment)
{
	struct gs_unit unit;
	struct gs_error *err = gs_unit_init(&unit, scope, &segment, 1);

	return err ? err : gs_unit_tell(&unit);
}

/* All segments that are not always even, and what lies between them. */
struct group {
	struct gs_item **items;
	size_t count;
	size_t uneven;
	uint8_t signs;
};

static struct gs_error *find_group(struct gs_scope *scope, struct group *group)
{
	size_t first = SIZE_MAX, last = 0;

	for (size_t i = 0; i < scope->item_count; i++) {
		struct gs_item *item = &scope->items[i];
		struct gs_error *err;

		if (item->kind != GS_ITEM_SEGMENT)
			continue;
		err = gs_segment_weigh(scope, item);
		if (err)
			return err;
		if (!item->signs)
			continue;
		group->signs |= item->signs;
		group->uneven++;
		first = i < first ? i : first;
		last = i;
	}
	if (group->uneven < 2 || group->signs != (GS_SIGN_POSITIVE | GS_SIGN_NEGATIVE))
		return NULL;
	group->items = gs_arena_alloc(&scope->arena, last - first + 1, sizeof(*group->items));
	if (!group->items)
		return gs_error_nomem();
	for (size_t i = first; i <= last; i++) {
		if (scope->items[i].kind == GS_ITEM_SEGMENT ||
		    scope->items[i].kind == GS_ITEM_ANCHOR ||
		    scope->items[i].kind == GS_ITEM_SUBSECTIONS)
			group->items[group->count++] = &scope->items[i];
	}
	return NULL;
}

/*
 * Segments that make up for each other, if there are any. If they do so in some worlds only, and
 * then to no good, each one is told of by itself, too; but what comes of it is as the unit says.
 */
struct together {
	struct gs_unit unit; /* count 0: there are none */
	bool is_apart;
};

static struct gs_error *find_together(struct gs_scope *scope, struct together *ret)
{
	struct group group = {0};
	struct gs_balance balance;
	struct gs_error *err = find_group(scope, &group);

	*ret = (struct together){0};
	if (err || !group.count)
		return err;
	err = gs_unit_init(&ret->unit, scope, group.items, group.count);
	if (err || ret->unit.is_heavy)
		return err;
	gs_unit_weigh_balance(&ret->unit, &balance);
	if (!balance.is_any)
		ret->unit.count = 0;
	ret->is_apart = balance.is_missed && !balance.is_good;
	return NULL;
}

/* ---- what is not bytes ---- */

static void enter_gate(struct gs_judge *judge, const struct gs_gate *gate)
{
	for (; gate; gate = gate->parent)
		gs_judge_enter_variable(judge, gate->variable);
}

static void leave_gate(struct gs_judge *judge, const struct gs_gate *gate)
{
	for (; gate; gate = gate->parent)
		gs_judge_leave(judge);
}

static struct gs_error *tell_minimum(struct gs_judge *judge, const struct gs_item *item)
{
	const struct gs_vmsd *description = item->places[GS_LOADER]->field->description;

	gs_text_puts(&judge->text, "The loader holds its own version of ");
	gs_check_put_name(&judge->text, description->name);
	gs_text_printf(&judge->text,
		       ", %u, against the least that it takes, %u: it never loads this.",
		       description->version, description->minimum);
	return gs_judge_tell_outcome(judge, GS_RULE_NESTED_MINIMUM, GS_OUTCOME_BROKEN,
				     item->offset);
}

static struct gs_error *tell_renamed(struct gs_judge *judge, const struct gs_item *item)
{
	gs_text_puts(&judge->text, "The struct ");
	gs_check_put_name(&judge->text, item->places[GS_SAVER]->field->name);
	gs_text_puts(&judge->text, " is called ");
	gs_check_put_name(&judge->text, item->places[GS_LOADER]->field->name);
	gs_text_puts(&judge->text, " by the loader, which no stream tells.");
	return gs_judge_tell(judge, GS_RULE_FIELD_RENAMED, NULL,
			     (struct gs_wire_size){GS_WIRE_UNKNOWN, 0});
}

/* Whether nothing is sent behind a field of a description, whatever the world. */
static bool is_last(const struct gs_vmsd *description, uint32_t version,
		    const struct gs_vmsd_field *field)
{
	for (field++; field < description->fields + description->field_count; field++) {
		if (gs_field_is_there(field, version) && gs_field_count(field))
			return false;
	}
	return true;
}

/* What ends with the struct at @place. */
static struct gs_error *find_around(struct gs_scope *scope, const struct gs_place *place,
				    const struct gs_around **ret)
{
	const struct gs_place *parent = place->parent;
	const struct gs_vmsd *description =
		parent ? parent->field->description : scope->roots[GS_LOADER];
	uint32_t version = parent ? description->version : scope->loader_version;
	struct gs_around *around;

	*ret = NULL;
	if (place->is_element || !is_last(description, version, place->field))
		return NULL;
	around = gs_arena_alloc(&scope->arena, 1, sizeof(*around));
	if (!around)
		return gs_error_nomem();
	around->description = description;
	around->next = scope->around;
	*ret = around;
	return parent ? find_around(scope, parent, &around->next) : NULL;
}

static struct gs_error *tell_subsections(struct gs_scope *scope, const struct gs_item *item)
{
	const struct gs_around *around;
	struct gs_error *err = find_around(scope, item->places[GS_LOADER], &around);

	return err ? err
		   : gs_check_subsections(scope->judge, item->places[GS_SAVER]->field->description,
					  item->places[GS_LOADER]->field->description, around);
}

static struct gs_error *tell_item(struct gs_scope *scope, const struct gs_item *item)
{
	struct gs_judge *judge = scope->judge;

	switch (item->kind) {
	case GS_ITEM_MINIMUM:
		return tell_minimum(judge, item);
	case GS_ITEM_RENAMED:
		return tell_renamed(judge, item);
	case GS_ITEM_SUBSECTIONS:
		return tell_subsections(scope, item);
	default:
		return NULL;
	}
}

static struct gs_error *tell_guarded(struct gs_scope *scope, const struct gs_item *item)
{
	struct gs_judge *judge = scope->judge;
	const struct gs_place *place =
		item->places[GS_SAVER] ? item->places[GS_SAVER] : item->places[GS_LOADER];
	size_t mark = gs_check_enter_place(judge, place);
	struct gs_error *err;

	enter_gate(judge, item->gate);
	err = tell_item(scope, item);
	leave_gate(judge, item->gate);
	gs_check_leave(judge, mark);
	return err;
}

/* ---- structs that are not where they were, with their subsections ---- */

/* Where they end at the same byte as one of the loader's in some world. */
static struct gs_error *tell_ends(struct gs_scope *scope, const struct gs_item *segment)
{
	const struct gs_run *runs = gs_segment_runs(scope, segment, GS_SAVER);
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < segment->count[GS_SAVER]; i++) {
		struct gs_item item = {.kind = GS_ITEM_SUBSECTIONS, .gate = runs[i].gate};

		if (!runs[i].met)
			continue;
		item.places[GS_SAVER] = runs[i].place;
		item.places[GS_LOADER] = runs[i].met->place;
		err = tell_guarded(scope, &item);
	}
	return err;
}

/* ---- the scope ---- */

static bool is_in_unit(const struct gs_unit *unit, const struct gs_item *item)
{
	return unit->count && item >= unit->segments[0] && item <= unit->segments[unit->count - 1];
}

static struct gs_error *judge_segment(struct gs_scope *scope, struct together *together,
				      struct gs_item *segment)
{
	struct gs_judge *judge = scope->judge;
	struct gs_error *err = NULL;

	if (!is_in_unit(&together->unit, segment))
		return tell_segment(scope, segment);
	if (segment == together->unit.segments[0])
		err = gs_unit_tell(&together->unit);
	judge->is_aside = true;
	if (!err && together->is_apart)
		err = tell_segment(scope, segment);
	judge->is_aside = false;
	return err;
}

static struct gs_error *alloc_rows(struct gs_scope *scope)
{
	for (int side = 0; side < GS_SIDES; side++) {
		scope->row_runs[side] = gs_arena_alloc(&scope->arena, scope->runs[side].count,
						       sizeof(*scope->row_runs[side]));
		if (!scope->row_runs[side])
			return gs_error_nomem();
	}
	return NULL;
}

/* Where all is where it is looked for, names decide nothing. Most scopes are so. */
static bool has_segments(const struct gs_scope *scope)
{
	for (size_t i = 0; i < scope->item_count; i++) {
		if (scope->items[i].kind == GS_ITEM_SEGMENT)
			return true;
	}
	return false;
}

static struct gs_error *judge_items(struct gs_scope *scope)
{
	struct together together;
	struct gs_error *err = alloc_rows(scope);

	if (!err && has_segments(scope))
		err = gs_scope_name(scope);
	if (!err)
		err = find_together(scope, &together);
	for (size_t i = 0; !err && i < scope->item_count; i++) {
		struct gs_item *item = &scope->items[i];

		if (item->kind == GS_ITEM_SEGMENT)
			err = judge_segment(scope, &together, item);
		else if (item->kind != GS_ITEM_ANCHOR)
			err = tell_guarded(scope, item);
		if (!err && item->kind == GS_ITEM_SEGMENT)
			err = tell_ends(scope, item);
	}
	return err;
}

static struct gs_error *check_scope(struct gs_judge *judge, const struct gs_root *saver,
				    const struct gs_root *loader, const struct gs_around *around)
{
	const struct gs_level levels[GS_SIDES] = {
		{.owner = saver->description, .version = saver->version},
		{.owner = loader->description, .version = loader->version}};
	struct gs_scope scope = {
		.judge = judge,
		.states = {judge->saver_state, judge->loader_state},
		.told = {gs_devstate_has_num(judge->saver_state),
			 gs_devstate_has_num(judge->loader_state)},
		.roots = {saver->description, loader->description},
		.parents = {saver->parent, loader->parent},
		.loader_version = loader->version,
		.around = around,
	};
	struct gs_error *err = gs_scope_align(&scope, levels);

	if (!err)
		err = judge_items(&scope);
	gs_arena_deinit(&scope.arena);
	return err;
}

struct gs_error *gs_check_fields(struct gs_judge *judge, const struct gs_root *saver,
				 const struct gs_root *loader, const struct gs_around *around)
{
	const bool told[GS_SIDES] = {gs_devstate_has_num(judge->saver_state),
				     gs_devstate_has_num(judge->loader_state)};

	if (gs_vmsd_is_same_fields(told, saver->description, saver->version, loader->description,
				   loader->version)) {
		judge->assumed +=
			gs_vmsd_count_assumed(told, saver->description, loader->description);
		return NULL;
	}
	return check_scope(judge, saver, loader, around);
}
