/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The predicates and subsections that decide, each one once. */
#include <string.h>

#include "check.h"

/* Eight letters: there are thousands of keys, and formatting them would take most of the time. */
static void put_number(struct gs_text *key, size_t number)
{
	char letters[8];

	for (size_t i = 0; i < sizeof(letters); i++, number >>= 4)
		letters[i] = (char)('a' + (number & 15));
	gs_text_append(key, letters, sizeof(letters));
}

/* No two literals have the same: lengths stand before names. */
static void put_key(struct gs_text *key, const struct gs_literal *literal)
{
	const char *description = literal->description ? literal->description : "";

	put_number(key, literal->kind);
	put_number(key, literal->occurrence);
	put_number(key, strlen(description));
	gs_text_puts(key, description);
	gs_text_puts(key, literal->name);
}

static struct gs_error *add_literal(struct gs_variables *variables,
				    const struct gs_literal *literal, uint32_t number)
{
	if (number < variables->count)
		return NULL;
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

/* ---- who has them ---- */

static struct gs_error *note_one(struct gs_variables *variables, const struct gs_literal *literal)
{
	uint32_t number;
	struct gs_error *err = gs_variables_add(variables, literal, &number);

	if (!err && variables->literals[number].side != literal->side)
		variables->literals[number].side = GS_SIDE_BOTH;
	return err;
}

struct gs_error *gs_variables_note(struct gs_variables *variables, enum gs_literal_side side,
				   const struct gs_vmsd *description)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < description->field_count; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];
		struct gs_literal literal = {.kind = GS_LITERAL_PREDICATE,
					     .side = side,
					     .description = description->name,
					     .name = field->name,
					     .occurrence = field->occurrence};

		if (field->conditional)
			err = note_one(variables, &literal);
		if (!err && field->description)
			err = gs_variables_note(variables, side, field->description);
	}
	for (size_t i = 0; !err && i < description->subsection_count; i++) {
		const struct gs_vmsd *subsection = &description->subsections[i];
		struct gs_literal literal = {.kind = GS_LITERAL_SUBSECTION,
					     .side = side,
					     .description = description->name,
					     .name = subsection->name};

		err = note_one(variables, &literal);
		if (!err)
			err = gs_variables_note(variables, side, subsection);
	}
	return err;
}
