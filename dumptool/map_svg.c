/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map drawn as SVG: one file that needs nothing else, on a ground of its own that follows the
 * reader's choice of light or dark. All measures are in pixels of a picture 1200 wide.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "map.h"

enum {
	WIDTH = 1200,
	MARGIN = 24,
	PLOT_X = 112, /* addresses stand left of it, ratios right */
	PLOT_WIDTH = 1024,
	LEGEND_Y = 82,
	LEGEND_COLUMNS = 4,
	LEGEND_COLUMN = (WIDTH - 2 * MARGIN) / LEGEND_COLUMNS,
	LEGEND_ROW = 42,
	STRIP_LEGEND = 34,
	SCALE = 34,   /* room for the marks above the rows */
	STACK = 26,   /* height of a full cell */
	SEEN = 150,   /* hundredths of a pixel that are not overlooked */
	STRIP_Y = 28, /* below it: how well it compressed */
	STRIP = 6,
	ROW = 44,
	BREAK = 34,
};

/* Steps of stored size in relation to the pages' own, in eighths; darker is less well. */
static const struct {
	unsigned int eighths;
	const char *opacity, *label;
} steps[] = {
	{1, "0.15", "up to 1/8"}, {2, "0.35", "1/4"},     {4, "0.55", "1/2"},
	{6, "0.78", "3/4"},       {8, "1", "not at all"},
};
#define STEP_COUNT (sizeof(steps) / sizeof(*steps))

struct svg {
	const struct map *map;
	struct gs_text *out;
	bool has_strip;
	unsigned int y;      /* drawn so far */
	struct gs_text path; /* of the shape that is being made */
};

/* ---- text ---- */

static void put_escaped(struct gs_text *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			gs_text_puts(out, "&lt;");
		else if (*text == '&')
			gs_text_puts(out, "&amp;");
		else if (strncmp(text, "\xef\xbf\xbe", 3) == 0 ||
			 strncmp(text, "\xef\xbf\xbf", 3) == 0) {
			gs_text_puts(out, "?"); /* U+FFFE and U+FFFF are no characters of XML */
			text += 2;
		} else
			gs_text_append(out, text, 1);
	}
}

static void put_label(struct svg *svg, unsigned int x, unsigned int y, const char *class,
		      const char *text)
{
	gs_text_printf(svg->out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	put_escaped(svg->out, text);
	gs_text_puts(svg->out, "</text>\n");
}

/* ---- colours ---- */

static void put_theme(struct gs_text *out, bool dark)
{
	gs_text_puts(out, dark ? ".ground{fill:#14171c}.ink{fill:#e8eaed}.muted{fill:#a1a9b3}"
				 ".hair{stroke:#4a525d}.lines{stroke:#14171c}\n"
			       : ".ground{fill:#fff}.ink{fill:#1b1f24}.muted{fill:#59616b}"
				 ".hair{stroke:#b9bfc7}.lines{stroke:#fff}\n");
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++)
		gs_text_printf(out, ".%s{fill:%s}", gs_page_kind_name(map_styles[i].kind),
			       dark ? map_styles[i].dark : map_styles[i].light);
	gs_text_puts(out, "\n");
}

static void put_patterns(struct gs_text *out)
{
	gs_text_puts(out, "<defs>\n");
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++) {
		if (map_styles[i].pattern)
			gs_text_printf(out,
				       "<pattern id=\"lines-%s\" width=\"6\" height=\"6\" "
				       "patternUnits=\"userSpaceOnUse\"><path class=\"lines\" "
				       "d=\"%s\"/></pattern>\n",
				       gs_page_kind_name(map_styles[i].kind),
				       map_styles[i].pattern);
	}
	gs_text_puts(out, "</defs>\n");
}

