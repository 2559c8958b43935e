/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An export's JSON as values: every member that counts is there and of its type, or it is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "parse_list.h"

#define MACHINE_KEY "vmschkmachine"

struct parser {
	struct gs_devstate *state;
	struct gs_json_reader *reader;
	unsigned int depth; /* of descriptions */
	size_t description_count;
	/* What lists have so far, those of descriptions within others behind theirs. */
	struct gs_parse_list fields, subsections, devices;
};

/* ---- members ---- */

/* A member that counts. */
struct member {
	struct gs_json_slice key;
	bool may_be_missing;
	/* Reads its value; @key is for errors, @to is the object's own. */
	struct gs_error *(*read)(struct parser *parser, const char *key, void *to);
};
#define KEY(name)                      \
	{                              \
		name, sizeof(name) - 1 \
	}

/* Takes the @err of who wanted to read a value. */
static struct gs_error *explain(struct parser *parser, struct gs_error *err, const char *what,
				const char *wanted)
{
	const char *found = gs_json_type_name(gs_json_reader_type(parser->reader));

	if (!err || err->code != GS_ERROR_INVALID)
		return err;
	gs_error_destroy(err);
	return gs_error_create(GS_ERROR_CORRUPT, "%s is no %s, but %s", what, wanted, found);
}

static const struct member *find_member(const struct member *members, size_t count,
					struct gs_json_slice key)
{
	for (size_t i = 0; i < count; i++) {
		if (members[i].key.size == key.size &&
		    memcmp(members[i].key.text, key.text, key.size) == 0)
			return &members[i];
	}
	return NULL;
}

static struct gs_error *find_missing(const struct member *members, size_t count, unsigned int seen)
{
	for (size_t i = 0; i < count; i++) {
		if (!members[i].may_be_missing && !(seen & 1u << i))
			return gs_error_create(GS_ERROR_CORRUPT, "%s is missing",
					       members[i].key.text);
	}
	return NULL;
}

/* An object, called @what in errors. Other members are passed over. QEMU writes them in order: the
 * one behind the last is likely. */
static struct gs_error *parse_object(struct parser *parser, const char *what,
				     const struct member *members, size_t count, void *to)
{
	const struct member *likely = members, *member;
	struct gs_json_slice key;
	unsigned int seen = 0;
	struct gs_error *err;
	bool more;

	err = gs_json_reader_enter(parser->reader, GS_JSON_OBJECT);
	if (err)
		return explain(parser, err, what, "object");
	while (!err) {
		err = gs_json_reader_likely_member(parser->reader, likely->key, &key, &more);
		if (err || !more)
			break;
		member = key.text == likely->key.text ? likely : find_member(members, count, key);
		if (!member) {
			err = gs_json_reader_skip(parser->reader, NULL);
			continue;
		}
		if (seen & 1u << (member - members))
			return gs_error_create(GS_ERROR_CORRUPT, "%s is there twice",
					       member->key.text);
		seen |= 1u << (member - members);
		likely = member + 1 < members + count ? member + 1 : members;
		err = member->read(parser, member->key.text, to);
	}
	return err ? err : find_missing(members, count, seen);
}

/* ---- values ---- */

static struct gs_error *number(struct parser *parser, const char *key, uint64_t *ret)
{
	struct gs_json_slice text;
	struct gs_error *err = gs_json_reader_number(parser->reader, &text);

	if (err)
		return explain(parser, err, key, "number");
	if (!gs_json_slice_u64(text, ret))
		err = gs_error_create(GS_ERROR_CORRUPT, "%s is no count: %.*s", key,
				      text.size < 40 ? (int)text.size : 40, text.text);
	return err;
}

static struct gs_error *version(struct parser *parser, const char *key, uint32_t *ret)
{
	uint64_t v = 0;
	struct gs_error *err = number(parser, key, &v);

	if (!err && v > INT32_MAX)
		err = gs_error_create(GS_ERROR_CORRUPT, "%s is beyond all versions: %llu", key,
				      (unsigned long long)v);
	if (!err)
		*ret = (uint32_t)v;
	return err;
}

static struct gs_error *string(struct parser *parser, const char *key, const char **ret)
{
	struct gs_json_slice text;
	struct gs_error *err = gs_json_reader_string(parser->reader, &text);

	if (err)
		return explain(parser, err, key, "string");
	*ret = gs_arena_strndup(&parser->state->arena, text.text, text.size);
	return *ret ? NULL : gs_error_nomem();
}

/* ---- fields ---- */

static struct gs_error *parse_description(struct parser *parser, struct gs_vmsd *ret);

static struct gs_error *read_field_name(struct parser *parser, const char *key, void *to)
{
	return string(parser, key, &((struct gs_vmsd_field *)to)->name);
}

static struct gs_error *read_field_version(struct parser *parser, const char *key, void *to)
{
	return version(parser, key, &((struct gs_vmsd_field *)to)->version);
}

static struct gs_error *read_condition(struct parser *parser, const char *key, void *to)
{
	struct gs_vmsd_field *field = to;

	return explain(parser, gs_json_reader_bool(parser->reader, &field->conditional), key,
		       "boolean");
}

