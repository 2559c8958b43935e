/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an SVG map share. All measures are in pixels of a picture 1200 wide. */
#ifndef DUMPTOOL_MAP_SVG_H
#define DUMPTOOL_MAP_SVG_H

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
#define STEP_COUNT 5u
struct map_svg_step {
	unsigned int eighths;
	const char *opacity, *label;
};
extern const struct map_svg_step map_svg_steps[STEP_COUNT];

struct svg {
	const struct map *map;
	struct gs_text *out;
	bool has_strip;
	unsigned int y;      /* drawn so far */
	struct gs_text path; /* of the shape that is being made */
};

/* @text is escaped; @class is of the styles that map_svg.c writes. */
void map_svg_label(struct svg *svg, unsigned int x, unsigned int y, const char *class,
		   const char *text);
/* The shape in svg->path, in the colour of a kind; the path is then empty. */
void map_svg_shape(struct svg *svg, const struct map_style *style);
/* A row of cells, or the mark of a hole, at svg->y, which moves on by as much as is said here. */
void map_svg_row(struct svg *svg, const struct map_row *row);
static inline unsigned int map_svg_row_height(const struct map_row *row, bool has_strip)
{
	return !row->count ? BREAK : has_strip ? ROW : ROW - STRIP;
}

#endif