static void put_styles(struct gs_text *out)
{
	gs_text_puts(out, "<style>\n"
			  "text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',"
			  "sans-serif;font-size:12px}\n"
			  ".title{font-size:20px;font-weight:600}.name{font-size:13px;"
			  "font-weight:600}.at{font-weight:600}\n"
			  ".hex{font-family:ui-monospace,'DejaVu Sans Mono',monospace;"
			  "font-size:10.5px}\n"
			  ".end{text-anchor:end}.middle{text-anchor:middle}.lines,.hair{fill:none}"
			  ".hover{fill-opacity:0}\n"
			  ".cells{shape-rendering:crispEdges}\n");
	put_theme(out, false);
	gs_text_puts(out, "@media (prefers-color-scheme:dark){\n");
	put_theme(out, true);
	gs_text_puts(out, "}\n</style>\n");
	put_patterns(out);
}

/* ---- legend ---- */

/* The shape in svg->path, in the colour of a kind. */
static void put_shape(struct svg *svg, const struct map_style *style)
{
	const char *name = gs_page_kind_name(style->kind);

	if (!svg->path.size)
		return;
	gs_text_printf(svg->out, "<path class=\"%s\" d=\"%s\"/>\n", name, svg->path.data);
	if (style->pattern)
		gs_text_printf(svg->out, "<path fill=\"url(#lines-%s)\" d=\"%s\"/>\n", name,
			       svg->path.data);
	gs_text_clear(&svg->path);
}

static void put_legend_entry(struct svg *svg, unsigned int x, unsigned int y,
			     const struct map_style *style)
{
	const struct map *map = svg->map;
	uint64_t pages = map->kinds[style->kind];
	char size[GS_SIZE_TEXT], percent[MAP_PERCENT_TEXT];
	gs_autofree char *text = NULL;

	gs_text_puts(svg->out, "<g><title>");
	put_escaped(svg->out, style->help);
	gs_text_puts(svg->out, "</title>\n");
	gs_text_printf(&svg->path, "M%u %uh16v30h-16z", x, y);
	put_shape(svg, style);
	put_label(svg, x + 24, y + 12, "ink name", gs_page_kind_name(style->kind));
	text = gs_strf("%s · %s · %" PRIu64 " pages",
		       gs_format_size(pages * map->survey->page_size, size),
		       map_percent(pages, map->pages, percent), pages);
	put_label(svg, x + 24, y + 28, "muted legend", text ? text : "");
	gs_text_puts(svg->out, "</g>\n");
}

static void put_strip_legend(struct svg *svg)
{
	const struct map *map = svg->map;
	char data[GS_SIZE_TEXT], stored[GS_SIZE_TEXT], percent[MAP_PERCENT_TEXT];
	uint64_t data_bytes = map->stored_pages * map->survey->page_size;
	gs_autofree char *text = NULL;
	unsigned int x;

	text = gs_strf("Stripe below: stored size of pages with data (%s of %s, %s)",
		       gs_format_size(map->stored_bytes, stored), gs_format_size(data_bytes, data),
		       map_percent(map->stored_bytes, data_bytes, percent));
	put_label(svg, MARGIN, svg->y + 14, "ink", text ? text : "");
	x = MARGIN + 2 * LEGEND_COLUMN;
	for (size_t i = 0; i < STEP_COUNT; i++) {
		gs_text_printf(svg->out,
			       "<rect x=\"%u\" y=\"%u\" width=\"28\" height=\"8\" class=\"ink\" "
			       "fill-opacity=\"%s\"/>\n",
			       x, svg->y + 6, steps[i].opacity);
		put_label(svg, x + 34, svg->y + 14, "muted", steps[i].label);
		x += 108;
	}
	svg->y += STRIP_LEGEND;
}

static void put_legend(struct svg *svg)
{
	unsigned int place = 0;

	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++) {
		if (!svg->map->kinds[map_styles[i].kind])
			continue;
		put_legend_entry(svg, MARGIN + place % LEGEND_COLUMNS * LEGEND_COLUMN,
				 svg->y + place / LEGEND_COLUMNS * LEGEND_ROW, &map_styles[i]);
		place++;
	}
	svg->y += (place + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS * LEGEND_ROW + 6;
	if (svg->has_strip)
		put_strip_legend(svg);
}