static struct gs_error *read_num(struct parser *parser, const char *key, void *to)
{
	struct gs_vmsd_field *field = to;

	field->has_num = true;
	parser->state->has_num = true;
	return number(parser, key, &field->num);
}

static struct gs_error *read_size(struct parser *parser, const char *key, void *to)
{
	return number(parser, key, &((struct gs_vmsd_field *)to)->size);
}

static struct gs_error *add_description(struct parser *parser, const struct gs_vmsd **ret)
{
	struct gs_vmsd *added = gs_arena_alloc(&parser->state->arena, 1, sizeof(*added));

	*ret = added;
	return added ? parse_description(parser, added) : gs_error_nomem();
}

static struct gs_error *read_nested(struct parser *parser, const char *key, void *to)
{
	(void)key;
	return add_description(parser, &((struct gs_vmsd_field *)to)->description);
}

/* (num comes before size, but seldom.) */
static const struct member field_members[] = {
	{KEY("field"), false, read_field_name},
	{KEY("version_id"), false, read_field_version},
	{KEY("field_exists"), false, read_condition},
	{KEY("size"), false, read_size},
	{KEY("num"), true, read_num},
	{KEY("Description"), true, read_nested},
};

static struct gs_error *read_field(struct parser *parser, size_t i)
{
	struct gs_vmsd_field field = {0};
	struct gs_error *err = parse_object(parser, "it", field_members,
					    sizeof(field_members) / sizeof(*field_members), &field);

	if (err)
		return gs_error_wrap(err, "field %zu ('%.80s')", i, field.name ? field.name : "");
	return gs_parse_list_add(&parser->fields, &field);
}

/* ---- lists ---- */

/* @read adds element @i to where the list grows. */
static struct gs_error *read_list(struct parser *parser, const char *key,
				  struct gs_error *(*read)(struct parser *parser, size_t i))
{
	struct gs_error *err = gs_json_reader_enter(parser->reader, GS_JSON_ARRAY);
	bool more;

	if (err)
		return explain(parser, err, key, "list");
	for (size_t i = 0; !err; i++) {
		err = gs_json_reader_element(parser->reader, &more);
		if (err || !more)
			break;
		err = read(parser, i);
	}
	return err;
}

static struct gs_error *read_fields(struct parser *parser, const char *key, void *to)
{
	size_t first = parser->fields.count;
	struct gs_vmsd *description = to;
	struct gs_vmsd_field *fields;
	struct gs_error *err = read_list(parser, key, read_field);

	if (err)
		return err;
	description->has_fields = true;
	description->field_count = parser->fields.count - first;
	fields = gs_parse_list_take(&parser->fields, first, &parser->state->arena);
	description->fields = fields;
	return fields ? gs_parse_count_occurrences(fields, description->field_count)
		      : gs_error_nomem();
}

static struct gs_error *read_subsection(struct parser *parser, size_t i)
{
	struct gs_vmsd subsection = {0};
	struct gs_error *err = parse_description(parser, &subsection);

	if (err)
		return gs_error_wrap(err, "subsection %zu ('%.80s')", i,
				     subsection.name ? subsection.name : "");
	return gs_parse_list_add(&parser->subsections, &subsection);
}

static struct gs_error *read_subsections(struct parser *parser, const char *key, void *to)
{
	size_t first = parser->subsections.count;
	struct gs_vmsd *description = to;
	struct gs_error *err = read_list(parser, key, read_subsection);

	if (err)
		return err;
	description->has_subsections = true;
	description->subsection_count = parser->subsections.count - first;
	description->subsections =
		gs_parse_list_take(&parser->subsections, first, &parser->state->arena);
	return description->subsections ? NULL : gs_error_nomem();
}

/* ---- descriptions ---- */

static struct gs_error *read_name(struct parser *parser, const char *key, void *to)
{
	return string(parser, key, &((struct gs_vmsd *)to)->name);
}

static struct gs_error *read_version(struct parser *parser, const char *key, void *to)
{
	return version(parser, key, &((struct gs_vmsd *)to)->version);
}

static struct gs_error *read_minimum(struct parser *parser, const char *key, void *to)
{
	return version(parser, key, &((struct gs_vmsd *)to)->minimum);
}

static const struct member description_members[] = {
	{KEY("name"), false, read_name},
	{KEY("version_id"), false, read_version},
	{KEY("minimum_version_id"), false, read_minimum},
	{KEY("Fields"), true, read_fields},
	{KEY("Subsections"), true, read_subsections},
};

static struct gs_error *parse_description(struct parser *parser, struct gs_vmsd *ret)
{
	struct gs_error *err;

	if (parser->depth == GS_DEVSTATE_DEPTH_MAX)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "descriptions within descriptions: more than %d",
				       GS_DEVSTATE_DEPTH_MAX);
	if (++parser->description_count > GS_DEVSTATE_DESCRIPTIONS_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "more than %d descriptions",
				       GS_DEVSTATE_DESCRIPTIONS_MAX);
	parser->depth++;
	err = parse_object(parser, "description", description_members,
			   sizeof(description_members) / sizeof(*description_members), ret);
	parser->depth--;
	return err;
}

