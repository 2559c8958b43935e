/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sides of a scope next to each other: anchors, and segments between them. */
#include <string.h>

#include "check_scope.h"

/* Two descriptions, and the segment that is open in them. */
struct pass {
	struct gs_scope *scope;
	const struct gs_level *levels; /* of both sides */
	bool is_repeated;
	struct gs_wire_size offset; /* of what comes next */
	struct gs_item segment;
	bool is_open;
};

static struct gs_error *align_levels(struct gs_scope *scope, const struct gs_level *levels,
				     struct gs_wire_size offset, bool is_repeated);

/* ---- items ---- */

static struct gs_error *add_item(struct gs_scope *scope, const struct gs_item *item)
{
	if (scope->item_count == scope->item_capacity) {
		size_t capacity = scope->item_capacity ? 2 * scope->item_capacity : 32;
		struct gs_item *more = gs_arena_alloc(&scope->arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (scope->item_count)
			memcpy(more, scope->items, scope->item_count * sizeof(*more));
		scope->items = more;
		scope->item_capacity = capacity;
	}
	scope->items[scope->item_count++] = *item;
	return NULL;
}

struct gs_error *gs_scope_add_minimum(struct gs_scope *scope, const struct gs_vmsd *description,
				      const struct gs_place *place, const struct gs_gate *gate)
{
	struct gs_item item = {.kind = GS_ITEM_MINIMUM,
			       .places = {[GS_LOADER] = place},
			       .gate = gate,
			       .offset = {GS_WIRE_UNKNOWN, 0}};

	return description->minimum > description->version ? add_item(scope, &item) : NULL;
}

static struct gs_item item_of_pair(const struct pass *pass, enum gs_item_kind kind,
				   const struct gs_level inner[GS_SIDES])
{
	return (struct gs_item){.kind = kind,
				.places = {inner[GS_SAVER].parent, inner[GS_LOADER].parent},
				.gate = inner[GS_SAVER].gate,
				.offset = pass->offset};
}

static struct gs_error *add_pair(struct pass *pass, enum gs_item_kind kind,
				 const struct gs_level inner[GS_SIDES])
{
	struct gs_item item = item_of_pair(pass, kind, inner);

	return add_item(pass->scope, &item);
}

/* Its ends have a place among the bytes: segments around may not make up for each other there. */
static struct gs_error *add_subsections(struct pass *pass, const struct gs_level inner[GS_SIDES])
{
	struct gs_item item = item_of_pair(pass, GS_ITEM_SUBSECTIONS, inner);
	struct gs_error *err = NULL;

	for (int side = 0; !err && side < GS_SIDES; side++) {
		item.first[side] = pass->scope->runs[side].count;
		err = gs_end_add(pass->scope, (enum gs_check_side)side, &inner[side]);
		item.count[side] = pass->scope->runs[side].count - item.first[side];
	}
	return err ? err : add_item(pass->scope, &item);
}

/* ---- segments ---- */

static struct gs_error *open_segment(struct pass *pass)
{
	struct gs_item *segment = &pass->segment;

	if (pass->is_open)
		return NULL;
	*segment = (struct gs_item){
		.kind = GS_ITEM_SEGMENT, .offset = pass->offset, .is_repeated = pass->is_repeated};
	for (int side = 0; side < GS_SIDES; side++) {
		segment->places[side] = pass->levels[side].parent;
		segment->owners[side] = pass->levels[side].owner;
		segment->versions[side] = pass->levels[side].version;
		segment->first[side] = pass->scope->runs[side].count;
	}
	pass->is_open = true;
	pass->scope->is_heavy = false;
	return NULL;
}

static struct gs_error *close_segment(struct pass *pass)
{
	struct gs_item *segment = &pass->segment;
	size_t count = 0;

