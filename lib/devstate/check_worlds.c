/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of a load, world by world; and of several things in one load. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- tables ---- */

struct gs_error *gs_table_init(struct gs_table *table, struct gs_arena *arena, uint8_t outcome)
{
	bool fits;
	struct gs_error *err = gs_table_init_variables(table, arena, NULL, 0, &fits);

	if (!err)
		table->outcomes[0] = outcome;
	return err;
}

/* Into sorted @variables; false: there is no room. */
static bool add_variable(struct gs_table *table, uint32_t variable)
{
	unsigned int i = table->count;

	for (unsigned int j = 0; j < table->count; j++) {
		if (table->variables[j] == variable)
			return true;
	}
	if (i == GS_WORLD_VARIABLES_MAX)
		return false;
	for (; i && table->variables[i - 1] > variable; i--)
		table->variables[i] = table->variables[i - 1];
	table->variables[i] = variable;
	table->count++;
	return true;
}

static struct gs_error *alloc_outcomes(struct gs_table *table, struct gs_arena *arena)
{
	table->outcomes = gs_arena_alloc(arena, (size_t)1 << table->count, 1);
	if (!table->outcomes)
		return gs_error_nomem();
	memset(table->outcomes, GS_OUTCOME_GOOD, (size_t)1 << table->count);
	return NULL;
}

struct gs_error *gs_table_init_variables(struct gs_table *table, struct gs_arena *arena,
					 const uint32_t *variables, size_t count, bool *fits_ret)
{
	struct gs_error *err;

	*table = (struct gs_table){0};
	*fits_ret = true;
	for (size_t i = 0; *fits_ret && i < count; i++)
		*fits_ret = add_variable(table, variables[i]);
	if (!*fits_ret)
		return NULL;
	err = alloc_outcomes(table, arena);
	return err;
}

size_t gs_table_project(const struct gs_table *table, const struct gs_table *other, size_t world)
{
	size_t projected = 0;

	for (unsigned int i = 0, j = 0; i < table->count && j < other->count; i++) {
		if (table->variables[i] == other->variables[j])
			projected |= (world >> i & 1) << j++;
	}
	return projected;
}

uint8_t gs_table_outcomes(const struct gs_table *table)
{
	uint8_t outcomes = 0;

	for (size_t world = 0; world < (size_t)1 << table->count; world++)
		outcomes |= table->outcomes[world];
	return outcomes;
}

/* ---- outcomes ---- */

/* The greater of each pair that can come together; @a and @b are sets. */
uint8_t gs_outcome_both(uint8_t a, uint8_t b)
{
	/* As bad as: the order of the ranks is not that of the verdicts. */
	static const uint8_t ranks[] = {GS_OUTCOME_GOOD, GS_OUTCOME_SILENT, GS_OUTCOME_UNKNOWN,
					GS_OUTCOME_BROKEN};
	uint8_t both = 0, below_a = 0, below_b = 0;

	for (int i = 0; i < 4; i++) {
		below_a |= a & ranks[i];
		below_b |= b & ranks[i];
		if (((a & ranks[i]) && below_b) || ((b & ranks[i]) && below_a))
			both |= ranks[i];
	}
	return both;
}

enum gs_verdict gs_outcome_verdict(uint8_t outcomes)
{
	if (outcomes & GS_OUTCOME_SILENT)
		return GS_VERDICT_SILENT;
	if (outcomes & GS_OUTCOME_UNKNOWN)
		return GS_VERDICT_UNKNOWN;
	if (outcomes == GS_OUTCOME_BROKEN)
		return GS_VERDICT_BREAK;
	return outcomes & GS_OUTCOME_BROKEN ? GS_VERDICT_CONDITIONAL : GS_VERDICT_INFO;
}

/* ---- several tables ---- */

/* Tables with a variable in common hang together: they are put next to each other. */
struct use {
	uint32_t variable;
	size_t table;
};

static int by_variable(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->variable != y->variable)
		return x->variable < y->variable ? -1 : 1;
	return (x->table > y->table) - (x->table < y->table);
}

