/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A map drawn with characters. */
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>

#include "map.h"

#define RATIO_WIDTH 5u /* " 12.3" */

/* What lies above all kinds in a cell that is not full. */
#define NOTHING GS_PAGE_KIND_COUNT

/* The two of which a cell has most, by their places in map_styles. */
struct mix {
	size_t lower, upper;
	uint64_t lower_pages, upper_pages;
};

struct map_terminal map_terminal_of(const struct gs_args *args)
{
	const char *colors = getenv("COLORTERM");

	return (struct map_terminal){
		.width = gs_terminal_columns(),
		.color = gs_args_color(args),
		.truecolor = colors &&
			     (strcmp(colors, "truecolor") == 0 || strcmp(colors, "24bit") == 0),
		.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
}

/* Characters of the largest address, with a blank behind it. */
static unsigned int axis_width(const struct gs_memory *mem)
{
	const struct gs_range *last = mem->range_count ? &mem->ranges[mem->range_count - 1] : NULL;

	return (unsigned int)snprintf(NULL, 0, "0x%" PRIx64 " ",
				      last ? last->start + (last->size - 1) : 0);
}

unsigned int map_terminal_columns(const struct map_terminal *terminal, const struct gs_memory *mem)
{
	unsigned int columns = 16, axis = axis_width(mem);

	while (2 * columns + axis <= terminal->width)
		columns *= 2;
	return columns;
}

static void put_color(struct gs_text *out, const struct map_terminal *terminal, bool ground,
		      const struct map_style *style)
{
	if (terminal->truecolor)
		gs_text_printf(out, "\033[%d;2;%u;%u;%um", ground ? 48 : 38, style->rgb >> 16,
			       style->rgb >> 8 & 0xff, style->rgb & 0xff);
	else
		gs_text_printf(out, "\033[%d;5;%um", ground ? 48 : 38, style->color256);
}

static void put_style(struct gs_text *out, const struct map_terminal *terminal, const char *code)
{
	if (terminal->color)
		gs_text_printf(out, "\033[%sm", code);
}

/* The pages of a cell in the order of map_styles, and what it lacks to be full. */
static void count_shares(const struct map *map, const struct gs_bucket *bucket,
			 uint64_t shares[NOTHING + 1])
{
	uint64_t kinds[GS_PAGE_KIND_COUNT], pages = 0;

	gs_page_tally_kinds(&bucket->tally, kinds);
	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++) {
		shares[i] = kinds[map_styles[i].kind];
		pages += shares[i];
	}
	shares[NOTHING] = pages < map->cell_pages ? map->cell_pages - pages : 0;
}

static size_t find_largest(const uint64_t *shares, size_t count, size_t except)
{
	size_t found = except == 0 ? 1 : 0;

	for (size_t i = found + 1; i < count; i++) {
		if (i != except && shares[i] > shares[found])
			found = i;
	}
	return found;
}

static struct mix mix_of(const uint64_t shares[NOTHING + 1])
{
	size_t first = find_largest(shares, NOTHING + 1, SIZE_MAX);
	size_t second = find_largest(shares, NOTHING + 1, first);
	size_t lower = first < second ? first : second, upper = first < second ? second : first;

	return (struct mix){lower, upper, shares[lower], shares[upper]};
}

/* Lower blocks, U+2581 to U+2588: how many eighths of the cell are of the lower kind. */
static void put_block(struct gs_text *out, const struct map_terminal *terminal,
		      const struct mix *mix)
{
	uint64_t sum = mix->lower_pages + mix->upper_pages;
	unsigned int eighths = (unsigned int)((8 * mix->lower_pages + sum / 2) / sum);
	bool has_ground = mix->upper != NOTHING && eighths < 8;

	if (eighths == 0 && mix->lower_pages && mix->upper >= MAP_FIRST_ABSENT)
		eighths = 1; /* little is not nothing */
	if (eighths == 0) {
		put_color(out, terminal, false, &map_styles[mix->upper]);
		gs_text_puts(out, "\u2588");
		return;
	}
	put_color(out, terminal, false, &map_styles[mix->lower]);
	if (has_ground)
		put_color(out, terminal, true, &map_styles[mix->upper]);
	gs_text_printf(out, "\xe2\x96%c", (char)(0x80 + eighths));
	if (has_ground)
		gs_text_puts(out, "\033[49m");
}

/* The kind that a cell has most of: three quarters, or all if nothing is there. */
static void put_letter(struct gs_text *out, const uint64_t shares[NOTHING + 1])
{
	size_t most = find_largest(shares, NOTHING, SIZE_MAX);
	uint64_t pages = 0;
	bool is_most;

	for (size_t i = 0; i < NOTHING; i++)
		pages += shares[i];
	is_most = most >= MAP_FIRST_ABSENT ? shares[most] == pages : 4 * shares[most] >= 3 * pages;
	gs_text_append(out, is_most ? &map_styles[most].most : &map_styles[most].letter, 1);
}

static void put_cell(struct gs_text *out, const struct map *map,
		     const struct map_terminal *terminal, const struct gs_bucket *bucket)
{
	uint64_t shares[NOTHING + 1];
	struct mix mix;

	count_shares(map, bucket, shares);
	mix = mix_of(shares);
	if (!terminal->color) {
		put_letter(out, shares);
	} else if (terminal->blocks) {
		put_block(out, terminal, &mix);
	} else {
		size_t most = find_largest(shares, NOTHING, SIZE_MAX);

		put_color(out, terminal, true, &map_styles[most]);
		gs_text_puts(out, " \033[49m");
	}
}

