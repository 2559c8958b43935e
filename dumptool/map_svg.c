/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A map drawn as SVG: one file that needs nothing else, on a ground of its own that follows the
 * reader's choice of light or dark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "map_svg.h"

const struct map_svg_step map_svg_steps[STEP_COUNT] = {
	{1, "0.15", "up to 1/8"}, {2, "0.35", "1/4"},     {4, "0.55", "1/2"},
	{6, "0.78", "3/4"},       {8, "1", "not at all"},
};

/* ---- text ---- */

void map_svg_label(struct svg *svg, unsigned int x, unsigned int y, const char *class,
		   const char *text)
{
	gs_text_printf(svg->out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	gs_text_puts_markup(svg->out, text);
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

void map_svg_shape(struct svg *svg, const struct map_style *style)
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
	gs_text_puts_markup(svg->out, style->help);
	gs_text_puts(svg->out, "</title>\n");
	gs_text_printf(&svg->path, "M%u %uh16v30h-16z", x, y);
	map_svg_shape(svg, style);
	map_svg_label(svg, x + 24, y + 12, "ink name", gs_page_kind_name(style->kind));
	text = gs_strf("%s · %s · %" PRIu64 " pages",
		       gs_format_size(pages * map->survey->page_size, size),
		       map_percent(pages, map->pages, percent), pages);
	map_svg_label(svg, x + 24, y + 28, "muted legend", text ? text : "");
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
	map_svg_label(svg, MARGIN, svg->y + 14, "ink", text ? text : "");
	x = MARGIN + 2 * LEGEND_COLUMN;
	for (size_t i = 0; i < STEP_COUNT; i++) {
		gs_text_printf(svg->out,
			       "<rect x=\"%u\" y=\"%u\" width=\"28\" height=\"8\" class=\"ink\" "
			       "fill-opacity=\"%s\"/>\n",
			       x, svg->y + 6, map_svg_steps[i].opacity);
		map_svg_label(svg, x + 34, svg->y + 14, "muted", map_svg_steps[i].label);
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
		map_svg_label(svg, x + 5, svg->y - 7, "muted", text ? text : "");
	}
	if (svg->has_strip)
		map_svg_label(svg, WIDTH - 14, svg->y - 7, "muted end", "smaller");
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
		height += map_svg_row_height(&map->rows[i], has_strip);
	return height;
}

static void put_head(struct svg *svg)
{
	unsigned int height = total_height(svg->map, svg->has_strip);

	gs_text_printf(svg->out,
		       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		       "viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		       WIDTH, height, WIDTH, height);
	gs_text_puts_markup(svg->out, svg->map->title);
	gs_text_puts(svg->out, "</title>\n");
	put_styles(svg->out);
	gs_text_printf(svg->out, "<rect width=\"%u\" height=\"%u\" class=\"ground\"/>\n", WIDTH,
		       height);
	map_svg_label(svg, MARGIN, 38, "ink title", svg->map->title);
	map_svg_label(svg, MARGIN, 60, "muted", svg->map->subtitle);
	svg->y = LEGEND_Y;
}

void map_draw_svg(const struct map *map, struct gs_text *out)
{
	struct svg svg = {.map = map, .out = out, .has_strip = map->stored_bytes > 0};

	put_head(&svg);
	put_legend(&svg);
	put_scale(&svg);
	for (size_t i = 0; i < map->row_count; i++)
		map_svg_row(&svg, &map->rows[i]);
	gs_text_puts(out, "</svg>\n");
	out->failed |= svg.path.failed;
	gs_text_deinit(&svg.path);
}
