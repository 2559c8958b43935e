/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of two descriptions: which ones are the same, and what became of the rest.
 *
 * Fields are paired by name. Between pairs that kept their order and their bytes lie stretches in
 * which bytes are what counts: a run of fields that is as long as a run on the other side is that
 * run under other names, or divided otherwise. What no run takes is added or removed.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* ---- pairs ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct gs_vmsd_field *)a)->name,
		      ((const struct gs_vmsd_field *)b)->name);
}

/* What it is, but for the length of an array. */
static int by_element(const void *a, const void *b)
{
	const struct gs_vmsd_field *x = a, *y = b;

	if (x->description && y->description)
		return strcmp(x->description->name, y->description->name);
	if (x->description || y->description)
		return !x->description - !y->description;
	return (x->size > y->size) - (x->size < y->size);
}

/*
 * Names recur, and of several that are `unused` those of one size belong together. That is tried
 * first, so that one more in front of them does not shift them all.
 */
static int by_shape(const void *a, const void *b)
{
	int order = by_name(a, b);

	return order ? order : by_element(a, b);
}

/* The same where exports tell the lengths of arrays. */
static int by_length(const void *a, const void *b)
{
	const struct gs_vmsd_field *x = a, *y = b;
	int order = by_shape(a, b);

	if (!order)
		order = x->has_num - y->has_num;
	return order ? order : (x->num > y->num) - (x->num < y->num);
}

struct gs_error *gs_diff_pair_fields(const struct gs_diff *diff, struct gs_pairing *pairing)
{
	struct gs_error *err = diff->told ? gs_pairing_match(pairing, by_length) : NULL;

	if (!err)
		err = gs_pairing_match(pairing, by_shape);
	if (!err)
		err = gs_pairing_match(pairing, by_name);
	return err ? err : gs_pairing_anchor(pairing, by_length);
}

/* ---- runs ---- */

/* Neighbours, but for those that moved. */
struct span {
	struct gs_slot **slots;
	size_t count;
};

static const struct gs_vmsd_field *field_at(struct span span, size_t i)
{
	return span.slots[i]->item;
}

static struct span part(struct span span, size_t start, size_t count)
{
	return (struct span){span.slots + start, count};
}

static struct gs_error *tell_side(struct gs_diff *diff, struct span span, bool is_after)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < span.count; i++) {
		gs_autotext struct gs_text text = {0};
		size_t mark = gs_diff_enter_field(diff, field_at(span, i));

		gs_diff_put_field(&text, field_at(span, i));
		err = gs_diff_tell_one(diff,
				       is_after ? GS_CHANGE_FIELD_ADDED : GS_CHANGE_FIELD_REMOVED,
				       is_after, &text);
		gs_diff_leave(diff, mark);
	}
	return err;
}

static void put_run(struct gs_text *text, struct span run)
{
	for (size_t i = 0; i < run.count; i++) {
		gs_text_puts(text, i ? ", " : "");
		gs_diff_put_name(text, field_at(run, i)->name);
		gs_text_puts(text, " (");
		gs_diff_put_field(text, field_at(run, i));
		gs_text_puts(text, ")");
	}
}

static struct gs_error *tell_runs(struct gs_diff *diff, enum gs_devstate_change_kind kind,
				  struct span before, struct span after)
{
	gs_autotext struct gs_text old = {0}, new = {0};
	size_t mark = gs_diff_enter_field(diff, field_at(before, 0));
	struct gs_error *err = NULL;

	put_run(&old, before);
	put_run(&new, after);
	if (old.failed || new.failed)
		err = gs_error_nomem();
	if (!err)
		err = gs_diff_tell(diff, kind, old.data, new.data);
	gs_diff_leave(diff, mark);
	return err;
}

static struct gs_error *tell_rename(struct gs_diff *diff, struct span before, struct span after)
{
	struct gs_error *err = tell_runs(diff, GS_CHANGE_FIELD_RENAMED, before, after);
	const struct gs_vmsd_field *old = field_at(before, 0), *new = field_at(after, 0);

	return err || !old->description ? err : gs_diff_field(diff, old, new, false);
}

/* Fields of the same bytes at the same place. Pairs among them may differ in what is inside. */
static struct gs_error *tell_equal(struct gs_diff *diff, struct span before, struct span after)
{
	bool is_one = before.count == 1 && after.count == 1 &&
		      by_element(field_at(before, 0), field_at(after, 0)) == 0;
	struct gs_error *err = is_one ? tell_rename(diff, before, after)
				      : tell_runs(diff, GS_CHANGE_FIELD_WRAPPED, before, after);

