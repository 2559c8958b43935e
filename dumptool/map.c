/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a map shows, whatever it is drawn with: rows, totals, titles, styles. */
#include "map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert(GS_PAGE_KIND_COUNT == 12, "map_styles has all kinds");

/* Colours that also those tell apart who see no red or no green; kin are of one hue. Zero is the
 * last. */
const struct map_style map_styles[GS_PAGE_KIND_COUNT] = {
	{GS_PAGE_KIND_UNREADABLE, '!', '!', "in the dump, but reading them fails", 0xe01b4c, 161,
	 "#c8102e", "#ff4d6a", "M0 0L6 6M6 0L0 6"},
	{GS_PAGE_KIND_KERNEL, 'K', 'k', "the kernel's own", 0xd55e00, 166, "#d55e00", "#e8762c",
	 NULL},
	{GS_PAGE_KIND_USER, 'U', 'u', "of processes: anonymous, huge pages", 0x2b83c6, 32,
	 "#0072b2", "#4aa3df", NULL},
	{GS_PAGE_KIND_CACHE, 'C', 'c', "page cache: content of files", 0x009e73, 36, "#009e73",
	 "#1fae84", NULL},
	{GS_PAGE_KIND_CACHE_PRIVATE, 'P', 'p', "page cache with private data, as buffers", 0x7ccfb4,
	 115, "#7ccfb4", "#93dcc3", NULL},
	{GS_PAGE_KIND_DATA, 'D', 'd', "data of no known class", 0x9078c0, 98, "#7b5ea7", "#a58bd0",
	 NULL},
	{GS_PAGE_KIND_UNMAPPED, 'R', 'r', "not the kernel's: ROM, video memory", 0x8a7560, 95,
	 "#8a7560", "#a8927a", NULL},
	{GS_PAGE_KIND_HWPOISON, 'H', 'h', "broken memory", 0xcc2f7b, 162, "#cc2f7b", "#f062a6",
	 "M0 3H6"},
	{GS_PAGE_KIND_OFFLINE, 'O', 'o', "offline: ballooned, unplugged", 0xd9b036, 178, "#e0b83a",
	 "#c9a22e", "M3 0V6"},
	{GS_PAGE_KIND_FREE, 'F', 'f', "free, with old content", 0xe3cf8f, 186, "#eedc9e", "#6a6037",
	 NULL},
	{GS_PAGE_KIND_EXCLUDED, 'X', 'x', "left out of the dump, or lost", 0xa8a8a2, 248, "#c0c0ba",
	 "#566070", "M-1 7L7 -1M-1 1L1 -1M5 7L7 5"},
	{GS_PAGE_KIND_ZERO, '.', 'z', "zero, whatever they are used for", 0x5c6066, 241, "#d8dce1",
	 "#353b44", NULL},
};

char *map_percent(uint64_t part, uint64_t whole, char buffer[MAP_PERCENT_TEXT])
{
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;

	if (part && percent < 0.1)
		snprintf(buffer, MAP_PERCENT_TEXT, "< 0.1 %%");
	else if (part < whole && percent > 99.9)
		snprintf(buffer, MAP_PERCENT_TEXT, "> 99.9 %%");
	else
		snprintf(buffer, MAP_PERCENT_TEXT, "%.1f %%", percent);
	return buffer;
}

