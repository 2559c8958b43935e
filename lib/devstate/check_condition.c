/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which worlds are broken, in as few and as short terms as can be.
 *
 * A cube is a set of worlds: of each variable it says false, true, or that it does not matter. All
 * cubes of up to 12 variables are numbered to the base of three, so that a cube's halves come
 * before it, and are marked if all of their worlds are broken. Marked cubes that no marked cube
 * contains are the candidates for terms.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct cubes {
	const struct gs_table *table;
	uint8_t *broken;      /* of each cube: all of its worlds are */
	uint32_t *candidates; /* cubes */
	size_t candidate_count;
	uint8_t *covered; /* of each world: a term tells of it */
};

static size_t power(unsigned int exponent)
{
	size_t result = 1;

	while (exponent--)
		result *= 3;
	return result;
}

/* 0: false, 1: true, 2: does not matter */
static unsigned int digit(size_t cube, unsigned int variable)
{
	return (unsigned int)(cube / power(variable) % 3);
}

static bool is_in(const struct cubes *cubes, size_t cube, size_t world)
{
	for (unsigned int i = 0; i < cubes->table->count; i++, cube /= 3) {
		if (cube % 3 != 2 && cube % 3 != (world >> i & 1))
			return false;
	}
	return true;
}

/* ---- candidates ---- */

static void mark_cube(struct cubes *cubes, size_t cube)
{
	size_t world = 0, rest = cube, place = 1;

	for (unsigned int i = 0; i < cubes->table->count; i++, rest /= 3, place *= 3) {
		if (rest % 3 == 2) {
			cubes->broken[cube] =
				cubes->broken[cube - place] & cubes->broken[cube - 2 * place];
			return;
		}
		world |= (size_t)(rest % 3) << i;
	}
	cubes->broken[cube] = cubes->table->outcomes[world] == GS_OUTCOME_BROKEN;
}

static bool is_candidate(const struct cubes *cubes, size_t cube)
{
	size_t rest = cube, place = 1;

	if (!cubes->broken[cube])
		return false;
	for (unsigned int i = 0; i < cubes->table->count; i++, rest /= 3, place *= 3) {
		if (rest % 3 != 2 && cubes->broken[cube + (2 - rest % 3) * place])
			return false;
	}
	return true;
}

static struct gs_error *find_candidates(struct cubes *cubes)
{
	size_t count = power(cubes->table->count), found = 0;

	for (size_t cube = 0; cube < count; cube++)
		mark_cube(cubes, cube);
	for (size_t cube = 0; cube < count; cube++)
		found += is_candidate(cubes, cube);
	cubes->candidates = calloc(found + 1, sizeof(*cubes->candidates));
	if (!cubes->candidates)
		return gs_error_nomem();
	for (size_t cube = 0; cube < count; cube++) {
		if (is_candidate(cubes, cube))
			cubes->candidates[cubes->candidate_count++] = (uint32_t)cube;
	}
	return NULL;
}

/* ---- choice ---- */

/* How many broken worlds it tells of that no term does yet. */
static size_t count_new(const struct cubes *cubes, size_t cube)
{
	size_t count = 0;

	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		count += !cubes->covered[world] && is_in(cubes, cube, world);
	return count;
}

static void cover(struct cubes *cubes, size_t cube)
{
	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		cubes->covered[world] |= is_in(cubes, cube, world);
}

/* The only candidate that tells of the world; false: there are none, or several. */
static bool find_only(const struct cubes *cubes, size_t world, size_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < cubes->candidate_count && count < 2; i++) {
		if (is_in(cubes, cubes->candidates[i], world)) {
			*ret = cubes->candidates[i];
			count++;
		}
	}
	return count == 1;
}

static struct gs_error *add_term(const struct cubes *cubes, const struct gs_variables *variables,
				 size_t cube, struct gs_arena *arena, struct gs_term *ret)
{
	unsigned int count = cubes->table->count;
	struct gs_literal *literals = gs_arena_alloc(arena, count, sizeof(*literals));

	if (!literals)
		return gs_error_nomem();
	*ret = (struct gs_term){.literals = literals};
	for (unsigned int i = 0; i < count; i++) {
		if (digit(cube, i) == 2)
			continue;
		literals[ret->count] = *gs_variables_at(variables, cubes->table->variables[i]);
		literals[ret->count++].value = digit(cube, i) == 1;
	}
	return NULL;
}

struct terms {
	const struct gs_variables *variables;
	struct gs_arena *arena;
	struct gs_term *terms;
	size_t count, capacity;
};

static struct gs_error *choose(struct cubes *cubes, struct terms *terms, size_t cube)
{
	if (terms->count == terms->capacity) {
		size_t capacity = terms->capacity ? 2 * terms->capacity : 4;
		struct gs_term *more = gs_arena_alloc(terms->arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (terms->count)
			memcpy(more, terms->terms, terms->count * sizeof(*more));
		terms->terms = more;
		terms->capacity = capacity;
	}
	cover(cubes, cube);
	return add_term(cubes, terms->variables, cube, terms->arena, &terms->terms[terms->count++]);
}

/* Those that nothing can replace, and then, again and again, the one that tells the most. */
static struct gs_error *choose_all(struct cubes *cubes, struct terms *terms)
{
	struct gs_error *err = NULL;
	size_t cube = 0;

	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		cubes->covered[world] = cubes->table->outcomes[world] != GS_OUTCOME_BROKEN;
	for (size_t world = 0; !err && world < (size_t)1 << cubes->table->count; world++) {
		if (!cubes->covered[world] && find_only(cubes, world, &cube))
			err = choose(cubes, terms, cube);
	}
	while (!err) {
		size_t best = 0;

		for (size_t i = 0; i < cubes->candidate_count; i++) {
			size_t count = count_new(cubes, cubes->candidates[i]);

			if (count > best) {
				best = count;
				cube = cubes->candidates[i];
			}
		}
		if (!best)
			break;
		err = choose(cubes, terms, cube);
	}
	return err;
}

static struct gs_error *add_terms(const struct gs_table *table, struct terms *terms)
{
	gs_autofree uint8_t *broken = calloc(power(table->count), 1);
	gs_autofree uint8_t *covered = calloc((size_t)1 << table->count, 1);
	struct cubes cubes = {.table = table, .broken = broken, .covered = covered};
	struct gs_error *err;

	if (!broken || !covered)
		return gs_error_nomem();
	err = find_candidates(&cubes);
	if (!err)
		err = choose_all(&cubes, terms);
	free(cubes.candidates);
	return err;
}

struct gs_error *gs_condition_create(const struct gs_tables *tables,
				     const struct gs_variables *variables, struct gs_arena *arena,
				     struct gs_condition *ret)
{
	struct terms terms = {.variables = variables, .arena = arena};
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < tables->count; i++) {
		if (gs_table_outcomes(&tables->tables[i]) & GS_OUTCOME_BROKEN)
			err = add_terms(&tables->tables[i], &terms);
	}
	*ret = (struct gs_condition){terms.terms, terms.count};
	return err;
}
