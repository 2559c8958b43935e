/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths into a schema. Each step ends at a member or at a value of an enum. */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define ARRAYS_MAX 64    /* within each other */
#define ALTERNATES_MAX 3 /* the same, by way of arrays */

struct walk {
	const struct gs_schema *schema;
	struct gs_schema_place place;
	const struct gs_schema_entity
		*tagged;     /* the object whose tag the last member is, or NULL */
	const char *several; /* the tag by which one of several members was chosen, or NULL */
	bool is_inside;      /* behind the command's or event's name */
};

/* ---- what a step may lead to ---- */

static const struct gs_schema_entity *strip_arrays(const struct gs_schema_entity *type)
{
	for (int i = 0; type->meta == GS_SCHEMA_ARRAY && i < ARRAYS_MAX; i++)
		type = type->element;
	return type;
}

/*
 * The member @name of @type, of its variants, or of one that it offers as an alternate; *owner_ret
 * is the object that it stands in.
 */
static const struct gs_schema_member *find_member(const struct gs_schema_entity *type,
						  const char *name, int alternates,
						  const struct gs_schema_entity **owner_ret)
{
	const struct gs_schema_member *found = NULL;
	bool is_alternate;

	type = strip_arrays(type);
	is_alternate = type->meta == GS_SCHEMA_ALTERNATE;
	if (alternates + is_alternate > ALTERNATES_MAX)
		return NULL;
	for (size_t i = 0; !found && i < type->member_count; i++) {
		if (is_alternate) {
			found = find_member(type->members[i].type, name, alternates + 1, owner_ret);
		} else if (strcmp(type->members[i].name, name) == 0) {
			*owner_ret = type;
			found = &type->members[i];
		}
	}
	for (size_t i = 0; !found && i < type->variant_count; i++)
		found = find_member(type->variants[i].type, name, alternates, owner_ret);
	return found;
}

static const struct gs_schema_value *find_value(const struct gs_schema_entity *type,
						const char *name, int alternates)
{
	const struct gs_schema_value *found = NULL;

	type = strip_arrays(type);
	for (size_t i = 0; i < type->value_count; i++)
		if (strcmp(type->values[i].name, name) == 0)
			return &type->values[i];
	if (type->meta != GS_SCHEMA_ALTERNATE || alternates == ALTERNATES_MAX)
		return NULL;
	for (size_t i = 0; !found && i < type->member_count; i++)
		found = find_value(type->members[i].type, name, alternates + 1);
	return found;
}

/* Whether variants of @type have members @name of other types than that of @found. */
static bool has_others(const struct gs_schema_entity *type, const struct gs_schema_member *found)
{
	for (size_t i = 0; i < type->variant_count; i++) {
		const struct gs_schema_member *other =
			gs_schema_member(type->variants[i].type, found->name, NULL);

		if (other && other->type != found->type)
			return true;
	}
	return false;
}

/* The type that the next step looks into; NULL: there is nothing behind this value. */
static const struct gs_schema_entity *next_type(const struct walk *w)
{
	return w->place.value ? w->place.variant : w->place.entity;
}

/* ---- names that come near ---- */

static void add_names(struct gs_schema_near *names, const struct gs_schema_entity *type,
		      int alternates)
{
	bool is_alternate;

	type = strip_arrays(type);
	is_alternate = type->meta == GS_SCHEMA_ALTERNATE;
	for (size_t i = 0; i < type->value_count; i++)
		gs_schema_near_add(names, type->values[i].name);
	for (size_t i = 0; i < type->member_count; i++) {
		if (!is_alternate)
			gs_schema_near_add(names, type->members[i].name);
		else if (alternates < ALTERNATES_MAX)
			add_names(names, type->members[i].type, alternates + 1);
	}
	for (size_t i = 0; i < type->variant_count; i++)
		add_names(names, type->variants[i].type, alternates);
}

static struct gs_error *no_such_root(const struct gs_schema *schema, const char *name)
{
	struct gs_schema_near names = {0};

	for (size_t i = 0; i < schema->commands.count; i++)
		gs_schema_near_add(&names, schema->commands.at[i]->name);
	for (size_t i = 0; i < schema->events.count; i++)
		gs_schema_near_add(&names, schema->events.at[i]->name);
	return gs_schema_no_such(GS_ERROR_NODATA, "command or event", name, &names);
}

static struct gs_error *no_such_step(const struct walk *w, const char *name)
{
	const struct gs_schema_entity *type = next_type(w);
	bool is_enum = type && strip_arrays(type)->meta == GS_SCHEMA_ENUM;
	struct gs_schema_near names = {0};

	struct gs_error *err, *full;

