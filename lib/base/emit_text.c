/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text layout: aligned pairs, headings, tables, one blank line between blocks. */
#include "emit_text.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "utf8.h"

#define INDENT 2 /* below a heading */

enum item_kind {
	ITEM_PAIR,
	ITEM_LINE,
	ITEM_GROUP,
	ITEM_TABLE,
};

struct item {
	struct item *next;
	enum item_kind kind;
	char *label; /* of a pair */
	char *text;  /* of a pair or line */
	struct gs_emit_group *group;
	struct gs_emit_text_table *table;
};

struct gs_emit_group {
	char *label;
	struct item *first;
	struct item **end; /* where the next item goes */
};

struct gs_emit_text_table {
	char *label;
	const struct gs_emit_column *columns;
	struct libscols_table *cells;
	struct libscols_line *row;                              /* the last one */
	struct libscols_line *last[GS_EMIT_TREE_DEPTH_MAX + 1]; /* of each depth */
};

static char *printable(const char *string)
{
	gs_autoerror struct gs_error *err = NULL;
	struct gs_text t = {0};
	char *ret = NULL;

	gs_utf8_printable(&t, string, strlen(string));
	err = gs_text_finish(&t, &ret);
	return err ? NULL : ret;
}

static void table_destroy(struct gs_emit_text_table *table)
{
	scols_unref_table(table->cells);
	free(table->label);
	free(table);
}
GS_DEFINE_CLEANUP(struct gs_emit_text_table *, table_destroy)

static void item_destroy(struct item *item)
{
	if (item->group)
		gs_emit_group_destroy(item->group);
	if (item->table)
		table_destroy(item->table);
	free(item->label);
	free(item->text);
	free(item);
}

struct gs_emit_group *gs_emit_group_create(const char *label)
{
	struct gs_emit_group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->end = &group->first;
	group->label = printable(label);
	if (group->label)
		return group;
	gs_emit_group_destroy(group);
	return NULL;
}

void gs_emit_group_destroy(struct gs_emit_group *group)
{
	struct item *next;

	for (struct item *item = group->first; item; item = next) {
		next = item->next;
		item_destroy(item);
	}
	free(group->label);
	free(group);
}

static struct item *add_item(struct gs_emit_group *group, enum item_kind kind)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	item->kind = kind;
	*group->end = item;
	group->end = &item->next;
	return item;
}

struct gs_emit_group *gs_emit_group_add_group(struct gs_emit_group *parent, const char *label)
{
	struct gs_emit_group *group = gs_emit_group_create(label);
	struct item *item = group ? add_item(parent, ITEM_GROUP) : NULL;

	if (item) {
		item->group = group;
		return group;
	}
	if (group)
		gs_emit_group_destroy(group);
	return NULL;
}

bool gs_emit_group_add_pair(struct gs_emit_group *group, const char *label, const char *value)
{
	gs_autofree char *shown_label = printable(label), *text = printable(value);
	struct item *item = shown_label && text ? add_item(group, ITEM_PAIR) : NULL;

	if (!item)
		return false;
	item->label = gs_take(shown_label);
	item->text = gs_take(text);
	return true;
}

bool gs_emit_group_add_line(struct gs_emit_group *group, const char *line)
{
	gs_autofree char *text = printable(line);
	struct item *item = text ? add_item(group, ITEM_LINE) : NULL;

	if (!item)
		return false;
	item->text = gs_take(text);
	return true;
}

static bool add_columns(struct gs_emit_text_table *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct gs_emit_column *column = &table->columns[i];

		if (!scols_table_new_column(table->cells, column->header ? column->header : "", 0,
					    (column->right ? SCOLS_FL_RIGHT : 0) |
						    (column->header ? 0 : SCOLS_FL_HIDDEN)))
			return false;
	}
	return true;
}

static struct gs_emit_text_table *table_create(const char *label,
					       const struct gs_emit_column *columns, size_t count)
{
	GS_CLEANUP(table_destroy) struct gs_emit_text_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->label = printable(label);
	table->cells = scols_new_table();
	if (!table->label || !table->cells || !add_columns(table, count))
		return NULL;
	/* The same text whatever the width of a terminal. */
	scols_table_set_termforce(table->cells, SCOLS_TERMFORCE_NEVER);
	if (scols_table_set_column_separator(table->cells, "  ") != 0)
		return NULL;
	return gs_take(table);
}

struct gs_emit_text_table *gs_emit_group_add_table(struct gs_emit_group *group, const char *label,
						   const struct gs_emit_column *columns,
						   size_t column_count)
{
	GS_CLEANUP(table_destroy)
	struct gs_emit_text_table *table = table_create(label, columns, column_count);
	struct item *item = table ? add_item(group, ITEM_TABLE) : NULL;

	if (!item)
		return NULL;
	item->table = table;
	return gs_take(table);
}

/* Once a row is another's child, the first column that is shown draws the tree. */
static bool make_tree(struct gs_emit_text_table *table)
{
	struct libscols_column *column;
	size_t i = 0;

	if (scols_table_is_tree(table->cells))
		return true;
	do
		column = scols_table_get_column(table->cells, i);
	while (column && !table->columns[i++].header);
	return column && scols_column_set_flags(column, SCOLS_FL_TREE) == 0;
}

bool gs_emit_text_table_add_row(struct gs_emit_text_table *table, unsigned int depth)
{
	if (depth > GS_EMIT_TREE_DEPTH_MAX)
		depth = GS_EMIT_TREE_DEPTH_MAX;
	table->row = scols_table_new_line(table->cells, depth ? table->last[depth - 1] : NULL);
	table->last[depth] = table->row;
	return table->row && (!depth || make_tree(table));
}

