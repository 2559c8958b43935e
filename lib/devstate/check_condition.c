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

/* The worlds in which those variables that matter have these values. */
struct cube {
	uint16_t matters, values;
};

struct cubes {
	const struct gs_table *table;
	struct gs_work *work;
	uint8_t *broken; /* of each cube: all of its worlds are */
	struct cube *candidates;
	size_t candidate_count;
	uint8_t *covered; /* of each world: a term tells of it */
	bool is_heavy;    /* too much to go through */
};

static size_t power(unsigned int exponent)
{
	size_t result = 1;

	while (exponent--)
		result *= 3;
	return result;
}

static bool is_in(struct cube cube, size_t world)
{
	return (world & cube.matters) == cube.values;
}

static struct cube cube_of(const struct cubes *cubes, size_t number)
{
	struct cube cube = {0, 0};

	for (unsigned int i = 0; i < cubes->table->count; i++, number /= 3) {
		if (number % 3 == 2)
			continue;
		cube.matters |= (uint16_t)(1u << i);
		cube.values |= (uint16_t)(number % 3 << i);
	}
	return cube;
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
			cubes->candidates[cubes->candidate_count++] = cube_of(cubes, cube);
	}
	return NULL;
}

/* ---- choice ---- */

/* How many broken worlds it tells of that no term does yet. */
static size_t count_new(const struct cubes *cubes, struct cube cube)
{
	size_t count = 0;

	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		count += !cubes->covered[world] && is_in(cube, world);
	return count;
}

static void cover(struct cubes *cubes, struct cube cube)
{
	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		cubes->covered[world] |= is_in(cube, world);
}

/* The only candidate that tells of the world; false: there are none, or several. */
static bool find_only(const struct cubes *cubes, size_t world, struct cube *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < cubes->candidate_count && count < 2; i++) {
		if (is_in(cubes->candidates[i], world)) {
			*ret = cubes->candidates[i];
			count++;
		}
	}
	return count == 1;
}

static struct gs_error *add_term(const struct cubes *cubes, const struct gs_variables *variables,
				 struct cube cube, struct gs_arena *arena, struct gs_term *ret)
{
	unsigned int count = cubes->table->count;
	struct gs_literal *literals = gs_arena_alloc(arena, count, sizeof(*literals));

	if (!literals)
		return gs_error_nomem();
	*ret = (struct gs_term){.literals = literals};
	for (unsigned int i = 0; i < count; i++) {
		if (!(cube.matters >> i & 1))
			continue;
		literals[ret->count] = *gs_variables_at(variables, cubes->table->variables[i]);
		literals[ret->count++].value = cube.values >> i & 1;
	}
	return NULL;
}

struct terms {
	const struct gs_variables *variables;
	struct gs_arena *arena;
	struct gs_term *terms;
	size_t count, capacity;
};

static struct gs_error *choose(struct cubes *cubes, struct terms *terms, struct cube cube)
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

/* Those that nothing can replace. */
static struct gs_error *choose_needed(struct cubes *cubes, struct terms *terms)
{
	struct gs_error *err = NULL;
	struct cube cube = {0, 0};

	for (size_t world = 0; world < (size_t)1 << cubes->table->count; world++)
		cubes->covered[world] = cubes->table->outcomes[world] != GS_OUTCOME_BROKEN;
	for (size_t world = 0; !err && world < (size_t)1 << cubes->table->count; world++) {
		if (!cubes->covered[world] && find_only(cubes, world, &cube))
			err = choose(cubes, terms, cube);
	}
	return err;
}

/* Again and again the one that tells the most; false in *goes_on_ret: all is told. */
static struct gs_error *choose_best(struct cubes *cubes, struct terms *terms, bool *goes_on_ret)
{
	struct cube cube = {0, 0};
	size_t best = 0;

	*goes_on_ret = false;
	if (!gs_work_take(cubes->work, cubes->candidate_count << cubes->table->count)) {
		cubes->is_heavy = true;
		return NULL;
	}
	for (size_t i = 0; i < cubes->candidate_count; i++) {
		size_t count = count_new(cubes, cubes->candidates[i]);

		if (count > best) {
			best = count;
			cube = cubes->candidates[i];
		}
	}
	*goes_on_ret = best;
	return best ? choose(cubes, terms, cube) : NULL;
}

static struct gs_error *choose_all(struct cubes *cubes, struct terms *terms)
{
	struct gs_error *err = choose_needed(cubes, terms);
	bool goes_on = true;

	while (!err && goes_on)
		err = choose_best(cubes, terms, &goes_on);
	return err;
}

static struct gs_error *add_terms(const struct gs_table *table, struct terms *terms,
				  struct gs_work *work, bool *fits_ret)
{
	gs_autofree uint8_t *broken = NULL, *covered = calloc((size_t)1 << table->count, 1);
	struct cubes cubes = {.table = table, .work = work, .covered = covered};
	struct gs_error *err;

	if (!gs_work_take(work, 4 * power(table->count))) {
		*fits_ret = false;
		return NULL;
	}
	cubes.broken = broken = calloc(power(table->count), 1);
	if (!broken || !covered)
		return gs_error_nomem();
	err = find_candidates(&cubes);
	if (!err)
		err = choose_all(&cubes, terms);
	*fits_ret &= !cubes.is_heavy;
	free(cubes.candidates);
	return err;
}

struct gs_error *gs_condition_create(const struct gs_tables *tables,
				     const struct gs_variables *variables, struct gs_arena *arena,
				     struct gs_work *work, struct gs_condition *ret, bool *fits_ret)
{
	/* Nothing of one is worth more than a hundredth of all. */
	struct gs_work part = {work->left / 128};
	struct terms terms = {.variables = variables, .arena = arena};
	struct gs_error *err = NULL;
	size_t had = part.left;

	*fits_ret = true;
	for (size_t i = 0; !err && *fits_ret && i < tables->count; i++) {
		if (gs_table_outcomes(&tables->tables[i]) & GS_OUTCOME_BROKEN)
			err = add_terms(&tables->tables[i], &terms, &part, fits_ret);
	}
	work->left -= had - part.left;
	*ret = *fits_ret ? (struct gs_condition){terms.terms, terms.count}
			 : (struct gs_condition){0};
	return err;
}
