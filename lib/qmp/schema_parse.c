/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From JSON to entities. First all of them get their names, then they are filled, so that
 * references lead anywhere. Then what could send a later walk into a circle is refused.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (64u << 10)

struct gs_schema_chunk {
	struct gs_schema_chunk *next;
	size_t size, used;
	max_align_t data[];
};

/* What is being filled. */
struct filling {
	struct gs_schema *schema;
	struct gs_schema_entity *entity;
	const struct gs_json *json;
};

/* ---- memory: many small arrays that live as long as the schema ---- */

static struct gs_schema_chunk *add_chunk(struct gs_schema *schema, size_t size)
{
	size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	struct gs_schema_chunk *chunk = calloc(1, sizeof(*chunk) + room);

	if (!chunk)
		return NULL;
	*chunk = (struct gs_schema_chunk){.next = schema->chunks, .size = room};
	schema->chunks = chunk;
	return chunk;
}

/* Zeroed; never NULL for a @count of 0 alone. */
static void *allot(struct gs_schema *schema, size_t count, size_t size)
{
	struct gs_schema_chunk *chunk = schema->chunks;
	size_t bytes;
	void *room;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!chunk || bytes > chunk->size - chunk->used)
		chunk = add_chunk(schema, bytes);
	if (!chunk)
		return NULL;
	room = (char *)chunk->data + chunk->used;
	chunk->used += bytes;
	return room;
}

void gs_schema_destroy(struct gs_schema *schema)
{
	if (!schema)
		return;
	while (schema->chunks) {
		struct gs_schema_chunk *chunk = schema->chunks;

		schema->chunks = chunk->next;
		free(chunk);
	}
	gs_json_destroy(schema->source);
	free(schema);
}

/* ---- names and references ---- */

static struct gs_error *corrupt(const char *what, const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT, "'%s': %s", what, problem);
}

/* Names go to terminals and into paths. */
static bool is_name(const char *text)
{
	size_t size = text ? strlen(text) : 0;

	if (!size || size > GS_SCHEMA_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("/+", text[i]))
			return false;
	return true;
}

static struct gs_error *get_name(const struct gs_json *value, const char *what, const char **ret)
{
	const char *name = gs_json_string(value);

	if (!is_name(name))
		return corrupt(what, name ? "not a name" : "not a string");
	*ret = name;
	return NULL;
}

static struct gs_error *get_list(const struct gs_json *object, const char *key, size_t *count_ret,
				 const struct gs_json **ret)
{
	const struct gs_json *list = gs_json_get(object, key);

	if (gs_json_type(list) != GS_JSON_ARRAY)
		return corrupt(key, "not a list");
	*count_ret = gs_json_count(list);
	*ret = list;
	return NULL;
}

static struct gs_error *get_type(const struct filling *f, const struct gs_json *object,
				 const char *key, const struct gs_schema_entity **ret)
{
	const char *name;
	struct gs_error *err = get_name(gs_json_get(object, key), key, &name);
	const struct gs_schema_entity *type;

	if (err)
		return err;
	type = gs_schema_index_find(&f->schema->types, name);
	if (!type)
		return gs_error_create(GS_ERROR_CORRUPT, "'%s': there is no type '%s'", key, name);
	*ret = type;
	return NULL;
}

/* "features" of @object, which it may lack. */
static struct gs_error *get_features(const struct filling *f, const struct gs_json *object,
				     struct gs_schema_features *ret)
{
	const struct gs_json *list = NULL;
	const char **names;
	size_t count = 0, i = 0;
	struct gs_error *err;

	if (!gs_json_get(object, "features"))
		return NULL;
	err = get_list(object, "features", &count, &list);
	if (err || !count)
		return err;
	names = allot(f->schema, count + 1, sizeof(*names));
	if (!names)
		return gs_error_nomem();
	gs_json_for_each (item, list) {
		err = get_name(item, "features", &names[i]);
		if (err)
			return err;
		ret->deprecated |= strcmp(names[i], "deprecated") == 0;
		ret->unstable |= strcmp(names[i], "unstable") == 0;
		i++;
	}
	ret->names = names;
	return NULL;
}

/* ---- filling, by what it is ---- */

static struct gs_error *fill_builtin(const struct filling *f)
{
	static const char *const names[] = {
		[GS_SCHEMA_JSON_STRING] = "string", [GS_SCHEMA_JSON_NUMBER] = "number",
		[GS_SCHEMA_JSON_INT] = "int",       [GS_SCHEMA_JSON_BOOLEAN] = "boolean",
		[GS_SCHEMA_JSON_NULL] = "null",     [GS_SCHEMA_JSON_OBJECT] = "object",
		[GS_SCHEMA_JSON_ARRAY] = "array",   [GS_SCHEMA_JSON_ANY] = "value",
	};
	const char *name;
	struct gs_error *err = get_name(gs_json_get(f->json, "json-type"), "json-type", &name);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			f->entity->json = (enum gs_schema_json)i;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_CORRUPT, "'json-type': unknown '%s'", name);
}