/* ---- devices ---- */

static struct gs_error *read_device_version(struct parser *parser, const char *key, void *to)
{
	return version(parser, key, &((struct gs_devstate_device *)to)->version);
}

static struct gs_error *read_device_minimum(struct parser *parser, const char *key, void *to)
{
	return version(parser, key, &((struct gs_devstate_device *)to)->minimum);
}

static struct gs_error *read_device_description(struct parser *parser, const char *key, void *to)
{
	(void)key;
	return add_description(parser, &((struct gs_devstate_device *)to)->description);
}

static const struct member device_members[] = {
	{KEY("version_id"), false, read_device_version},
	{KEY("minimum_version_id"), false, read_device_minimum},
	{KEY("Description"), true, read_device_description},
};

static struct gs_error *parse_device(struct parser *parser, struct gs_json_slice type)
{
	struct gs_devstate_device device = {.position = parser->devices.count};
	struct gs_error *err;

	device.type = gs_arena_strndup(&parser->state->arena, type.text, type.size);
	if (!device.type)
		return gs_error_nomem();
	err = parse_object(parser, "device", device_members,
			   sizeof(device_members) / sizeof(*device_members), &device);
	return err ? gs_error_wrap(err, "%.80s", device.type)
		   : gs_parse_list_add(&parser->devices, &device);
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
	for (size_t i = 0; i < state->count; i++) {
		state->types[i] = state->devices[i].type;
		if (i && strcmp(state->types[i], state->types[i - 1]) == 0)
			return gs_error_create(GS_ERROR_CORRUPT, "%.80s is there twice",
					       state->types[i]);
	}
	return NULL;
}

static struct gs_error *parse_devices(struct parser *parser)
{
	struct gs_devstate *state = parser->state;
	struct gs_json_slice key;
	struct gs_error *err = gs_json_reader_enter(parser->reader, GS_JSON_OBJECT);
	bool more;

	while (!err && !(err = gs_json_reader_member(parser->reader, &key, &more)) && more)
		err = gs_json_slice_is(key, MACHINE_KEY) ? gs_json_reader_skip(parser->reader, NULL)
							 : parse_device(parser, key);
	if (err)
		return err;
	state->count = parser->devices.count;
	state->devices = gs_parse_list_take(&parser->devices, 0, &state->arena);
	return state->devices ? sort_devices(state) : gs_error_nomem();
}

/* ---- the machine ---- */

static struct gs_error *read_machine_name(struct parser *parser, const char *key, void *to)
{
	return string(parser, key, to);
}

static const struct member machine_members[] = {{KEY("Name"), false, read_machine_name}};

/*
 * Where it is, is looked for before all else: without it, what else there is to complain of does
 * not matter. QEMU writes it first.
 */
static struct gs_error *parse_machine(struct parser *parser)
{
	gs_autoreader struct gs_json_reader ahead = {.scan = parser->reader->scan,
						     .depth = parser->reader->depth};
	struct parser looking = {.state = parser->state, .reader = &ahead};
	struct gs_json_slice key;
	struct gs_error *err = gs_json_reader_enter(&ahead, GS_JSON_OBJECT);
	bool more;

	while (!err && !(err = gs_json_reader_member(&ahead, &key, &more)) && more) {
		if (gs_json_slice_is(key, MACHINE_KEY))
			return gs_error_wrap(parse_object(&looking, "it", machine_members, 1,
							  &parser->state->machine),
					     MACHINE_KEY);
		err = gs_json_reader_skip(&ahead, NULL);
	}
	return err ? err
		   : gs_error_create(GS_ERROR_CORRUPT,
				     "no '" MACHINE_KEY "': not what -dump-vmstate writes");
}

/* ---- exports ---- */

static struct gs_error *parse_export(struct parser *parser)
{
	struct gs_error *err = explain(parser, parse_machine(parser), "export", "object");

	return err ? err : parse_devices(parser);
}

struct gs_error *gs_devstate_read(struct gs_json_reader *reader, struct gs_devstate **ret)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *state = calloc(1, sizeof(*state));
	struct parser parser = {.state = state,
				.reader = reader,
				.fields.size = sizeof(struct gs_vmsd_field),
				.subsections.size = sizeof(struct gs_vmsd),
				.devices.size = sizeof(struct gs_devstate_device)};
	struct gs_error *err = state ? parse_export(&parser) : gs_error_nomem();

	gs_parse_list_deinit(&parser.fields);
	gs_parse_list_deinit(&parser.subsections);
	gs_parse_list_deinit(&parser.devices);
	if (!err)
		*ret = gs_take(state);
	return err;
}

struct gs_error *gs_devstate_parse(const char *text, size_t size, struct gs_devstate **ret)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *state = NULL;
	gs_autoreader struct gs_json_reader reader;
	struct gs_error *err;

	gs_json_reader_init(&reader, text, size);
	err = gs_devstate_read(&reader, &state);
	if (!err)
		err = gs_json_reader_end(&reader);
	if (!err)
		*ret = gs_take(state);
	return err;
}