	for (size_t i = 0; !err && i < before.count; i++) {
		const struct gs_slot *partner = before.slots[i]->partner;

		if (partner)
			err = gs_diff_field(diff, field_at(before, i), partner->item, true);
	}
	return err;
}

/* Adds the bytes of span[*taken], if it is sent whenever @first is. */
static bool take_next(const struct gs_diff *diff, struct span span, size_t *taken, uint64_t *bytes,
		      const struct gs_vmsd_field *first)
{
	uint64_t more;

	if (*taken == span.count || !gs_diff_same_gate(field_at(span, *taken), first) ||
	    !gs_diff_bytes(diff, field_at(span, *taken), &more))
		return false;
	(*taken)++;
	return !__builtin_add_overflow(*bytes, more, bytes);
}

/* What begins both: the shortest runs of the same bytes. */
static bool find_equal(const struct gs_diff *diff, struct span before, struct span after,
		       size_t *before_count, size_t *after_count)
{
	const struct gs_vmsd_field *a = field_at(before, 0), *b = field_at(after, 0);
	uint64_t a_bytes = 0, b_bytes = 0;

	*before_count = *after_count = 0;
	if (!take_next(diff, before, before_count, &a_bytes, a) ||
	    !take_next(diff, after, after_count, &b_bytes, a)) {
		/* Of structs with conditional parts nothing is known but what they call themselves.
		 */
		*before_count = *after_count = 1;
		return a->description && b->description && gs_diff_same_gate(a, b) &&
		       strcmp(a->description->name, b->description->name) == 0;
	}
	while (a_bytes != b_bytes) {
		if (!(a_bytes < b_bytes ? take_next(diff, before, before_count, &a_bytes, a)
					: take_next(diff, after, after_count, &b_bytes, a)))
			return false;
	}
	return true;
}

/* Whether @b, of an export that tells lengths, may be an array of @a, of one that does not. */
static bool may_be_array(const struct gs_devstate *a_state, const struct gs_vmsd_field *a,
			 const struct gs_devstate *b_state, const struct gs_vmsd_field *b)
{
	uint64_t bytes;

	return !gs_devstate_has_num(a_state) && gs_devstate_has_num(b_state) && a->size &&
	       !__builtin_mul_overflow(b->size, b->has_num ? b->num : 1, &bytes) && bytes &&
	       bytes % a->size == 0;
}

/* One for one, where the length of the older is not told. */
static bool may_be_same(const struct gs_diff *diff, struct span before, struct span after)
{
	const struct gs_vmsd_field *a, *b;

	if (before.count != 1 || after.count != 1)
		return false;
	a = field_at(before, 0);
	b = field_at(after, 0);
	return !a->description && !b->description && gs_diff_same_gate(a, b) &&
	       (may_be_array(diff->before, a, diff->after, b) ||
		may_be_array(diff->after, b, diff->before, a));
}

static struct gs_error *compare_runs(struct gs_diff *diff, struct span before, struct span after)
{
	size_t before_count, after_count;
	struct gs_error *err = NULL;

	while (!err && before.count && after.count &&
	       find_equal(diff, before, after, &before_count, &after_count)) {
		err = tell_equal(diff, part(before, 0, before_count), part(after, 0, after_count));
		before = part(before, before_count, before.count - before_count);
		after = part(after, after_count, after.count - after_count);
	}
	if (!err && may_be_same(diff, before, after))
		return tell_rename(diff, before, after);
	if (!err)
		err = tell_side(diff, before, false);
	return err ? err : tell_side(diff, after, true);
}

/* ---- stretches ---- */

static bool is_resized(const struct gs_diff *diff, const struct gs_slot *slot)
{
	uint64_t bytes, other;

	return slot->anchor && gs_diff_bytes(diff, slot->item, &bytes) &&
	       gs_diff_bytes(diff, slot->partner->item, &other) && bytes != other;
}

/* All that is sent whenever @first is; *pairs_ret of it are pairs. */
static bool sum_up(const struct gs_diff *diff, struct span span, const struct gs_vmsd_field *first,
		   uint64_t *bytes_ret, size_t *pairs_ret)
{
	size_t taken = 0, pairs = 0;
	uint64_t bytes = 0;

	while (taken < span.count) {
		pairs += span.slots[taken]->anchor;
		if (!take_next(diff, span, &taken, &bytes, first))
			return false;
	}
	*bytes_ret = bytes;
	*pairs_ret = pairs;
	return true;
}

