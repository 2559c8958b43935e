/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema: what commands and events a QEMU has, and what is in them. */
#include <stdio.h>

#include <guestscope/base/text.h>

#include "schemas.h"

static struct gs_error *load(const struct gs_args *args, struct gs_schema **ret)
{
	return schemas_load(args, gs_args_get(args, "from"), ret);
}

/* ---- lists ---- */

static const struct gs_emit_column list_columns[] = {
	{"name", "NAME", false}, {NULL, "NOTE", false}, {"features", NULL, false}};

static void emit_list(struct gs_emit *e, const struct gs_schema *schema, const char *key,
		      const char *label, enum gs_schema_meta meta)
{
	const struct gs_schema_entity *entity;

	gs_emit_table(e, key, label, list_columns, 3);
	for (size_t i = 0; (entity = gs_schema_at(schema, meta, i)); i++)
		schemas_emit_named(e, entity->name, &entity->features);
	gs_emit_end(e);
}

static int show_all(struct gs_args *args, const struct gs_schema *schema)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	emit_list(e, schema, "commands", "Commands", GS_SCHEMA_COMMAND);
	emit_list(e, schema, "events", "Events", GS_SCHEMA_EVENT);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

/* ---- search ---- */

struct hits {
	struct gs_emit *e;
	size_t count;
};

static const struct gs_schema_features *features_of(const struct gs_schema_place *place)
{
	if (place->value)
		return &place->value->features;
	return place->member ? &place->member->features : &place->entity->features;
}

static struct gs_error *emit_hit(void *arg, const char *path, const struct gs_schema_place *place)
{
	bool optional = place->member && place->member->optional;
	gs_autofree char *note = schemas_note(features_of(place), optional);
	gs_autofree char *type = gs_schema_type_text(place->entity);
	struct hits *hits = arg;

	if (!note || !type)
		return gs_error_nomem();
	hits->count++;
	gs_emit_row(hits->e);
	gs_emit_string(hits->e, "path", NULL, path);
	gs_emit_string(hits->e, "type", NULL, place->value ? "value" : type);
	gs_emit_string(hits->e, NULL, "NOTE", note);
	gs_emit_bool(hits->e, "optional", NULL, optional);
	schemas_emit_features(hits->e, features_of(place));
	return NULL;
}

static int search(struct gs_args *args, const struct gs_schema *schema, const char *word)
{
	static const struct gs_emit_column columns[] = {{"path", "PATH", false},
							{"type", "TYPE", false},
							{NULL, "NOTE", false},
							{"optional", NULL, false},
							{"features", NULL, false}};
	struct hits hits = {.e = gs_args_emit(args, false)};
	struct gs_error *err;

	gs_emit_begin(hits.e, NULL, NULL);
	gs_emit_table(hits.e, "matches", "", columns, 5);
	err = gs_schema_search(schema, word, emit_hit, &hits);
	gs_emit_end(hits.e);
	gs_emit_end(hits.e);
	if (err) {
		gs_emit_destroy(hits.e);
		return gs_args_fail(args, err);
	}
	return gs_args_finish(args, hits.e, hits.count ? GS_EXIT_OK : GS_EXIT_FAILED);
}

/* ---- one ---- */

static int show(struct gs_args *args, const struct gs_schema *schema, const char *path)
{
	struct gs_schema_place place;
	struct gs_error *err = gs_schema_resolve(schema, path, &place);
	struct gs_emit *e;

	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	schemas_emit_place(e, path, &place);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

static int show_source(struct gs_args *args, const struct gs_schema *schema)
{
	gs_autofree char *json = gs_json_print(gs_schema_source(schema), GS_JSON_COMPACT);
	gs_autofree char *line = json ? gs_strf("%s\n", json) : NULL;

	return line ? gs_args_print(args, line) : gs_args_fail(args, gs_error_nomem());
}

int cmd_schema(struct gs_args *args)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	const char *word = gs_args_get(args, "search"), *path = gs_args_at(args, 0);
	struct gs_error *err = NULL;

	if (!!word + !!path + gs_args_has(args, "raw") > 1)
		err = gs_error_create(GS_ERROR_INVALID,
				      "PATH, --search and --raw are different things to ask for");
	if (!err)
		err = load(args, &schema);
	if (err)
		return gs_args_fail(args, err);
	if (gs_args_has(args, "raw"))
		return show_source(args, schema);
	if (word)
		return search(args, schema, word);
	return path ? show(args, schema, path) : show_all(args, schema);
}

/* ---- schema has ---- */

int cmd_schema_has(struct gs_args *args)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	struct gs_error *err = load(args, &schema);
	struct gs_schema_place place;
	int status = GS_EXIT_OK;

	for (size_t i = 0; !err && i < gs_args_count(args); i++) {
		struct gs_error *missing = gs_schema_resolve(schema, gs_args_at(args, i), &place);

		if (!missing)
			continue;
		if (missing->code != GS_ERROR_NODATA) {
			err = missing;
			break;
		}
		gs_args_note(args, "%s", missing->message);
		gs_error_destroy(missing);
		status = GS_EXIT_FAILED;
	}
	return err ? gs_args_fail(args, err) : status;
}
