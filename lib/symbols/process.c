/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places of a process: opening it, and asking. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the process and its files ---- */

static bool same_file(const struct process_file *a, const struct process_file *b)
{
	return a->start == b->start && a->end == b->end && a->inode == b->inode &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       !strcmp(a->path, b->path);
}

static bool same_files(const struct gs_process_symbols *symbols, const struct process_file *files,
		       size_t count)
{
	if (count != symbols->file_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!same_file(&files[i], &symbols->files[i]))
			return false;
	}
	return true;
}

/* libdwfl keeps what it knows of a module that is reported again: the name must tell them apart. */
static struct gs_error *report_file(Dwfl *dwfl, struct process_file *file)
{
	gs_autofree char *name = gs_strf("%x:%x:%" PRIu64 " %s", file->dev_major, file->dev_minor,
					 file->inode, file->path);
	void **userdata;

	file->module = name ? dwfl_report_module(dwfl, name, file->start, file->end) : NULL;
	if (!file->module)
		return gs_error_nomem();
	dwfl_module_info(file->module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = file;
	return NULL;
}

static struct gs_error *report_files(Dwfl *dwfl, struct process_file *files, size_t count)
{
	struct gs_error *err = NULL;

	dwfl_report_begin(dwfl);
	for (size_t i = 0; i < count && !err; i++)
		err = report_file(dwfl, &files[i]);
	if (dwfl_report_end(dwfl, NULL, NULL) != 0 && !err)
		err = gs_error_create(GS_ERROR_CORRUPT, "files: %s", dwfl_errmsg(-1));
	return err;
}

struct gs_error *gs_process_symbols_refresh(struct gs_process_symbols *symbols, bool *changed)
{
	struct process_file *files;
	size_t count;
	struct gs_error *err = gs_process_files_read(symbols, &files, &count);

	if (err)
		return err;
	if (same_files(symbols, files, count)) {
		gs_process_files_free(files, count);
		*changed = false;
		return NULL;
	}
	err = report_files(symbols->dwfl, files, count);
	gs_process_files_free(symbols->files, symbols->file_count);
	symbols->files = files;
	symbols->file_count = count;
	if (!err)
		*changed = true;
	return err;
}

static struct gs_error *open_folder(pid_t pid, int *fd_ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	*fd_ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd_ret < 0 && errno == ENOENT)
		return gs_error_create(GS_ERROR_GONE, "no process %d", (int)pid);
	return *fd_ret < 0 ? gs_error_os(errno, "%s", path) : NULL;
}

struct gs_error *gs_process_symbols_open(pid_t pid,
					 const struct gs_process_symbols_options *options,
					 struct gs_process_symbols **ret)
{
	GS_CLEANUP(gs_process_symbols_close)
	struct gs_process_symbols *symbols = calloc(1, sizeof(*symbols));
	struct gs_error *err;
	bool changed;

	if (!symbols)
		return gs_error_nomem();
	symbols->pid = pid;
	symbols->debuginfod = options && options->debuginfod;
	symbols->callbacks.find_elf = gs_process_find_elf;
	symbols->callbacks.find_debuginfo = gs_process_find_debug;
	err = open_folder(pid, &symbols->proc_fd);
	if (err)
		return err;
	symbols->dwfl = dwfl_begin(&symbols->callbacks);
	if (!symbols->dwfl)
		return gs_error_nomem();
	err = gs_process_symbols_refresh(symbols, &changed);
	if (!err)
		*ret = gs_take(symbols);
	return err;
}

void gs_process_symbols_close(struct gs_process_symbols *symbols)
{
	if (!symbols)
		return;
	dwfl_end(symbols->dwfl);
	gs_process_files_free(symbols->files, symbols->file_count);
	if (symbols->proc_fd >= 0)
		close(symbols->proc_fd);
	free(symbols);
}

struct process_file *gs_process_file_at(struct gs_process_symbols *symbols, uint64_t address)
{
	for (size_t i = 0; i < symbols->file_count; i++) {
		if (address >= symbols->files[i].start && address < symbols->files[i].end)
			return &symbols->files[i];
	}
	return NULL;
}

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
				       "\"%s\": neither FUNC, LIB!FUNC, FILE:LINE nor 0xADDRESS",
				       what);
	return NULL;
}

/* ---- finding ---- */

static struct gs_error *find_in_files(struct gs_process_symbols *symbols,
				      const struct process_query *query, struct gs_places *places)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < symbols->file_count && !err; i++) {
		const struct process_file *file = &symbols->files[i];

		if (!query->lib || gs_process_file_is(file, query->lib))
			err = gs_process_find_names(file, query, places);
	}
	return err;
}

static struct gs_error *add_sources(struct gs_process_symbols *symbols, struct gs_places *places)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < places->count && !err; i++)
		err = gs_process_place_source(
			gs_process_file_at(symbols, places->places[i].address), &places->places[i]);
	return err;
}

static struct gs_error *find_query(struct gs_process_symbols *symbols, const char *what,
				   struct gs_places *places)
{
	struct process_query query = {0};
	struct gs_error *err = parse_query(what, &query);

	if (!err)
		err = find_in_files(symbols, &query, places);
	if (!err && !places->count)
		err = gs_error_create(GS_ERROR_NODATA, "process %d: no \"%s\"", (int)symbols->pid,
				      what);
	if (!err)
		err = add_sources(symbols, places);
	deinit_query(&query);
	return err;
}

static struct gs_error *find_address(struct gs_process_symbols *symbols, const char *what,
				     struct gs_places *places)
{
	struct gs_place place;
	uint64_t address;
	struct gs_error *err = gs_parse_u64(what, &address);

	if (!err)
		err = gs_process_symbols_at(symbols, address, &place);
	return err ? err : gs_places_add(places, &place);
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

struct gs_error *gs_process_symbols_at(struct gs_process_symbols *symbols, uint64_t address,
				       struct gs_place *ret)
{
	struct process_file *file = gs_process_file_at(symbols, address);
	struct gs_place place;
	struct gs_error *err;

	if (!file)
		return gs_error_create(GS_ERROR_NODATA,
				       "process %d: no file is mapped at 0x%" PRIx64,
				       (int)symbols->pid, address);
	err = gs_process_place(file, address, NULL, &place);
	if (!err) {
		err = gs_process_place_source(file, &place);
		if (err)
			gs_place_deinit(&place);
		else
			*ret = place;
	}
	return err;
}
