/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What could send a walk over a schema astray: variants that hold each other, or so many members
 * that looking for one takes for ever, or values of a tag that it does not have.
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

/* ---- values of tags ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The values of an enum, sorted; made once for each. */
static const char **sorted_values(const struct gs_schema *schema, const char ***cache,
				  const struct gs_schema_entity *type)
{
	const char ***values = &cache[type - schema->entities];

	if (*values)
		return *values;
	*values = calloc(type->value_count + 1, sizeof(**values));
	for (size_t i = 0; *values && i < type->value_count; i++)
		(*values)[i] = type->values[i].name;
	if (*values)
		qsort(*values, type->value_count, sizeof(**values), compare_names);
	return *values;
}

static struct gs_error *check_variants(const struct gs_schema *schema, const char ***cache,
				       const struct gs_schema_entity *type)
{
	const struct gs_schema_entity *tag = type->tag->type;
	const char **values = sorted_values(schema, cache, tag);

	if (!values)
		return gs_error_nomem();
	for (size_t i = 0; i < type->variant_count; i++)
		if (!bsearch(&type->variants[i].value, values, tag->value_count, sizeof(*values),
			     compare_names))
			return gs_error_create(GS_ERROR_CORRUPT,
					       "'%s': its tag has no value '%s' of a variant",
					       type->name, type->variants[i].value);
	return NULL;
}

static struct gs_error *check_all(const struct gs_schema *schema)
{
	gs_autofree const char ***cache = calloc(schema->entity_count + 1, sizeof(*cache));
	struct gs_error *err = cache ? NULL : gs_error_nomem();

	for (size_t i = 0; !err && i < schema->entity_count; i++)
		if (schema->entities[i].variant_count)
			err = check_variants(schema, cache, &schema->entities[i]);
	for (size_t i = 0; cache && i < schema->entity_count; i++)
		free(cache[i]);
	return err;
}

struct gs_error *gs_schema_bound(const struct gs_schema *schema)
{
	struct gs_error *err = measure_all(schema);

	return err ? err : check_all(schema);
}
