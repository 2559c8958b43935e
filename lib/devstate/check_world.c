/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a unit in one world. */
#include "check_scope.h"

static struct gs_length new_sum(const struct gs_unit *unit)
{
	struct gs_length sum = {.factors = unit->factors, .count = unit->symbol_count};

	gs_length_clear(&sum);
	return sum;
}

/* Puts the runs that are there behind those of the row. */
static void put_runs(struct gs_unit_view *view, const struct gs_item *item, enum gs_check_side side)
{
	struct gs_run *runs = gs_segment_runs(view->unit->scope, item, side);
	struct gs_row *row = &view->unit->rows[side];

	for (size_t i = 0; i < item->count[side]; i++) {
		if (gs_run_is_there(&runs[i], view->world))
			row->runs[row->count++] = &runs[i];
	}
}

/* What lies in items @first to @last. */
static struct gs_meeting meet(struct gs_unit_view *view, size_t first, size_t last)
{
	struct gs_unit *unit = view->unit;

	for (int side = 0; side < GS_SIDES; side++) {
		unit->rows[side].count = 0;
		for (size_t i = first; i <= last; i++)
			put_runs(view, unit->segments[i], (enum gs_check_side)side);
	}
	return gs_rows_meet(unit->scope, unit, view->world, unit->rows);
}

static bool is_in_array(const struct gs_item *item)
{
	const struct gs_place *place = item->places[GS_SAVER];

	for (; place; place = place->parent) {
		if (place->is_every)
			return true;
	}
	return item->is_repeated;
}

/* In all worlds, and all of them known. */
static bool has_plain_runs(const struct gs_unit_view *view, const struct gs_item *item)
{
	bool plain = !item->is_heavy;

	for (int side = 0; side < GS_SIDES; side++) {
		const struct gs_run *runs =
			gs_segment_runs(view->unit->scope, item, (enum gs_check_side)side);

		for (size_t i = 0; plain && i < item->count[side]; i++)
			plain = !runs[i].gate;
	}
	return plain;
}

static bool is_plain(const struct gs_unit_view *view, const struct gs_item *item)
{
	return item->kind <= GS_ITEM_SEGMENT && !is_in_array(item) && has_plain_runs(view, item);
}

/* The same of one segment, and what comes behind it: that may look right for a while. */
static struct gs_meeting meet_uneven(struct gs_unit_view *view, const struct gs_item *segment)
{
	struct gs_unit *unit = view->unit;
	const struct gs_item *end = unit->scope->items + unit->scope->item_count;
	const struct gs_item *item = segment;

	unit->rows[GS_SAVER].count = unit->rows[GS_LOADER].count = 0;
	do {
		for (int side = 0; side < GS_SIDES; side++)
			put_runs(view, item, (enum gs_check_side)side);
		item++;
	} while (item < end && is_plain(view, item));
	return gs_rows_meet(unit->scope, unit, view->world, unit->rows);
}

/* In a world that is gone through to its end, a value that is lost is lost, whatever else is not
 * known. */
static uint8_t worse(uint8_t a, uint8_t b)
{
	static const uint8_t ranks[] = {GS_OUTCOME_BROKEN, GS_OUTCOME_SILENT, GS_OUTCOME_UNKNOWN};

	for (size_t i = 0; i < sizeof(ranks); i++) {
		if (a == ranks[i] || b == ranks[i])
			return ranks[i];
	}
	return GS_OUTCOME_GOOD;
}

static uint8_t outcome_of(const struct gs_meeting *meeting)
{
	if (meeting->is_broken)
		return GS_OUTCOME_BROKEN;
	if (meeting->is_silent)
		return GS_OUTCOME_SILENT;
	return meeting->is_unknown ? GS_OUTCOME_UNKNOWN : GS_OUTCOME_GOOD;
}

static void tell_story(struct gs_unit_view *view, size_t item, const struct gs_meeting *meeting,
		       enum gs_length_kind sum, uint8_t signs)
{
	if (!view->story.segment)
		view->story = (struct gs_unit_story){.segment = view->unit->segments[item],
						     .meeting = *meeting,
						     .sum = sum,
						     .signs = signs};
}

/* ---- bytes in other places ---- */

/* An anchor whose bytes are elsewhere than the loader looks for them. */
static bool is_missed(const struct gs_unit_view *view, const struct gs_item *anchor)
{
	for (const struct gs_gate *gate = anchor->gate; gate; gate = gate->parent) {
		for (unsigned int i = 0; i < view->unit->table.count; i++) {
			if (view->unit->table.variables[i] == gate->variable &&
			    !(view->world >> i & 1))
				return false;
		}
	}
	return gs_field_has_named(anchor->places[GS_SAVER]->field) && !has_plain_runs(view, anchor);
}

