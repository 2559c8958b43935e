/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An export's JSON as values: every member that counts is there and of its type, or it is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define MACHINE_KEY "vmschkmachine"

struct parser {
	struct gs_devstate *state;
	size_t description_count;
};

static struct gs_error *parse_description(struct parser *parser, const struct gs_json *value,
					  unsigned int depth, struct gs_vmsd *ret);

/* ---- members ---- */

static struct gs_error *wrong_type(const char *what, const struct gs_json *value,
				   const char *wanted)
{
	if (!value)
		return gs_error_create(GS_ERROR_CORRUPT, "%s is missing", what);
	return gs_error_create(GS_ERROR_CORRUPT, "%s is no %s, but %s", what, wanted,
			       gs_json_type_name(gs_json_type(value)));
}

static struct gs_error *number(const struct gs_json *object, const char *key, uint64_t *ret)
{
	const struct gs_json *value = gs_json_get(object, key);
	const char *text = gs_json_number_text(value);

	if (!text)
		return wrong_type(key, value, "number");
	if (!gs_json_u64(value, ret))
		return gs_error_create(GS_ERROR_CORRUPT, "%s is no count: %.40s", key, text);
	return NULL;
}

static struct gs_error *version(const struct gs_json *object, const char *key, uint32_t *ret)
{
	uint64_t v = 0;
	struct gs_error *err = number(object, key, &v);

	if (!err && v > INT32_MAX)
		err = gs_error_create(GS_ERROR_CORRUPT, "%s is beyond all versions: %llu", key,
				      (unsigned long long)v);
	if (!err)
		*ret = (uint32_t)v;
	return err;
}

static struct gs_error *versions(const struct gs_json *object, uint32_t *version_ret,
				 uint32_t *minimum_ret)
{
	struct gs_error *err = version(object, "version_id", version_ret);

	return err ? err : version(object, "minimum_version_id", minimum_ret);
}

static struct gs_error *string(struct parser *parser, const struct gs_json *object, const char *key,
			       const char **ret)
{
	const struct gs_json *value = gs_json_get(object, key);
	const char *text = gs_json_string(value);

	if (!text)
		return wrong_type(key, value, "string");
	*ret = gs_arena_strdup(&parser->state->arena, text);
	return *ret ? NULL : gs_error_nomem();
}

/* A list that may be missing: *ret is then NULL. */
static struct gs_error *list(const struct gs_json *object, const char *key,
			     const struct gs_json **ret)
{
	const struct gs_json *value = gs_json_get(object, key);

	if (value && gs_json_type(value) != GS_JSON_ARRAY)
		return wrong_type(key, value, "list");
	*ret = value;
	return NULL;
}

/* ---- fields ---- */

static struct gs_error *parse_condition(const struct gs_json *object, bool *ret)
{
	const struct gs_json *value = gs_json_get(object, "field_exists");

	if (!value || gs_json_type(value) != GS_JSON_BOOL)
		return wrong_type("field_exists", value, "boolean");
	*ret = gs_json_is_true(value);
	return NULL;
}

static struct gs_error *parse_num(struct parser *parser, const struct gs_json *object,
				  struct gs_vmsd_field *ret)
{
	if (!gs_json_get(object, "num"))
		return NULL;
	ret->has_num = true;
	parser->state->has_num = true;
	return number(object, "num", &ret->num);
}

static struct gs_error *parse_nested(struct parser *parser, const struct gs_json *object,
				     unsigned int depth, struct gs_vmsd_field *ret)
{
	const struct gs_json *value = gs_json_get(object, "Description");
	struct gs_vmsd *nested;

	if (!value)
		return NULL;
	nested = gs_arena_alloc(&parser->state->arena, 1, sizeof(*nested));
	if (!nested)
		return gs_error_nomem();
	ret->description = nested;
	return parse_description(parser, value, depth + 1, nested);
}

static struct gs_error *parse_field(struct parser *parser, const struct gs_json *object,
				    unsigned int depth, struct gs_vmsd_field *ret)
{
	struct gs_error *err;

	if (gs_json_type(object) != GS_JSON_OBJECT)
		return wrong_type("it", object, "object");
	err = string(parser, object, "field", &ret->name);
	if (!err)
		err = version(object, "version_id", &ret->version);
	if (!err)
		err = parse_condition(object, &ret->conditional);
	if (!err)
		err = parse_num(parser, object, ret);
	if (!err)
		err = number(object, "size", &ret->size);
	return err ? err : parse_nested(parser, object, depth, ret);
}

