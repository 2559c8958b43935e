/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a schema consists of. What schema_parse.c and schema_bound.c promise to the others, so that
 * they may walk it without counting their steps:
 *   - every reference leads to an entity, arguments are objects, a tag is a member of its object,
 *     an enum that has the values of all variants;
 *   - an alternate offers few types, and no alternate;
 *   - variants hold variants at most GS_SCHEMA_NESTING_MAX deep and in no circle, and an object has
 *     at most GS_SCHEMA_MEMBERS_MAX members with all its variants;
 *   - members of an object, and values of an enum, have names of their own;
 *   - names are printable ASCII without space, '/' and '+'.
 * Members and elements may go in circles.
 */
#ifndef QMP_SCHEMA_PRIVATE_H
#define QMP_SCHEMA_PRIVATE_H

#include <guestscope/qmp/schema.h>

#define GS_SCHEMA_NAME_MAX 255
#define GS_SCHEMA_NESTING_MAX 8
#define GS_SCHEMA_MEMBERS_MAX 65536
#define GS_SCHEMA_OFFERS_MAX 8

struct gs_schema_index { /* sorted by name */
	struct gs_schema_entity **at;
	size_t count;
};

struct gs_schema_chunk;

struct gs_schema {
	struct gs_json *source; /* all names are borrowed from it */
	struct gs_schema_chunk *chunks;
	struct gs_schema_entity *entities; /* in the order of the source */
	size_t entity_count;
	struct gs_schema_index types, commands, events;
};

/* Refuses what would send a walk over a filled schema astray. */
GS_MUST_CHECK struct gs_error *gs_schema_bound(const struct gs_schema *schema);
/* As gs_schema_parse(), but takes @value. */
GS_MUST_CHECK struct gs_error *gs_schema_take(struct gs_json *value, struct gs_schema **ret);
const struct gs_schema_entity *gs_schema_index_find(const struct gs_schema_index *index,
						    const char *name);
/* Names that could have been meant. {0} is none. Out of memory, there are just fewer of them. */
struct gs_schema_near {
	const char **at; /* borrowed names; NULL-terminated */
	size_t count, capacity;
};
void gs_schema_near_add(struct gs_schema_near *near, const char *name);
void gs_schema_near_deinit(struct gs_schema_near *near);
/*
 * "no command 'foo'; did you mean 'fop'?", with the nearest of @near, which is released. @word may
 * hold anything.
 */
GS_MUST_CHECK struct gs_error *gs_schema_no_such(enum gs_error_code code, const char *what,
						 const char *word, struct gs_schema_near *near);
/* "command", "enum", ... as the wire has it. */
const char *gs_schema_meta_name(enum gs_schema_meta meta);

#endif
