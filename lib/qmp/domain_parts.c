/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's XML as a list of facts. */
#include "domain_parts.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define PART_DEPTH 3 /* elements of the path of a part, <domain> among them */

static struct gs_error *too_many(void)
{
	return gs_error_create(GS_ERROR_CORRUPT, "more than %d elements and attributes",
			       GS_DOMAIN_FACTS_MAX);
}

/* ---- building ---- */

static struct gs_error *add_part(struct gs_domain_parts *parts, const char *path, size_t path_size)
{
	size_t capacity = parts->capacity ? 2 * parts->capacity : 64;
	struct gs_domain_part *items = parts->items, *part;

	if (parts->count + parts->facts >= GS_DOMAIN_FACTS_MAX)
		return too_many();
	if (parts->count == parts->capacity) {
		items = reallocarray(items, capacity, sizeof(*items));
		if (!items)
			return gs_error_nomem();
		parts->items = items;
		parts->capacity = capacity;
	}
	part = &items[parts->count++];
	*part = (struct gs_domain_part){0};
	memcpy(part->path, path, path_size);
	return NULL;
}

/* Below <domain>, and below the part that it belongs to. */
static const char *inner_path(const struct gs_domain_parts *parts)
{
	const char *path = parts->path;

	for (int i = 1; i < PART_DEPTH && *path; i++)
		path = strchr(path, '/') + 1;
	return path;
}

/* Whether "PREFIX:NAME/" found room. */
static bool lengthen_path(struct gs_domain_parts *parts, const char *prefix, const char *name)
{
	size_t used = strlen(parts->path), room = sizeof(parts->path) - used;
	size_t prefix_size = prefix ? strlen(prefix) + 1 : 0, name_size = strlen(name);

	/* Names of XML have no slash in them, but nobody promises that here. */
	if (prefix_size >= room || name_size + 1 >= room - prefix_size || strchr(name, '/'))
		return false;
	if (prefix) {
		memcpy(parts->path + used, prefix, prefix_size - 1);
		parts->path[used + prefix_size - 1] = ':';
	}
	memcpy(parts->path + used + prefix_size, name, name_size);
	memcpy(parts->path + used + prefix_size + name_size, "/", 2);
	return true;
}

struct gs_error *gs_domain_parts_open(struct gs_domain_parts *parts, const char *prefix,
				      const char *name)
{
	size_t name_size = strlen(name);

	if (parts->depth++ == 0)
		return add_part(parts, name,
				name_size < GS_DOMAIN_PATH_SIZE ? name_size
								: GS_DOMAIN_PATH_SIZE - 1);
	if (parts->left_out || !lengthen_path(parts, prefix, name)) {
		parts->left_out++;
		return NULL;
	}
	if (parts->depth > PART_DEPTH)
		return NULL;
	return add_part(parts, parts->path, strlen(parts->path) - 1);
}

void gs_domain_parts_close(struct gs_domain_parts *parts)
{
	size_t size = strlen(parts->path);

	parts->depth--;
	if (parts->left_out) {
		parts->left_out--;
		return;
	}
	if (size)
		size--;
	while (size && parts->path[size - 1] != '/')
		size--;
	parts->path[size] = '\0';
}

/* Takes @fact; NULL: there is no memory. */
static struct gs_error *add_fact(struct gs_domain_parts *parts, char *fact)
{
	struct gs_domain_part *part = &parts->items[parts->count - 1];
	char **facts = part->facts;

	if (!fact)
		return gs_error_nomem();
	if (parts->count + parts->facts >= GS_DOMAIN_FACTS_MAX) {
		free(fact);
		return too_many();
	}
	if ((part->count & (part->count - 1)) == 0) /* room for 1, 2, 4, ... */
		facts = reallocarray(facts, part->count ? 2 * part->count : 1, sizeof(*facts));
	if (!facts) {
		free(fact);
		return gs_error_nomem();
	}
	part->facts = facts;
	facts[part->count++] = fact;
	parts->facts++;
	return NULL;
}

struct gs_error *gs_domain_parts_attribute(struct gs_domain_parts *parts, const char *name,
					   const char *value, size_t value_size)
{
	if (parts->left_out || strlen(name) >= GS_DOMAIN_PATH_SIZE)
		return NULL;
	return add_fact(parts,
			gs_strf("%s@%s=%.*s", inner_path(parts), name, (int)value_size, value));
}

struct gs_error *gs_domain_parts_text(struct gs_domain_parts *parts, const char *text, size_t size)
{
	if (parts->left_out)
		return NULL;
	return add_fact(parts, gs_strf("%s.=%.*s", inner_path(parts), (int)size, text ? text : ""));
}

void gs_domain_parts_deinit(struct gs_domain_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		for (size_t f = 0; f < parts->items[i].count; f++)
			free(parts->items[i].facts[f]);
		free(parts->items[i].facts);
	}
	free(parts->items);
	*parts = (struct gs_domain_parts){0};
}

/* ---- reading ---- */

const char *gs_domain_part_get(const struct gs_domain_part *part, const char *name,
			       size_t name_size)
{
	for (size_t i = 0; i < part->count; i++)
		if (strncmp(part->facts[i], name, name_size) == 0 &&
		    part->facts[i][name_size] == '=')
			return part->facts[i] + name_size + 1;
	return NULL;
}
