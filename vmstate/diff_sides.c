/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a page that shows the descriptions of a device side by side. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/devstate/align.h>

#include "diff_html.h"

#define LINES_MAX 3000 /* of a device; real: 1000 */

struct sides {
	struct gs_text *text;
	const struct diff *diff;
	struct seen_change **sorted; /* by whether they were added, and by path */
	size_t count;
	struct line_budget *budget;
	bool has_before, has_after; /* one of them may be all there is */
	size_t shown, left_out;
};

/* ---- which changes a line shows ---- */

/* What is added goes by its new path, all else by the old one. */
static bool is_added(const struct seen_change *change)
{
	return diff_tone(change->kind) == DIFF_ADDED;
}

static int by_path(const void *a, const void *b)
{
	const struct seen_change *x = *(struct seen_change *const *)a;
	const struct seen_change *y = *(struct seen_change *const *)b;
	int order = is_added(x) - is_added(y);

	return order ? order : strcmp(x->path, y->path);
}

/* How many of the sorted come before the first that has @path, or would have it. */
static size_t find(const struct sides *sides, bool added, const char *path)
{
	size_t low = 0, high = sides->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct seen_change *change = sides->sorted[middle];
		int order = is_added(change) - added;

		if ((order ? order : strcmp(change->path, path)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Gives all changes of @path the number of the line that is next, if there are any. */
static bool mark(const struct sides *sides, bool added, const char *path)
{
	size_t first = find(sides, added, path), i = first;

	for (; i < sides->count && is_added(sides->sorted[i]) == added &&
	       strcmp(sides->sorted[i]->path, path) == 0;
	     i++)
		sides->sorted[i]->line = sides->budget->number + 1;
	return i > first;
}

static bool has_below(const struct sides *sides, bool added, const char *path)
{
	gs_autofree char *prefix = gs_strf("%s/", path);
	size_t i = prefix ? find(sides, added, prefix) : sides->count;

	return i < sides->count && is_added(sides->sorted[i]) == added &&
	       strncmp(sides->sorted[i]->path, prefix, strlen(prefix)) == 0;
}

/* ---- cells ---- */

static void put_bytes(struct gs_text *text, struct gs_wire_size size)
{
	if (size.certainty == GS_WIRE_UNKNOWN)
		gs_text_puts(text, "?");
	else
		gs_text_printf(text, "%" PRIu64 "%s", size.bytes,
			       size.certainty == GS_WIRE_EXACT ? "" : "+");
}

/* What it is, and whether and why it is sent. */
static void put_note(struct gs_text *text, const struct gs_align_side *side)
{
	const struct gs_vmsd_field *field = side->field;

	if (field->has_num)
		gs_text_printf(text, "%" PRIu64 " \u00d7 ", field->num);
	if (field->description) {
		html_name(text, field->description->name);
		gs_text_printf(text, " v%u", field->description->version);
	} else if (field->has_num) {
		gs_text_printf(text, "%" PRIu64, field->size);
	}
	gs_text_puts(text, "</td><td class=\"faint\">");
	if (field->conditional)
		gs_text_puts(text, "conditional");
	else if (field->version > side->parent->version)
		gs_text_printf(text, "never sent: from v%u", field->version);
	else if (field->version)
		gs_text_printf(text, "from v%u", field->version);
}

static void put_versions(struct gs_text *text, const struct gs_vmsd *description)
{
	gs_text_printf(text, "v%u", description->version);
	if (description->minimum != description->version)
		gs_text_printf(text, " (%u)", description->minimum);
}

static void put_side(struct gs_text *text, const struct gs_devstate *state, const char *style,
		     const struct gs_align_side *side, unsigned int depth)
{
	size_t conditional, subsections;

	if (!side->path) {
		gs_text_printf(text, "<td class=\"none %s\" colspan=\"4\"></td>", style);
		return;
	}
	gs_text_printf(text, "<td class=\"name %s\" style=\"--in:%u\">", style, depth);
	html_name(text, side->name);
	gs_text_puts(text, "</td><td class=\"num\">");
	if (side->field) {
		put_bytes(text, gs_vmsd_field_wire(state, side->field));
		gs_text_puts(text, "</td><td class=\"faint name\">");
		put_note(text, side);
	} else {
		put_bytes(text, gs_vmsd_wire(state, side->subsection, &conditional, &subsections));
		gs_text_puts(text, "</td><td class=\"faint name\">");
		put_versions(text, side->subsection);
		gs_text_puts(text, "</td><td class=\"faint\">subsection");
	}
	gs_text_puts(text, "</td>");
}

/* ---- lines ---- */

struct look {
	const char *style, *sign;
	bool has_id;
};

/* A change shows at the line that it is about, and so do lines that no one is about but differ. */
static struct look look_at(const struct sides *sides, const struct gs_align_row *row)
{
	const char *old = row->before.path, *new = row->after.path;
	bool is_changed = old && mark(sides, false, old);

	if (new && !old && row->paired)
		is_changed |= mark(sides, false, new);
	if (new && !row->paired)
		is_changed |= mark(sides, true, new);
	if (row->paired && (!old || !new))
		return (struct look){"chg", "\u2195", is_changed};
	if (!old)
		return (struct look){"add", "+", is_changed};
	if (!new)
		return (struct look){"del", "\u2212", is_changed};
	if (is_changed || !row->paired)
		return (struct look){"chg", "~", is_changed};
	if (has_below(sides, false, old) || has_below(sides, true, old))
		return (struct look){"around", "", false};
	return (struct look){"same", "", false};
}

static bool take_room(struct sides *sides)
{
	struct line_budget *budget = sides->budget;

	if (sides->shown >= LINES_MAX || !budget->lines || sides->text->size >= budget->bytes) {
		sides->left_out++;
		return false;
	}
	sides->shown++;
	budget->lines--;
	return true;
}

static struct gs_error *put_line(void *arg, const struct gs_align_row *row)
{
	struct sides *sides = arg;
	struct gs_text *text = sides->text;
	struct look look;

	if (!take_room(sides))
		return NULL;
	look = sides->has_before && sides->has_after ? look_at(sides, row)
						     : (struct look){"", "", false};
	gs_text_printf(text, "<tr class=\"%s\"", look.style);
	if (look.has_id)
		gs_text_printf(text, " id=\"line-%zu\"", ++sides->budget->number);
	gs_text_printf(text, "><td class=\"sign\">%s</td>", look.sign);
	if (sides->has_before)
		put_side(text, sides->diff->before.state, "before", &row->before, row->depth);
	if (sides->has_after)
		put_side(text, sides->diff->after.state, "after", &row->after, row->depth);
	gs_text_puts(text, "</tr>\n");
	return NULL;
}

/* ---- all of them ---- */

static struct gs_error *sort(struct seen_changes *changes, struct sides *ret)
{
	struct seen_change **sorted = calloc(changes->count ? changes->count : 1, sizeof(*sorted));

	if (!sorted)
		return gs_error_nomem();
	for (size_t i = 0; i < changes->count; i++)
		sorted[i] = &changes->changes[i];
	qsort(sorted, changes->count, sizeof(*sorted), by_path);
	ret->sorted = sorted;
	ret->count = changes->count;
	return NULL;
}

static void put_columns(struct gs_text *text, const char *style, const char *name)
{
	gs_text_printf(
		text,
		"<th scope=\"col\" class=\"%s\">%s</th><th scope=\"col\" class=\"num\">Bytes</th>"
		"<th scope=\"col\">Of</th><th scope=\"col\">Sent</th>",
		style, name);
}

static void put_summary(struct gs_text *text, const struct sides *sides)
{
	bool are_both = sides->has_before && sides->has_after;

	gs_text_printf(text, "<details><summary>%s: %zu line%s</summary>\n",
		       are_both ? "Both descriptions, side by side" : "Its description",
		       sides->shown, sides->shown == 1 ? "" : "s");
	if (are_both)
		gs_text_puts(text, "<label class=\"only\"><input type=\"checkbox\"> "
				   "changed lines only</label>\n");
}

static void put_table(struct gs_text *text, const struct gs_text *lines, const struct sides *sides)
{
	bool are_both = sides->has_before && sides->has_after;

	put_summary(text, sides);
	gs_text_printf(text,
		       "<div class=\"scroll\" tabindex=\"0\"><table class=\"%s\">\n"
		       "<thead><tr><th></th>",
		       are_both ? "both" : "one");
	if (sides->has_before)
		put_columns(text, "before", are_both ? "Before" : "Field");
	if (sides->has_after)
		put_columns(text, "after", are_both ? "After" : "Field");
	gs_text_puts(text, "</tr></thead>\n<tbody>\n");
	gs_text_append(text, lines->data, lines->size);
	gs_text_puts(text, "</tbody></table></div>\n");
	if (sides->left_out)
		gs_text_printf(text, "<p class=\"note\">%zu more lines are left out.</p>\n",
			       sides->left_out);
	gs_text_puts(text, "</details>\n");
}

struct gs_error *diff_put_sides(struct gs_text *text, const struct diff *diff,
				const struct gs_vmsd *before, const struct gs_vmsd *after,
				struct seen_changes *changes, struct line_budget *budget)
{
	gs_autotext struct gs_text lines = {0};
	struct sides sides = {.text = &lines,
			      .diff = diff,
			      .budget = budget,
			      .has_before = before != NULL,
			      .has_after = after != NULL};
	struct gs_error *err = sort(changes, &sides);

	if (!err)
		err = gs_devstate_align(diff->before.state, before, diff->after.state, after,
					put_line, &sides);
	if (!err && lines.failed)
		err = gs_error_nomem();
	if (!err && sides.shown)
		put_table(text, &lines, &sides);
	budget->bytes -= lines.size < budget->bytes ? lines.size : budget->bytes;
	free(sides.sorted);
	return err;
}