/* "members" since QEMU 6.2, beside plain "values", which older ones have alone. */
static struct gs_error *fill_enum(const struct filling *f)
{
	bool plain = !gs_json_get(f->json, "members");
	const struct gs_json *list = NULL;
	struct gs_schema_value *value;
	struct gs_error *err =
		get_list(f->json, plain ? "values" : "members", &f->entity->value_count, &list);

	if (err)
		return err;
	value = allot(f->schema, f->entity->value_count, sizeof(*value));
	f->entity->values = value;
	if (!value)
		return gs_error_nomem();
	gs_json_for_each (item, list) {
		err = get_name(plain ? item : gs_json_get(item, "name"), "values", &value->name);
		if (!err)
			err = get_features(f, item, &value->features);
		if (err)
			return err;
		value++;
	}
	return NULL;
}

static struct gs_error *fill_array(const struct filling *f)
{
	return get_type(f, f->json, "element-type", &f->entity->element);
}

static struct gs_error *fill_member(const struct filling *f, const struct gs_json *item,
				    struct gs_schema_member *ret)
{
	struct gs_error *err = NULL;

	if (f->entity->meta == GS_SCHEMA_OBJECT)
		err = get_name(gs_json_get(item, "name"), "name", &ret->name);
	if (!err)
		err = get_type(f, item, "type", &ret->type);
	if (!err)
		err = get_features(f, item, &ret->features);
	ret->optional = gs_json_get(item, "default");
	return err && ret->name ? gs_error_wrap(err, "member '%s'", ret->name) : err;
}

static struct gs_error *fill_members(const struct filling *f)
{
	const struct gs_json *list = NULL;
	struct gs_schema_member *member;
	struct gs_error *err = get_list(f->json, "members", &f->entity->member_count, &list);

	if (err)
		return err;
	member = allot(f->schema, f->entity->member_count, sizeof(*member));
	f->entity->members = member;
	if (!member)
		return gs_error_nomem();
	gs_json_for_each (item, list) {
		err = fill_member(f, item, member++);
		if (err)
			return err;
	}
	return NULL;
}

static struct gs_error *fill_variants(const struct filling *f)
{
	const struct gs_json *list = NULL;
	struct gs_schema_variant *variant;
	struct gs_error *err = get_list(f->json, "variants", &f->entity->variant_count, &list);

	if (err)
		return err;
	variant = allot(f->schema, f->entity->variant_count, sizeof(*variant));
	f->entity->variants = variant;
	if (!variant)
		return gs_error_nomem();
	gs_json_for_each (item, list) {
		err = get_name(gs_json_get(item, "case"), "case", &variant->value);
		if (!err)
			err = get_type(f, item, "type", &variant->type);
		if (!err && variant->type->meta != GS_SCHEMA_OBJECT)
			err = corrupt(variant->value, "a variant that is no object");
		if (err)
			return err;
		variant++;
	}
	return NULL;
}

static struct gs_error *fill_tag(const struct filling *f)
{
	const char *name;
	struct gs_error *err = get_name(gs_json_get(f->json, "tag"), "tag", &name);

	if (err)
		return err;
	for (size_t i = 0; i < f->entity->member_count; i++) {
		const struct gs_schema_member *member = &f->entity->members[i];

		if (strcmp(member->name, name) == 0 && member->type->meta == GS_SCHEMA_ENUM) {
			f->entity->tag = member;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_CORRUPT, "the tag '%s' is no member that is an enum", name);
}

static struct gs_error *fill_object(const struct filling *f)
{
	struct gs_error *err = fill_members(f);

	if (!err && gs_json_get(f->json, "variants"))
		err = fill_variants(f);
	if (!err && f->entity->variant_count)
		err = fill_tag(f);
	return err;
}

static struct gs_error *fill_alternate(const struct filling *f)
{
	struct gs_error *err = fill_members(f);

	if (!err && f->entity->member_count > GS_SCHEMA_OFFERS_MAX)
		err = corrupt("members", "more alternatives than JSON can tell apart");
	for (size_t i = 0; !err && i < f->entity->member_count; i++)
		if (f->entity->members[i].type->meta == GS_SCHEMA_ALTERNATE)
			err = corrupt("members", "an alternate within an alternate");
	return err;
}

static struct gs_error *fill_event(const struct filling *f)
{
	struct gs_error *err = get_type(f, f->json, "arg-type", &f->entity->arg);

	if (!err && f->entity->arg->meta != GS_SCHEMA_OBJECT)
		err = corrupt("arg-type", "not an object");
	return err;
}

static struct gs_error *fill_command(const struct filling *f)
{
	struct gs_error *err = fill_event(f);

