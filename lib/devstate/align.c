/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two descriptions side by side: the pairs of the diff, and all that is between them, in order. */
#include <string.h>

#include <guestscope/devstate/align.h>

#include "diff.h"

struct walk {
	struct gs_diff diff;   /* for its path, which is that of @before where there is one */
	struct gs_text beside; /* the path of what merely stands beside it */
	struct gs_align_row row;
	struct gs_error *(*report)(void *arg, const struct gs_align_row *row);
	void *arg;
};

static struct gs_error *show_contents(struct walk *walk, const struct gs_vmsd *before,
				      const struct gs_vmsd *after);

/* ---- paths ---- */

/* One step down from @mark; a field that moved keeps the name that it had. */
static size_t enter(struct walk *walk, const struct gs_slot *slot, bool is_after,
		    bool is_subsection)
{
	bool has_moved = is_after && slot->partner;
	const void *item = has_moved ? slot->partner->item : slot->item;

	return is_subsection ? gs_diff_enter_subsection(&walk->diff, item)
			     : gs_diff_enter_field(&walk->diff, item);
}

static const char *step_of(const char *path, size_t mark)
{
	return path + mark + (mark ? 1 : 0);
}

/* A path of its own for @after, which stands beside another one. */
static void put_beside(struct walk *walk, const struct gs_slot *after, bool is_subsection)
{
	size_t mark = enter(walk, after, true, is_subsection);

	gs_text_clear(&walk->beside);
	gs_text_puts(&walk->beside, walk->diff.path.data ? walk->diff.path.data : "");
	gs_diff_leave(&walk->diff, mark);
}

/* ---- rows ---- */

static struct gs_error *report(struct walk *walk, size_t mark, bool is_beside)
{
	struct gs_align_row *row = &walk->row;
	const char *path = walk->diff.path.data;

	if (walk->diff.path.failed || walk->beside.failed)
		return gs_error_nomem();
	if (row->before.field || row->before.subsection) {
		row->before.path = path;
		row->before.name = step_of(path, mark);
	}
	if (row->after.field || row->after.subsection) {
		row->after.path = is_beside ? walk->beside.data : path;
		row->after.name = step_of(row->after.path, mark);
	}
	return walk->report(walk->arg, row);
}

static struct gs_align_side side_of_field(const struct gs_slot *slot, const struct gs_vmsd *parent)
{
	return slot ? (struct gs_align_side){.field = slot->item, .parent = parent}
		    : (struct gs_align_side){0};
}

static const struct gs_vmsd *description_of(const struct gs_slot *slot)
{
	return slot ? ((const struct gs_vmsd_field *)slot->item)->description : NULL;
}

/* What is in a line, one step further in. */
static struct gs_error *show_below(struct walk *walk, const struct gs_vmsd *before,
				   const struct gs_vmsd *after)
{
	unsigned int depth = walk->row.depth++;
	struct gs_error *err = before || after ? show_contents(walk, before, after) : NULL;

	walk->row.depth = depth;
	return err;
}

static struct gs_error *show_fields(struct walk *walk, const struct gs_vmsd *before,
				    const struct gs_slot *old, const struct gs_vmsd *after,
				    const struct gs_slot *new)
{
	bool is_beside = old && new && old->partner != new;
	struct gs_error *err;
	size_t mark;

	if (is_beside)
		put_beside(walk, new, false);
	mark = enter(walk, old ? old : new, !old, false);
	walk->row.before = side_of_field(old, before);
	walk->row.after = side_of_field(new, after);
	walk->row.paired = old ? old->partner != NULL : new->partner != NULL;
	err = report(walk, mark, is_beside);
	if (is_beside && !description_of(old)) {
		gs_diff_leave(&walk->diff, mark);
		enter(walk, new, true, false);
	}
	if (!err)
		err = show_below(walk, description_of(old), description_of(new));
	gs_diff_leave(&walk->diff, mark);
	return err;
}