/* ---- rows ---- */

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
	put_shape(svg, &map_styles[style]);
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
	       8 * bytes > steps[step].eighths * pages * map->survey->page_size)
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
				       steps[step].opacity, svg->path.data);
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

	put_label(svg, PLOT_X - 10, svg->y + 12, "ink at end", map_address(row->start, text));
	snprintf(text, sizeof(text), "0x%" PRIx64, row->start);
	put_label(svg, PLOT_X - 10, svg->y + 25, "muted hex end", text);
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
	put_label(svg, WIDTH - 14, svg->y + STRIP_Y + STRIP, "muted end", text);
}

static void put_row(struct svg *svg, const struct map_row *row)
{
	put_row_labels(svg, row);
	gs_text_puts(svg->out, "<g class=\"cells\">\n");
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++)
		put_kind(svg, row, i);
	if (svg->has_strip)
		put_strip(svg, row);
	gs_text_puts(svg->out, "</g>\n");
	put_hovers(svg, row);
	svg->y += svg->has_strip ? ROW : ROW - STRIP;
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
	put_label(svg, PLOT_X + PLOT_WIDTH / 2, middle + 4, "muted middle", text ? text : "");
	svg->y += BREAK;
}

/* Marks at the quarters of a row: what to add to its address. */
static void put_scale(struct svg *svg)
{
	char size[GS_SIZE_TEXT];

	svg->y += SCALE;
	for (unsigned int quarter = 0; quarter < 4; quarter++) {
		unsigned int x = PLOT_X + quarter * PLOT_WIDTH / 4;
		gs_autofree char *text = NULL;

		text = quarter ? gs_strf("+ %s",
					 gs_format_size(svg->map->row_bytes / 4 * quarter, size))
			       : gs_strf("a cell is %s, a row %s",
					 gs_format_size(svg->map->survey->bucket_bytes, size),
					 gs_format_size(svg->map->row_bytes,
							(char[GS_SIZE_TEXT]){0}));
		gs_text_printf(svg->out, "<path class=\"hair\" d=\"M%u.5 %uv9\"/>\n", x,
			       svg->y - 14);
		put_label(svg, x + 5, svg->y - 7, "muted", text ? text : "");
	}
	if (svg->has_strip)
		put_label(svg, WIDTH - 14, svg->y - 7, "muted end", "smaller");
}

/* ---- the picture ---- */

static unsigned int total_height(const struct map *map, bool has_strip)
{
	unsigned int kinds = 0, height = LEGEND_Y + 6 + SCALE + MARGIN;

	for (int kind = 0; kind < GS_PAGE_KIND_COUNT; kind++)
		kinds += map->kinds[kind] != 0;
	height += (kinds + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS * LEGEND_ROW;
	height += has_strip ? STRIP_LEGEND : 0;
	for (size_t i = 0; i < map->row_count; i++)
		height += !map->rows[i].count ? BREAK : has_strip ? ROW : ROW - STRIP;
	return height;
}

static void put_head(struct svg *svg)
{
	unsigned int height = total_height(svg->map, svg->has_strip);

	gs_text_printf(svg->out,
		       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		       "viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		       WIDTH, height, WIDTH, height);
	put_escaped(svg->out, svg->map->title);
	gs_text_puts(svg->out, "</title>\n");
	put_styles(svg->out);
	gs_text_printf(svg->out, "<rect width=\"%u\" height=\"%u\" class=\"ground\"/>\n", WIDTH,
		       height);
	put_label(svg, MARGIN, 38, "ink title", svg->map->title);
	put_label(svg, MARGIN, 60, "muted", svg->map->subtitle);
	svg->y = LEGEND_Y;
}

void map_draw_svg(const struct map *map, struct gs_text *out)
{
	struct svg svg = {.map = map, .out = out, .has_strip = map->stored_bytes > 0};

	put_head(&svg);
	put_legend(&svg);
	put_scale(&svg);
	for (size_t i = 0; i < map->row_count; i++) {
		if (map->rows[i].count)
			put_row(&svg, &map->rows[i]);
		else
			put_break(&svg, &map->rows[i]);
	}
	gs_text_puts(out, "</svg>\n");
	out->failed |= svg.path.failed;
	gs_text_deinit(&svg.path);
}
