/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A schema's parts, for people and programs. */
#include <string.h>

#include <guestscope/base/text.h>

#include "schemas.h"

#define VALUES_SIZE_MAX 48 /* longer lists of values are not for a column */

static const struct gs_emit_column columns[] = {
	{"name", "NAME", false}, {"type", NULL, false},     {NULL, "TYPE", false},
	{"with", "WITH", false}, {NULL, "NOTE", false},     {"optional", NULL, false},
	{"values", NULL, false}, {"features", NULL, false},
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* ---- small parts ---- */

char *schemas_note(const struct gs_schema_features *features, bool optional)
{
	gs_autotext struct gs_text text = {0};
	char *note = NULL;

	gs_text_puts(&text, optional ? "optional" : "");
	for (const char *const *at = features->names; at && *at; at++)
		gs_text_printf(&text, "%s%s", text.size ? ", " : "", *at);
	gs_error_destroy(gs_text_finish(&text, &note));
	return note;
}

void schemas_emit_features(struct gs_emit *e, const struct gs_schema_features *features)
{
	gs_autojson struct gs_json *list = gs_json_new_array();

	for (const char *const *at = features->names; at && *at; at++)
		gs_json_append(list, gs_json_new_string(*at));
	gs_emit_json(e, "features", NULL, list);
}

/* What a list, or one of an alternate's types, is made of. */
static const struct gs_schema_entity *element_of(const struct gs_schema_entity *type)
{
	for (int i = 0; type->meta == GS_SCHEMA_ARRAY && i < 8; i++)
		type = type->element;
	return type;
}

static const struct gs_schema_entity *find_meta(const struct gs_schema_entity *type,
						enum gs_schema_meta meta)
{
	type = element_of(type);
	if (type->meta == meta)
		return type;
	for (size_t i = 0; type->meta == GS_SCHEMA_ALTERNATE && i < type->member_count; i++) {
		const struct gs_schema_entity *offered = element_of(type->members[i].type);

		if (offered->meta == meta)
			return offered;
	}
	return NULL;
}

/* "enum: a|b|c", or how many they are. */
static char *type_text(const struct gs_schema_entity *type)
{
	const struct gs_schema_entity *values = find_meta(type, GS_SCHEMA_ENUM);
	gs_autofree char *base = gs_schema_type_text(type);
	gs_autotext struct gs_text text = {0};

	if (!values || !base)
		return gs_take(base);
	for (size_t i = 0; i < values->value_count && text.size <= VALUES_SIZE_MAX; i++)
		gs_text_printf(&text, "%s%s", i ? "|" : "", values->values[i].name);
	if (text.size > VALUES_SIZE_MAX)
		return gs_strf("%s: %zu values", base, values->value_count);
	gs_text_puts(&text, "");
	return text.failed ? NULL : gs_strf("%s: %s", base, text.data);
}

static void emit_value_names(struct gs_emit *e, const struct gs_schema_entity *type)
{
	const struct gs_schema_entity *values = find_meta(type, GS_SCHEMA_ENUM);
	gs_autojson struct gs_json *list = values ? gs_json_new_array() : NULL;

	for (size_t i = 0; values && i < values->value_count; i++)
		gs_json_append(list, gs_json_new_string(values->values[i].name));
	if (list)
		gs_emit_json(e, "values", NULL, list);
	else
		gs_emit_null(e, "values", NULL);
}

static void emit_type(struct gs_emit *e, const char *key, const char *label,
		      const struct gs_schema_entity *type)
{
	gs_autofree char *plain = gs_schema_type_text(type);
	gs_autofree char *text = type_text(type);

	gs_emit_string(e, key, NULL, plain ? plain : "?");
	gs_emit_string(e, NULL, label, text ? text : "?");
}

/* ---- tables ---- */

static void emit_member(struct gs_emit *e, const struct gs_schema_member *m, const char *with)
{
	gs_autofree char *note = schemas_note(&m->features, m->optional);

	gs_emit_row(e);
	gs_emit_string(e, "name", NULL, m->name);
	emit_type(e, "type", "TYPE", m->type);
	if (with)
		gs_emit_string(e, "with", NULL, with);
	else
		gs_emit_null(e, "with", NULL);
	gs_emit_string(e, NULL, "NOTE", note ? note : "?");
	gs_emit_bool(e, "optional", NULL, m->optional);
	emit_value_names(e, m->type);
	schemas_emit_features(e, &m->features);
}

/* @with: the values of tags that lead here, or NULL. */
static void emit_members(struct gs_emit *e, const struct gs_schema_entity *type, const char *with)
{
	for (size_t i = 0; i < type->member_count; i++)
		emit_member(e, &type->members[i], with);
	for (size_t i = 0; i < type->variant_count; i++) {
		const struct gs_schema_variant *v = &type->variants[i];
		gs_autofree char *deeper = gs_strf("%s%s%s=%s", with ? with : "", with ? "," : "",
						   type->tag->name, v->value);

		emit_members(e, v->type, deeper ? deeper : "?");
	}
}

static void emit_object(struct gs_emit *e, const char *key, const char *label,
			const struct gs_schema_entity *type)
{
	struct gs_emit_column shown[COLUMN_COUNT];

	memcpy(shown, columns, sizeof(columns));
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (!type->variant_count && shown[i].key && strcmp(shown[i].key, "with") == 0)
			shown[i].header = NULL;
	gs_emit_table(e, key, label, shown, COLUMN_COUNT);
	emit_members(e, type, NULL);
	gs_emit_end(e);
}

void schemas_emit_named(struct gs_emit *e, const char *name,
			const struct gs_schema_features *features)
{
	gs_autofree char *note = schemas_note(features, false);

	gs_emit_row(e);
	gs_emit_string(e, "name", NULL, name);
	gs_emit_string(e, NULL, "NOTE", note ? note : "?");
	schemas_emit_features(e, features);
}

static void emit_values(struct gs_emit *e, const struct gs_schema_entity *type)
{
	static const struct gs_emit_column value_columns[] = {
		{"name", "VALUE", false}, {NULL, "NOTE", false}, {"features", NULL, false}};

	gs_emit_table(e, "values", "Values", value_columns, 3);
	for (size_t i = 0; i < type->value_count; i++) {
		const struct gs_schema_value *v = &type->values[i];

		schemas_emit_named(e, v->name, &v->features);
	}
	gs_emit_end(e);
}

/* ---- places ---- */

static void emit_inside(struct gs_emit *e, const struct gs_schema_entity *type)
{
	const struct gs_schema_entity *values = find_meta(type, GS_SCHEMA_ENUM);
	const struct gs_schema_entity *object = find_meta(type, GS_SCHEMA_OBJECT);

	if (values)
		emit_values(e, values);
	if (object)
		emit_object(e, "members", "Members", object);
}

static void emit_nothing(struct gs_emit *e)
{
	gs_emit_string(e, "returns", NULL, "object");
	gs_emit_string(e, NULL, "Returns", "nothing (an empty object)");
}

static void emit_root(struct gs_emit *e, const struct gs_schema_entity *root)
{
	const struct gs_schema_entity *object;
	bool is_command = root->meta == GS_SCHEMA_COMMAND;

	gs_emit_string(e, "kind", "Kind", is_command ? "command" : "event");
	if (is_command)
		gs_emit_bool(e, "allow_oob", NULL, root->allow_oob);
	emit_object(e, "arguments", is_command ? "Arguments" : "Data", root->arg);
	if (!is_command)
		return;
	object = find_meta(root->ret, GS_SCHEMA_OBJECT);
	if (object == root->ret && !object->member_count)
		emit_nothing(e);
	else
		emit_type(e, "returns", "Returns", root->ret);
	if (object && object->member_count)
		emit_object(e, "return_members", "Returned members", object);
}

static void emit_note(struct gs_emit *e, const struct gs_schema_features *features, bool optional)
{
	gs_autofree char *note = schemas_note(features, optional);

	if (note && note[0])
		gs_emit_string(e, NULL, "Note", note);
	schemas_emit_features(e, features);
}

void schemas_emit_place(struct gs_emit *e, const char *path, const struct gs_schema_place *place)
{
	gs_emit_string(e, "path", "Path", path);
	if (place->value) {
		gs_emit_string(e, "kind", "Kind", "value");
		emit_note(e, &place->value->features, false);
		if (place->variant)
			emit_object(e, "members", "Members that come with it", place->variant);
	} else if (place->entity->meta == GS_SCHEMA_COMMAND ||
		   place->entity->meta == GS_SCHEMA_EVENT) {
		emit_note(e, &place->entity->features, false);
		emit_root(e, place->entity);
	} else {
		gs_emit_string(e, "kind", "Kind", place->member ? "member" : "type");
		emit_type(e, "type", "Type", place->entity);
		if (place->member) {
			gs_emit_bool(e, "optional", NULL, place->member->optional);
			emit_note(e, &place->member->features, place->member->optional);
		}
		emit_inside(e, place->entity);
	}
}
