/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a peer would understand a call: what it would refuse before doing anything, said with
 * better words. A step into members or elements is a step into the call, so circles end with it.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

struct checking {
	const char *command;
	struct gs_text path;   /* of the value in question: "file.driver", "actions[2]" */
	struct gs_json *notes; /* or NULL */
	bool is_open;          /* the command takes arguments that its schema does not tell */
	bool failed;           /* out of memory */
};

static struct gs_error *check_value(struct checking *c, const struct gs_schema_entity *type,
				    const struct gs_json *value);

/* ---- what is said, and of what ---- */

/* Takes @err: what is wrong, to which the place is added. */
static struct gs_error *at_path(const struct checking *c, struct gs_error *err)
{
	if (c->path.size)
		err = gs_error_wrap(err, "'%s'", c->path.data);
	return gs_error_wrap(err, "%s", c->command);
}

/* @value: the one of the path's that it is about, or NULL. */
static void note(struct checking *c, const struct gs_schema_features *features, const char *value)
{
	const char *how = features->deprecated
				  ? features->unstable ? "deprecated and unstable" : "deprecated"
				  : "unstable";
	gs_autotext struct gs_text text = {0};

	if (!c->notes || (!features->deprecated && !features->unstable))
		return;
	gs_text_puts(&text, c->command);
	if (c->path.size)
		gs_text_printf(&text, ": '%s'", c->path.data);
	if (value)
		gs_text_printf(&text, ": '%s'", value);
	gs_text_printf(&text, " is %s", how);
	c->failed |= text.failed || !gs_json_append(c->notes, gs_json_new_string(text.data));
}

/* The path goes a step further; gs_text_size before it leads back. */
static size_t enter(struct checking *c, const char *name)
{
	size_t before = c->path.size;

	gs_text_printf(&c->path, "%s%s", before ? "." : "", name);
	return before;
}

static void leave(struct checking *c, size_t before)
{
	if (c->path.failed)
		return;
	c->path.size = before;
	c->path.data[before] = '\0';
}

/* ---- builtin types, enums, lists, alternates ---- */

static bool fits(enum gs_schema_json json, const struct gs_json *value)
{
	enum gs_json_type type = gs_json_type(value);
	uint64_t u;
	int64_t i;

	switch (json) {
	case GS_SCHEMA_JSON_STRING:
		return type == GS_JSON_STRING;
	case GS_SCHEMA_JSON_NUMBER:
		return type == GS_JSON_NUMBER;
	case GS_SCHEMA_JSON_INT:
		return gs_json_i64(value, &i) || gs_json_u64(value, &u);
	case GS_SCHEMA_JSON_BOOLEAN:
		return type == GS_JSON_BOOL;
	case GS_SCHEMA_JSON_NULL:
		return type == GS_JSON_NULL;
	case GS_SCHEMA_JSON_OBJECT:
		return type == GS_JSON_OBJECT;
	case GS_SCHEMA_JSON_ARRAY:
		return type == GS_JSON_ARRAY;
	default:
		return true;
	}
}

/* Whether @value is of the kind of JSON that @type takes: alternates are told apart by that. */
static bool is_kind(const struct gs_schema_entity *type, const struct gs_json *value)
{
	switch (type->meta) {
	case GS_SCHEMA_BUILTIN:
		return fits(type->json, value);
	case GS_SCHEMA_ENUM:
		return gs_json_type(value) == GS_JSON_STRING;
	case GS_SCHEMA_ARRAY:
		return gs_json_type(value) == GS_JSON_ARRAY;
	default:
		return gs_json_type(value) == GS_JSON_OBJECT;
	}
}

static struct gs_error *wrong_type(const struct checking *c, const struct gs_schema_entity *type,
				   const struct gs_json *value)
{
	gs_autofree char *wanted = gs_schema_type_text(type);
	const char *number = gs_json_number_text(value);

	if (!wanted)
		return gs_error_nomem();
	return at_path(c,
		       gs_error_create(GS_ERROR_INVALID, "wants %s, not %s",
				       type->meta == GS_SCHEMA_ENUM ? "string" : wanted,
				       number ? number : gs_json_type_name(gs_json_type(value))));
}

