/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A schema: asked for, looked into, its types as text. */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define TEXT_DEPTH_MAX 8 /* arrays of arrays; legal ones have one or two */
#define TEXT_SIZE_MAX 256

struct gs_error *gs_schema_query(struct gs_qmp *qmp, struct gs_schema **ret)
{
	struct gs_json *answer = NULL;
	struct gs_error *err = gs_qmp_execute(qmp, "query-qmp-schema", NULL, 0, &answer);

	if (err)
		return err;
	err = gs_schema_take(answer, ret);
	return err ? gs_error_wrap(err, "%s", gs_qmp_name(qmp)) : NULL;
}

const struct gs_json *gs_schema_source(const struct gs_schema *schema)
{
	const struct gs_json *reply = gs_json_get(schema->source, "return");

	return reply ? reply : schema->source;
}

/* ---- looking up ---- */

static int compare_key(const void *key, const void *element)
{
	const struct gs_schema_entity *const *entity = element;

	return strcmp(key, (*entity)->name);
}

const struct gs_schema_entity *gs_schema_index_find(const struct gs_schema_index *index,
						    const char *name)
{
	struct gs_schema_entity **found =
		bsearch(name, index->at, index->count, sizeof(*found), compare_key);

	return found ? *found : NULL;
}

static const struct gs_schema_index *index_of(const struct gs_schema *schema,
					      enum gs_schema_meta meta)
{
	switch (meta) {
	case GS_SCHEMA_COMMAND:
		return &schema->commands;
	case GS_SCHEMA_EVENT:
		return &schema->events;
	default:
		return &schema->types;
	}
}

const struct gs_schema_entity *gs_schema_at(const struct gs_schema *schema,
					    enum gs_schema_meta meta, size_t i)
{
	const struct gs_schema_index *index = index_of(schema, meta);

	return i < index->count ? index->at[i] : NULL;
}

const struct gs_schema_entity *gs_schema_find(const struct gs_schema *schema,
					      enum gs_schema_meta meta, const char *name)
{
	return gs_schema_index_find(index_of(schema, meta), name);
}

const struct gs_schema_entity *gs_schema_variant(const struct gs_schema_entity *type,
						 const char *value)
{
	for (size_t i = 0; i < type->variant_count; i++)
		if (strcmp(type->variants[i].value, value) == 0)
			return type->variants[i].type;
	return NULL;
}

const struct gs_schema_member *gs_schema_member(const struct gs_schema_entity *type,
						const char *name, const char *value)
{
	const struct gs_schema_member *found = NULL;

	if (type->meta != GS_SCHEMA_OBJECT)
		return NULL;
	for (size_t i = 0; i < type->member_count; i++)
		if (strcmp(type->members[i].name, name) == 0)
			return &type->members[i];
	for (size_t i = 0; !found && i < type->variant_count; i++)
		if (!value || strcmp(type->variants[i].value, value) == 0)
			found = gs_schema_member(type->variants[i].type, name, NULL);
	return found;
}

/* ---- what there is not ---- */

void gs_schema_near_add(struct gs_schema_near *near, const char *name)
{
	if (near->count + 1 >= near->capacity) {
		size_t capacity = near->capacity ? 2 * near->capacity : 64;
		const char **at = reallocarray(near->at, capacity, sizeof(*at));

		if (!at)
			return;
		near->at = at;
		near->capacity = capacity;
	}
	near->at[near->count++] = name;
	near->at[near->count] = NULL;
}

void gs_schema_near_deinit(struct gs_schema_near *near)
{
	free(near->at);
	*near = (struct gs_schema_near){0};
}

struct gs_error *gs_schema_no_such(enum gs_error_code code, const char *what, const char *word,
				   struct gs_schema_near *near)
{
	const char *nearest = near->at ? gs_did_you_mean(word, near->at) : NULL;
	gs_autotext struct gs_text printable = {0};
	struct gs_error *err;

	gs_text_puts_printable(&printable, word);
	err = gs_error_create(code, "no %s '%s'%s%s%s", what, printable.data ? printable.data : "",
			      nearest ? "; did you mean '" : "", nearest ? nearest : "",
			      nearest ? "'?" : "");
	gs_schema_near_deinit(near);
	return err;
}

/* ---- types as text ---- */

static const char *builtin_text(enum gs_schema_json json)
{
	static const char *const words[] = {
		[GS_SCHEMA_JSON_STRING] = "string", [GS_SCHEMA_JSON_NUMBER] = "number",
		[GS_SCHEMA_JSON_INT] = "int",       [GS_SCHEMA_JSON_BOOLEAN] = "boolean",
		[GS_SCHEMA_JSON_NULL] = "null",     [GS_SCHEMA_JSON_OBJECT] = "object",
		[GS_SCHEMA_JSON_ARRAY] = "array",   [GS_SCHEMA_JSON_ANY] = "any",
	};

	return words[json];
}

static void put_type(struct gs_text *text, const struct gs_schema_entity *type, int depth)
{
	if (depth > TEXT_DEPTH_MAX || text->size > TEXT_SIZE_MAX) {
		gs_text_puts(text, "...");
		return;
	}
	switch (type->meta) {
	case GS_SCHEMA_BUILTIN:
		gs_text_puts(text, builtin_text(type->json));
		break;
	case GS_SCHEMA_ARRAY:
		gs_text_puts(text, "[");
		put_type(text, type->element, depth + 1);
		gs_text_puts(text, "]");
		break;
	case GS_SCHEMA_ALTERNATE:
		for (size_t i = 0; i < type->member_count && text->size < TEXT_SIZE_MAX; i++) {
			gs_text_puts(text, i ? "|" : "");
			put_type(text, type->members[i].type, depth + 1);
		}
		break;
	default:
		gs_text_puts(text, gs_schema_meta_name(type->meta));
		break;
	}
}

char *gs_schema_type_text(const struct gs_schema_entity *type)
{
	gs_autotext struct gs_text text = {0};
	char *string = NULL;

	put_type(&text, type, 0);
	gs_error_destroy(gs_text_finish(&text, &string));
	return string;
}
