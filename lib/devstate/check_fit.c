/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lengths that are not told, and are assumed because they fit: those of fields that became others,
 * between the same neighbours, if they make as many bytes of both.
 */
#include <inttypes.h>
#include <stdio.h>

#include "check_scope.h"

/* ---- what is assumed ---- */

static struct gs_error *find_number(struct gs_scope *scope, const struct gs_vmsd_field *field,
				    uint32_t *ret)
{
	char key[24];

	scope->fit_names.arena = &scope->arena;
	snprintf(key, sizeof(key), "%p", (const void *)field);
	return gs_names_add(&scope->fit_names, key, ret);
}

static struct gs_error *assume(struct gs_scope *scope, const struct gs_vmsd_field *field,
			       uint64_t count)
{
	uint32_t number;
	struct gs_error *err = find_number(scope, field, &number);

	if (err)
		return err;
	if (number >= scope->fit_capacity) {
		size_t capacity = scope->fit_capacity ? 2 * scope->fit_capacity : 32;
		uint64_t *more = gs_arena_alloc(&scope->arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (scope->fit_capacity)
			memcpy(more, scope->fits, scope->fit_capacity * sizeof(*more));
		scope->fits = more;
		scope->fit_capacity = capacity;
	}
	if (!scope->fits[number]) {
		scope->fits[number] = count;
		scope->judge->assumed++;
	}
	return NULL;
}

/* 0: nothing is. */
struct gs_error *gs_scope_find_fit(struct gs_scope *scope, const struct gs_vmsd_field *field,
				   uint64_t *ret)
{
	uint32_t number;
	struct gs_error *err;

	*ret = 0;
	if (!scope->fit_capacity)
		return NULL;
	err = find_number(scope, field, &number);
	if (!err && number < scope->fit_capacity)
		*ret = scope->fits[number];
	return err;
}

/* ---- a run of fields ---- */

struct run {
	struct gs_scope *scope;
	enum gs_check_side side;
	const struct gs_slot *slots;
	size_t count;
	const struct run *other;
	/* Where lengths that are not known are 1: */
	uint64_t bytes;
	size_t unknown;
	const struct gs_vmsd_field *last; /* that is not known */
	bool is_unsized;
	bool is_root; /* its fields are the scope's */
};

static const struct gs_vmsd_field *find_inside(const struct gs_vmsd *description,
					       const struct gs_vmsd_field *field)
{
	const struct gs_vmsd_field *found = NULL;

	for (size_t i = 0; !found && i < description->field_count; i++) {
		const struct gs_vmsd_field *candidate = &description->fields[i];

		if (candidate->description)
			found = find_inside(candidate->description, field);
		else if (candidate->size == field->size &&
			 strcmp(candidate->name, field->name) == 0)
			found = candidate;
	}
	return found;
}

/* One of that name that is in a struct on one side only: its namesake, as paths go. */
static const struct gs_vmsd_field *find_lender(const struct run *run,
					       const struct gs_vmsd_field *field, bool is_inside)
{
	const struct run *other = run->other;
	const struct gs_vmsd_field *found = NULL;

	if (field->description || !run->is_root || !run->scope->told[other->side])
		return NULL;
	for (size_t i = 0; !found && i < other->count; i++) {
		const struct gs_vmsd_field *candidate = other->slots[i].item;

		if (!gs_work_take(run->scope->judge->work, 16))
			return NULL;
		if (candidate->description && !is_inside)
			found = find_inside(candidate->description, field);
		else if (!candidate->description && is_inside && candidate->size == field->size &&
			 strcmp(candidate->name, field->name) == 0)
			found = candidate;
	}
	return found;
}

/* 0: it is not known. */
static struct gs_error *count_elements(struct run *run, const struct gs_vmsd_field *field,
				       const struct gs_vmsd_field *partner, bool is_inside,
				       uint64_t *ret)
{
	const struct gs_scope *scope = run->scope;
	const struct gs_vmsd_field *lender;

	if (scope->told[run->side])
		*ret = gs_field_count(field);
	else if (partner && gs_field_is_like(field, partner) && scope->told[!run->side])
		*ret = gs_field_count(partner);
	else if (!field->description && !field->size)
		*ret = 1;
	else if ((lender = find_lender(run, field, is_inside)))
		*ret = gs_field_count(lender);
	else
		return gs_scope_find_fit(run->scope, field, ret);
	return NULL;
}

static struct gs_error *add_field(struct run *run, const struct gs_vmsd_field *field,
				  const struct gs_vmsd_field *partner, uint64_t times,
				  bool is_inside)
{
	const struct gs_vmsd *description = field->description;
	uint64_t count, bytes;
	struct gs_error *err = count_elements(run, field, partner, is_inside, &count);

	if (err)
		return err;
	if (!count && !run->scope->told[run->side]) {
		run->unknown++;
		run->last = field;
		count = 1;
	}
	run->is_unsized |=
		(!description && !field->size) || __builtin_mul_overflow(times, count, &times);
	for (size_t i = 0; !err && description && i < description->field_count; i++)
		err = add_field(run, &description->fields[i], NULL, times, true);
	if (!description)
		run->is_unsized |= __builtin_mul_overflow(times, field->size, &bytes) ||
				   __builtin_add_overflow(run->bytes, bytes, &run->bytes);
	return err;
}

static struct gs_error *add_slots(struct run *run)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < run->count; i++) {
		const struct gs_slot *partner = run->slots[i].partner;

