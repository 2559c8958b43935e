/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schemas: the input is one, and after a NUL a second one, which serves as arguments, too. A schema
 * differs in nothing from itself; every path that a search or a comparison tells leads somewhere;
 * a call that is wrong is the caller's fault.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <guestscope/qmp/schema.h>

#define PATHS_MAX 5000 /* more say nothing new, and take their time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct gs_schema *before, *after;
	size_t count;
};

static struct gs_json *parse_json(const char *text, size_t size)
{
	struct gs_json *value = NULL;

	gs_error_destroy(gs_json_parse(text, size, &value));
	return value;
}

static struct gs_schema *parse(const struct gs_json *value)
{
	struct gs_schema *schema = NULL;
	gs_autoerror struct gs_error *err = gs_schema_parse(value, &schema);

	assert(!err == !!schema);
	assert(!err || err->code == GS_ERROR_CORRUPT);
	return schema;
}

static bool leads(const struct gs_schema *schema, const char *path)
{
	struct gs_schema_place place = {0};
	gs_autoerror struct gs_error *err = gs_schema_resolve(schema, path, &place);

	assert(!err == !!place.entity);
	return !err;
}

/* To where it is; or from the first step on that it does not, to where something was. */
static void assert_leads_now(const struct seen *seen, const char *path)
{
	gs_autofree char *steps = strdup(path);
	size_t at = 0;

	assert(steps);
	do {
		at += strcspn(path + at, "/");
		steps[at] = '\0';
		if (!leads(seen->after, steps)) {
			assert(leads(seen->before, steps));
			return;
		}
		steps[at] = path[at];
	} while (path[at++]);
}

static struct gs_error *enough(struct seen *seen)
{
	return ++seen->count < PATHS_MAX ? NULL : gs_error_create(GS_ERROR_BUSY, "enough");
}

static struct gs_error *see_found(void *arg, const char *path, const struct gs_schema_place *place)
{
	struct seen *seen = arg;

	assert(place->entity);
	assert(leads(seen->before, path));
	return enough(seen);
}

static struct gs_error *see_change(void *arg, const struct gs_schema_change *change)
{
	struct seen *seen = arg;

	assert((change->kind != GS_SCHEMA_ADDED) == !!change->before);
	assert((change->kind != GS_SCHEMA_REMOVED) == !!change->after);
	if (change->before)
		assert(leads(seen->before, change->path));
	else
		assert_leads_now(seen, change->path);
	return enough(seen);
}

static void check_diff(const struct gs_schema *before, const struct gs_schema *after)
{
	struct seen seen = {before, after, 0};
	gs_autoerror struct gs_error *err = gs_schema_diff(before, after, see_change, &seen);

	assert(!err || err->code == GS_ERROR_BUSY || err->code == GS_ERROR_UNSUPPORTED);
	assert(before != after || !seen.count);
}

static void check_calls(const struct gs_schema *schema, const struct gs_json *arguments)
{
	const struct gs_schema_entity *command;

	for (size_t i = 0; (command = gs_schema_at(schema, GS_SCHEMA_COMMAND, i)); i++) {
		gs_autojson struct gs_json *notes = NULL;
		gs_autoerror struct gs_error *err =
			gs_schema_check(schema, command->name, arguments, &notes);
		gs_autofree char *text = gs_schema_type_text(command->ret);

		assert(text && strlen(text) < 4096);
		assert(!err == !!notes);
		assert(!err || err->code == GS_ERROR_INVALID);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t first = strnlen(text, size);
	gs_autojson struct gs_json *value = parse_json(text, first), *other = NULL;
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL, *second = NULL;
	struct seen seen = {0};

	schema = value ? parse(value) : NULL;
	if (!schema)
		return 0;
	seen.before = schema;
	gs_error_destroy(gs_schema_search(schema, "", see_found, &seen));
	check_diff(schema, schema);
	if (first < size)
		other = parse_json(text + first + 1, size - first - 1);
	check_calls(schema, other);
	second = other ? parse(other) : NULL;
	if (second) {
		check_diff(schema, second);
		check_diff(second, schema);
	}
	return 0;
}
