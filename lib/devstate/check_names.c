/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs by their names. */
#include "check_scope.h"

static struct gs_error *find_namesakes(struct gs_scope *scope)
{
	if (scope->has_namesakes)
		return NULL;
	scope->has_namesakes = true;
	return gs_namesakes_create(scope->roots, scope->parents, &scope->arena, scope->judge->work,
				   &scope->namesakes);
}

static struct gs_error *name_run(struct gs_scope *scope, enum gs_check_side side,
				 struct gs_run *run)
{
	struct gs_error *err;

	if (run->kind != GS_RUN_BYTES || gs_field_is_unused(run->place->field) || !scope->namesakes)
		return NULL;
	err = gs_namesakes_find(scope->namesakes, run->place, &run->node);
	if (!err && run->node)
		run->has_namesake = gs_namesakes_has(scope->namesakes, run->node, side);
	return err;
}

/* ---- lengths ---- */

static bool is_open(const struct gs_run *run)
{
	return run->kind == GS_RUN_BYTES && run->untold && run->node &&
	       !(run->partner && gs_field_is_like(run->place->field, run->partner));
}

static bool can_lend(const struct gs_scope *scope, const struct gs_run *run,
		     const struct gs_run *lender, enum gs_check_side side)
{
	uint32_t sent = side == GS_SAVER ? run->node : lender->node;
	uint32_t taken = side == GS_SAVER ? lender->node : run->node;

	return lender->kind == GS_RUN_BYTES && lender->node && !lender->has_lent &&
	       !(lender->partner && gs_field_is_like(lender->place->field, lender->partner)) &&
	       gs_field_is_like(run->place->field, lender->place->field) &&
	       gs_namesakes_are(scope->namesakes, sent, taken);
}

/* Of a field that is in a struct on one side only, the other one may tell the length. */
static void borrow(struct gs_scope *scope, enum gs_check_side side, struct gs_run *run)
{
	struct gs_runs *others = &scope->runs[!side];

	if (!gs_work_take(scope->judge->work, others->count))
		return;
	for (size_t i = 0; i < others->count; i++) {
		struct gs_run *lender = &others->runs[i];

		if (!can_lend(scope, run, lender, side))
			continue;
		run->bytes = lender->bytes;
		run->untold = lender->untold;
		lender->has_lent = true;
		scope->judge->assumed += lender->place->field->has_num;
		return;
	}
}

static void borrow_all(struct gs_scope *scope, enum gs_check_side side)
{
	/* What neither side tells goes by the saver's field. */
	for (size_t i = 0; i < scope->runs[side].count; i++) {
		struct gs_run *run = &scope->runs[side].runs[i];

		if (is_open(run))
			borrow(scope, side, run);
	}
}

/* ---- all runs ---- */

struct gs_error *gs_scope_name(struct gs_scope *scope)
{
	struct gs_error *err = find_namesakes(scope);

	for (int side = 0; side < GS_SIDES; side++) {
		struct gs_runs *runs = &scope->runs[side];

		for (size_t i = 0; !err && i < runs->count; i++)
			err = name_run(scope, (enum gs_check_side)side, &runs->runs[i]);
	}
	if (err || !scope->namesakes)
		return err;
	if (!scope->told[GS_LOADER])
		borrow_all(scope, GS_LOADER);
	else if (!scope->told[GS_SAVER])
		borrow_all(scope, GS_SAVER);
	return NULL;
}

/* ---- names elsewhere ---- */

/* In @level: one that has any, or of which that cannot be told. */
static struct gs_error *find_any(struct gs_scope *scope, enum gs_check_side side,
				 const struct gs_vmsd *description, const struct gs_place *parent,
				 bool *ret)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && !*ret && i < description->field_count; i++) {
		struct gs_place place = {.parent = parent, .field = &description->fields[i]};
		uint32_t node = 0;

		place.is_element = gs_field_count(place.field) > 1;
		if (place.field->description)
			err = find_any(scope, side, place.field->description, &place, ret);
		else if (!gs_field_is_unused(place.field))
			err = gs_namesakes_find(scope->namesakes, &place, &node);
		*ret |= node && gs_namesakes_has(scope->namesakes, node, side);
	}
	return err;
}

struct gs_error *gs_scope_is_elsewhere(struct gs_scope *scope, enum gs_check_side side,
				       const struct gs_level *level, bool *ret)
{
	struct gs_error *err = find_namesakes(scope);

	*ret = !scope->namesakes;
	return err || *ret ? err : find_any(scope, side, level->owner, level->parent, ret);
}
