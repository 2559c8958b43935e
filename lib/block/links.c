/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which node lies below which. QEMU tells it in pieces:
 *
 *	query-named-block-nodes            children[] {child, node-name}    since 10.1
 *	query-blockstats                   backing{backing{...}}            of devices' chains
 *	query-blockstats, query-nodes too  parent{node-name}: what it stores in, odd as the word is
 *
 * The first to tell of a link is believed.
 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

static struct gs_block_node *node_named(struct gs_block_graph *graph, const struct gs_json *entry)
{
	const char *name = gs_json_string(gs_json_get(entry, "node-name"));

	return name ? (struct gs_block_node *)gs_block_find_node(graph, name) : NULL;
}

static void link_children(struct gs_block_graph *graph, struct gs_block_node *node)
{
	gs_json_for_each (entry, gs_json_get(node->info, "children")) {
		const char *child = gs_json_string(gs_json_get(entry, "child"));

		if (child && strcmp(child, "file") == 0)
			node->file = node_named(graph, entry);
		else if (child && strcmp(child, "backing") == 0)
			node->backing = node_named(graph, entry);
	}
}

/* From an entry of query-blockstats down. A filter tells its only child as both. */
static void link_stats(struct gs_block_graph *graph, const struct gs_json *entry)
{
	for (; entry; entry = gs_json_get(entry, "backing")) {
		struct gs_block_node *node = node_named(graph, entry);
		const struct gs_block_node *file = node_named(graph, gs_json_get(entry, "parent"));
		const struct gs_block_node *backing =
			node_named(graph, gs_json_get(entry, "backing"));

		if (!node)
			continue;
		if (!node->file && file != node->backing)
			node->file = file;
		if (!node->backing && backing != node->file)
			node->backing = backing;
	}
}

/* ---- no circles ---- */

/* A depth-first walk that keeps its place in an array: a chain may be longer than the stack. */
struct place {
	enum { NEW, OPEN, DONE } state;
	size_t from; /* the node that led here */
};

/* The next child of an open node to walk to; links that lead back to an open one are cut. */
static struct gs_block_node *step(const struct gs_block_graph *graph, struct place *places,
				  struct gs_block_node *node)
{
	const struct gs_block_node **links[] = {&node->file, &node->backing};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const struct gs_block_node *child = *links[i];

		if (!child)
			continue;
		if (places[child - graph->nodes].state == OPEN)
			*links[i] = NULL;
		else if (places[child - graph->nodes].state == NEW)
			return graph->nodes + (child - graph->nodes);
	}
	return NULL;
}

static void cut_circles_from(struct gs_block_graph *graph, struct place *places, size_t start)
{
	size_t at = start;

	places[at].state = OPEN;
	for (;;) {
		struct gs_block_node *child = step(graph, places, &graph->nodes[at]);

		if (child) {
			size_t next = (size_t)(child - graph->nodes);

			places[next] = (struct place){.state = OPEN, .from = at};
			at = next;
		} else {
			places[at].state = DONE;
			if (at == start)
				return;
			at = places[at].from;
		}
	}
}

struct gs_error *gs_block_link(struct gs_block_graph *graph)
{
	gs_autofree struct place *places = calloc(graph->node_count + 1, sizeof(*places));

	if (!places)
		return gs_error_nomem();
	for (size_t i = 0; i < graph->node_count; i++)
		link_children(graph, &graph->nodes[i]);
	gs_json_for_each (entry, graph->answers[1])
		link_stats(graph, entry);
	for (size_t i = 0; i < graph->node_count; i++)
		link_stats(graph, graph->nodes[i].stats);
	for (size_t i = 0; i < graph->node_count; i++)
		if (places[i].state == NEW)
			cut_circles_from(graph, places, i);
	return NULL;
}
