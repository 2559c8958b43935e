/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlapping layers made disjoint. Layers are cut into clusters that have nothing to do with each
 * other; most consist of one layer. In a larger one the layers paint the cells between all their
 * borders, the lowest rank first, and each cell takes paint once.
 */
#include "verify.h"

#include <stdlib.h>

struct gs_error *gs_layers_add(struct layers *l, const struct layer *layer)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity + l->capacity / 2 : 64;
		struct layer *items = reallocarray(l->items, capacity, sizeof(*items));

		if (!items)
			return gs_error_nomem();
		l->items = items;
		l->capacity = capacity;
	}
	l->items[l->count++] = *layer;
	return NULL;
}

void gs_layers_deinit(struct layers *l)
{
	free(l->items);
	*l = (struct layers){0};
}

/* The canvas of one cluster. */
struct canvas {
	const struct layer **by_rank;
	size_t layer_count;
	uint64_t *borders;
	size_t border_count;         /* cell i is [borders[i], borders[i + 1]) */
	const struct layer **owners; /* of the cells */
	size_t *next; /* an unpainted cell at or after this one, found by following */
};

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct layer *x = *(const struct layer *const *)a;
	const struct layer *y = *(const struct layer *const *)b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int compare_starts(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void collect_borders(struct canvas *c, const struct layer *layers)
{
	size_t count = 0;

	for (size_t i = 0; i < c->layer_count; i++) {
		c->borders[count++] = layers[i].start;
		c->borders[count++] = layers[i].end;
	}
	qsort(c->borders, count, sizeof(*c->borders), compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || c->borders[i] != c->borders[c->border_count - 1])
			c->borders[c->border_count++] = c->borders[i];
}

static size_t find_border(const struct canvas *c, uint64_t border)
{
	const uint64_t *found =
		bsearch(&border, c->borders, c->border_count, sizeof(*c->borders), compare_numbers);

	return (size_t)(found - c->borders);
}

/* With the path made shorter for the next one. */
static size_t find_unpainted(struct canvas *c, size_t cell)
{
	while (c->next[cell] != cell) {
		c->next[cell] = c->next[c->next[cell]];
		cell = c->next[cell];
	}
	return cell;
}

static void paint(struct canvas *c)
{
	for (size_t i = 0; i < c->border_count; i++)
		c->next[i] = i;
	for (size_t i = 0; i < c->layer_count; i++) {
		const struct layer *layer = c->by_rank[i];
		size_t last = find_border(c, layer->end);
		size_t cell = find_unpainted(c, find_border(c, layer->start));

		for (; cell < last; cell = find_unpainted(c, cell)) {
			c->owners[cell] = layer;
			c->next[cell] = cell + 1;
		}
	}
}

static struct gs_error *add_part(struct layers *to, const struct layer *owner, uint64_t start,
				 uint64_t end)
{
	struct layer part = *owner;

	if (SRC_IS_OFFSET(part.src))
		part.src += start - part.start;
	part.start = start;
	part.end = end;
	return gs_layers_add(to, &part);
}

/* A cluster has no holes: every cell has its owner. */
static struct gs_error *take_cells(const struct canvas *c, struct layers *to)
{
	struct gs_error *err = NULL;

	for (size_t i = 0, end; !err && i + 1 < c->border_count; i = end) {
		for (end = i + 1; end + 1 < c->border_count && c->owners[end] == c->owners[i];)
			end++;
		err = add_part(to, c->owners[i], c->borders[i], c->borders[end]);
	}
	return err;
}

static struct gs_error *resolve_cluster(const struct layer *layers, size_t count, struct layers *to)
{
	gs_autofree const struct layer **by_rank = calloc(count, sizeof(struct layer *));
	gs_autofree const struct layer **owners = calloc(2 * count, sizeof(struct layer *));
	gs_autofree uint64_t *borders = calloc(2 * count, sizeof(*borders));
	gs_autofree size_t *next = calloc(2 * count, sizeof(*next));
	struct canvas c = {.by_rank = by_rank,
			   .layer_count = count,
			   .borders = borders,
			   .owners = owners,
			   .next = next};

	if (!by_rank || !owners || !borders || !next)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		by_rank[i] = &layers[i];
	qsort(by_rank, count, sizeof(struct layer *), compare_ranks);
	collect_borders(&c, layers);
	paint(&c);
	return take_cells(&c, to);
}

/* How many of the sorted layers from @first on hang together. */
static size_t measure_cluster(const struct layers *l, size_t first)
{
	uint64_t reach = l->items[first].end;
	size_t i = first + 1;

	for (; i < l->count && l->items[i].start < reach; i++)
		if (l->items[i].end > reach)
			reach = l->items[i].end;
	return i - first;
}

static bool are_disjoint(const struct layers *l)
{
	for (size_t i = 1; i < l->count; i++)
		if (l->items[i].start < l->items[i - 1].end)
			return false;
	return true;
}

struct gs_error *gs_layers_resolve(struct layers *l)
{
	struct layers resolved = {0};
	struct gs_error *err = NULL;

	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), compare_starts);
	if (are_disjoint(l))
		return NULL;
	for (size_t i = 0, count; !err && i < l->count; i += count) {
		count = measure_cluster(l, i);
		if (count == 1)
			err = gs_layers_add(&resolved, &l->items[i]);
		else
			err = resolve_cluster(l->items + i, count, &resolved);
	}
	if (err) {
		gs_layers_deinit(&resolved);
		return err;
	}
	gs_layers_deinit(l);
	*l = resolved;
	return NULL;
}

size_t gs_layers_find(const struct layers *l, uint64_t at)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->items[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