static struct gs_error *check_enum(struct checking *c, const struct gs_schema_entity *type,
				   const struct gs_json *value)
{
	const char *word = gs_json_string(value);
	struct gs_schema_near near = {0};

	for (size_t i = 0; i < type->value_count; i++) {
		if (strcmp(type->values[i].name, word) == 0) {
			note(c, &type->values[i].features, word);
			return NULL;
		}
	}
	for (size_t i = 0; i < type->value_count; i++)
		gs_schema_near_add(&near, type->values[i].name);
	return at_path(c, gs_schema_no_such(GS_ERROR_INVALID, "value", word, &near));
}

static struct gs_error *check_array(struct checking *c, const struct gs_schema_entity *type,
				    const struct gs_json *value)
{
	struct gs_error *err = NULL;
	size_t i = 0;

	gs_json_for_each (item, value) {
		size_t before = c->path.size;

		gs_text_printf(&c->path, "[%zu]", i++);
		err = check_value(c, type->element, item);
		leave(c, before);
		if (err)
			break;
	}
	return err;
}

static struct gs_error *check_alternate(struct checking *c, const struct gs_schema_entity *type,
					const struct gs_json *value)
{
	for (size_t i = 0; i < type->member_count; i++)
		if (is_kind(type->members[i].type, value))
			return check_value(c, type->members[i].type, value);
	return wrong_type(c, type, value);
}

/* ---- objects ---- */

/*
 * The variant that @object chooses, which may have variants by itself: walking from the object's
 * type to NULL meets all the members that there may be.
 */
static const struct gs_schema_entity *next_part(const struct gs_schema_entity *type,
						const struct gs_json *object)
{
	const char *value = type->tag ? gs_json_string(gs_json_get(object, type->tag->name)) : NULL;

	return value ? gs_schema_variant(type, value) : NULL;
}

static const struct gs_schema_member *find_member(const struct gs_schema_entity *type,
						  const struct gs_json *object, const char *name)
{
	for (; type; type = next_part(type, object))
		for (size_t i = 0; i < type->member_count; i++)
			if (strcmp(type->members[i].name, name) == 0)
				return &type->members[i];
	return NULL;
}

/* The last part's tag: what @object says, or does not say, there decides what else it may hold. */
static const struct gs_schema_member *last_tag(const struct gs_schema_entity *type,
					       const struct gs_json *object)
{
	const struct gs_schema_member *tag = NULL;

	for (; type; type = next_part(type, object))
		if (type->tag)
			tag = type->tag;
	return tag;
}

/* The command's own members are called by another name. */
static const char *member_word(const struct checking *c)
{
	return c->path.size ? "member" : "argument";
}

static struct gs_error *missing(const struct checking *c, const char *name)
{
	return at_path(
		c, gs_error_create(GS_ERROR_INVALID, "%s '%s' is missing", member_word(c), name));
}

/* A @name that belongs to some variant, but not to the one that was chosen, if one was. */
static struct gs_error *misplaced(const struct checking *c, const char *name,
				  const struct gs_schema_member *tag, const struct gs_json *object)
{
	const char *value = gs_json_string(gs_json_get(object, tag->name));

	if (!value)
		return missing(c, tag->name);
	return at_path(c, gs_error_create(GS_ERROR_INVALID, "%s '%s' does not go with %s '%s'",
					  member_word(c), name, tag->name, value));
}

static struct gs_error *unknown_member(const struct checking *c,
				       const struct gs_schema_entity *type,
				       const struct gs_json *object, const char *name)
{
	const struct gs_schema_member *tag = last_tag(type, object);
	struct gs_schema_near near = {0};

	if (tag && gs_schema_member(type, name, NULL))
		return misplaced(c, name, tag, object);
	for (; type; type = next_part(type, object))
		for (size_t i = 0; i < type->member_count; i++)
			gs_schema_near_add(&near, type->members[i].name);
	return at_path(c, gs_schema_no_such(GS_ERROR_INVALID, member_word(c), name, &near));
}

/* Tags first: without them, nothing can be said about the others. */
static struct gs_error *check_tags(struct checking *c, const struct gs_schema_entity *type,
				   const struct gs_json *object)
{
	struct gs_error *err = NULL;

	for (; type && !err; type = next_part(type, object)) {
		const struct gs_json *value =
			type->tag ? gs_json_get(object, type->tag->name) : NULL;
		size_t before;

		if (!value)
			continue;
		before = enter(c, type->tag->name);
		err = check_value(c, type->tag->type, value);
		leave(c, before);
	}
	return err;
}

