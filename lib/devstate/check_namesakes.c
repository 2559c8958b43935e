/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which fields are each other's namesakes, by their paths.
 *
 * Paths stand in a tree from their last step to their first, so that a path that another one ends
 * in is a node on the other one's way to the root.
 */
#include <inttypes.h>

#include "check_scope.h"

#define STEPS_MAX (1 << 18)    /* of all paths together */
#define STEPS_OF_NAME_MAX 32   /* "a.b.c" is three; real: 6 */
#define ELEMENTS_MAX (1 << 12) /* of an array of structs */

struct node {
	uint32_t parent;
	bool is_path[GS_SIDES];     /* one of that side's fields */
	bool is_end_only[GS_SIDES]; /* of a longer path, which the other side does not have */
};

struct gs_namesakes {
	struct gs_names steps, index; /* index: of nodes but the root, by parent and step */
	struct node *nodes;
	size_t capacity;
	struct gs_work *work;
	bool overflow;
};

/* ---- the tree ---- */

/* Eight letters, as keys are strings. */
static void put_number(char *to, uint32_t number)
{
	for (int i = 0; i < 8; i++, number >>= 4)
		to[i] = (char)('a' + (number & 15));
}

static struct gs_error *add_node(struct gs_namesakes *tree, uint32_t parent, uint32_t step,
				 uint32_t *ret)
{
	struct gs_error *err;
	char key[17] = "";

	put_number(key, parent);
	put_number(key + 8, step);
	err = gs_names_add(&tree->index, key, ret);
	if (err)
		return err;
	++*ret;
	if (tree->index.count > STEPS_MAX || !gs_work_take(tree->work, 4))
		tree->overflow = true;
	if (*ret >= tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 256;
		struct node *more = gs_arena_alloc(tree->index.arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (tree->capacity)
			memcpy(more, tree->nodes, tree->capacity * sizeof(*more));
		tree->nodes = more;
		tree->capacity = capacity;
	}
	tree->nodes[*ret].parent = parent;
	return NULL;
}

/* The steps of a name, from the last to the first; the element's number belongs to the last. */
static struct gs_error *add_name(struct gs_namesakes *tree, const struct gs_place *place,
				 uint32_t *node)
{
	gs_autotext struct gs_text name = {0};
	struct gs_error *err = NULL;
	int steps = 0;

	gs_text_puts(&name, place->field->name);
	if (place->is_element)
		gs_text_printf(&name, "[%" PRIu64 "]", place->index);
	if (name.failed)
		return gs_error_nomem();
	for (char *at = name.data + name.size; !err; at--) {
		uint32_t step;

		if (at != name.data && at[-1] != '.' && at[-1] != '/')
			continue;
		err = gs_names_add(&tree->steps, at, &step);
		if (!err)
			err = add_node(tree, *node, step, node);
		if (at == name.data || ++steps == STEPS_OF_NAME_MAX)
			break;
		at[-1] = '\0';
	}
	tree->overflow |= steps == STEPS_OF_NAME_MAX;
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
	for (uint32_t i = 1; i <= tree->index.count; i++) {
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
	tree->steps.arena = tree->index.arena = arena;
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
