/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a unit in all worlds, and the finding that comes of it. */
#include "check_scope.h"

/* ---- where it begins ---- */

/* The first byte that is not right, as far as it is the same one in all worlds. */
struct beginning {
	bool is_known;
	struct gs_wire_size offset;
};

static void add_beginning(struct beginning *beginning, const struct gs_unit_story *story)
{
	struct gs_wire_size offset = story->segment->offset;

	if (__builtin_add_overflow(offset.bytes, story->meeting.wrong, &offset.bytes) ||
	    story->meeting.is_more)
		offset.certainty = GS_WIRE_AT_LEAST;
	if (!beginning->is_known) {
		*beginning = (struct beginning){true, offset};
		return;
	}
	if (offset.bytes != beginning->offset.bytes || offset.certainty != GS_WIRE_EXACT)
		beginning->offset.certainty = GS_WIRE_AT_LEAST;
	if (offset.bytes < beginning->offset.bytes)
		beginning->offset.bytes = offset.bytes;
}

/* ---- worlds ---- */

/* Which outcome is to be told of, if there are several. */
static int rank(uint8_t outcome)
{
	static const int ranks[] = {[GS_OUTCOME_GOOD] = 0,
				    [GS_OUTCOME_BROKEN] = 1,
				    [GS_OUTCOME_UNKNOWN] = 2,
				    [GS_OUTCOME_SILENT] = 3};

	return ranks[outcome];
}

struct telling {
	struct gs_unit_story story;
	struct beginning beginning;
	uint8_t outcome;
};

static void judge_worlds(struct gs_unit *unit, struct telling *telling)
{
	telling->outcome = GS_OUTCOME_GOOD;
	for (size_t world = 0; world < (size_t)1 << unit->table.count; world++) {
		struct gs_unit_view view;

		gs_unit_view(unit, world, &view);
		unit->table.outcomes[world] = view.outcome;
		if (view.outcome == GS_OUTCOME_GOOD)
			continue;
		add_beginning(&telling->beginning, &view.story);
		if (rank(view.outcome) > rank(telling->outcome)) {
			telling->outcome = view.outcome;
			telling->story = view.story;
		}
	}
}

void gs_unit_weigh_balance(struct gs_unit *unit, struct gs_balance *ret)
{
	*ret = (struct gs_balance){0};
	for (size_t world = 0; world < (size_t)1 << unit->table.count; world++) {
		struct gs_unit_view view;

		gs_unit_view(unit, world, &view);
		if (!view.is_uneven)
			continue;
		ret->is_any |= view.may_balance;
		ret->is_good |= view.outcome == GS_OUTCOME_GOOD;
		ret->is_missed |= view.outcome == GS_OUTCOME_BROKEN;
	}
}

/* ---- findings ---- */

static bool has_bytes(const struct gs_unit *unit)
{
	for (size_t i = 0; i < unit->count; i++) {
		for (int side = 0; side < GS_SIDES; side++) {
			const struct gs_run *runs = gs_segment_runs(unit->scope, unit->segments[i],
								    (enum gs_check_side)side);

			for (size_t j = 0; j < unit->segments[i]->count[side]; j++) {
				if (runs[j].kind != GS_RUN_END)
					return true;
			}
		}
	}
	return false;
}

static struct gs_error *tell_heavy(struct gs_unit *unit)
{
	struct gs_judge *judge = unit->scope->judge;
	struct gs_unit_story story = {.segment = unit->segments[0]};
	size_t mark = gs_unit_say(unit, &story, GS_RULE_TOO_MUCH);
	struct gs_error *err = gs_judge_tell_outcome(judge, GS_RULE_TOO_MUCH, GS_OUTCOME_UNKNOWN,
						     (struct gs_wire_size){GS_WIRE_UNKNOWN, 0});

	gs_check_leave(judge, mark);
	return err;
}

struct gs_error *gs_unit_tell(struct gs_unit *unit)
{
	struct gs_judge *judge = unit->scope->judge;
	struct telling telling = {.beginning = {.offset = {GS_WIRE_UNKNOWN, 0}}};
	enum gs_check_rule rule;
	struct gs_error *err;
	size_t mark;

	if (unit->is_heavy)
		return tell_heavy(unit);
	judge_worlds(unit, &telling);
	if (telling.outcome == GS_OUTCOME_GOOD) {
		if (!has_bytes(unit))
			return NULL;
		telling.story.segment = unit->segments[0];
	}
	rule = gs_unit_rule(unit, &telling.story, telling.outcome);
	mark = gs_unit_say(unit, &telling.story, rule);
	err = gs_judge_tell(judge, rule, &unit->table, telling.beginning.offset);
	gs_check_leave(judge, mark);
	return err;
}