static struct gs_error *check_names(const struct checking *c, const struct gs_schema_entity *type,
				    const struct gs_json *object)
{
	gs_json_for_each (item, object)
		if (!find_member(type, object, gs_json_key(item)) && !(c->is_open && !c->path.size))
			return unknown_member(c, type, object, gs_json_key(item));
	for (const struct gs_schema_entity *t = type; t; t = next_part(t, object))
		for (size_t i = 0; i < t->member_count; i++)
			if (!t->members[i].optional && !gs_json_get(object, t->members[i].name))
				return missing(c, t->members[i].name);
	return NULL;
}

static struct gs_error *check_members(struct checking *c, const struct gs_schema_entity *type,
				      const struct gs_json *object)
{
	struct gs_error *err = NULL;

	gs_json_for_each (item, object) {
		const struct gs_schema_member *member =
			find_member(type, object, gs_json_key(item));
		size_t before;

		if (!member)
			continue;
		before = enter(c, member->name);
		note(c, &member->features, NULL);
		err = check_value(c, member->type, item);
		leave(c, before);
		if (err)
			break;
	}
	return err;
}

static struct gs_error *check_object(struct checking *c, const struct gs_schema_entity *type,
				     const struct gs_json *object)
{
	struct gs_json *notes = c->notes;
	struct gs_error *err;

	c->notes = NULL; /* tags are members, too: what is to be said is said once */
	err = check_tags(c, type, object);
	c->notes = notes;
	if (!err)
		err = check_names(c, type, object);
	return err ? err : check_members(c, type, object);
}

/* ---- the whole ---- */

static struct gs_error *check_value(struct checking *c, const struct gs_schema_entity *type,
				    const struct gs_json *value)
{
	if (type->meta == GS_SCHEMA_ALTERNATE)
		return check_alternate(c, type, value);
	if (!is_kind(type, value))
		return wrong_type(c, type, value);
	switch (type->meta) {
	case GS_SCHEMA_ENUM:
		return check_enum(c, type, value);
	case GS_SCHEMA_ARRAY:
		return check_array(c, type, value);
	case GS_SCHEMA_OBJECT:
		return check_object(c, type, value);
	default:
		return NULL;
	}
}

static struct gs_error *unknown_command(const struct gs_schema *schema, const char *name)
{
	struct gs_schema_near near = {0};

	for (size_t i = 0; i < schema->commands.count; i++)
		gs_schema_near_add(&near, schema->commands.at[i]->name);
	return gs_schema_no_such(GS_ERROR_INVALID, "command", name, &near);
}

/*
 * Commands that hand what they do not know to something else, a device's properties say. The schema
 * does not tell them apart; in later versions object-add and netdev_add have variants instead.
 */
static bool is_open(const struct gs_schema_entity *command)
{
	static const char *const names[] = {"device_add", "netdev_add", "object-add"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command->name, names[i]) == 0)
			return !command->arg->variant_count;
	return false;
}

static struct gs_error *check_call(struct checking *c, const struct gs_schema_entity *command,
				   const struct gs_json *arguments)
{
	gs_autojson struct gs_json *none = arguments ? NULL : gs_json_new_object();
	struct gs_error *err;

	if (!arguments && !none)
		return gs_error_nomem();
	c->is_open = is_open(command);
	note(c, &command->features, NULL);
	err = check_value(c, command->arg, arguments ? arguments : none);
	return !err && (c->failed || c->path.failed) ? gs_error_nomem() : err;
}

struct gs_error *gs_schema_check(const struct gs_schema *schema, const char *command,
				 const struct gs_json *arguments, struct gs_json **notes_ret)
{
	const struct gs_schema_entity *entity = gs_schema_find(schema, GS_SCHEMA_COMMAND, command);
	gs_autojson struct gs_json *notes = notes_ret ? gs_json_new_array() : NULL;
	struct checking c = {.command = command, .notes = notes};
	struct gs_error *err;

	if (notes_ret && !notes)
		return gs_error_nomem();
	if (!entity)
		return unknown_command(schema, command);
	err = check_call(&c, entity, arguments);
	gs_text_deinit(&c.path);
	if (!err && notes_ret)
		*notes_ret = gs_take(notes);
	return err;
}
