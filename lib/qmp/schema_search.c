/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in a schema: of commands and events, and of what is in them. Within each, types are gone
 * through breadth first and once, so circles end and paths are short.
 */
#include "schema.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define WORK_MAX (1u << 28) /* names looked at; QEMU has about 100,000 */
#define DEPTH_MAX 64

/* A type, and how it was reached. */
struct stop {
	const struct gs_schema_entity *type;
	size_t parent;     /* of the first one, itself */
	const char *name;  /* the step from there; NULL: the same path */
	const char *value; /* a second one; NULL: none */
	unsigned int depth;
};

struct search {
	const struct gs_schema *schema;
	const char *word;
	bool is_glob;
	gs_schema_found_fn report;
	void *arg;
	struct stop *stops; /* as many as there are entities */
	size_t stop_count;
	uint64_t *turns; /* of each entity: the last one that it was in */
	uint64_t turn;
	uint64_t work;
};

static bool matches(const struct search *s, const char *name)
{
	return s->is_glob ? fnmatch(s->word, name, FNM_CASEFOLD) == 0
			  : strcasestr(name, s->word) != NULL;
}

/* ---- paths ---- */

static void put_path(const struct search *s, size_t at, struct gs_text *path)
{
	const struct stop *stop = &s->stops[at];

	if (stop->parent != at)
		put_path(s, stop->parent, path);
	if (stop->name)
		gs_text_printf(path, "%s%s", path->size ? "/" : "", stop->name);
	if (stop->value)
		gs_text_printf(path, "/%s", stop->value);
}

static struct gs_error *found(const struct search *s, size_t at, const char *name,
			      const struct gs_schema_place *place)
{
	gs_autotext struct gs_text path = {0};

	put_path(s, at, &path);
	gs_text_printf(&path, "/%s", name);
	return path.failed ? gs_error_nomem() : s->report(s->arg, path.data, place);
}

/* ---- types ---- */

static bool push(struct search *s, const struct stop *stop)
{
	uint64_t *turn = &s->turns[stop->type - s->schema->entities];

	if (*turn == s->turn || stop->depth > DEPTH_MAX)
		return false;
	*turn = s->turn;
	s->stops[s->stop_count++] = *stop;
	return true;
}

/* What @stop is a list of, or an alternate between, is at the same path. */
static void push_all(struct search *s, const struct stop *stop)
{
	const struct gs_schema_entity *type = stop->type;
	struct stop inner = {.parent = s->stop_count, .depth = stop->depth + 1};

	if (!push(s, stop))
		return;
	if (type->meta == GS_SCHEMA_ARRAY) {
		inner.type = type->element;
		push_all(s, &inner);
	}
	for (size_t i = 0; type->meta == GS_SCHEMA_ALTERNATE && i < type->member_count; i++) {
		inner.type = type->members[i].type;
		push_all(s, &inner);
	}
}

static struct gs_error *look_at_values(struct search *s, size_t at)
{
	const struct gs_schema_entity *type = s->stops[at].type;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < type->value_count; i++) {
		const struct gs_schema_place place = {.entity = type, .value = &type->values[i]};

		if (matches(s, place.value->name))
			err = found(s, at, place.value->name, &place);
	}
	return err;
}

static struct gs_error *look_at_members(struct search *s, size_t at)
{
	const struct gs_schema_entity *type = s->stops[at].type;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < type->member_count; i++) {
		const struct gs_schema_member *m = &type->members[i];
		const struct gs_schema_place place = {.entity = m->type, .member = m};

		if (matches(s, m->name))
			err = found(s, at, m->name, &place);
		push_all(s, &(const struct stop){.type = m->type,
						 .parent = at,
						 .name = m->name,
						 .depth = s->stops[at].depth + 1});
	}
	for (size_t i = 0; !err && i < type->variant_count; i++)
		push_all(s, &(const struct stop){.type = type->variants[i].type,
						 .parent = at,
						 .name = type->tag->name,
						 .value = type->variants[i].value,
						 .depth = s->stops[at].depth + 1});
	return err;
}

static struct gs_error *look_at(struct search *s, size_t at)
{
	const struct gs_schema_entity *type = s->stops[at].type;

	s->work += 1 + type->value_count + type->member_count + type->variant_count;
	if (s->work > WORK_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "the schema is too large to search");
	if (type->meta == GS_SCHEMA_ENUM)
		return look_at_values(s, at);
	return type->meta == GS_SCHEMA_OBJECT ? look_at_members(s, at) : NULL;
}

/* ---- commands and events ---- */

/* From @type inwards; @part is "arg" or "ret". */
static struct gs_error *search_part(struct search *s, const char *root, const char *part,
				    const struct gs_schema_entity *type)
{
	struct gs_error *err = NULL;

	s->turn++;
	s->stop_count = 0;
	push_all(s, &(const struct stop){.type = type, .name = root, .value = part});
	for (size_t at = 0; !err && at < s->stop_count; at++)
		err = look_at(s, at);
	return err;
}

static struct gs_error *search_root(struct search *s, const struct gs_schema_entity *root)
{
	const struct gs_schema_place place = {.entity = root};
	struct gs_error *err =
		matches(s, root->name) ? s->report(s->arg, root->name, &place) : NULL;

	if (!err)
		err = search_part(s, root->name, "arg", root->arg);
	if (!err && root->ret)
		err = search_part(s, root->name, "ret", root->ret);
	return err;
}

struct gs_error *gs_schema_search(const struct gs_schema *schema, const char *word,
				  gs_schema_found_fn report, void *arg)
{
	gs_autofree struct stop *stops = calloc(schema->entity_count + 1, sizeof(*stops));
	gs_autofree uint64_t *turns = calloc(schema->entity_count + 1, sizeof(*turns));
	struct search s = {
		.schema = schema,
		.word = word,
		.is_glob = strpbrk(word, "*?["),
		.report = report,
		.arg = arg,
		.stops = stops,
		.turns = turns,
	};
	struct gs_error *err = stops && turns ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < schema->commands.count; i++)
		err = search_root(&s, schema->commands.at[i]);
	for (size_t i = 0; !err && i < schema->events.count; i++)
		err = search_root(&s, schema->events.at[i]);
	return err;
}
