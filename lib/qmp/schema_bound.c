/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What could send a walk over a schema astray: variants that hold each other, or so many members
 * that looking for one takes for ever; names that stand for two things; values of a tag that it
 * does not have.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

static struct gs_error *wrong(const struct gs_schema_entity *type, const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT, "'%s': %s", type->name, problem);
}

/* ---- how deep, how many ---- */

/* Of an object with its variants; height 0: not measured yet. */
struct extent {
	unsigned int height;
	size_t members;
};

static struct gs_error *measure(const struct gs_schema *schema, struct extent *extents,
				const struct gs_schema_entity *type, unsigned int depth)
{
	struct extent *extent = &extents[type - schema->entities];
	unsigned int height = 1;
	size_t members = type->member_count;

	if (extent->height)
		return NULL;
	if (depth > GS_SCHEMA_NESTING_MAX)
		return wrong(type, "variants are nested too deep");
	for (size_t i = 0; i < type->variant_count; i++) {
		const struct gs_schema_entity *below = type->variants[i].type;
		struct gs_error *err = measure(schema, extents, below, depth + 1);
		const struct extent *e = &extents[below - schema->entities];

		if (err)
			return err;
		members += 1 + e->members;
		height = e->height + 1 > height ? e->height + 1 : height;
	}
	if (members > GS_SCHEMA_MEMBERS_MAX)
		return wrong(type, "too many members");
	if (height > GS_SCHEMA_NESTING_MAX)
		return wrong(type, "variants are nested too deep");
	*extent = (struct extent){.height = height, .members = members};
	return NULL;
}

static struct gs_error *measure_all(const struct gs_schema *schema)
{
	gs_autofree struct extent *extents = calloc(schema->entity_count + 1, sizeof(*extents));
	struct gs_error *err = extents ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < schema->entity_count; i++)
		err = measure(schema, extents, &schema->entities[i], 1);
	return err;
}

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_names(const struct gs_schema_entity *type)
{
	return type->meta == GS_SCHEMA_ENUM ? type->value_count : type->member_count;
}

/* The names of an enum's values or an object's members, sorted; each is there once. */
static struct gs_error *sort_names(const struct gs_schema_entity *type, const char ***ret)
{
	size_t count = count_names(type);
	gs_autofree const char **names = calloc(count + 1, sizeof(*names));

	if (!names)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		names[i] =
			type->meta == GS_SCHEMA_ENUM ? type->values[i].name : type->members[i].name;
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return gs_error_create(GS_ERROR_CORRUPT, "'%s': '%s' comes twice",
					       type->name, names[i]);
	*ret = gs_take(names);
	return NULL;
}

/* @names: sorted, of each entity. */
static struct gs_error *check_variants(const struct gs_schema *schema, const char ***names,
				       const struct gs_schema_entity *type)
{
	const struct gs_schema_entity *tag = type->variant_count ? type->tag->type : NULL;

	for (size_t i = 0; i < type->variant_count; i++)
		if (!bsearch(&type->variants[i].value, names[tag - schema->entities],
			     tag->value_count, sizeof(**names), compare_names))
			return gs_error_create(GS_ERROR_CORRUPT,
					       "'%s': its tag has no value '%s' of a variant",
					       type->name, type->variants[i].value);
	return NULL;
}

static struct gs_error *check_names(const struct gs_schema *schema)
{
	gs_autofree const char ***names = calloc(schema->entity_count + 1, sizeof(*names));
	struct gs_error *err = names ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < schema->entity_count; i++) {
		const struct gs_schema_entity *type = &schema->entities[i];

		if (type->meta == GS_SCHEMA_ENUM || type->meta == GS_SCHEMA_OBJECT)
			err = sort_names(type, &names[i]);
	}
	for (size_t i = 0; !err && i < schema->entity_count; i++)
		err = check_variants(schema, names, &schema->entities[i]);
	for (size_t i = 0; names && i < schema->entity_count; i++)
		free(names[i]);
	return err;
}

struct gs_error *gs_schema_bound(const struct gs_schema *schema)
{
	struct gs_error *err = measure_all(schema);

	return err ? err : check_names(schema);
}