	if (!pass->is_open)
		return NULL;
	pass->is_open = false;
	for (int side = 0; side < GS_SIDES; side++) {
		segment->count[side] = pass->scope->runs[side].count - segment->first[side];
		count += segment->count[side];
	}
	segment->is_heavy = pass->scope->is_heavy;
	return count || segment->is_heavy ? add_item(pass->scope, segment) : NULL;
}

static struct gs_error *add_to_segment(struct pass *pass, enum gs_check_side side,
				       const struct gs_slot *slot)
{
	struct gs_error *err = open_segment(pass);

	return err ? err
		   : gs_runs_add(pass->scope, side, &pass->levels[side], slot->item,
				 slot->partner ? slot->partner->item : NULL);
}

/* ---- offsets ---- */

static void pass_by(struct pass *pass, const struct gs_vmsd_field *sent,
		    const struct gs_vmsd_field *taken)
{
	struct gs_scope *scope = pass->scope;
	const struct gs_level *level = &pass->levels[GS_SAVER];
	struct gs_wire_size size;

	if (!gs_field_is_there(sent, level->version))
		return;
	if (sent->conditional) {
		pass->offset.certainty = GS_WIRE_AT_LEAST;
		return;
	}
	size = gs_vmsd_field_wire(scope->states[GS_SAVER], sent);
	/* What is the same on both sides may be told by the other one. */
	if (size.certainty != GS_WIRE_EXACT && taken && scope->told[GS_LOADER] &&
	    gs_field_is_same(scope->told, sent, taken))
		size = gs_vmsd_field_wire(scope->states[GS_LOADER], taken);
	if (size.certainty != GS_WIRE_EXACT ||
	    __builtin_add_overflow(pass->offset.bytes, size.bytes, &size.bytes)) {
		pass->offset.certainty = GS_WIRE_AT_LEAST;
		return;
	}
	pass->offset.bytes = size.bytes;
}

/* ---- pairs ---- */

/* Whether they are structs that are there in the same worlds, and as many. */
static bool can_walk(const struct pass *pass, const struct gs_vmsd_field *sent,
		     const struct gs_vmsd_field *taken)
{
	const struct gs_level *levels = pass->levels;

	if (!sent->description || !taken->description ||
	    !gs_field_is_same_count(pass->scope->told, sent, taken) ||
	    !gs_field_is_same_gate(sent, levels[GS_SAVER].version, taken,
				   levels[GS_LOADER].version))
		return false;
	/* A predicate of another name, or of descriptions of other names, is another one. */
	return !sent->conditional ||
	       (strcmp(levels[GS_SAVER].owner->name, levels[GS_LOADER].owner->name) == 0 &&
		sent->occurrence == taken->occurrence && strcmp(sent->name, taken->name) == 0);
}

static bool is_alike(const struct pass *pass, const struct gs_vmsd_field *sent,
		     const struct gs_vmsd_field *taken)
{
	const struct gs_level *levels = pass->levels;

	if (!gs_field_is_same_gate(sent, levels[GS_SAVER].version, taken,
				   levels[GS_LOADER].version) ||
	    !gs_field_is_same(pass->scope->told, sent, taken))
		return false;
	if (!sent->conditional)
		return true;
	return sent->occurrence == taken->occurrence &&
	       strcmp(levels[GS_SAVER].owner->name, levels[GS_LOADER].owner->name) == 0;
}

static size_t count_senders(const struct gs_vmsd *description)
{
	size_t count = 0;

	for (size_t i = 0; i < description->field_count; i++) {
		const struct gs_vmsd *inner = description->fields[i].description;

		if (inner)
			count += (inner->subsection_count > 0) + count_senders(inner);
	}
	return count;
}

/* Whose subsections those are, the names of descriptions say, and where they end. */
static bool has_other_claims(const struct gs_vmsd_field *const pair[])
{
	const struct gs_vmsd *sent = pair[GS_SAVER]->description;
	const struct gs_vmsd *taken = pair[GS_LOADER]->description;

	if (count_senders(sent) != count_senders(taken))
		return true;
	return (gs_vmsd_has_subsections(sent) || gs_vmsd_has_subsections(taken)) &&
	       strcmp(sent->name, taken->name) != 0;
}

/* ---- structs on both sides ---- */

/* Walking into them was in vain. */
struct mark {
	size_t item_count, run_counts[GS_SIDES], assumed;
};

static struct mark set_mark(const struct gs_scope *scope)
{
	return (struct mark){scope->item_count,
			     {scope->runs[GS_SAVER].count, scope->runs[GS_LOADER].count},
			     scope->judge->assumed};
}

static void go_back(struct gs_scope *scope, const struct mark *mark)
{
	scope->item_count = mark->item_count;
	for (int side = 0; side < GS_SIDES; side++)
		scope->runs[side].count = mark->run_counts[side];
	scope->judge->assumed = mark->assumed;
}

/* Whether all elements are as long on one side as on the other, whatever the world. */
static struct gs_error *is_balanced(struct gs_scope *scope, size_t first_item, bool *ret)
{
	struct gs_error *err = NULL;

