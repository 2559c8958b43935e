/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a map drawn as SVG: cells, the stripe below them, what a pointer over them is told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "map_svg.h"

static unsigned int column_x(const struct map *map, unsigned int column)
{
	return PLOT_X + (unsigned int)((uint64_t)column * PLOT_WIDTH / map->columns);
}

/* A box that grows as long as cells go on alike, so that a picture has few of them. */
struct box {
	unsigned int x, end_x;
	unsigned int top, bottom; /* hundredths of a pixel below the top of the row */
};

static void flush_box(struct svg *svg, struct box *box)
{
	unsigned int height = box->bottom - box->top;

	if (box->end_x > box->x && height)
		gs_text_printf(&svg->path, "M%u %u.%02uh%uv%u.%02uH%uz", box->x,
			       svg->y + box->top / 100, box->top % 100, box->end_x - box->x,
			       height / 100, height % 100, box->x);
	*box = (struct box){0};
}

static void add_box(struct svg *svg, struct box *box, const struct box *next)
{
	if (box->end_x == next->x && box->top == next->top && box->bottom == next->bottom) {
		box->end_x = next->end_x;
		return;
	}
	flush_box(svg, box);
	*box = *next;
}

/* Pages of the first @count kinds of map_styles. */
static uint64_t sum_kinds(const uint64_t kinds[GS_PAGE_KIND_COUNT], size_t count)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < count; i++)
		pages += kinds[map_styles[i].kind];
	return pages;
}

/*
 * How high the first @count kinds reach in a cell, in hundredths of a pixel. Pages that cannot be
 * read, and what little is there, are drawn higher than they are, or nobody would see them.
 */
static unsigned int stack_height(const struct map *map, const uint64_t kinds[GS_PAGE_KIND_COUNT],
				 size_t count)
{
	uint64_t pages = sum_kinds(kinds, count), there = sum_kinds(kinds, MAP_FIRST_ABSENT);
	double pixel = STACK * 100 / (double)map->cell_pages, least = 0, height;

	if (there && (double)there * pixel < SEEN)
		least = SEEN * (count < MAP_FIRST_ABSENT ? (double)pages / (double)there : 1);
	if (count && kinds[GS_PAGE_KIND_UNREADABLE])
		least = SEEN;
	if (pages > map->cell_pages) /* two ranges may share a page */
		pages = map->cell_pages;
	height = (double)pages * pixel;
	if (height < least)
		height = least;
	return (unsigned int)height;
}

/* All that a row has of one kind. */
static void put_kind(struct svg *svg, const struct map_row *row, size_t style)
{
	const struct map *map = svg->map;
	struct box box = {0};

	for (size_t i = 0; i < row->count; i++) {
		const struct gs_bucket *bucket = &map->survey->buckets[row->first + i];
		unsigned int column = map_column(map, bucket);
		uint64_t kinds[GS_PAGE_KIND_COUNT];
		struct box next = {.x = column_x(map, column), .end_x = column_x(map, column + 1)};

		gs_page_tally_kinds(&bucket->tally, kinds);
		next.top = STACK * 100 - stack_height(map, kinds, style + 1);
		next.bottom = STACK * 100 - stack_height(map, kinds, style);
		add_box(svg, &box, &next);
	}
	flush_box(svg, &box);
	map_svg_shape(svg, &map_styles[style]);
}

/* The step of a cell's pages with data; STEP_COUNT if it has none. */
static size_t step_of(const struct map *map, const struct gs_bucket *bucket)
{
	uint64_t pages, bytes;
	size_t step = 0;

	gs_page_tally_stored(&bucket->tally, &pages, &bytes);
	if (!pages)
		return STEP_COUNT;
	while (step < STEP_COUNT - 1 &&
	       8 * bytes > map_svg_steps[step].eighths * pages * map->survey->page_size)
		step++;
	return step;
}

static void put_strip(struct svg *svg, const struct map_row *row)
{
	const struct map *map = svg->map;

	for (size_t step = 0; step < STEP_COUNT; step++) {
		struct box box = {0};

		for (size_t i = 0; i < row->count; i++) {
			const struct gs_bucket *bucket = &map->survey->buckets[row->first + i];
			unsigned int column = map_column(map, bucket);
			struct box next = {.x = column_x(map, column),
					   .end_x = column_x(map, column + 1),
					   .top = STRIP_Y * 100,
					   .bottom = (STRIP_Y + STRIP) * 100};

			if (step_of(map, bucket) == step)
				add_box(svg, &box, &next);
		}
		flush_box(svg, &box);
		if (svg->path.size)
			gs_text_printf(svg->out,
				       "<path class=\"ink\" fill-opacity=\"%s\" d=\"%s\"/>\n",
				       map_svg_steps[step].opacity, svg->path.data);
		gs_text_clear(&svg->path);
	}
}

