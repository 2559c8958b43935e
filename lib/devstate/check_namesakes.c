/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which fields are each other's namesakes, by their paths.
 *
 * Paths stand in a tree from their last step to their first, so that a path that another one ends
 * in is a node on the other one's way to the root.
 */
#include <inttypes.h>
#include <stdio.h>

#include "check_scope.h"

#define STEPS_MAX (1 << 18)    /* of all paths together */
#define STEPS_OF_NAME_MAX 32   /* "a.b.c" is three; real: 6 */
#define ELEMENTS_MAX (1 << 12) /* of an array of structs */
#define STRUCTS_KNOWN 8

struct node {
	uint32_t parent, step;
	bool is_path[GS_SIDES];     /* one of that side's fields */
	bool is_end_only[GS_SIDES]; /* of a longer path, which the other side does not have */
};

/* The steps of a struct's name, which all paths through it want: from the last to the first. */
struct steps {
	const struct gs_vmsd_field *field;
	bool is_element;
	uint64_t index;
	size_t count;
	uint32_t steps[STEPS_OF_NAME_MAX];
};

struct gs_namesakes {
	struct gs_names steps;
	struct node *nodes;     /* from 1; 0 is the root */
	uint32_t *index;        /* of them by parent and step; twice as many as there is room for */
	size_t count, capacity; /* without the root */
	struct steps known[STRUCTS_KNOWN];
	char *name; /* room for one that is taken apart */
	size_t name_capacity;
	struct gs_work *work;
	bool overflow;
};

/* ---- the tree ---- */

/* Where the node's number is, or would be. */
static uint32_t *find_node(const struct gs_namesakes *tree, uint32_t parent, uint32_t step)
{
	uint64_t mixed = ((uint64_t)parent << 32 | step) * 0x9e3779b97f4a7c15;
	size_t mask = 2 * tree->capacity - 1, at = (size_t)(mixed >> 32) & mask;

	while (tree->index[at] && (tree->nodes[tree->index[at]].parent != parent ||
				   tree->nodes[tree->index[at]].step != step))
		at = (at + 1) & mask;
	return &tree->index[at];
}

static struct gs_error *grow_tree(struct gs_namesakes *tree)
{
	size_t capacity = tree->capacity ? 2 * tree->capacity : 256;
	struct node *nodes = gs_arena_alloc(tree->steps.arena, capacity + 1, sizeof(*nodes));
	uint32_t *index = gs_arena_alloc(tree->steps.arena, 2 * capacity, sizeof(*index));

	if (!nodes || !index)
		return gs_error_nomem();
	if (tree->count)
		memcpy(nodes, tree->nodes, (tree->count + 1) * sizeof(*nodes));
	tree->nodes = nodes;
	tree->index = index;
	tree->capacity = capacity;
	for (uint32_t i = 1; i <= tree->count; i++)
		*find_node(tree, nodes[i].parent, nodes[i].step) = i;
	return NULL;
}

static struct gs_error *add_node(struct gs_namesakes *tree, uint32_t parent, uint32_t step,
				 uint32_t *ret)
{
	struct gs_error *err = tree->count == tree->capacity ? grow_tree(tree) : NULL;
	uint32_t *at;

	if (err)
		return err;
	at = find_node(tree, parent, step);
	if (!*at) {
		*at = (uint32_t)++tree->count;
		tree->nodes[*at].parent = parent;
		tree->nodes[*at].step = step;
	}
	if (tree->count > STEPS_MAX || !gs_work_take(tree->work, 4))
		tree->overflow = true;
	*ret = *at;
	return NULL;
}

/* ---- names ---- */

/* A copy of the place's name, for taking apart; *end_ret: its NUL. NULL: out of memory. */
static char *copy_name(struct gs_namesakes *tree, const struct gs_place *place, char **end_ret)
{
	const char *name = place->field->name;
	size_t size = strlen(name), room = size + sizeof("[18446744073709551615]");

	if (tree->name_capacity < room) {
		tree->name = gs_arena_alloc(tree->steps.arena, 2, room);
		if (!tree->name)
			return NULL;
		tree->name_capacity = 2 * room;
	}
	*end_ret = (char *)memcpy(tree->name, name, size + 1) + size;
	if (place->is_element)
		*end_ret += sprintf(*end_ret, "[%" PRIu64 "]", place->index);
	return tree->name;
}

/* The element's number belongs to the last step. */
static struct gs_error *split_name(struct gs_namesakes *tree, const struct gs_place *place,
				   struct steps *ret)
{
	char *at = NULL, *name = copy_name(tree, place, &at);
	struct gs_error *err = NULL;

	if (!name)
		return gs_error_nomem();
	ret->field = place->field;
	ret->is_element = place->is_element;
	ret->index = place->index;
	ret->count = 0;
	for (; !err; at--) {
		if (at != name && at[-1] != '.' && at[-1] != '/')
			continue;
		err = gs_names_add(&tree->steps, at, &ret->steps[ret->count++]);
		if (at == name || ret->count == STEPS_OF_NAME_MAX)
			break;
		at[-1] = '\0';
	}
	tree->overflow |= at != name;
	return err;
}

static struct steps *find_struct(struct gs_namesakes *tree, const struct gs_place *place)
{
	uintptr_t address = (uintptr_t)place->field / sizeof(*place->field);

	return &tree->known[address % STRUCTS_KNOWN];
}