/* How many times smaller the pages with data of a row are in the file. */
static void put_ratio(struct gs_text *out, const struct map *map, const struct map_row *row)
{
	uint64_t pages = 0, bytes = 0, some_pages, some_bytes;

	for (size_t i = 0; i < row->count; i++) {
		gs_page_tally_stored(&map->survey->buckets[row->first + i].tally, &some_pages,
				     &some_bytes);
		pages += some_pages;
		bytes += some_bytes;
	}
	if (bytes)
		gs_text_printf(out, "%*.1f", (int)RATIO_WIDTH,
			       (double)(pages * map->survey->page_size) / (double)bytes);
}

static void put_cells(struct gs_text *out, const struct map *map,
		      const struct map_terminal *terminal, const struct map_row *row)
{
	unsigned int column = 0;

	for (size_t i = 0; i < row->count; i++) {
		const struct gs_bucket *bucket = &map->survey->buckets[row->first + i];

		gs_text_printf(out, "%*s", (int)(map_column(map, bucket) - column), "");
		put_cell(out, map, terminal, bucket);
		column = map_column(map, bucket) + 1;
	}
	put_style(out, terminal, "0");
	gs_text_printf(out, "%*s", (int)(map->columns - column), "");
}

static void put_break(struct gs_text *out, const struct map_terminal *terminal,
		      const struct map_row *row, unsigned int axis)
{
	char size[GS_SIZE_TEXT];

	put_style(out, terminal, "2");
	gs_text_printf(out, "%*s- - - no memory: %s - - -\n", (int)axis, "",
		       gs_format_size(row->end - row->start, size));
	put_style(out, terminal, "0");
}

/* Marks at every sixteenth cell: what to add to the address of the row. */
static void put_scale(struct gs_text *out, const struct map *map, unsigned int axis, bool ratio)
{
	char size[GS_SIZE_TEXT];

	gs_text_printf(out, "%*s", (int)axis, "");
	for (unsigned int column = 0; column < map->columns; column += 16)
		gs_text_printf(out, "+%-15s",
			       column ? gs_format_size(column * map->survey->bucket_bytes, size)
				      : "0");
	if (ratio)
		gs_text_printf(out, "%*s", (int)RATIO_WIDTH, "ratio");
	gs_text_puts(out, "\n");
}

static void put_legend_line(struct gs_text *out, const struct map *map,
			    const struct map_terminal *terminal, const struct map_style *style)
{
	uint64_t pages = map->kinds[style->kind];
	char size[GS_SIZE_TEXT], percent[MAP_PERCENT_TEXT];

	if (!pages)
		return;
	if (terminal->color) {
		put_color(out, terminal, true, style);
		gs_text_puts(out, "  \033[0m ");
	} else {
		gs_text_printf(out, "%c %c ", style->most, style->letter);
	}
	gs_text_printf(out, "%-13s %11s %8s %12" PRIu64 " pages  ", gs_page_kind_name(style->kind),
		       gs_format_size(pages * map->survey->page_size, size),
		       map_percent(pages, map->pages, percent), pages);
	put_style(out, terminal, "2");
	gs_text_printf(out, "%s\n", style->help);
	put_style(out, terminal, "0");
}

static void put_legend(struct gs_text *out, const struct map *map,
		       const struct map_terminal *terminal)
{
	char cell[GS_SIZE_TEXT], row[GS_SIZE_TEXT], data[GS_SIZE_TEXT], stored[GS_SIZE_TEXT];

	for (size_t i = 0; i < GS_PAGE_KIND_COUNT; i++)
		put_legend_line(out, map, terminal, &map_styles[i]);
	gs_text_printf(out, "\nA cell is %s, a row %s.",
		       gs_format_size(map->survey->bucket_bytes, cell),
		       gs_format_size(map->row_bytes, row));
	if (!terminal->color)
		gs_text_puts(out, " The first letter is for cells of one kind to three quarters, "
				  "excluded or zero altogether.");
	if (map->stored_bytes)
		gs_text_printf(out, "\nPages with data: %s, stored in %s.",
			       gs_format_size(map->stored_pages * map->survey->page_size, data),
			       gs_format_size(map->stored_bytes, stored));
	gs_text_puts(out, "\n");
}

void map_draw_text(const struct map *map, const struct map_terminal *terminal, struct gs_text *out)
{
	unsigned int axis = axis_width(map->mem);
	bool ratio = map->stored_bytes && axis + map->columns + RATIO_WIDTH <= terminal->width;

	put_style(out, terminal, "1");
	gs_text_puts(out, map->title);
	put_style(out, terminal, "0");
	gs_text_printf(out, "\n%s\n\n", map->subtitle);
	put_scale(out, map, axis, ratio);
	for (size_t i = 0; i < map->row_count; i++) {
		const struct map_row *row = &map->rows[i];

		if (!row->count) {
			put_break(out, terminal, row, axis);
			continue;
		}
		gs_text_printf(out, "%#*" PRIx64 " ", (int)axis - 1, row->start);
		put_cells(out, map, terminal, row);
		if (ratio)
			put_ratio(out, map, row);
		gs_text_puts(out, "\n");
	}
	gs_text_puts(out, "\n");
	put_legend(out, map, terminal);
}
