/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of one side as runs of bytes, structs and all. */
#include <string.h>

#include "check_scope.h"

const struct gs_place *gs_place_add(struct gs_scope *scope, const struct gs_place *parent,
				    const struct gs_vmsd_field *field)
{
	struct gs_place *place = gs_arena_alloc(&scope->arena, 1, sizeof(*place));

	if (place)
		*place = (struct gs_place){.parent = parent, .field = field};
	return place;
}

static struct gs_error *add_predicate(struct gs_scope *scope, enum gs_check_side side,
				      const struct gs_level *level,
				      const struct gs_vmsd_field *field, uint32_t *ret)
{
	struct gs_literal literal = {.kind = GS_LITERAL_PREDICATE,
				     .side = side == GS_SAVER ? GS_SIDE_SAVER : GS_SIDE_LOADER,
				     .description = level->owner->name,
				     .name = field->name,
				     .occurrence = field->occurrence};

	return gs_variables_add(&scope->judge->variables, &literal, ret);
}

struct gs_error *gs_gate_add(struct gs_scope *scope, enum gs_check_side side,
			     const struct gs_level *level, const struct gs_vmsd_field *field,
			     const struct gs_gate **ret)
{
	struct gs_gate *gate;

	*ret = level->gate;
	if (!field->conditional)
		return NULL;
	gate = gs_arena_alloc(&scope->arena, 1, sizeof(*gate));
	if (!gate)
		return gs_error_nomem();
	gate->parent = level->gate;
	*ret = gate;
	return add_predicate(scope, side, level, field, &gate->variable);
}

/* ---- runs ---- */