/*
 * libsmartcols escapes cells itself, in the same way. Cells that are escaped already would get
 * their backslashes doubled, and without its escaping it loops for ever on what is no character in
 * the locale (seen in 2.38).
 */
bool gs_emit_text_table_set(struct gs_emit_text_table *table, size_t column, const char *value)
{
	if (!table->row || !table->columns[column].header)
		return true;
	return scols_line_set_data(table->row, column, value) == 0;
}

/* One line of output; no line ends in white space. */
static void put_line(struct gs_emit_layout *layout, int indent, const char *text, size_t size,
		     bool bold)
{
	bold = bold && layout->color;
	while (size && text[size - 1] == ' ')
		size--;
	if (size)
		gs_text_printf(layout->out, "%*s%s", indent, "", bold ? "\033[1m" : "");
	gs_text_append(layout->out, text, size);
	gs_text_puts(layout->out, size && bold ? "\033[0m\n" : "\n");
}

/* A blank line unless what comes next continues what was printed last. */
static void separate(struct gs_emit_layout *layout, enum gs_emit_last next)
{
	bool continues = layout->last == next && next != GS_EMIT_LAST_BLOCK;

	if (layout->last != GS_EMIT_LAST_NOTHING && !continues)
		gs_text_puts(layout->out, "\n");
	layout->last = next;
}

/* Returns the indent of what stands below. */
static int put_heading(struct gs_emit_layout *layout, const char *label, int indent)
{
	gs_autotext struct gs_text heading = {0};

	if (!*label)
		return indent;
	separate(layout, GS_EMIT_LAST_BLOCK);
	gs_text_printf(&heading, "%s:", label);
	if (heading.failed)
		layout->out->failed = true;
	else
		put_line(layout, indent, heading.data, heading.size, true);
	layout->last = GS_EMIT_LAST_NOTHING;
	return indent + INDENT;
}

static locale_t utf8_locale;

static void make_utf8_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

/* Cells are UTF-8 whatever the program's locale; without such a locale more than needed is escaped.
 */
static char *draw_table(struct libscols_table *cells)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before = NULL;
	char *drawn = NULL;
	int failed;

	pthread_once(&once, make_utf8_locale);
	if (utf8_locale)
		before = uselocale(utf8_locale);
	failed = scols_print_table_to_string(cells, &drawn);
	if (utf8_locale)
		uselocale(before);
	return failed ? NULL : drawn;
}

static bool put_table(struct gs_emit_layout *layout, const struct gs_emit_text_table *table,
		      int indent)
{
	gs_autofree char *drawn = NULL;
	bool header = true;
	size_t size;

	indent = put_heading(layout, table->label, indent);
	if (!scols_table_get_nlines(table->cells)) {
		if (*table->label)
			put_line(layout, indent, "(none)", strlen("(none)"), false);
	} else {
		drawn = draw_table(table->cells);
		if (!drawn)
			return false;
		separate(layout, GS_EMIT_LAST_BLOCK);
		for (const char *line = drawn; *line; line += size + (line[size] == '\n')) {
			size = strcspn(line, "\n");
			put_line(layout, indent, line, size, header);
			header = false;
		}
	}
	if (*table->label)
		layout->last = GS_EMIT_LAST_BLOCK;
	return true;
}

static int label_width(const struct gs_emit_group *group)
{
	size_t width = 0;

	for (const struct item *item = group->first; item; item = item->next) {
		if (item->kind == ITEM_PAIR && strlen(item->label) > width)
			width = strlen(item->label);
	}
	return (int)width;
}

static void put_pair(struct gs_emit_layout *layout, const struct item *item, int indent, int width)
{
	int pad = *item->text ? width - (int)strlen(item->label) + 2 : 0;

	separate(layout, GS_EMIT_LAST_PAIR);
	gs_text_printf(layout->out, "%*s%s:%*s%s\n", indent, "", item->label, pad, "", item->text);
}

static bool put_group(struct gs_emit_layout *layout, const struct gs_emit_group *group, int indent)
{
	int width = label_width(group);
	bool done = true;

	if (!group->first)
		return true;
	indent = put_heading(layout, group->label, indent);
	for (const struct item *item = group->first; done && item; item = item->next) {
		switch (item->kind) {
		case ITEM_PAIR:
			put_pair(layout, item, indent, width);
			break;
		case ITEM_LINE:
			separate(layout, GS_EMIT_LAST_LINE);
			put_line(layout, indent, item->text, strlen(item->text), false);
			break;
		case ITEM_GROUP:
			done = put_group(layout, item->group, indent);
			break;
		case ITEM_TABLE:
			done = put_table(layout, item->table, indent);
			break;
		}
	}
	if (*group->label)
		layout->last = GS_EMIT_LAST_BLOCK;
	return done;
}

bool gs_emit_layout_group(struct gs_emit_layout *layout, const struct gs_emit_group *group)
{
	/* Lines of several documents flow on, pairs do not: they are aligned apart. */
	if (layout->last == GS_EMIT_LAST_PAIR)
		layout->last = GS_EMIT_LAST_BLOCK;
	return put_group(layout, group, 0) && !layout->out->failed;
}

void gs_emit_layout_line(struct gs_emit_layout *layout, const char *line)
{
	separate(layout, GS_EMIT_LAST_LINE);
	gs_utf8_printable(layout->out, line, strlen(line));
	gs_text_puts(layout->out, "\n");
}
