/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments in all worlds. A segment that is always as long on both sides stands for itself. So does
 * one that is not: whenever it is longer or shorter, the load is broken, unless another segment
 * makes up for it. Those that may are one unit, with all that is between them.
 */
#include <stdlib.h>

#include "check_scope.h"

/* ---- what a unit hangs on ---- */

struct variables {
	uint32_t all[GS_WORLD_VARIABLES_MAX + 1];
	size_t count;
};

static void add_variable(struct variables *variables, uint32_t variable)
{
	for (size_t i = 0; i < variables->count; i++) {
		if (variables->all[i] == variable)
			return;
	}
	if (variables->count <= GS_WORLD_VARIABLES_MAX)
		variables->all[variables->count++] = variable;
}

static struct gs_error *add_subsections(struct gs_unit *unit, const struct gs_run *run,
					struct variables *variables)
{
	const struct gs_vmsd *description = run->place->field->description;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < description->subsection_count; i++) {
		struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
					     .side = GS_SIDE_SAVER,
					     .description = description->name,
					     .name = description->subsections[i].name};
		uint32_t variable;

		if (variables->count > GS_WORLD_VARIABLES_MAX)
			break;
		err = gs_variables_add(&unit->scope->judge->variables, &literal, &variable);
		if (!err)
			add_variable(variables, variable);
	}
	return err;
}

static struct gs_error *collect(struct gs_unit *unit, const struct gs_item *segment,
				enum gs_check_side side, struct variables *variables)
{
	const struct gs_run *runs = gs_segment_runs(unit->scope, segment, side);
	struct gs_error *err = NULL;

	/* A name that is missed is missed, whatever else is there. */
	if (segment->kind == GS_ITEM_ANCHOR && gs_field_has_named(segment->places[side]->field))
		return NULL;
	for (size_t i = 0; !err && i < segment->count[side]; i++) {
		for (const struct gs_gate *gate = runs[i].gate; gate; gate = gate->parent)
			add_variable(variables, gate->variable);
		if (runs[i].kind == GS_RUN_END && side == GS_SAVER)
			err = add_subsections(unit, &runs[i], variables);
	}
	return err;
}

static uint16_t mask_of(const struct gs_table *table, const struct gs_gate *gate)
{
	uint16_t mask = 0;

	for (; gate; gate = gate->parent) {
		for (unsigned int i = 0; i < table->count; i++) {
			if (table->variables[i] == gate->variable)
				mask |= (uint16_t)(1u << i);
		}
	}
	return mask;
}

static int by_address(const void *a, const void *b)
{
	const struct gs_run *x = *(struct gs_run *const *)a, *y = *(struct gs_run *const *)b;

	return (x->untold > y->untold) - (x->untold < y->untold);
}

/* Numbers what is not told, so that sums can be made of it. */
static struct gs_error *number_symbols(struct gs_unit *unit, struct gs_run **untold, size_t count)
{
	if (count)
		qsort(untold, count, sizeof(*untold), by_address);
	unit->symbol_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || untold[i]->untold != untold[i - 1]->untold)
			unit->symbol_count++;
		untold[i]->symbol = (uint32_t)unit->symbol_count - 1;
	}
	unit->factors =
		gs_arena_alloc(&unit->scope->arena, unit->symbol_count, sizeof(*unit->factors));
	return unit->factors ? NULL : gs_error_nomem();
}

static size_t count_runs(const struct gs_unit *unit)
{
	size_t count = 0;

	for (size_t i = 0; i < unit->count; i++)
		count += unit->segments[i]->count[GS_SAVER] + unit->segments[i]->count[GS_LOADER];
	return count;
}

static struct gs_error *prepare_runs(struct gs_unit *unit)
{
	gs_autofree struct gs_run **untold = calloc(count_runs(unit) + 1, sizeof(*untold));
	size_t count = 0;

	if (!untold)
		return gs_error_nomem();
	for (size_t i = 0; i < unit->count; i++) {
		for (int side = 0; side < GS_SIDES; side++) {
			struct gs_run *runs =
				&unit->scope->runs[side].runs[unit->segments[i]->first[side]];

			for (size_t j = 0; j < unit->segments[i]->count[side]; j++) {
				runs[j].mask = mask_of(&unit->table, runs[j].gate);
				if (runs[j].untold)
					untold[count++] = &runs[j];
			}
		}
	}
	return number_symbols(unit, untold, count);
}

struct gs_error *gs_unit_init(struct gs_unit *unit, struct gs_scope *scope,
			      struct gs_item **segments, size_t count)
{
	struct variables variables = {0};
	struct gs_error *err = NULL;
	bool fits = true;

	*unit = (struct gs_unit){.scope = scope, .segments = segments, .count = count};
	for (int side = 0; side < GS_SIDES; side++)
		unit->rows[side].runs = scope->row_runs[side];
	for (size_t i = 0; !err && i < count; i++) {
		unit->is_heavy |= segments[i]->is_heavy && segments[i]->kind == GS_ITEM_SEGMENT;
		for (int side = 0; !err && side < GS_SIDES; side++)
			err = collect(unit, segments[i], (enum gs_check_side)side, &variables);
	}
	if (!err)
		err = gs_table_init_variables(&unit->table, &scope->arena, variables.all,
					      variables.count, &fits);
	if (err)
		return err;
	if (!fits || !gs_work_take(scope->judge->work, count_runs(unit) << unit->table.count))
		unit->is_heavy = true;
	return unit->is_heavy ? NULL : prepare_runs(unit);
}

/* ---- a segment ---- */

struct gs_error *gs_segment_weigh(struct gs_scope *scope, struct gs_item *segment)
{
	struct gs_unit unit;
	struct gs_error *err = gs_unit_init(&unit, scope, &segment, 1);

	segment->is_heavy |= !err && unit.is_heavy;
	if (err || unit.is_heavy) {
		segment->signs = GS_SIGN_POSITIVE | GS_SIGN_NEGATIVE;
		return err;
	}
	for (size_t world = 0; world < (size_t)1 << unit.table.count; world++) {
		struct gs_length sum = {.factors = unit.factors, .count = unit.symbol_count};
		uint8_t signs;

		gs_length_clear(&sum);
		gs_length_add(&sum, scope, segment, world);
		gs_length_judge(&sum, &signs);
		segment->signs |= signs;
	}
	return NULL;
}
