/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked for, and in which files and which of their tables it is looked for. */
#include "process.h"

#include <inttypes.h>
#include <string.h>

/* ---- what is asked for ---- */

static void deinit_query(struct process_query *query)
{
	free(query->lib);
	free(query->name);
	free(query->version);
}

/* "FILE:LINE": what stands behind the last colon, 0 if that is no line. */
static unsigned int parse_line(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t line = 0;

	if (!colon || colon == text || !colon[1] ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return 0;
	gs_error_destroy(gs_parse_u64(colon + 1, &line));
	return line <= INT32_MAX ? (unsigned int)line : 0;
}

static bool copy_part(const char *text, size_t size, char **ret)
{
	*ret = strndup(text, size);
	return *ret;
}

static struct gs_error *parse_query(const char *what, struct process_query *query)
{
	const char *bang = strchr(what, '!'), *rest = bang ? bang + 1 : what;
	size_t size, behind;
	bool copied = true;

	query->line = parse_line(rest);
	size = query->line ? (size_t)(strrchr(rest, ':') - rest) : strcspn(rest, "@");
	behind = size + strspn(rest + size, "@");
	if (bang)
		copied = copy_part(what, (size_t)(bang - what), &query->lib);
	copied = copied && copy_part(rest, size, &query->name);
	if (!query->line && behind > size)
		copied = copied && copy_part(rest + behind, strlen(rest + behind), &query->version);
	if (!copied)
		return gs_error_nomem();
	if (!*query->name || (query->lib && !*query->lib) || (query->version && !*query->version))
		return gs_error_create(GS_ERROR_INVALID,
				       "\"%s\" is none of FUNC, LIB!FUNC, FILE:LINE, 0xADDRESS",
				       what);
	return NULL;
}

/* ---- where it is looked for ---- */

static bool is_wanted(const struct process_file *file, const struct process_query *query)
{
	return !query->lib || gs_process_file_is(file, query->lib);
}

static struct gs_error *find_lines(struct gs_process_symbols *symbols,
				   const struct process_query *query, struct gs_places *places,
				   struct process_nearby *nearby)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < symbols->file_count && !err; i++) {
		if (is_wanted(&symbols->files[i], query))
			err = gs_process_find_lines(&symbols->files[i], query, places, nearby);
	}
	return err;
}

/*
 * Debug information is large: it is asked where a symbol table knows the function, which may be
 * inlined there as well, and of all files only if none knows it.
 */
static struct gs_error *find_functions(struct gs_process_symbols *symbols,
				       const struct process_query *query, struct gs_places *places)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < symbols->file_count && !err; i++) {
		const struct process_file *file = &symbols->files[i];
		size_t before = places->count;

		if (is_wanted(file, query))
			err = gs_process_find_names(file, query, places);
		if (!err && places->count > before && !query->version)
			err = gs_process_find_inlined(file, query, places);
	}
	for (size_t i = 0; i < symbols->file_count && !err && !places->count; i++) {
		if (is_wanted(&symbols->files[i], query) && !query->version)
			err = gs_process_find_inlined(&symbols->files[i], query, places);
	}
	return err;
}

static struct gs_error *add_sources(struct gs_process_symbols *symbols, struct gs_places *places)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < places->count && !err; i++) {
		struct gs_place *place = &places->places[i];

		if (!place->file)
			err = gs_process_place_source(gs_process_file_at(symbols, place->address),
						      place);
	}
	return err;
}

static struct gs_error *find_parsed(struct gs_process_symbols *symbols,
				    const struct process_query *query, struct gs_places *places)
{
	struct process_nearby nearby;
	struct gs_error *err;

	gs_process_nearby_begin(&nearby, query);
	if (query->line)
		err = find_lines(symbols, query, places, &nearby);
	else
		err = find_functions(symbols, query, places);
	if (!err && !places->count)
		err = gs_process_nearby_error(&nearby, symbols, query);
	return err ? err : add_sources(symbols, places);
}

static struct gs_error *find_query(struct gs_process_symbols *symbols, const char *what,
				   struct gs_places *places)
{
	struct process_query query = {0};
	struct gs_error *err = parse_query(what, &query);

	if (!err)
		err = find_parsed(symbols, &query, places);
	deinit_query(&query);
	return err;
}

/* ---- addresses ---- */

static struct gs_error *find_address(struct gs_process_symbols *symbols, const char *what,
				     struct gs_places *places)
{
	struct gs_place place;
	uint64_t address;
	struct gs_error *err = gs_parse_u64(what, &address);

	if (!err)
		err = gs_process_symbols_at(symbols, address, &place);
	if (err)
		return err;
	if (!gs_process_is_code(gs_process_file_at(symbols, address), address)) {
		err = gs_error_create(GS_ERROR_INVALID, "process %d: no code at %s, but data of %s",
				      (int)symbols->pid, what, place.module);
		gs_place_deinit(&place);
		return err;
	}
	return gs_places_add(places, &place);
}

struct gs_error *gs_process_symbols_find(struct gs_process_symbols *symbols, const char *what,
					 struct gs_places *ret)
{
	struct gs_places places = {0};
	struct gs_error *err;

	if (!strncmp(what, "0x", 2))
		err = find_address(symbols, what, &places);
	else
		err = find_query(symbols, what, &places);
	if (err) {
		gs_places_deinit(&places);
		return err;
	}
	gs_places_sort(&places);
	*ret = places;
	return NULL;
}
