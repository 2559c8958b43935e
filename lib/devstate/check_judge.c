/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device in one direction: what is found, and what all of it comes to. */
#include <string.h>

#include "check.h"

void gs_judge_init(struct gs_judge *judge)
{
	judge->variables.names.arena = &judge->arena;
	judge->last = &judge->first;
}

void gs_judge_deinit(struct gs_judge *judge)
{
	gs_text_deinit(&judge->path);
	gs_text_deinit(&judge->text);
	gs_arena_deinit(&judge->arena);
}

/* ---- what all hangs on ---- */

void gs_judge_enter_variable(struct gs_judge *judge, uint32_t variable)
{
	if (judge->guards_lost || judge->guard_count == GS_WORLD_VARIABLES_MAX)
		judge->guards_lost++;
	else
		judge->guard[judge->guard_count++] = variable;
}

struct gs_error *gs_judge_enter(struct gs_judge *judge, const struct gs_literal *literal)
{
	uint32_t variable;
	struct gs_error *err = gs_variables_add(&judge->variables, literal, &variable);

	if (!err)
		gs_judge_enter_variable(judge, variable);
	return err;
}

void gs_judge_leave(struct gs_judge *judge)
{
	if (judge->guards_lost)
		judge->guards_lost--;
	else
		judge->guard_count--;
}

/* Whether the guard holds in a world of the table. */
static bool is_entered(const struct gs_judge *judge, const struct gs_table *table, size_t world)
{
	for (unsigned int i = 0; i < judge->guard_count; i++) {
		for (unsigned int j = 0; j < table->count; j++) {
			if (table->variables[j] == judge->guard[i] && !(world >> j & 1))
				return false;
		}
	}
	return true;
}

/* @inner, and good where nothing of it is sent. */
static struct gs_error *guard_table(struct gs_judge *judge, const struct gs_table *inner,
				    struct gs_table *ret)
{
	uint32_t variables[2 * GS_WORLD_VARIABLES_MAX];
	bool fits;
	struct gs_error *err;

	memcpy(variables, judge->guard, judge->guard_count * sizeof(*variables));
	memcpy(variables + judge->guard_count, inner->variables, inner->count * sizeof(*variables));
	err = gs_table_init_variables(ret, &judge->arena, variables,
				      judge->guard_count + inner->count, &fits);
	if (!err && (!fits || judge->guards_lost))
		return gs_table_init(ret, &judge->arena,
				     gs_table_outcomes(inner) | GS_OUTCOME_UNKNOWN);
	for (size_t world = 0; !err && world < (size_t)1 << ret->count; world++) {
		if (is_entered(judge, ret, world))
			ret->outcomes[world] = inner->outcomes[gs_table_project(ret, inner, world)];
	}
	return err;
}

/* ---- findings ---- */

/* Who has what is only asked where something hangs on it. */
static struct gs_error *note_variables(struct gs_judge *judge)
{
	const struct gs_devstate_device *saver = judge->saver, *loader = judge->loader;
	struct gs_error *err = NULL;

	if (judge->is_noted || !judge->variables.count)
		return NULL;
	judge->is_noted = true;
	if (saver && saver->description)
		err = gs_variables_note(&judge->variables, GS_SIDE_SAVER, saver->description);
	if (!err && loader && loader->description)
		err = gs_variables_note(&judge->variables, GS_SIDE_LOADER, loader->description);
	return err;
}

/* What cannot be named is not known. */
static struct gs_error *find_condition(struct gs_judge *judge, const struct gs_tables *tables,
				       enum gs_verdict *verdict, struct gs_condition *ret)
{
	struct gs_error *err;
	bool fits;

	if (*verdict != GS_VERDICT_CONDITIONAL)
		return NULL;
	err = note_variables(judge);
	if (!err)
		err = gs_condition_create(tables, &judge->variables, &judge->arena, judge->work,
					  ret, &fits);
	if (!err && !fits)
		*verdict = GS_VERDICT_UNKNOWN;
	return err;
}

static struct gs_error *judge_alone(struct gs_judge *judge, struct gs_judge_finding *found)
{
	struct gs_tables alone = {&found->table, 1}, joined = {0};
	struct gs_check_finding *finding = &found->finding;
	struct gs_error *err = gs_tables_join(&alone, &judge->arena, &joined, &finding->verdict);

	return err ? err : find_condition(judge, &joined, &finding->verdict, &finding->condition);
}

struct gs_error *gs_judge_tell(struct gs_judge *judge, enum gs_check_rule rule,
			       const struct gs_table *table, struct gs_wire_size offset)
{
	struct gs_judge_finding *found = gs_arena_alloc(&judge->arena, 1, sizeof(*found));
	struct gs_error *err;

	if (!found || judge->text.failed || judge->path.failed)
		return gs_error_nomem();
	found->finding = (struct gs_check_finding){
		.direction = judge->direction,
		.rule = rule,
		.section = judge->section,
		.path = gs_arena_strdup(&judge->arena, judge->path.size ? judge->path.data : ""),
		.text = gs_arena_strdup(&judge->arena, judge->text.size ? judge->text.data : ""),
		.offset = offset,
	};
	found->is_aside = judge->is_aside;
	gs_text_clear(&judge->text);
	if (!found->finding.path || !found->finding.text)
		return gs_error_nomem();
	err = table ? guard_table(judge, table, &found->table)
		    : gs_table_init(&found->table, &judge->arena, GS_OUTCOME_GOOD);
	if (!err)
		err = judge_alone(judge, found);
	if (err)
		return err;
	*judge->last = found;
	judge->last = &found->next;
	judge->finding_count++;
	return NULL;
}

struct gs_error *gs_judge_tell_outcome(struct gs_judge *judge, enum gs_check_rule rule,
				       uint8_t outcome, struct gs_wire_size offset)
{
	struct gs_table table;
	struct gs_error *err = gs_table_init(&table, &judge->arena, outcome);

	return err ? err : gs_judge_tell(judge, rule, &table, offset);
}

struct gs_error *gs_judge_sum_up(struct gs_judge *judge, enum gs_verdict *verdict_ret,
				 struct gs_condition *condition_ret)
{
	struct gs_tables all = {0}, joined = {0};
	struct gs_error *err;

	*verdict_ret = GS_VERDICT_OK;
	if (!judge->finding_count)
		return NULL;
	all.tables = gs_arena_alloc(&judge->arena, judge->finding_count, sizeof(*all.tables));
	if (!all.tables)
		return gs_error_nomem();
	for (const struct gs_judge_finding *found = judge->first; found; found = found->next) {
		if (found->finding.verdict != GS_VERDICT_INFO && !found->is_aside)
			all.tables[all.count++] = found->table;
	}
	err = gs_tables_join(&all, &judge->arena, &joined, verdict_ret);
	return err ? err : find_condition(judge, &joined, verdict_ret, condition_ret);
}