static struct gs_error *show_subsections(struct walk *walk, const struct gs_slot *old,
					 const struct gs_slot *new)
{
	size_t mark = enter(walk, old ? old : new, false, true);
	const struct gs_vmsd *before = old ? old->item : NULL, *after = new ? new->item : NULL;
	struct gs_error *err;

	walk->row.before = (struct gs_align_side){.subsection = before};
	walk->row.after = (struct gs_align_side){.subsection = after};
	walk->row.paired = before && after;
	err = report(walk, mark, false);
	if (!err)
		err = show_below(walk, before, after);
	gs_diff_leave(&walk->diff, mark);
	return err;
}

/* ---- lists ---- */

/* The next one, if no pair begins with it. */
static const struct gs_slot *take_alone(const struct gs_slots *list, size_t i)
{
	return i < list->count && !list->slots[i].anchor ? &list->slots[i] : NULL;
}

/* Whatever moved stands alone. */
static void take_next(const struct gs_pairing *pairing, size_t i, size_t j,
		      const struct gs_slot **old, const struct gs_slot **new)
{
	*old = take_alone(&pairing->before, i);
	*new = take_alone(&pairing->after, j);
	if (!*old && !*new) {
		*old = &pairing->before.slots[i];
		*new = &pairing->after.slots[j];
	} else if (*old && (*old)->partner) {
		*new = NULL;
	} else if (*new && (*new)->partner) {
		*old = NULL;
	}
}

static struct gs_error *show_all_fields(struct walk *walk, const struct gs_vmsd *before,
					const struct gs_vmsd *after)
{
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_error *err =
		gs_pairing_init(&pairing, before ? before->fields : NULL,
				before ? before->field_count : 0, after ? after->fields : NULL,
				after ? after->field_count : 0, sizeof(struct gs_vmsd_field));
	size_t i = 0, j = 0;

	if (!err)
		err = gs_diff_pair_fields(&walk->diff, &pairing);
	while (!err && (i < pairing.before.count || j < pairing.after.count)) {
		const struct gs_slot *old, *new;

		take_next(&pairing, i, j, &old, &new);
		err = show_fields(walk, before, old, after, new);
		i += old != NULL;
		j += new != NULL;
	}
	return err;
}

static struct gs_error *show_all_subsections(struct walk *walk, const struct gs_vmsd *before,
					     const struct gs_vmsd *after)
{
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_error *err = gs_diff_pair_subsections(before, after, &pairing);

	for (size_t i = 0; !err && i < pairing.before.count; i++) {
		const struct gs_slot *slot = &pairing.before.slots[i];

		err = show_subsections(walk, slot, slot->partner);
	}
	for (size_t i = 0; !err && i < pairing.after.count; i++) {
		const struct gs_slot *slot = &pairing.after.slots[i];

		err = slot->partner ? NULL : show_subsections(walk, NULL, slot);
	}
	return err;
}

static struct gs_error *show_contents(struct walk *walk, const struct gs_vmsd *before,
				      const struct gs_vmsd *after)
{
	struct gs_error *err = show_all_fields(walk, before, after);

	return err ? err : show_all_subsections(walk, before, after);
}

struct gs_error *gs_devstate_align(
	const struct gs_devstate *state_before, const struct gs_vmsd *before,
	const struct gs_devstate *state_after, const struct gs_vmsd *after,
	struct gs_error *(*row)(void *arg, const struct gs_align_row *row), void *arg)
{
	struct walk walk = {
		.diff = {.before = state_before,
			 .after = state_after,
			 .told = gs_devstate_has_num(state_before) &&
				 gs_devstate_has_num(state_after)},
		.report = row,
		.arg = arg,
	};
	struct gs_error *err = show_contents(&walk, before, after);

	gs_text_deinit(&walk.diff.path);
	gs_text_deinit(&walk.beside);
	return err;
}