/* By name, and then as they stand in the list. */
static int compare_fields(const void *a, const void *b)
{
	const struct gs_vmsd_field *x = *(struct gs_vmsd_field *const *)a;
	const struct gs_vmsd_field *y = *(struct gs_vmsd_field *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* Sorted, so that a long list costs no time by the square of its length. */
static struct gs_error *count_occurrences(struct gs_vmsd_field *fields, size_t count)
{
	gs_autofree struct gs_vmsd_field **sorted = NULL;

	if (count < 2)
		return NULL;
	sorted = calloc(count, sizeof(*sorted));
	if (!sorted)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		sorted[i] = &fields[i];
	qsort(sorted, count, sizeof(*sorted), compare_fields);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
			sorted[i]->occurrence = sorted[i - 1]->occurrence + 1;
	}
	return NULL;
}

static struct gs_error *parse_fields(struct parser *parser, const struct gs_json *array,
				     unsigned int depth, struct gs_vmsd *ret)
{
	size_t count = gs_json_count(array), i = 0;
	struct gs_vmsd_field *fields;

	fields = gs_arena_alloc(&parser->state->arena, count, sizeof(*fields));
	if (!fields)
		return gs_error_nomem();
	gs_json_for_each (entry, array) {
		struct gs_error *err = parse_field(parser, entry, depth, &fields[i]);
		const char *name = gs_json_string(gs_json_get(entry, "field"));

		if (err)
			return gs_error_wrap(err, "field %zu ('%.80s')", i, name ? name : "");
		i++;
	}
	ret->has_fields = true;
	ret->fields = fields;
	ret->field_count = count;
	return count_occurrences(fields, count);
}

/* ---- descriptions ---- */

static struct gs_error *parse_subsections(struct parser *parser, const struct gs_json *array,
					  unsigned int depth, struct gs_vmsd *ret)
{
	size_t count = gs_json_count(array), i = 0;
	struct gs_vmsd *subsections;

	subsections = gs_arena_alloc(&parser->state->arena, count, sizeof(*subsections));
	if (!subsections)
		return gs_error_nomem();
	gs_json_for_each (entry, array) {
		struct gs_error *err = parse_description(parser, entry, depth + 1, &subsections[i]);
		const char *name = gs_json_string(gs_json_get(entry, "name"));

		if (err)
			return gs_error_wrap(err, "subsection %zu ('%.80s')", i, name ? name : "");
		i++;
	}
	ret->has_subsections = true;
	ret->subsections = subsections;
	ret->subsection_count = count;
	return NULL;
}

static struct gs_error *parse_lists(struct parser *parser, const struct gs_json *object,
				    unsigned int depth, struct gs_vmsd *ret)
{
	const struct gs_json *fields = NULL, *subsections = NULL;
	struct gs_error *err = list(object, "Fields", &fields);

	if (!err)
		err = list(object, "Subsections", &subsections);
	if (!err && fields)
		err = parse_fields(parser, fields, depth, ret);
	if (!err && subsections)
		err = parse_subsections(parser, subsections, depth, ret);
	return err;
}

static struct gs_error *parse_description(struct parser *parser, const struct gs_json *value,
					  unsigned int depth, struct gs_vmsd *ret)
{
	struct gs_error *err;

	if (gs_json_type(value) != GS_JSON_OBJECT)
		return wrong_type("description", value, "object");
	if (depth > GS_DEVSTATE_DEPTH_MAX)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "descriptions within descriptions: "
				       "more than %d",
				       GS_DEVSTATE_DEPTH_MAX);
	if (++parser->description_count > GS_DEVSTATE_DESCRIPTIONS_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "more than %d descriptions",
				       GS_DEVSTATE_DESCRIPTIONS_MAX);
	err = string(parser, value, "name", &ret->name);
	if (!err)
		err = versions(value, &ret->version, &ret->minimum);
	return err ? err : parse_lists(parser, value, depth, ret);
}

/* ---- devices ---- */

static struct gs_error *parse_device(struct parser *parser, const struct gs_json *object,
				     struct gs_devstate_device *ret)
{
	const struct gs_json *value = gs_json_get(object, "Description");
	struct gs_vmsd *description;
	struct gs_error *err;

	if (gs_json_type(object) != GS_JSON_OBJECT)
		return wrong_type("device", object, "object");
	err = versions(object, &ret->version, &ret->minimum);
	if (err || !value)
		return err;
	description = gs_arena_alloc(&parser->state->arena, 1, sizeof(*description));
	if (!description)
		return gs_error_nomem();
	ret->description = description;
	return parse_description(parser, value, 1, description);
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct gs_devstate_device *)a)->type,
		      ((const struct gs_devstate_device *)b)->type);
}

/* QEMU lists them as its hash table has them, and that is another order in every build. */
static struct gs_error *sort_devices(struct gs_devstate *state)
{
	state->types = gs_arena_alloc(&state->arena, state->count + 1, sizeof(*state->types));
	if (!state->types)
		return gs_error_nomem();
	qsort(state->devices, state->count, sizeof(*state->devices), compare_devices);
	for (size_t i = 0; i < state->count; i++)
		state->types[i] = state->devices[i].type;
	return NULL;
}

static struct gs_error *parse_devices(struct parser *parser, const struct gs_json *dump)
{
	struct gs_devstate *state = parser->state;

	state->devices =
		gs_arena_alloc(&state->arena, gs_json_count(dump), sizeof(*state->devices));
	if (!state->devices)
		return gs_error_nomem();
	gs_json_for_each (entry, dump) {
		struct gs_devstate_device *device = &state->devices[state->count];
		const char *type = gs_json_key(entry);
		struct gs_error *err;

		if (strcmp(type, MACHINE_KEY) == 0)
			continue;
		device->position = state->count;
		device->type = gs_arena_strdup(&state->arena, type);
		err = device->type ? parse_device(parser, entry, device) : gs_error_nomem();
		if (err)
			return gs_error_wrap(err, "%.80s", type);
		state->count++;
	}
	return sort_devices(state);
}

static struct gs_error *parse_machine(struct parser *parser, const struct gs_json *dump)
{
	const struct gs_json *machine = gs_json_get(dump, MACHINE_KEY);

	if (!machine)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "no '" MACHINE_KEY "': not what -dump-vmstate writes");
	return gs_error_wrap(string(parser, machine, "Name", &parser->state->machine), MACHINE_KEY);
}

struct gs_error *gs_devstate_parse(const struct gs_json *dump, struct gs_devstate **ret)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *state = calloc(1, sizeof(*state));
	struct parser parser = {.state = state};
	struct gs_error *err;

	if (!state)
		return gs_error_nomem();
	if (gs_json_type(dump) != GS_JSON_OBJECT)
		return wrong_type("export", dump, "object");
	err = parse_machine(&parser, dump);
	if (!err)
		err = parse_devices(&parser, dump);
	if (!err)
		*ret = gs_take(state);
	return err;
}