	*ret = true;
	for (size_t i = first_item; !err && i < scope->item_count && *ret; i++) {
		struct gs_item *item = &scope->items[i];

		if (item->kind != GS_ITEM_SEGMENT)
			continue;
		err = gs_segment_weigh(scope, item);
		*ret = item->signs == 0 && !item->is_heavy;
	}
	return err;
}

static struct gs_error *init_inner(struct pass *pass, const struct gs_vmsd_field *const pair[],
				   bool is_array, struct gs_level inner[GS_SIDES])
{
	struct gs_scope *scope = pass->scope;
	const struct gs_gate *gate;
	struct gs_error *err =
		gs_gate_add(scope, GS_SAVER, &pass->levels[GS_SAVER], pair[GS_SAVER], &gate);

	for (int side = 0; !err && side < GS_SIDES; side++) {
		const struct gs_vmsd *description = pair[side]->description;
		struct gs_place *place = gs_arena_alloc(&scope->arena, 1, sizeof(*place));

		if (!place)
			return gs_error_nomem();
		*place = (struct gs_place){pass->levels[side].parent, pair[side], is_array,
					   is_array, 0};
		inner[side] = (struct gs_level){description, description->version, gate, place};
	}
	return err;
}

static struct gs_error *walk(struct pass *pass, const struct gs_level inner[GS_SIDES],
			     bool is_repeated)
{
	const struct gs_vmsd *sent = inner[GS_SAVER].owner, *taken = inner[GS_LOADER].owner;
	struct gs_error *err = gs_scope_add_minimum(pass->scope, taken, inner[GS_LOADER].parent,
						    inner[GS_LOADER].gate);

	if (!err)
		err = align_levels(pass->scope, inner, pass->offset, is_repeated);
	if (!err && (sent->subsection_count || taken->subsection_count))
		err = add_subsections(pass, inner);
	return err;
}

static uint64_t count_pair(const struct gs_scope *scope, const struct gs_vmsd_field *const pair[])
{
	return gs_field_count(pair[scope->told[GS_SAVER] ? GS_SAVER : GS_LOADER]);
}

/*
 * false in *walked_ret: their elements differ in length, so that it matters how many there are, and
 * they have to be laid out.
 */
static struct gs_error *walk_pair(struct pass *pass, const struct gs_vmsd_field *const pair[],
				  bool *walked_ret)
{
	struct gs_scope *scope = pass->scope;
	uint64_t count = count_pair(scope, pair);
	bool is_told = scope->told[GS_SAVER] || scope->told[GS_LOADER];
	struct mark mark;
	struct gs_level inner[GS_SIDES];
	struct gs_error *err = close_segment(pass);

	*walked_ret = true;
	mark = set_mark(scope);
	if (err || count == 0 || !gs_field_is_there(pair[0], pass->levels[0].version))
		return err;
	scope->judge->assumed += gs_field_is_assumed(scope->told, pair[GS_SAVER], pair[GS_LOADER]);
	err = init_inner(pass, pair, count > 1, inner);
	if (!err)
		err = walk(pass, inner, pass->is_repeated || !is_told);
	if (!err && count > 1)
		err = is_balanced(scope, mark.item_count, walked_ret);
	if (!err && !*walked_ret)
		go_back(scope, &mark);
	return err;
}

/* ---- a level ---- */

static struct gs_error *add_anchor(struct pass *pass, const struct gs_slot *slot)
{
	const struct gs_vmsd_field *sent = slot->item, *taken = slot->partner->item;
	struct gs_scope *scope = pass->scope;
	struct gs_item item = {.kind = GS_ITEM_ANCHOR, .offset = pass->offset};
	struct gs_error *err;

	if (!gs_field_is_there(sent, pass->levels[GS_SAVER].version))
		return NULL;
	err = close_segment(pass);
	scope->is_heavy = false;
	if (!err)
		err = gs_gate_add(scope, GS_SAVER, &pass->levels[GS_SAVER], sent, &item.gate);
	if (err)
		return err;
	item.places[GS_SAVER] = gs_place_add(scope, pass->levels[GS_SAVER].parent, sent);
	item.places[GS_LOADER] = gs_place_add(scope, pass->levels[GS_LOADER].parent, taken);
	if (!item.places[GS_SAVER] || !item.places[GS_LOADER])
		return gs_error_nomem();
	for (int side = 0; !err && side < GS_SIDES; side++) {
		item.first[side] = scope->runs[side].count;
		err = gs_runs_add(scope, (enum gs_check_side)side, &pass->levels[side],
				  side == GS_SAVER ? sent : taken, side == GS_SAVER ? taken : sent);
		item.count[side] = scope->runs[side].count - item.first[side];
	}
	item.is_heavy = scope->is_heavy;
	return err ? err : add_item(scope, &item);
}

static struct gs_error *align_anchor(struct pass *pass, const struct gs_slot *slot)
{
	const struct gs_vmsd_field *const pair[] = {slot->item, slot->partner->item};
	bool walked = false;
	struct gs_error *err = NULL;

