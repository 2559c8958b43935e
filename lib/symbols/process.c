/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process, and the files that it has mapped, as modules of libdwfl. */
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

void gs_process_symbols_stay_local(struct gs_process_symbols *symbols)
{
	symbols->debuginfod = false;
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
