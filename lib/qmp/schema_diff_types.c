/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two types, breadth first. */
#include "schema_diff.h"

#include <stdlib.h>
#include <string.h>

/*
 * What kinds of values a type takes. Of what is sent, there must not be less afterwards; of what
 * comes, not more.
 */
enum kind {
	KIND_WORD = 1,       /* one of an enum's */
	KIND_STRING = 2 | 1, /* any */
	KIND_INT = 4,
	KIND_NUMBER = 8 | 4,
	KIND_BOOLEAN = 16,
	KIND_NULL = 32,
	KIND_ARRAY = 64,
	KIND_OBJECT = 128,
	KIND_ANY = 255,
};

static const struct gs_schema_entity nothing = {.meta = GS_SCHEMA_OBJECT};

/* ---- pairs ---- */

static struct gs_error *spend(struct gs_schema_diff *d, uint64_t work)
{
	if (work > GS_SCHEMA_WORK_MAX - d->work)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: the schemas are too large to be compared", d->root);
	d->work += work;
	return NULL;
}

static struct gs_schema_bucket *bucket_of(struct gs_schema_diff *d,
					  const struct gs_schema_pair *pair)
{
	uintptr_t hash = (uintptr_t)pair->before / 16 * 31 + (uintptr_t)pair->after / 16;
	struct gs_schema_bucket *bucket = &d->buckets[hash % GS_SCHEMA_BUCKETS];

	if (bucket->turn != d->turn)
		*bucket = (struct gs_schema_bucket){.turn = d->turn};
	return bucket;
}

static bool is_known(const struct gs_schema_diff *d, const struct gs_schema_bucket *bucket,
		     const struct gs_schema_pair *pair)
{
	for (size_t i = bucket->first; i; i = d->pairs[i - 1].next)
		if (d->pairs[i - 1].before == pair->before && d->pairs[i - 1].after == pair->after)
			return true;
	return false;
}

/* To be compared later, unless that is going to happen anyway. */
static struct gs_error *push(struct gs_schema_diff *d, struct gs_schema_pair pair)
{
	struct gs_schema_bucket *bucket = bucket_of(d, &pair);
	struct gs_error *err = spend(d, 64 + d->pair_count / GS_SCHEMA_BUCKETS);

	if (err || is_known(d, bucket, &pair))
		return err;
	if (pair.depth > GS_SCHEMA_DEPTH_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: nested too deep to be compared",
				       d->root);
	if (d->pair_count == d->pair_capacity) {
		size_t capacity = d->pair_capacity ? 2 * d->pair_capacity : 256;
		struct gs_schema_pair *pairs = reallocarray(d->pairs, capacity, sizeof(*pairs));

		if (!pairs)
			return gs_error_nomem();
		d->pairs = pairs;
		d->pair_capacity = capacity;
	}
	pair.next = bucket->first;
	d->pairs[d->pair_count++] = pair;
	bucket->first = d->pair_count;
	return NULL;
}

static void put_path(const struct gs_schema_diff *d, size_t at, struct gs_text *path)
{
	const struct gs_schema_pair *pair = &d->pairs[at];

	if (pair->parent == at)
		gs_text_puts(path, d->root);
	else
		put_path(d, pair->parent, path);
	if (pair->name)
		gs_text_printf(path, "/%s", pair->name);
	if (pair->value)
		gs_text_printf(path, "/%s", pair->value);
}

/* The path of pair @at, or of @name in it; NULL: out of memory. */
static char *path_of(const struct gs_schema_diff *d, size_t at, const char *name)
{
	gs_autotext struct gs_text text = {0};
	char *path = NULL;

	put_path(d, at, &text);
	if (name)
		gs_text_printf(&text, "/%s", name);
	gs_error_destroy(gs_text_finish(&text, &path));
	return path;
}

/* ---- types ---- */