static struct gs_error *add_run(struct gs_scope *scope, enum gs_check_side side,
				const struct gs_run *run)
{
	struct gs_runs *runs = &scope->runs[side];

	if (runs->count == GS_SCOPE_RUNS_MAX || !gs_work_take(scope->judge->work, 4)) {
		scope->is_heavy = true;
		return NULL;
	}
	if (runs->count == runs->capacity) {
		size_t capacity = runs->capacity ? 2 * runs->capacity : 32;
		struct gs_run *more = gs_arena_alloc(&scope->arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (runs->count)
			memcpy(more, runs->runs, runs->count * sizeof(*more));
		runs->runs = more;
		runs->capacity = capacity;
	}
	runs->runs[runs->count++] = *run;
	return NULL;
}

/* ---- lengths ---- */

struct length {
	uint64_t count;                     /* elements */
	const struct gs_vmsd_field *untold; /* times what is not told of that one */
	bool overflow;
};

/*
 * How many elements. What one export does not tell the other one does, if it says the same
 * otherwise; what neither tells is the same on both sides, and the saver's field stands for it.
 */
static struct gs_error *count_elements(struct gs_scope *scope, enum gs_check_side side,
				       const struct gs_vmsd_field *field,
				       const struct gs_vmsd_field *partner, struct length *ret)
{
	bool same = partner && gs_field_is_like(field, partner);
	struct gs_error *err;
	uint64_t fit;

	if (scope->told[side]) {
		*ret = (struct length){.count = gs_field_count(field)};
		return NULL;
	}
	if (same && scope->told[!side]) {
		scope->judge->assumed += partner->has_num;
		*ret = (struct length){.count = gs_field_count(partner)};
		return NULL;
	}
	err = gs_scope_find_fit(scope, field, &fit);
	*ret = (struct length){.count = fit ? fit : 1,
			       .untold = fit                         ? NULL
					 : same && side == GS_LOADER ? partner
								     : field};
	return err;
}

/* In bytes; neither is the size told of all fields. */
static struct gs_error *measure(struct gs_scope *scope, enum gs_check_side side,
				const struct gs_vmsd_field *field,
				const struct gs_vmsd_field *partner, struct length *ret)
{
	bool same = partner && gs_field_is_like(field, partner);
	struct gs_error *err = count_elements(scope, side, field, partner, ret);

	if (err)
		return err;
	if (field->size == 0 && !ret->untold)
		ret->untold = same && side == GS_LOADER ? partner : field;
	else if (field->size)
		ret->overflow = __builtin_mul_overflow(ret->count, field->size, &ret->count) ||
				ret->count > INT64_MAX / GS_SCOPE_RUNS_MAX;
	return NULL;
}

static bool is_number(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static struct gs_error *add_bytes(struct gs_scope *scope, enum gs_check_side side,
				  const struct gs_vmsd_field *partner, struct gs_run *run)
{
	const struct gs_vmsd_field *field = run->place->field;
	struct length length;
	struct gs_error *err = measure(scope, side, field, partner, &length);

	if (err || length.count == 0)
		return err;
	scope->is_heavy |= length.overflow;
	run->kind = GS_RUN_BYTES;
	run->bytes = length.count;
	run->untold = length.untold;
	if (is_number(field->size) && !gs_field_is_unused(field))
		run->width = field->size;
	return add_run(scope, side, run);
}

/* ---- structs ---- */

static struct gs_error *add_element(struct gs_scope *scope, enum gs_check_side side,
				    const struct gs_vmsd_field *partner, const struct gs_run *run)
{
	const struct gs_vmsd *description = run->place->field->description;
	const struct gs_vmsd *other = partner ? partner->description : NULL;
	const struct gs_level level = {description, description->version, run->gate, run->place};
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_run end = *run;
	struct gs_error *err = NULL;

	if (other)
		err = gs_scope_pair(scope, side == GS_SAVER ? description : other,
				    side == GS_SAVER ? other : description, &pairing);
	for (size_t i = 0; !err && i < description->field_count && !scope->is_heavy; i++) {
		const struct gs_slots *own = side == GS_SAVER ? &pairing.before : &pairing.after;
		const struct gs_slot *slot = other ? own->slots[i].partner : NULL;

		err = gs_runs_add(scope, side, &level, &description->fields[i],
				  slot ? slot->item : NULL);
	}
	end.kind = GS_RUN_END;
	return err ? err : add_run(scope, side, &end);
}

static bool is_refused(const struct gs_vmsd *description)
{
	bool refused = description->minimum > description->version;

	for (size_t i = 0; !refused && i < description->field_count; i++)
		refused = description->fields[i].description &&
			  is_refused(description->fields[i].description);
	return refused;
}

/* How long one is hangs on nothing, or it cannot be told how long all of them are. */
static struct gs_error *add_lump(struct gs_scope *scope, enum gs_check_side side,
				 const struct gs_vmsd_field *partner, struct length length,
				 struct gs_run *run)
{
	size_t conditional = 0, subsections = 0;
	struct gs_wire_size size = gs_vmsd_wire(scope->states[side], run->place->field->description,
						&conditional, &subsections);

	if (conditional || subsections || size.bytes == 0 ||
	    (side == GS_LOADER && is_refused(run->place->field->description)) ||
	    size.bytes > INT64_MAX / GS_SCOPE_RUNS_MAX)
		scope->is_heavy = true;
	run->kind = GS_RUN_LUMP;
	run->bytes = size.bytes;
	run->untold = length.untold;
	/* Lengths within are not told either: all together is not told. */
	if (size.certainty != GS_WIRE_EXACT) {
		bool same = partner && gs_field_is_same(scope->told, run->place->field, partner);

		run->bytes = 1;
		run->untold = same ? length.untold : run->place->field;
	}
	return add_run(scope, side, run);
}

static struct gs_error *add_structs(struct gs_scope *scope, enum gs_check_side side,
				    const struct gs_vmsd_field *partner, struct gs_run *run)
{
	const struct gs_vmsd_field *field = run->place->field;
	const struct gs_place *parent = run->place->parent;
	struct length length;
	struct gs_error *err = count_elements(scope, side, field, partner, &length);

	if (err)
		return err;
	if (length.untold)
		return add_lump(scope, side, partner, length, run);
	if (side == GS_LOADER && length.count)
		err = gs_scope_add_minimum(scope, field->description, run->place, run->gate);
	for (uint64_t i = 0; !err && i < length.count && !scope->is_heavy; i++) {
		struct gs_place *place = gs_arena_alloc(&scope->arena, 1, sizeof(*place));

		if (!place)
			return gs_error_nomem();
		*place = (struct gs_place){parent, field, length.count > 1, false, i};
		run->place = place;
		err = add_element(scope, side, partner, run);
	}
	return err;
}

struct gs_error *gs_runs_add(struct gs_scope *scope, enum gs_check_side side,
			     const struct gs_level *level, const struct gs_vmsd_field *field,
			     const struct gs_vmsd_field *partner)
{
	struct gs_run run = {.partner = partner};
	struct gs_error *err;

	if (!gs_field_is_there(field, level->version))
		return NULL;
	run.place = gs_place_add(scope, level->parent, field);
	if (!run.place)
		return gs_error_nomem();
	err = gs_gate_add(scope, side, level, field, &run.gate);
	if (err)
		return err;
	return field->description ? add_structs(scope, side, partner, &run)
				  : add_bytes(scope, side, partner, &run);
}

struct gs_error *gs_end_add(struct gs_scope *scope, enum gs_check_side side,
			    const struct gs_level *inner)
{
	const struct gs_run end = {.kind = GS_RUN_END, .place = inner->parent, .gate = inner->gate};

	return add_run(scope, side, &end);
}
