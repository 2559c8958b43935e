/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes of a tree by number. One that has ended is kept for its children's sake, who want
 * to tell where they come from.
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>

#include "trace.h"

#define BUCKETS_FIRST 64

struct gs_error *gs_tree_init(struct gs_tree *tree)
{
	*tree = (struct gs_tree){.bucket_count = BUCKETS_FIRST};
	tree->buckets = calloc(tree->bucket_count, sizeof(*tree->buckets));
	return tree->buckets ? NULL : gs_error_nomem();
}

static struct gs_node **bucket_of(const struct gs_tree *tree, pid_t pid)
{
	return &tree->buckets[(size_t)pid % tree->bucket_count];
}

static struct gs_node **find_link(const struct gs_tree *tree, pid_t pid)
{
	struct gs_node **link = bucket_of(tree, pid);

	while (*link && (*link)->traced.id.pid != pid)
		link = &(*link)->next;
	return link;
}

struct gs_node *gs_tree_find(const struct gs_tree *tree, pid_t pid)
{
	return *find_link(tree, pid);
}

/* That there is no memory for more only makes it slower. */
static void grow(struct gs_tree *tree)
{
	struct gs_tree bigger = {.bucket_count = tree->bucket_count * 2};

	bigger.buckets = calloc(bigger.bucket_count, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return;
	for (size_t i = 0; i < tree->bucket_count; i++) {
		struct gs_node *node = tree->buckets[i];

		while (node) {
			struct gs_node *next = node->next;
			struct gs_node **link = bucket_of(&bigger, node->traced.id.pid);

			node->next = *link;
			*link = node;
			node = next;
		}
	}
	free(tree->buckets);
	tree->buckets = bigger.buckets;
	tree->bucket_count = bigger.bucket_count;
}

static void insert(struct gs_tree *tree, struct gs_node *node)
{
	struct gs_node **link = bucket_of(tree, node->traced.id.pid);

	node->next = *link;
	*link = node;
}

struct gs_node *gs_tree_add(struct gs_tree *tree, pid_t pid)
{
	struct gs_node *node = gs_tree_find(tree, pid);

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	if (tree->count >= tree->bucket_count)
		grow(tree);
	node->traced.id.pid = pid;
	node->references = 1;
	insert(tree, node);
	tree->count++;
	return node;
}

void gs_tree_rename(struct gs_tree *tree, struct gs_node *node, pid_t pid)
{
	*find_link(tree, node->traced.id.pid) = node->next;
	node->traced.id.pid = pid;
	insert(tree, node);
}

struct gs_node *gs_tree_new_ancestor(pid_t pid)
{
	struct gs_node *node = calloc(1, sizeof(*node));

	if (node)
		node->traced.id.pid = pid;
	return node;
}

void gs_tree_set_parent(struct gs_node *node, struct gs_node *parent)
{
	node->traced.parent = &parent->traced;
	node->traced.depth = parent->traced.depth + 1;
	memcpy(node->traced.comm, parent->traced.comm, sizeof(node->traced.comm));
	parent->references++;
}

/* A chain of daemons that fork and end is as long as it likes: no recursion. */
static void drop(struct gs_node *node)
{
	while (node && --node->references == 0) {
		struct gs_node *parent = (struct gs_node *)node->traced.parent;

		free(node);
		node = parent;
	}
}

void gs_tree_remove(struct gs_tree *tree, struct gs_node *node)
{
	*find_link(tree, node->traced.id.pid) = node->next;
	node->traced.ended = true;
	node->traced.held = false;
	tree->count--;
	drop(node);
}

void gs_tree_deinit(struct gs_tree *tree)
{
	for (size_t i = 0; i < tree->bucket_count; i++) {
		while (tree->buckets[i])
			gs_tree_remove(tree, tree->buckets[i]);
	}
	free(tree->buckets);
}