char *map_address(gs_gpa_t gpa, char buffer[GS_SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (gpa && unit < 4 && gpa % 1024 == 0) {
		gpa /= 1024;
		unit++;
	}
	if (gpa)
		snprintf(buffer, GS_SIZE_TEXT, "%" PRIu64 " %s", gpa, units[unit]);
	else
		strcpy(buffer, "0");
	return buffer;
}

uint64_t map_bucket_bytes(const struct gs_memory *mem, unsigned int columns)
{
	uint64_t bytes = gs_survey_bucket_bytes(mem, MAP_ROWS) / columns;

	return bytes < mem->attrs.page_size ? mem->attrs.page_size : bytes;
}

/* The end of the memory in or before bucket @i, and the start of that in or behind it. */
static gs_gpa_t memory_end_before(const struct map *map, gs_gpa_t gpa)
{
	size_t i = gs_ranges_find(map->mem->ranges, map->mem->range_count, gpa);

	return i ? map->mem->ranges[i - 1].start + map->mem->ranges[i - 1].size : 0;
}

static gs_gpa_t memory_start_after(const struct map *map, gs_gpa_t gpa)
{
	size_t i = gs_ranges_find(map->mem->ranges, map->mem->range_count, gpa);
	gs_gpa_t start = map->mem->ranges[i].start;

	return start > gpa ? start : gpa;
}

/* Rows that follow each other in the address space need no mark between them. */
static void add_break(struct map *map, gs_gpa_t row_start)
{
	gs_gpa_t end = map->row_count ? map->rows[map->row_count - 1].end : 0;

	if (row_start == end)
		return;
	map->rows[map->row_count++] = (struct map_row){.start = memory_end_before(map, row_start),
						       .end = memory_start_after(map, row_start)};
}

static void lay_out(struct map *map)
{
	const struct gs_survey *s = map->survey;

	for (size_t i = 0; i < s->bucket_count; i++) {
		gs_gpa_t start = s->buckets[i].start & ~(map->row_bytes - 1);
		struct map_row *row = map->row_count ? &map->rows[map->row_count - 1] : NULL;

		if (!row || !row->count || row->start != start) {
			add_break(map, start);
			row = &map->rows[map->row_count++];
			*row = (struct map_row){
				.start = start, .end = start + map->row_bytes, .first = i};
		}
		row->count++;
	}
}

static size_t count_rows(const struct map *map)
{
	size_t rows = 0;
	gs_gpa_t last = 1; /* no row begins there */

	for (size_t i = 0; i < map->survey->bucket_count; i++) {
		gs_gpa_t start = map->survey->buckets[i].start & ~(map->row_bytes - 1);

		rows += start != last;
		last = start;
	}
	return rows;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static struct gs_error *write_title(struct map *map, bool is_live)
{
	gs_autotext struct gs_text t = {0};
	char size[GS_SIZE_TEXT];

	gs_text_puts(&t, "Memory of ");
	gs_text_puts_printable(&t, is_live ? map->mem->name : base_name(map->mem->name));
	gs_text_printf(
		&t, ": %s",
		gs_format_size(gs_ranges_total_bytes(map->mem->ranges, map->mem->range_count),
			       size));
	return gs_text_finish(&t, &map->title);
}

/* When it was taken, in UTC: a picture outlives the place that it was made at. */
static void add_date(struct gs_text *t, const struct gs_attributes *attrs, bool is_live)
{
	time_t when = is_live ? time(NULL) : (time_t)attrs->timestamp_sec;
	char text[40];
	struct tm tm;

	if (when > 0 && gmtime_r(&when, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm))
		gs_text_printf(t, ", taken %s", text);
}

static struct gs_error *write_subtitle(struct map *map, bool is_live)
{
	const struct gs_attributes *attrs = &map->mem->attrs;
	const struct gs_dump_facts *facts = gs_dump_facts(map->mem);
	const char *release =
		map->kernel ? map->kernel->utsname[GS_UTS_RELEASE] : attrs->utsname[GS_UTS_RELEASE];
	gs_autotext struct gs_text t = {0};
	char size[GS_SIZE_TEXT];

	if (release[0]) {
		gs_text_puts(&t, "Linux ");
		gs_text_puts_printable(&t, release);
		gs_text_puts(&t, ", ");
	}
	if (attrs->arch != GS_ARCH_UNKNOWN)
		gs_text_printf(&t, "%s, ", gs_arch_info(attrs->arch)->name);
	if (facts)
		gs_text_printf(&t, "%s%s of %s", facts->flattened ? "flattened " : "",
			       facts->format, gs_format_size(facts->file_bytes, size));
	else
		gs_text_puts(&t, "live guest");
	if (attrs->dump_level)
		gs_text_printf(&t, ", dump level %u", attrs->dump_level);
	if (attrs->incomplete)
		gs_text_puts(&t, ", incomplete");
	add_date(&t, attrs, is_live);
	return gs_text_finish(&t, &map->subtitle);
}

struct gs_error *map_init(struct map *map, const struct gs_memory *mem,
			  const struct gs_linux *kernel, const struct gs_survey *survey,
			  unsigned int columns, bool is_live)
{
	struct gs_error *err;

	*map = (struct map){.mem = mem,
			    .kernel = kernel,
			    .survey = survey,
			    .columns = columns,
			    .row_bytes = survey->bucket_bytes * columns,
			    .cell_pages = survey->bucket_bytes / survey->page_size};
	map->rows = calloc(2 * count_rows(map) + 1, sizeof(*map->rows));
	if (!map->rows)
		return gs_error_nomem();
	lay_out(map);
	gs_page_tally_kinds(&survey->total, map->kinds);
	for (int kind = 0; kind < GS_PAGE_KIND_COUNT; kind++)
		map->pages += map->kinds[kind];
	gs_page_tally_stored(&survey->total, &map->stored_pages, &map->stored_bytes);
	err = write_title(map, is_live);
	return err ? err : write_subtitle(map, is_live);
}

void map_deinit(struct map *map)
{
	free(map->rows);
	free(map->title);
	free(map->subtitle);
	*map = (struct map){0};
}
