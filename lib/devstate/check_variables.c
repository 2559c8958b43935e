/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The predicates and subsections that decide, each one once. */
#include <string.h>

#include "check.h"

/* No two literals have the same: lengths stand before names. */
static void put_key(struct gs_text *key, const struct gs_literal *literal)
{
	const char *description = literal->description ? literal->description : "";

	gs_text_printf(key, "%d %u %zu %s %s", literal->kind, literal->occurrence,
		       strlen(description), description, literal->name);
}

static struct gs_error *add_literal(struct gs_variables *variables,
				    const struct gs_literal *literal, uint32_t number)
{
	struct gs_literal *known = &variables->literals[number];

	if (number < variables->count) {
		if (known->side != literal->side)
			known->side = GS_SIDE_BOTH;
		return NULL;
	}
	if (variables->count == variables->capacity) {
		size_t capacity = variables->capacity ? 2 * variables->capacity : 16;
		struct gs_literal *more =
			gs_arena_alloc(variables->names.arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (variables->count)
			memcpy(more, variables->literals, variables->count * sizeof(*more));
		variables->literals = more;
		variables->capacity = capacity;
	}
	variables->literals[variables->count++] = *literal;
	return NULL;
}

struct gs_error *gs_variables_add(struct gs_variables *variables, const struct gs_literal *literal,
				  uint32_t *number_ret)
{
	gs_autotext struct gs_text key = {0};
	struct gs_error *err;

	put_key(&key, literal);
	if (key.failed)
		return gs_error_nomem();
	err = gs_names_add(&variables->names, key.data, number_ret);
	return err ? err : add_literal(variables, literal, *number_ret);
}