	if (type)
		add_names(&names, type, 0);
	err = gs_schema_no_such(GS_ERROR_NODATA, is_enum ? "value" : "member", name, &names);
	if (!w->several)
		return err;
	full = gs_error_create(GS_ERROR_NODATA, "%s; there are several: choose by %s/VALUE/%s",
			       err->message, w->several, w->place.member->name);
	gs_error_destroy(err);
	return full;
}

/* ---- steps ---- */

static struct gs_error *step_root(struct walk *w, const char *name)
{
	w->place.entity = gs_schema_find(w->schema, GS_SCHEMA_COMMAND, name);
	if (!w->place.entity)
		w->place.entity = gs_schema_find(w->schema, GS_SCHEMA_EVENT, name);
	return w->place.entity ? NULL : no_such_root(w->schema, name);
}

/* From a command or event into what it takes or returns; true if @name was used for that. */
static bool step_inside(struct walk *w, const char *name)
{
	const struct gs_schema_entity *root = w->place.entity;
	bool is_ret = root->ret && strcmp(name, "ret") == 0;

	w->is_inside = true;
	w->place.entity = is_ret ? root->ret : root->arg;
	return is_ret || strcmp(name, "arg") == 0;
}

/* With the value of a tag come the members that its object has anyway, too. */
static const struct gs_schema_member *find_common(const struct walk *w, const char *name,
						  const struct gs_schema_entity **type_ret,
						  const struct gs_schema_entity **owner_ret)
{
	for (size_t i = 0; i < w->tagged->member_count; i++) {
		if (strcmp(w->tagged->members[i].name, name) == 0) {
			*type_ret = *owner_ret = w->tagged;
			return &w->tagged->members[i];
		}
	}
	return NULL;
}

static struct gs_error *step(struct walk *w, const char *name)
{
	const struct gs_schema_entity *type, *owner = NULL;
	const struct gs_schema_member *member;
	const struct gs_schema_value *value;

	if (!w->place.entity)
		return step_root(w, name);
	if (!w->is_inside && step_inside(w, name))
		return NULL;
	type = next_type(w);
	member = type ? find_member(type, name, 0, &owner) : NULL;
	if (!member && w->place.value && w->tagged)
		member = find_common(w, name, &type, &owner);
	if (member) {
		type = strip_arrays(type);
		w->several = owner != type && type->tag && has_others(type, member)
				     ? type->tag->name
				     : NULL;
		w->place = (struct gs_schema_place){.entity = member->type, .member = member};
		w->tagged = owner->tag == member ? owner : NULL;
		return NULL;
	}
	value = type && !w->place.value ? find_value(type, name, 0) : NULL;
	if (!value)
		return no_such_step(w, name);
	w->place.value = value;
	w->place.variant = w->tagged ? gs_schema_variant(w->tagged, name) : NULL;
	return NULL;
}

static struct gs_error *check_feature(const struct walk *w, const char *name)
{
	const struct gs_schema_features *features = w->place.value    ? &w->place.value->features
						    : w->place.member ? &w->place.member->features
								      : &w->place.entity->features;
	const char *const *at = features->names;
	struct gs_schema_near names = {0};

	while (at && *at && strcmp(*at, name) != 0)
		at++;
	if (at && *at)
		return NULL;
	for (at = features->names; at && *at; at++)
		gs_schema_near_add(&names, *at);
	return gs_schema_no_such(GS_ERROR_NODATA, "feature", name, &names);
}

/* The step of @size bytes at @path + @at; what went wrong is told with the way there. */
static struct gs_error *take_step(struct walk *w, const char *path, size_t at, size_t size)
{
	gs_autofree char *name = strndup(path + at, size);
	struct gs_error *err;

	if (!name)
		return gs_error_nomem();
	if (!size)
		return gs_error_create(GS_ERROR_INVALID, "a step is empty");
	err = step(w, name);
	return at ? gs_error_wrap(err, "%.*s", (int)(at - 1), path) : err;
}

static struct gs_error *walk_path(struct walk *w, const char *path)
{
	struct gs_error *err = NULL;
	size_t at = 0, size;

	do {
		size = strcspn(path + at, "/");
		err = take_step(w, path, at, size);
		at += size + 1;
	} while (!err && path[at - 1]);
	return err;
}

struct gs_error *gs_schema_resolve(const struct gs_schema *schema, const char *path,
				   struct gs_schema_place *ret)
{
	struct walk w = {.schema = schema};
	gs_autofree char *steps = strdup(path);
	char *feature = steps ? strrchr(steps, '+') : NULL;
	struct gs_error *err;

	if (!steps)
		return gs_error_nomem();
	if (feature)
		*feature++ = '\0';
	err = walk_path(&w, steps);
	if (err && err->code == GS_ERROR_INVALID)
		err = gs_error_wrap(err, "'%s'", path);
	if (!err && feature) {
		err = check_feature(&w, feature);
		err = gs_error_wrap(err, "%s", steps);
	}
	if (!err)
		*ret = w.place;
	return err;
}