/* Of items @first to @last of a stretch: the first anchor that is missed, or behind the last. */
static size_t find_missed(const struct gs_unit_view *view, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++) {
		const struct gs_item *item = view->unit->segments[i];

		if (item->kind == GS_ITEM_ANCHOR && is_missed(view, item))
			return i;
	}
	return last + 1;
}

/* What is at other places cannot be looked at by one element of an array alone. */
static bool is_one_of_many(const struct gs_unit *unit, size_t first, size_t last)
{
	for (size_t i = first; i <= last && first != last; i++) {
		if (is_in_array(unit->segments[i]))
			return true;
	}
	return false;
}

static bool is_any_repeated(const struct gs_unit *unit, size_t first, size_t last)
{
	for (size_t i = first; i <= last && first != last; i++) {
		if (unit->segments[i]->is_repeated)
			return true;
	}
	return false;
}

/* From where the sides part to where they meet again. */
static uint8_t judge_stretch(struct gs_unit_view *view, size_t first, size_t last)
{
	const struct gs_unit *unit = view->unit;
	size_t missed = first == last ? last + 1 : find_missed(view, first, last);
	/* Up to there the bytes are known; who then takes a value that has a place of its own, or
	 * gives one to that place, is wrong. */
	struct gs_meeting meeting = meet(view, first, missed - 1);
	uint8_t outcome = outcome_of(&meeting);

	if (is_any_repeated(unit, first, last))
		outcome = GS_OUTCOME_UNKNOWN;
	else if (missed <= last)
		outcome = worse(outcome, GS_OUTCOME_SILENT);
	else if (is_one_of_many(unit, first, last))
		outcome = worse(outcome, GS_OUTCOME_UNKNOWN);
	if (outcome != GS_OUTCOME_GOOD)
		tell_story(view, first, &meeting, GS_LENGTH_ZERO, 0);
	return outcome;
}

/* All together as many bytes are taken as are sent. */
static uint8_t judge_balanced(struct gs_unit_view *view)
{
	struct gs_unit *unit = view->unit;
	struct gs_length sum = new_sum(unit);
	uint8_t outcome = GS_OUTCOME_GOOD, signs;
	size_t first = 0;

	for (size_t i = 0; i < unit->count; i++) {
		gs_length_add(&sum, unit->scope, unit->segments[i], view->world);
		if (gs_length_judge(&sum, &signs) != GS_LENGTH_ZERO)
			continue;
		/* An anchor by itself is where it should be. */
		if (first != i || unit->segments[i]->kind != GS_ITEM_ANCHOR)
			outcome = worse(outcome, judge_stretch(view, first, i));
		first = i + 1;
	}
	return outcome;
}

/* ---- all of it ---- */

/* The first segment that is not as long on both sides; false: there is none. */
static bool find_uneven(struct gs_unit_view *view, enum gs_length_kind kind)
{
	struct gs_unit *unit = view->unit;

	for (size_t i = 0; i < unit->count; i++) {
		struct gs_length sum = new_sum(unit);
		struct gs_meeting meeting;
		uint8_t signs;

		gs_length_add(&sum, unit->scope, unit->segments[i], view->world);
		if (gs_length_judge(&sum, &signs) == GS_LENGTH_ZERO)
			continue;
		meeting = meet_uneven(view, unit->segments[i]);
		tell_story(view, i, &meeting, kind, signs);
		return true;
	}
	return false;
}

void gs_unit_view(struct gs_unit *unit, size_t world, struct gs_unit_view *view)
{
	struct gs_length sum = new_sum(unit);
	enum gs_length_kind kind;
	uint8_t signs;

	*view = (struct gs_unit_view){.unit = unit, .world = world};
	for (size_t i = 0; i < unit->count; i++)
		gs_length_add(&sum, unit->scope, unit->segments[i], world);
	kind = gs_length_judge(&sum, &signs);
	view->is_uneven = find_uneven(view, kind);
	view->may_balance = view->is_uneven &&
			    (kind != GS_LENGTH_NEVER || is_any_repeated(unit, 0, unit->count - 1));
	if (kind == GS_LENGTH_ZERO) {
		view->story = (struct gs_unit_story){0};
		view->outcome = judge_balanced(view);
	} else {
		view->outcome = view->may_balance ? GS_OUTCOME_UNKNOWN : GS_OUTCOME_BROKEN;
	}
}