		err = add_field(run, run->slots[i].item, partner ? partner->item : NULL, 1, false);
	}
	return err;
}

static struct gs_error *assume_single(struct run *run, const struct gs_vmsd_field *field,
				      const struct gs_vmsd_field *partner, bool is_inside)
{
	const struct gs_vmsd *description = field->description;
	uint64_t count;
	struct gs_error *err = count_elements(run, field, partner, is_inside, &count);

	if (!err && (description || field->size))
		err = assume(run->scope, field, count ? count : 1);
	for (size_t i = 0; !err && description && i < description->field_count; i++)
		err = assume_single(run, &description->fields[i], NULL, true);
	return err;
}

static struct gs_error *assume_singles(struct run *run)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < run->count && !run->scope->told[run->side]; i++) {
		const struct gs_slot *partner = run->slots[i].partner;

		err = assume_single(run, run->slots[i].item, partner ? partner->item : NULL, false);
	}
	return err;
}

/* The only one is what is missing on its side. */
static struct gs_error *assume_rest(struct run *run, const struct run *other)
{
	uint64_t missing = other->bytes - run->bytes;

	if (run->unknown != 1 || other->unknown || other->bytes < run->bytes ||
	    run->last->description || missing % run->last->size)
		return NULL;
	return assume(run->scope, run->last, missing / run->last->size + 1);
}

static struct gs_error *fit_runs(struct run runs[GS_SIDES])
{
	struct gs_error *err = NULL;

	for (int side = 0; !err && side < GS_SIDES; side++) {
		runs[side].other = &runs[!side];
		err = add_slots(&runs[side]);
	}
	if (err || runs[GS_SAVER].is_unsized || runs[GS_LOADER].is_unsized)
		return err;
	for (int side = 0; !err && side < GS_SIDES; side++)
		err = runs[GS_SAVER].bytes == runs[GS_LOADER].bytes
			      ? assume_singles(&runs[side])
			      : assume_rest(&runs[side], &runs[!side]);
	return err;
}

/* ---- two lists ---- */

static bool is_neighbour(const struct gs_slot *slot)
{
	return slot->partner && gs_field_is_like(slot->item, slot->partner->item);
}

static size_t count_unlike(const struct gs_slots *list, size_t from)
{
	size_t to = from;

	while (to < list->count && !is_neighbour(&list->slots[to]))
		to++;
	return to - from;
}

/* What stands between the same two neighbours. */
struct gs_error *gs_scope_fit(struct gs_scope *scope, const struct gs_pairing *pairing,
			      bool is_root)
{
	const struct gs_slots *lists[GS_SIDES] = {&pairing->before, &pairing->after};
	size_t at[GS_SIDES] = {0, 0};
	struct gs_error *err = NULL;

	while (!err && at[GS_SAVER] <= lists[GS_SAVER]->count &&
	       at[GS_LOADER] <= lists[GS_LOADER]->count) {
		struct run runs[GS_SIDES] = {{.count = 0}};
		const struct gs_slot *next[GS_SIDES];

		for (int side = 0; side < GS_SIDES; side++) {
			size_t count = count_unlike(lists[side], at[side]);

			runs[side].scope = scope;
			runs[side].is_root = is_root;
			runs[side].side = (enum gs_check_side)side;
			runs[side].slots = &lists[side]->slots[at[side]];
			runs[side].count = count;
			next[side] = at[side] + count < lists[side]->count
					     ? &lists[side]->slots[at[side] + count]
					     : NULL;
		}
		if (next[GS_SAVER] ? next[GS_SAVER]->partner == next[GS_LOADER] : !next[GS_LOADER])
			err = fit_runs(runs);
		if (!next[GS_SAVER])
			return err;
		at[GS_SAVER] = next[GS_SAVER]->index + 1;
		at[GS_LOADER] = next[GS_SAVER]->partner->index + 1;
	}
	return err;
}