static unsigned int kinds_of(const struct gs_schema_entity *type)
{
	static const unsigned int builtin[] = {
		[GS_SCHEMA_JSON_STRING] = KIND_STRING, [GS_SCHEMA_JSON_NUMBER] = KIND_NUMBER,
		[GS_SCHEMA_JSON_INT] = KIND_INT,       [GS_SCHEMA_JSON_BOOLEAN] = KIND_BOOLEAN,
		[GS_SCHEMA_JSON_NULL] = KIND_NULL,     [GS_SCHEMA_JSON_OBJECT] = KIND_OBJECT,
		[GS_SCHEMA_JSON_ARRAY] = KIND_ARRAY,   [GS_SCHEMA_JSON_ANY] = KIND_ANY,
	};
	unsigned int kinds = 0;

	switch (type->meta) {
	case GS_SCHEMA_BUILTIN:
		return builtin[type->json];
	case GS_SCHEMA_ENUM:
		return KIND_WORD;
	case GS_SCHEMA_ARRAY:
		return KIND_ARRAY;
	case GS_SCHEMA_ALTERNATE:
		for (size_t i = 0; i < type->member_count; i++)
			kinds |= kinds_of(type->members[i].type);
		return kinds;
	default:
		return KIND_OBJECT;
	}
}

static bool is_narrowed(const struct gs_schema_diff *d, const struct gs_schema_entity *before,
			const struct gs_schema_entity *after)
{
	unsigned int a = kinds_of(before), b = kinds_of(after);

	return d->is_input ? a & ~b : b & ~a;
}

/* @type itself, or what it offers as an alternate, if that has @meta. */
static const struct gs_schema_entity *as_meta(const struct gs_schema_entity *type,
					      enum gs_schema_meta meta)
{
	if (type->meta == meta)
		return type;
	for (size_t i = 0; type->meta == GS_SCHEMA_ALTERNATE && i < type->member_count; i++)
		if (type->members[i].type->meta == meta)
			return type->members[i].type;
	return NULL;
}

/* What is in both of them is to be compared: at @where, which is the pair but for its types. */
static struct gs_error *push_types(struct gs_schema_diff *d, struct gs_schema_pair where,
				   const struct gs_schema_entity *before,
				   const struct gs_schema_entity *after)
{
	static const enum gs_schema_meta metas[] = {GS_SCHEMA_ENUM, GS_SCHEMA_ARRAY,
						    GS_SCHEMA_OBJECT};
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < sizeof(metas) / sizeof(metas[0]); i++) {
		where.before = as_meta(before, metas[i]);
		where.after = as_meta(after, metas[i]);
		if (where.before && where.after)
			err = push(d, where);
	}
	return err;
}

/* ---- enums ---- */

static const struct gs_schema_value *find_value(const struct gs_schema_entity *type,
						const char *name)
{
	for (size_t i = 0; i < type->value_count; i++)
		if (strcmp(type->values[i].name, name) == 0)
			return &type->values[i];
	return NULL;
}

static struct gs_error *compare_values(struct gs_schema_diff *d, size_t at)
{
	const struct gs_schema_entity *before = d->pairs[at].before, *after = d->pairs[at].after;
	struct gs_error *err = spend(d, (uint64_t)before->value_count * after->value_count);

	for (size_t i = 0; !err && i < before->value_count; i++) {
		const struct gs_schema_value *value = &before->values[i];
		const struct gs_schema_value *now = find_value(after, value->name);
		gs_autofree char *path = path_of(d, at, value->name);

		if (!path)
			err = gs_error_nomem();
		else if (now)
			err = gs_schema_diff_features(d, path, &value->features, &now->features);
		else
			err = gs_schema_diff_add(d, GS_SCHEMA_REMOVED, gs_take(path),
						 strdup("value"), NULL, true);
	}
	for (size_t i = 0; !err && i < after->value_count; i++)
		if (!find_value(before, after->values[i].name))
			err = gs_schema_diff_add(d, GS_SCHEMA_ADDED,
						 path_of(d, at, after->values[i].name), NULL,
						 strdup("value"), false);
	return err;
}

