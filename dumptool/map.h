/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of a memory: rows of cells by address, each cell a bucket of a survey, in which the kinds
 * of pages lie upon each other in the proportion of their numbers.
 */
#ifndef DUMPTOOL_MAP_H
#define DUMPTOOL_MAP_H

#include <guestscope/base/text.h>

#include "dumptool.h"

/* Cells of one stretch of addresses; or, with a count of 0, the mark of a hole. */
struct map_row {
	gs_gpa_t start, end; /* of the hole; of a row of cells: row_bytes, aligned */
	size_t first, count; /* buckets */
};

struct map {
	const struct gs_memory *mem;
	const struct gs_linux *kernel; /* NULL: not known */
	const struct gs_survey *survey;
	unsigned int columns;
	uint64_t row_bytes, cell_pages;
	struct map_row *rows; /* owned */
	size_t row_count;
	uint64_t kinds[GS_PAGE_KIND_COUNT], pages;
	uint64_t stored_pages, stored_bytes; /* of pages with data, where known */
	char *title;                         /* "Memory of vm.kdump: 2 GiB"; printable; owned */
	char *subtitle;                      /* what is known of guest and file; owned */
};

/* Rows that a map is divided into by default; breaks between them come on top. */
#define MAP_ROWS 24u
/* The bucket_bytes for so many @columns. */
uint64_t map_bucket_bytes(const struct gs_memory *mem, unsigned int columns);
/* Lays the buckets of @survey, which all borrow, out in rows. */
GS_MUST_CHECK struct gs_error *map_init(struct map *map, const struct gs_memory *mem,
					const struct gs_linux *kernel,
					const struct gs_survey *survey, unsigned int columns,
					bool is_live);
void map_deinit(struct map *map);
#define dumptool_automap __attribute__((cleanup(map_deinit)))

/* The number of @bucket's cell in its row. */
static inline unsigned int map_column(const struct map *map, const struct gs_bucket *bucket)
{
	return (unsigned int)(bucket->start % map->row_bytes / map->survey->bucket_bytes);
}

/*
 * How each kind is shown. The order is that from the bottom of a cell to its top; those from
 * MAP_FIRST_ABSENT on, excluded and zero, have no bytes to show.
 */
#define MAP_FIRST_ABSENT (GS_PAGE_KIND_COUNT - 2)
struct map_style {
	enum gs_page_kind kind;
	char most, letter; /* without colour: in cells that it rules; in others */
	const char *help;
	uint32_t rgb;        /* on a terminal with 24-bit colour */
	uint8_t color256;    /* on others */
	const char *light;   /* SVG: CSS colour on a light ground */
	const char *dark;    /* and on a dark one */
	const char *pattern; /* SVG: lines over that, as a path in a tile of 6 by 6; or NULL */
};
extern const struct map_style map_styles[GS_PAGE_KIND_COUNT];

/* A part of a whole in words: "12.5 %", "< 0.1 %". */
#define MAP_PERCENT_TEXT 16
char *map_percent(uint64_t part, uint64_t whole, char buffer[MAP_PERCENT_TEXT]);

/* An address in the unit that takes no fraction: "1088 MiB". */
char *map_address(gs_gpa_t gpa, char buffer[GS_SIZE_TEXT]);

struct map_terminal {
	unsigned int width; /* characters */
	bool color, truecolor, blocks /* U+2581... can be shown */;
};
/* How standard output is to be written to. */
struct map_terminal map_terminal_of(const struct gs_args *args);
unsigned int map_terminal_columns(const struct map_terminal *terminal, const struct gs_memory *mem);
void map_draw_text(const struct map *map, const struct map_terminal *terminal, struct gs_text *out);

#define MAP_SVG_COLUMNS 256u
void map_draw_svg(const struct map *map, struct gs_text *out);

void map_emit(struct gs_emit *e, const struct map *map);

#endif