static struct gs_error *add_name(struct gs_namesakes *tree, const struct gs_place *place,
				 uint32_t *node)
{
	struct steps own, *steps = place->field->description ? find_struct(tree, place) : &own;
	struct gs_error *err = NULL;

	if (steps == &own || steps->field != place->field ||
	    steps->is_element != place->is_element || steps->index != place->index)
		err = split_name(tree, place, steps);
	for (size_t i = 0; !err && i < steps->count; i++)
		err = add_node(tree, *node, steps->steps[i], node);
	return err;
}

static struct gs_error *add_path(struct gs_namesakes *tree, const struct gs_place *place,
				 uint32_t *ret)
{
	struct gs_error *err = NULL;

	*ret = 0;
	for (; !err && place && !tree->overflow; place = place->parent)
		err = add_name(tree, place, ret);
	return err;
}

/* ---- all fields ---- */

static struct gs_error *add_fields(struct gs_namesakes *tree, enum gs_check_side side,
				   const struct gs_vmsd *description,
				   const struct gs_place *parent);

static struct gs_error *add_structs(struct gs_namesakes *tree, enum gs_check_side side,
				    struct gs_place *place)
{
	uint64_t count = gs_field_count(place->field);
	struct gs_error *err = NULL;

	place->is_element = count > 1;
	if (count > ELEMENTS_MAX)
		tree->overflow = true;
	for (place->index = 0; !err && place->index < count && !tree->overflow; place->index++)
		err = add_fields(tree, side, place->field->description, place);
	return err;
}

static struct gs_error *add_fields(struct gs_namesakes *tree, enum gs_check_side side,
				   const struct gs_vmsd *description, const struct gs_place *parent)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < description->field_count && !tree->overflow; i++) {
		struct gs_place place = {.parent = parent, .field = &description->fields[i]};
		uint32_t node = 0;

		if (place.field->description) {
			err = add_structs(tree, side, &place);
		} else if (!gs_field_is_unused(place.field)) {
			err = add_path(tree, &place, &node);
			if (!err && !tree->overflow)
				tree->nodes[node].is_path[side] = true;
		}
	}
	return err;
}

/* Tells all that a path ends in that it does. */
static void mark_ends(struct gs_namesakes *tree)
{
	for (uint32_t i = 1; i <= tree->count; i++) {
		for (int side = 0; side < GS_SIDES; side++) {
			if (!tree->nodes[i].is_path[side] || tree->nodes[i].is_path[!side])
				continue;
			for (uint32_t end = tree->nodes[i].parent;
			     end && !tree->nodes[end].is_end_only[side];
			     end = tree->nodes[end].parent)
				tree->nodes[end].is_end_only[side] = true;
		}
	}
}

static struct gs_error *add_root(struct gs_namesakes *tree, enum gs_check_side side,
				 const struct gs_vmsd *root, const struct gs_vmsd *parent)
{
	struct gs_error *err = add_fields(tree, side, root, NULL);

	for (size_t i = 0; !err && parent && i < parent->subsection_count && !tree->overflow; i++) {
		const struct gs_vmsd *other = &parent->subsections[i];

		if (!gs_work_take(tree->work, 1))
			tree->overflow = true;
		if (other != root && strcmp(other->name, root->name) == 0)
			err = add_fields(tree, side, other, NULL);
	}
	return err;
}

struct gs_error *gs_namesakes_create(const struct gs_vmsd *const roots[GS_SIDES],
				     const struct gs_vmsd *const parents[GS_SIDES],
				     struct gs_arena *arena, struct gs_work *work,
				     struct gs_namesakes **ret)
{
	struct gs_namesakes *tree = gs_arena_alloc(arena, 1, sizeof(*tree));
	struct gs_error *err = NULL;

	if (!tree)
		return gs_error_nomem();
	tree->steps.arena = arena;
	tree->work = work;
	for (int side = 0; !err && side < GS_SIDES; side++)
		err = add_root(tree, (enum gs_check_side)side, roots[side], parents[side]);
	if (err || tree->overflow)
		return err;
	mark_ends(tree);
	*ret = tree;
	return NULL;
}

/* ---- questions ---- */

struct gs_error *gs_namesakes_find(struct gs_namesakes *namesakes, const struct gs_place *place,
				   uint32_t *ret)
{
	struct gs_error *err = add_path(namesakes, place, ret);

	/* A path of its own that nobody has: nothing can be said of it. */
	if (!err && namesakes->overflow)
		*ret = 0;
	return err;
}

static bool is_end(const struct gs_namesakes *tree, uint32_t path, uint32_t end)
{
	while (path && path != end)
		path = tree->nodes[path].parent;
	return path == end;
}

bool gs_namesakes_are(const struct gs_namesakes *namesakes, uint32_t sent, uint32_t taken)
{
	if (sent == taken)
		return true;
	return !namesakes->nodes[sent].is_path[GS_LOADER] &&
	       !namesakes->nodes[taken].is_path[GS_SAVER] &&
	       (is_end(namesakes, sent, taken) || is_end(namesakes, taken, sent));
}

bool gs_namesakes_has(const struct gs_namesakes *namesakes, uint32_t node, enum gs_check_side side)
{
	const struct node *own = &namesakes->nodes[node];

	if (own->is_path[!side] || own->is_end_only[!side])
		return true;
	for (uint32_t end = own->parent; end; end = namesakes->nodes[end].parent) {
		if (namesakes->nodes[end].is_path[!side] && !namesakes->nodes[end].is_path[side])
			return true;
	}
	return false;
}