/* ---- members ---- */

static const struct gs_schema_member *find_member(const struct gs_schema_entity *type,
						  const char *name)
{
	for (size_t i = 0; i < type->member_count; i++)
		if (strcmp(type->members[i].name, name) == 0)
			return &type->members[i];
	return NULL;
}

static char *member_text(const struct gs_schema_member *member)
{
	gs_autofree char *type = gs_schema_type_text(member->type);

	return type ? gs_strf("%s%s", member->optional ? "optional " : "", type) : NULL;
}

/* Takes @path. */
static struct gs_error *compare_use(struct gs_schema_diff *d, char *path,
				    const struct gs_schema_member *before,
				    const struct gs_schema_member *after)
{
	gs_autofree char *owned = path;
	struct gs_error *err;

	if (!path)
		return gs_error_nomem();
	err = gs_schema_diff_features(d, path, &before->features, &after->features);
	if (err || (before->optional == after->optional &&
		    kinds_of(before->type) == kinds_of(after->type)))
		return err;
	return gs_schema_diff_add(d, GS_SCHEMA_CHANGED, gs_take(owned), member_text(before),
				  member_text(after),
				  is_narrowed(d, before->type, after->type) ||
					  (d->is_input ? before->optional && !after->optional
						       : !before->optional && after->optional));
}

static struct gs_error *compare_member(struct gs_schema_diff *d, size_t at,
				       const struct gs_schema_member *before,
				       const struct gs_schema_member *after)
{
	const struct gs_schema_pair where = {
		.parent = at, .name = before->name, .depth = d->pairs[at].depth + 1};
	struct gs_error *err = compare_use(d, path_of(d, at, before->name), before, after);

	return err ? err : push_types(d, where, before->type, after->type);
}

/* In the object that pair @at is a variant of: what came with one value may come with all. */
static const struct gs_schema_member *find_around(const struct gs_schema_diff *d, size_t at,
						  const char *name)
{
	const struct gs_schema_pair *pair = &d->pairs[at];

	return pair->value ? find_member(d->pairs[pair->parent].after, name) : NULL;
}

/* Of @member, which comes with some values of @type's tag alone. */
static char *some_text(const struct gs_schema_member *member, const struct gs_schema_entity *type)
{
	gs_autofree char *text = member_text(member);

	return text ? gs_strf("%s with some %s", text, type->tag->name) : NULL;
}

/* A member that is not where it was. */
static struct gs_error *compare_missing(struct gs_schema_diff *d, size_t at,
					const struct gs_schema_member *member)
{
	const struct gs_schema_entity *after = d->pairs[at].after;
	const struct gs_schema_member *around = find_around(d, at, member->name);
	const struct gs_schema_member *some = gs_schema_member(after, member->name, NULL);
	char *path;

	if (around)
		return compare_member(d, at, member, around);
	path = path_of(d, at, member->name);
	if (some)
		return gs_schema_diff_add(d, GS_SCHEMA_CHANGED, path, member_text(member),
					  some_text(some, after), true);
	return gs_schema_diff_add(d, GS_SCHEMA_REMOVED, path, member_text(member), NULL, true);
}

/* A member that was not there, or only with some values of the tag. */
static struct gs_error *compare_new(struct gs_schema_diff *d, size_t at,
				    const struct gs_schema_member *member)
{
	const struct gs_schema_entity *before = d->pairs[at].before;
	const struct gs_schema_member *some = gs_schema_member(before, member->name, NULL);

	return gs_schema_diff_add(d, some ? GS_SCHEMA_CHANGED : GS_SCHEMA_ADDED,
				  path_of(d, at, member->name),
				  some ? some_text(some, before) : NULL, member_text(member),
				  d->is_input && !member->optional);
}

static struct gs_error *compare_members(struct gs_schema_diff *d, size_t at)
{
	const struct gs_schema_entity *before = d->pairs[at].before, *after = d->pairs[at].after;
	struct gs_error *err = spend(d, (uint64_t)before->member_count * after->member_count);