static size_t find_group(size_t *groups, size_t table)
{
	while (groups[table] != table)
		table = groups[table] = groups[groups[table]];
	return table;
}

/* groups[i]: the first table of those that i hangs together with. NULL: out of memory. */
static size_t *find_groups(const struct gs_tables *tables)
{
	size_t *groups = calloc(tables->count + 1, sizeof(*groups));
	gs_autofree struct use *uses =
		calloc(tables->count * GS_WORLD_VARIABLES_MAX + 1, sizeof(*uses));
	size_t count = 0;

	if (!groups || !uses) {
		free(groups);
		return NULL;
	}
	for (size_t i = 0; i < tables->count; i++) {
		groups[i] = i;
		for (unsigned int j = 0; j < tables->tables[i].count; j++)
			uses[count++] = (struct use){tables->tables[i].variables[j], i};
	}
	qsort(uses, count, sizeof(*uses), by_variable);
	for (size_t i = 1; i < count; i++) {
		size_t a = find_group(groups, uses[i - 1].table);
		size_t b = find_group(groups, uses[i].table);

		if (uses[i].variable == uses[i - 1].variable)
			groups[a > b ? a : b] = a > b ? b : a;
	}
	return groups;
}

/* @into has the variables of both, or is beyond what can be weighed. */
static struct gs_error *join_two(struct gs_table *into, const struct gs_table *more,
				 struct gs_arena *arena)
{
	struct gs_table both = *into;
	struct gs_error *err;

	for (unsigned int i = 0; i < more->count; i++) {
		if (!add_variable(&both, more->variables[i])) {
			/* Of the one or the other at least it is known that it can happen. */
			return gs_table_init(into, arena, GS_OUTCOME_UNKNOWN | GS_OUTCOME_BROKEN);
		}
	}
	/* Many tables may be of the same variables. */
	err = both.count == into->count ? NULL : alloc_outcomes(&both, arena);
	for (size_t world = 0; !err && world < (size_t)1 << both.count; world++)
		both.outcomes[world] =
			gs_outcome_both(into->outcomes[gs_table_project(&both, into, world)],
					more->outcomes[gs_table_project(&both, more, world)]);
	if (!err)
		*into = both;
	return err;
}

static struct gs_error *join_groups(const struct gs_tables *tables, struct gs_arena *arena,
				    size_t *groups, struct gs_tables *ret)
{
	for (size_t i = 0; i < tables->count; i++) {
		size_t group = find_group(groups, i);
		struct gs_error *err;

		if (group == i) {
			ret->tables[i] = tables->tables[i];
			continue;
		}
		err = join_two(&ret->tables[group], &tables->tables[i], arena);
		if (err)
			return err;
		ret->tables[i].count = 0;
		ret->tables[i].outcomes = NULL;
	}
	return NULL;
}

static uint8_t sum_up(struct gs_tables *joined)
{
	uint8_t outcomes = GS_OUTCOME_GOOD;
	size_t kept = 0;

	for (size_t i = 0; i < joined->count; i++) {
		if (!joined->tables[i].outcomes)
			continue;
		outcomes = gs_outcome_both(outcomes, gs_table_outcomes(&joined->tables[i]));
		joined->tables[kept++] = joined->tables[i];
	}
	joined->count = kept;
	return outcomes;
}

struct gs_error *gs_tables_join(const struct gs_tables *tables, struct gs_arena *arena,
				struct gs_tables *ret, enum gs_verdict *verdict_ret)
{
	gs_autofree size_t *groups = find_groups(tables);
	struct gs_error *err;

	ret->count = tables->count;
	ret->tables = gs_arena_alloc(arena, tables->count, sizeof(*ret->tables));
	if (!groups || !ret->tables)
		return gs_error_nomem();
	err = join_groups(tables, arena, groups, ret);
	if (!err)
		*verdict_ret = gs_outcome_verdict(sum_up(ret));
	return err;
}