/* What a pointer over cells is told: [first, last] of the survey's buckets, which are alike. */
static void put_hover(struct svg *svg, size_t first, size_t last)
{
	const struct map *map = svg->map;
	const struct gs_bucket *a = &map->survey->buckets[first], *b = &map->survey->buckets[last];
	unsigned int x = column_x(map, map_column(map, a));
	uint64_t kinds[GS_PAGE_KIND_COUNT], pages, bytes, count = last - first + 1;
	char size[GS_SIZE_TEXT];

	gs_text_printf(svg->out,
		       "<rect class=\"hover\" x=\"%u\" y=\"%u\" width=\"%u\" "
		       "height=\"%u\"><title>0x%" PRIx64 " to 0x%" PRIx64,
		       x, svg->y, column_x(map, map_column(map, b) + 1) - x, STRIP_Y + STRIP,
		       a->start, b->start + (map->survey->bucket_bytes - 1));
	gs_page_tally_kinds(&a->tally, kinds);
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++) {
		if (kinds[map_styles[i].kind])
			gs_text_printf(svg->out, "\n%s: %" PRIu64 " pages",
				       gs_page_kind_name(map_styles[i].kind),
				       count * kinds[map_styles[i].kind]);
	}
	gs_page_tally_stored(&a->tally, &pages, &bytes);
	if (pages)
		gs_text_printf(svg->out, "\n%" PRIu64 " pages stored in %s", count * pages,
			       gs_format_size(count * bytes, size));
	gs_text_puts(svg->out, "</title></rect>\n");
}

static bool are_alike(const struct gs_survey *s, size_t a, size_t b)
{
	return s->buckets[b].start - s->buckets[a].start == (b - a) * s->bucket_bytes &&
	       memcmp(&s->buckets[a].tally, &s->buckets[b].tally, sizeof(s->total)) == 0;
}

static void put_hovers(struct svg *svg, const struct map_row *row)
{
	for (size_t i = 0; i < row->count;) {
		size_t first = row->first + i, last = first;

		while (++i < row->count && are_alike(svg->map->survey, first, row->first + i))
			last = row->first + i;
		put_hover(svg, first, last);
	}
}

static void put_row_labels(struct svg *svg, const struct map_row *row)
{
	const struct map *map = svg->map;
	uint64_t pages = 0, bytes = 0, some_pages, some_bytes;
	char text[GS_SIZE_TEXT];

	map_svg_label(svg, PLOT_X - 10, svg->y + 12, "ink at end", map_address(row->start, text));
	snprintf(text, sizeof(text), "0x%" PRIx64, row->start);
	map_svg_label(svg, PLOT_X - 10, svg->y + 25, "muted hex end", text);
	for (size_t i = 0; i < row->count; i++) {
		gs_page_tally_stored(&map->survey->buckets[row->first + i].tally, &some_pages,
				     &some_bytes);
		pages += some_pages;
		bytes += some_bytes;
	}
	if (!bytes)
		return;
	snprintf(text, sizeof(text), "%.1f×",
		 (double)(pages * map->survey->page_size) / (double)bytes);
	map_svg_label(svg, WIDTH - 14, svg->y + STRIP_Y + STRIP, "muted end", text);
}

static void put_cells(struct svg *svg, const struct map_row *row)
{
	put_row_labels(svg, row);
	gs_text_puts(svg->out, "<g class=\"cells\">\n");
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++)
		put_kind(svg, row, i);
	if (svg->has_strip)
		put_strip(svg, row);
	gs_text_puts(svg->out, "</g>\n");
	put_hovers(svg, row);
}

static void put_break(struct svg *svg, const struct map_row *row)
{
	unsigned int middle = svg->y + BREAK / 2 - 6;
	gs_autofree char *text = NULL;
	char size[GS_SIZE_TEXT];

	text = gs_strf("no memory: %s, 0x%" PRIx64 " to 0x%" PRIx64,
		       gs_format_size(row->end - row->start, size), row->start, row->end - 1);
	gs_text_printf(
		svg->out,
		"<path class=\"hair\" stroke-dasharray=\"2 5\" d=\"M%u %uh330M%u %uh-330\"/>\n",
		PLOT_X, middle, PLOT_X + PLOT_WIDTH, middle);
	map_svg_label(svg, PLOT_X + PLOT_WIDTH / 2, middle + 4, "muted middle", text ? text : "");
}

void map_svg_row(struct svg *svg, const struct map_row *row)
{
	if (row->count)
		put_cells(svg, row);
	else
		put_break(svg, row);
	svg->y += map_svg_row_height(row, svg->has_strip);
}