	if (is_alike(pass, pair[GS_SAVER], pair[GS_LOADER]))
		return add_anchor(pass, slot);
	if (can_walk(pass, pair[GS_SAVER], pair[GS_LOADER]) && !has_other_claims(pair))
		err = walk_pair(pass, pair, &walked);
	if (!err && !walked)
		err = add_to_segment(pass, GS_SAVER, slot);
	if (!err && !walked)
		err = add_to_segment(pass, GS_LOADER, slot->partner);
	return err;
}

/* A struct under another name, with nothing in it that is anywhere else. */
static struct gs_error *walk_renamed(struct pass *pass, const struct gs_slot *slot, bool *ret)
{
	const struct gs_vmsd_field *const pair[] = {slot->item, slot->partner->item};
	struct gs_level inner[GS_SIDES];
	bool is_elsewhere = true;
	struct gs_error *err;

	*ret = false;
	if (!can_walk(pass, pair[GS_SAVER], pair[GS_LOADER]) || has_other_claims(pair) ||
	    count_pair(pass->scope, pair) != 1 ||
	    !gs_field_is_there(pair[GS_SAVER], pass->levels[GS_SAVER].version))
		return NULL;
	err = init_inner(pass, pair, false, inner);
	for (int side = 0; !err && side < GS_SIDES; side++) {
		err = gs_scope_is_elsewhere(pass->scope, (enum gs_check_side)side, &inner[side],
					    &is_elsewhere);
		if (err || is_elsewhere)
			return err;
	}
	if (!err)
		err = close_segment(pass);
	if (!err)
		err = add_pair(pass, GS_ITEM_RENAMED, inner);
	*ret = true;
	return err ? err : walk(pass, inner, pass->is_repeated);
}

/* What lies between two anchors. */
static struct gs_error *align_gap(struct pass *pass, const struct gs_slot *sent, size_t sent_count,
				  const struct gs_slot *taken, size_t taken_count)
{
	struct gs_error *err = NULL;
	bool walked = false;

	if (sent_count == 1 && taken_count == 1 && sent->partner == taken)
		err = walk_renamed(pass, sent, &walked);
	for (size_t i = 0; !err && i < sent_count && !walked; i++)
		err = add_to_segment(pass, GS_SAVER, &sent[i]);
	for (size_t i = 0; !err && i < taken_count && !walked; i++)
		err = add_to_segment(pass, GS_LOADER, &taken[i]);
	for (size_t i = 0; i < sent_count; i++)
		pass_by(pass, sent[i].item, NULL);
	return err;
}

static size_t count_gap(const struct gs_slots *list, size_t from)
{
	size_t to = from;

	while (to < list->count && !list->slots[to].anchor)
		to++;
	return to - from;
}

static struct gs_error *align_pairs(struct pass *pass, const struct gs_pairing *pairing)
{
	const struct gs_slots *sent = &pairing->before, *taken = &pairing->after;
	struct gs_error *err = NULL;

	for (size_t i = 0, j = 0; !err; i++, j++) {
		size_t sent_gap = count_gap(sent, i), taken_gap = count_gap(taken, j);

		err = align_gap(pass, &sent->slots[i], sent_gap, &taken->slots[j], taken_gap);
		i += sent_gap;
		j += taken_gap;
		if (i == sent->count)
			break;
		if (!err)
			err = align_anchor(pass, &sent->slots[i]);
		pass_by(pass, sent->slots[i].item, sent->slots[i].partner->item);
	}
	return err ? err : close_segment(pass);
}

static struct gs_error *align_levels(struct gs_scope *scope, const struct gs_level *levels,
				     struct gs_wire_size offset, bool is_repeated)
{
	struct pass pass = {
		.scope = scope, .levels = levels, .is_repeated = is_repeated, .offset = offset};
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_error *err =
		gs_scope_pair(scope, levels[GS_SAVER].owner, levels[GS_LOADER].owner, &pairing);

	return err ? err : align_pairs(&pass, &pairing);
}

struct gs_error *gs_scope_align(struct gs_scope *scope, const struct gs_level levels[GS_SIDES])
{
	return align_levels(scope, levels, (struct gs_wire_size){GS_WIRE_EXACT, 0}, false);
}
