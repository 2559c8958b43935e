/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of an export while it is read: nobody knows how long they are before their end. */
#ifndef DEVSTATE_PARSE_LIST_H
#define DEVSTATE_PARSE_LIST_H

#include <guestscope/devstate.h>

#include "arena.h"

/*
 * Of elements of @size bytes. It is a stack: an inner list is taken before what comes behind it in
 * the outer one is added. {.size = ...} is ready.
 */
struct gs_parse_list {
	size_t size, count, capacity;
	char *items;
};
/* Appends a copy of *@item. */
GS_MUST_CHECK struct gs_error *gs_parse_list_add(struct gs_parse_list *list, const void *item);
/* The elements from @first on, which move to @arena; NULL: out of memory. */
void *gs_parse_list_take(struct gs_parse_list *list, size_t first, struct gs_arena *arena);
void gs_parse_list_deinit(struct gs_parse_list *list);

/* Sets .occurrence. */
GS_MUST_CHECK struct gs_error *gs_parse_count_occurrences(struct gs_vmsd_field *fields,
							  size_t count);

#endif