/* A filler that shrank by what was put in front of it: together they are as long as before. */
static bool is_refilled(const struct gs_diff *diff, struct span before, struct span after)
{
	uint64_t a_bytes, b_bytes;
	size_t pairs;

	return before.count && sum_up(diff, before, field_at(before, 0), &a_bytes, &pairs) &&
	       pairs && (pairs < before.count || pairs < after.count) &&
	       sum_up(diff, after, field_at(before, 0), &b_bytes, &pairs) && a_bytes == b_bytes;
}

/* How far it is to the next pair; those in @span that are resized count only if @resized. */
static size_t to_pair(const struct gs_diff *diff, struct span span, bool resized)
{
	size_t i = 0;

	while (i < span.count &&
	       (!span.slots[i]->anchor || (!resized && is_resized(diff, span.slots[i]))))
		i++;
	return i;
}

static size_t to_partner(struct span after, const struct gs_slot *slot)
{
	size_t i = 0;

	while (i < after.count && after.slots[i] != slot->partner)
		i++;
	return i;
}

/*
 * Stretch after stretch, each one followed by a pair: first between pairs that kept their bytes,
 * then within, between resized ones.
 */
static struct gs_error *compare_stretches(struct gs_diff *diff, struct span before,
					  struct span after, bool resized)
{
	struct gs_error *err = NULL;

	while (!err && (before.count || after.count)) {
		size_t i = to_pair(diff, before, resized);
		const struct gs_slot *slot = i < before.count ? before.slots[i] : NULL;
		size_t j = slot ? to_partner(after, slot) : after.count;
		struct span old = part(before, 0, i), new = part(after, 0, j);

		if (resized || is_refilled(diff, old, new))
			err = compare_runs(diff, old, new);
		else
			err = compare_stretches(diff, old, new, true);
		if (!err && slot)
			err = gs_diff_field(diff, slot->item, slot->partner->item, false);
		before = part(before, i + !!slot, before.count - i - !!slot);
		after = part(after, j + !!slot, after.count - j - !!slot);
	}
	return err;
}

/* ---- all of them ---- */

static void put_place(struct gs_text *text, const struct gs_slots *list, size_t index)
{
	if (index == 0) {
		gs_text_puts(text, "first");
	} else {
		gs_text_puts(text, "behind ");
		gs_diff_put_name(text,
				 ((const struct gs_vmsd_field *)list->slots[index - 1].item)->name);
	}
}

static struct gs_error *tell_moved(struct gs_diff *diff, const struct gs_pairing *pairing,
				   const struct gs_slot *slot)
{
	gs_autotext struct gs_text old = {0}, new = {0};
	size_t mark = gs_diff_enter_field(diff, slot->item);
	struct gs_error *err = NULL;

	put_place(&old, &pairing->before, slot->index);
	put_place(&new, &pairing->after, slot->partner->index);
	if (old.failed || new.failed)
		err = gs_error_nomem();
	if (!err)
		err = gs_diff_tell(diff, GS_CHANGE_FIELD_MOVED, old.data, new.data);
	gs_diff_leave(diff, mark);
	return err ? err : gs_diff_field(diff, slot->item, slot->partner->item, false);
}

/* Those that did not move. NULL: out of memory. */
static struct gs_slot **in_order(const struct gs_slots *list, struct span *ret)
{
	struct gs_slot **slots = calloc(list->count ? list->count : 1, sizeof(*slots));

	*ret = (struct span){slots, 0};
	for (size_t i = 0; slots && i < list->count; i++) {
		if (list->slots[i].anchor || !list->slots[i].partner)
			slots[ret->count++] = &list->slots[i];
	}
	return slots;
}

struct gs_error *gs_diff_fields(struct gs_diff *diff, const struct gs_vmsd *before,
				const struct gs_vmsd *after)
{
	gs_autopairing struct gs_pairing pairing = {0};
	gs_autofree struct gs_slot **old = NULL, **new = NULL;
	struct span old_span, new_span;
	struct gs_error *err =
		gs_pairing_init(&pairing, before->fields, before->field_count, after->fields,
				after->field_count, sizeof(struct gs_vmsd_field));

	if (!err)
		err = gs_diff_pair_fields(diff, &pairing);
	for (size_t i = 0; !err && i < pairing.before.count; i++) {
		const struct gs_slot *slot = &pairing.before.slots[i];

		if (slot->partner && !slot->anchor)
			err = tell_moved(diff, &pairing, slot);
	}
	if (err)
		return err;
	old = in_order(&pairing.before, &old_span);
	new = in_order(&pairing.after, &new_span);
	if (!old || !new)
		return gs_error_nomem();
	return compare_stretches(diff, old_span, new_span, false);
}
