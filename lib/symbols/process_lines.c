/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of source. One has code in each function that it is inlined into, and may have it in
 * several stretches of one, as the parts of a loop: where the first of them begins in each.
 */
#include "process.h"

#include <dwarf.h>
#include <string.h>

struct search {
	const struct process_file *file;
	const struct process_query *query;
	struct gs_places *places;
	struct process_nearby *nearby;
	Dwarf_Addr bias;
};

/* Where a line's code begins in one function. */
struct start {
	Dwarf_Off function; /* its entry in the debug information */
	Dwarf_Addr range;   /* beginning of the stretch of it: hot and cold ones are apart */
	Dwarf_Addr address;
	const char *path; /* of the source; libdw's */
};

struct starts {
	struct start *items;
	size_t count;
};

/* ---- files ---- */

/* "util/vircommand.c", "vircommand.c": the end of a path. */
static bool is_end_of(const char *path, const char *end)
{
	size_t size = strlen(path), end_size = strlen(end);

	if (size < end_size || strcmp(path + size - end_size, end) != 0)
		return false;
	return size == end_size || *end == '/' || path[size - end_size - 1] == '/';
}

static bool has_file(const struct search *search, Dwarf_Die *unit)
{
	Dwarf_Files *files;
	size_t count;
	bool has = false;

	if (dwarf_getsrcfiles(unit, &files, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *path = dwarf_filesrc(files, i, NULL, NULL);

		has = has || (path && is_end_of(path, search->query->name));
		if (path)
			gs_process_nearby_see(search->nearby, path);
	}
	return has;
}

/* ---- lines ---- */

static void find_range(Dwarf_Die *die, struct start *start)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t off = 0;

	while ((off = dwarf_ranges(die, off, &base, &low, &high)) > 0) {
		if (start->address >= low && start->address < high)
			start->range = low;
	}
}

/* Of the scopes around it the first that is a function, inlined ones too. */
static void find_function(Dwarf_Die *unit, struct start *start)
{
	Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes(unit, start->address, &scopes);

	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		start->function = dwarf_dieoffset(&scopes[i]);
		find_range(&scopes[i], start);
		break;
	}
	free(scopes);
}

static struct gs_error *add_start(struct starts *starts, const struct start *start)
{
	struct start *grown;

	for (size_t i = 0; i < starts->count; i++) {
		struct start *known = &starts->items[i];

		if (known->function != start->function || known->range != start->range)
			continue;
		if (start->address < known->address)
			known->address = start->address;
		return NULL;
	}
	grown = reallocarray(starts->items, starts->count + 1, sizeof(*grown));
	if (!grown)
		return gs_error_nomem();
	starts->items = grown;
	grown[starts->count++] = *start;
	return NULL;
}

/* Whether the row of the table is where a statement of the file begins, and which line that is. */
static bool read_row(const struct search *search, Dwarf_Line *row, int *line, struct start *start)
{
	bool begins, ends;

	start->path = dwarf_linesrc(row, NULL, NULL);
	return start->path && is_end_of(start->path, search->query->name) &&
	       dwarf_linebeginstatement(row, &begins) == 0 && begins &&
	       dwarf_lineendsequence(row, &ends) == 0 && !ends && dwarf_lineno(row, line) == 0 &&
	       *line && dwarf_lineaddr(row, &start->address) == 0;
}

static struct gs_error *find_starts(const struct search *search, Dwarf_Die *unit,
				    struct starts *starts)
{
	struct gs_error *err = NULL;
	Dwarf_Lines *rows;
	size_t count;

	if (dwarf_getsrclines(unit, &rows, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count && !err; i++) {
		struct start start = {0};
		int line;

		if (!read_row(search, dwarf_onesrcline(rows, i), &line, &start))
			continue;
		gs_process_nearby_see_line(search->nearby, (unsigned int)line);
		if ((unsigned int)line != search->query->line ||
		    !gs_process_is_code(search->file, start.address + search->bias))
			continue;
		find_function(unit, &start);
		err = add_start(starts, &start);
	}
	return err;
}

static struct gs_error *add_place(const struct search *search, const struct start *start)
{
	struct gs_place place;
	struct gs_error *err =
		gs_process_place(search->file, start->address + search->bias, NULL, &place);

	if (err)
		return err;
	if (place.kind == GS_PLACE_ADDRESS)
		place.kind = GS_PLACE_LINE;
	/* Several lines may begin there: it is the one that was asked for. */
	place.line = search->query->line;
	place.file = strdup(start->path);
	if (!place.file) {
		gs_place_deinit(&place);
		return gs_error_nomem();
	}
	return gs_places_add(search->places, &place);
}

static struct gs_error *look_at_unit(const struct search *search, Dwarf_Die *unit)
{
	struct starts starts = {0};
	struct gs_error *err = NULL;

	if (has_file(search, unit))
		err = find_starts(search, unit, &starts);
	for (size_t i = 0; i < starts.count && !err; i++)
		err = add_place(search, &starts.items[i]);
	free(starts.items);
	return err;
}

struct gs_error *gs_process_find_lines(const struct process_file *file,
				       const struct process_query *query, struct gs_places *places,
				       struct process_nearby *nearby)
{
	struct search search = {.file = file, .query = query, .places = places, .nearby = nearby};
	Dwarf *dwarf = dwfl_module_getdwarf(file->module, &search.bias);
	struct gs_error *err = NULL;
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	while (dwarf && !err && dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
		err = look_at_unit(&search, &unit);
	return err;
}