	for (size_t i = 0; !err && i < before->member_count; i++) {
		const struct gs_schema_member *member = &before->members[i];
		const struct gs_schema_member *now = find_member(after, member->name);

		err = now ? compare_member(d, at, member, now) : compare_missing(d, at, member);
	}
	for (size_t i = 0; !err && i < after->member_count; i++)
		if (!find_member(before, after->members[i].name))
			err = compare_new(d, at, &after->members[i]);
	return err;
}

/* ---- variants ---- */

/* What comes with @value; NULL if @type's tag has no such value, which is told elsewhere. */
static const struct gs_schema_entity *variant(const struct gs_schema_entity *type,
					      const char *value)
{
	const struct gs_schema_entity *found = gs_schema_variant(type, value);

	if (found)
		return found;
	return type->tag && !find_value(type->tag->type, value) ? NULL : &nothing;
}

static struct gs_error *compare_variant(struct gs_schema_diff *d, size_t at, const char *tag,
					const char *value)
{
	struct gs_schema_pair pair = {
		.before = variant(d->pairs[at].before, value),
		.after = variant(d->pairs[at].after, value),
		.parent = at,
		.name = tag,
		.value = value,
		.depth = d->pairs[at].depth + 1,
	};

	return pair.before && pair.after ? push(d, pair) : NULL;
}

static struct gs_error *compare_variants(struct gs_schema_diff *d, size_t at)
{
	const struct gs_schema_entity *before = d->pairs[at].before, *after = d->pairs[at].after;
	struct gs_error *err =
		spend(d, (uint64_t)(before->variant_count + 1) * (after->variant_count + 1));

	for (size_t i = 0; !err && i < before->variant_count; i++)
		err = compare_variant(d, at, before->tag->name, before->variants[i].value);
	for (size_t i = 0; !err && i < after->variant_count; i++)
		if (!gs_schema_variant(before, after->variants[i].value))
			err = compare_variant(d, at, after->tag->name, after->variants[i].value);
	return err;
}

/* ---- the whole ---- */

static struct gs_error *compare_elements(struct gs_schema_diff *d, size_t at)
{
	const struct gs_schema_entity *before = d->pairs[at].before, *after = d->pairs[at].after;
	const struct gs_schema_pair where = {.parent = at, .depth = d->pairs[at].depth + 1};
	struct gs_error *err = NULL;

	if (kinds_of(before->element) != kinds_of(after->element))
		err = gs_schema_diff_add(d, GS_SCHEMA_CHANGED, path_of(d, at, NULL),
					 gs_schema_type_text(before), gs_schema_type_text(after),
					 is_narrowed(d, before->element, after->element));
	return err ? err : push_types(d, where, before->element, after->element);
}

static struct gs_error *compare_pair(struct gs_schema_diff *d, size_t at)
{
	struct gs_error *err;

	switch (d->pairs[at].before->meta) {
	case GS_SCHEMA_ENUM:
		return compare_values(d, at);
	case GS_SCHEMA_ARRAY:
		return compare_elements(d, at);
	default:
		err = compare_members(d, at);
		return err ? err : compare_variants(d, at);
	}
}

struct gs_error *gs_schema_diff_types(struct gs_schema_diff *d, const char *root, bool is_input,
				      const struct gs_schema_entity *before,
				      const struct gs_schema_entity *after)
{
	struct gs_error *err = NULL;

	d->root = root;
	d->is_input = is_input;
	d->pair_count = 0;
	d->turn++;
	if (kinds_of(before) != kinds_of(after))
		err = gs_schema_diff_add(d, GS_SCHEMA_CHANGED, strdup(root),
					 gs_schema_type_text(before), gs_schema_type_text(after),
					 is_narrowed(d, before, after));
	if (!err)
		err = push_types(d, (struct gs_schema_pair){0}, before, after);
	for (size_t at = 0; !err && at < d->pair_count; at++)
		err = compare_pair(d, at);
	return err;
}
