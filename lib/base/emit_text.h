/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text side of the emitter: a document as blocks, laid out when it is complete. */
#ifndef BASE_EMIT_TEXT_H
#define BASE_EMIT_TEXT_H

#include <guestscope/base/emit.h>
#include <guestscope/base/text.h>

/* A group of items: pairs, lines, and groups and tables within. */
struct gs_emit_group;

/*
 * All strings are made printable here, so that no hostile byte gets past. A NULL return is out of
 * memory, and so is a false one. @label "" makes a group or table without heading and indent.
 */
struct gs_emit_group *gs_emit_group_create(const char *label);
void gs_emit_group_destroy(struct gs_emit_group *group);
/* The new group belongs to @parent. */
struct gs_emit_group *gs_emit_group_add_group(struct gs_emit_group *parent, const char *label);
bool gs_emit_group_add_pair(struct gs_emit_group *group, const char *label, const char *value);
bool gs_emit_group_add_line(struct gs_emit_group *group, const char *line);

/* A table; libsmartcols measures and draws it. */
struct gs_emit_text_table;
struct gs_emit_text_table *gs_emit_group_add_table(struct gs_emit_group *group, const char *label,
						   const struct gs_emit_column *columns,
						   size_t column_count);
/* Below the last row of @depth - 1. */
bool gs_emit_text_table_add_row(struct gs_emit_text_table *table, unsigned int depth);
/* In the last row. @column counts the columns given above; one without header shows nothing. */
bool gs_emit_text_table_set(struct gs_emit_text_table *table, size_t column, const char *value);

/* What was printed last decides whether a blank line comes next. */
enum gs_emit_last {
	GS_EMIT_LAST_NOTHING, /* or a heading */
	GS_EMIT_LAST_LINE,
	GS_EMIT_LAST_PAIR,
	GS_EMIT_LAST_BLOCK,
};

struct gs_emit_layout {
	struct gs_text *out; /* borrowed */
	bool color;
	enum gs_emit_last last;
};

/* Lays out a whole document. */
bool gs_emit_layout_group(struct gs_emit_layout *layout, const struct gs_emit_group *group);
/* A line outside any document. */
void gs_emit_layout_line(struct gs_emit_layout *layout, const char *line);

#endif