	if (!err)
		err = get_type(f, f->json, "ret-type", &f->entity->ret);
	f->entity->allow_oob = gs_json_is_true(gs_json_get(f->json, "allow-oob"));
	return err;
}

static const struct {
	const char *name;
	struct gs_error *(*fill)(const struct filling *f);
} metas[] = {
	[GS_SCHEMA_BUILTIN] = {"builtin", fill_builtin},
	[GS_SCHEMA_ENUM] = {"enum", fill_enum},
	[GS_SCHEMA_ARRAY] = {"array", fill_array},
	[GS_SCHEMA_OBJECT] = {"object", fill_object},
	[GS_SCHEMA_ALTERNATE] = {"alternate", fill_alternate},
	[GS_SCHEMA_COMMAND] = {"command", fill_command},
	[GS_SCHEMA_EVENT] = {"event", fill_event},
};
#define META_COUNT (sizeof(metas) / sizeof(metas[0]))

const char *gs_schema_meta_name(enum gs_schema_meta meta)
{
	return metas[meta].name;
}

static struct gs_error *fill_all(struct gs_schema *schema, const struct gs_json *list)
{
	struct filling f = {.schema = schema, .entity = schema->entities};

	gs_json_for_each (item, list) {
		struct gs_error *err;

		f.json = item;
		err = get_features(&f, item, &f.entity->features);
		if (!err)
			err = metas[f.entity->meta].fill(&f);
		if (err)
			return gs_error_wrap(err, "%s '%s'", metas[f.entity->meta].name,
					     f.entity->name);
		f.entity++;
	}
	return NULL;
}

/* ---- naming ---- */

static struct gs_error *name_entity(const struct gs_json *item, struct gs_schema_entity *entity)
{
	const char *meta;
	struct gs_error *err = get_name(gs_json_get(item, "name"), "name", &entity->name);

	if (!err)
		err = get_name(gs_json_get(item, "meta-type"), "meta-type", &meta);
	if (err)
		return err;
	for (size_t i = 0; i < META_COUNT; i++) {
		if (strcmp(metas[i].name, meta) == 0) {
			entity->meta = (enum gs_schema_meta)i;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_CORRUPT, "'%s': unknown meta-type '%s'", entity->name,
			       meta);
}

static struct gs_error *name_all(struct gs_schema *schema, const struct gs_json *list)
{
	size_t i = 0;

	schema->entity_count = gs_json_count(list);
	schema->entities = allot(schema, schema->entity_count, sizeof(*schema->entities));
	if (!schema->entities)
		return gs_error_nomem();
	gs_json_for_each (item, list) {
		struct gs_error *err = name_entity(item, &schema->entities[i]);

		if (err)
			return gs_error_wrap(err, "entity %zu", i);
		i++;
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	const struct gs_schema_entity *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The entities from @first to @last, by meta. */
static struct gs_error *index_names(struct gs_schema *schema, enum gs_schema_meta first,
				    enum gs_schema_meta last, struct gs_schema_index *ret)
{
	ret->at = allot(schema, schema->entity_count, sizeof(struct gs_schema_entity *));
	if (!ret->at)
		return gs_error_nomem();
	for (size_t i = 0; i < schema->entity_count; i++) {
		struct gs_schema_entity *entity = &schema->entities[i];

		if (entity->meta >= first && entity->meta <= last)
			ret->at[ret->count++] = entity;
	}
	qsort(ret->at, ret->count, sizeof(struct gs_schema_entity *), compare_names);
	for (size_t i = 1; i < ret->count; i++)
		if (strcmp(ret->at[i - 1]->name, ret->at[i]->name) == 0)
			return corrupt(ret->at[i]->name, "comes twice");
	return NULL;
}

static struct gs_error *index_all(struct gs_schema *schema)
{
	struct gs_error *err =
		index_names(schema, GS_SCHEMA_BUILTIN, GS_SCHEMA_ALTERNATE, &schema->types);

	if (!err)
		err = index_names(schema, GS_SCHEMA_COMMAND, GS_SCHEMA_COMMAND, &schema->commands);
	if (!err)
		err = index_names(schema, GS_SCHEMA_EVENT, GS_SCHEMA_EVENT, &schema->events);
	return err;
}

/* ---- the whole ---- */

struct gs_error *gs_schema_take(struct gs_json *value, struct gs_schema **ret)
{
	gs_autojson struct gs_json *source = value;
	const struct gs_json *reply = gs_json_get(source, "return");
	const struct gs_json *list = reply ? reply : source;
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	struct gs_error *err;

	if (gs_json_type(list) != GS_JSON_ARRAY)
		return gs_error_create(GS_ERROR_CORRUPT, "schema: expected a list, found %s",
				       gs_json_type_name(gs_json_type(list)));
	schema = calloc(1, sizeof(*schema));
	if (!schema)
		return gs_error_nomem();
	schema->source = gs_take(source);
	err = name_all(schema, list);
	if (!err)
		err = index_all(schema);
	if (!err)
		err = fill_all(schema, list);
	if (!err)
		err = gs_schema_bound(schema);
	if (err)
		return gs_error_wrap(err, "schema");
	*ret = gs_take(schema);
	return NULL;
}

struct gs_error *gs_schema_parse(const struct gs_json *value, struct gs_schema **ret)
{
	struct gs_json *copy = gs_json_copy(value);

	return copy ? gs_schema_take(copy, ret) : gs_error_nomem();
}
