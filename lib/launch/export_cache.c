/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was exported before. An entry is a file of one line and the document:
 *
 *	{"sum": "...", "content": 2,
 *	 "files": {"/usr/bin/qemu-system-x86_64": "DEV:INO:SIZE:MTIME:CTIME", ...}}
 *	{"guestscope": ...
 *
 * (in one line). Its name comes from the path of the binary, so that an upgrade replaces it. The
 * content is a number of ours: what was told less is asked again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <guestscope/base/io.h>

#include "export.h"

/* To be counted up when more is put into a document: 2 tells the types of devices. */
#define CONTENT 2
#define ENTRY_MAX (GS_EXPORT_MAX + (1u << 20))

/* ---- stamps ---- */

/* "" for what is not there. NULL: no memory. */
static char *stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return strdup("");
	return gs_strf("%jx:%jx:%jd:%jd.%09ld:%jd.%09ld", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
		       st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static bool add_stamp(struct gs_json *stamps, const char *path)
{
	gs_autofree char *text = NULL;

	if (gs_json_get(stamps, path))
		return true;
	text = stamp(path);
	return text && gs_json_set(stamps, path, gs_json_new_string(text));
}

/* A folder changes when a module is put there, taken away or replaced by another file. */
static bool add_module(struct gs_json *stamps, const char *path)
{
	gs_autofree char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (slash)
		*slash = '\0';
	return folder && add_stamp(stamps, folder) && add_stamp(stamps, path);
}

bool gs_export_stamp(struct gs_json *stamps, const char *binary, const struct gs_json *about)
{
	const char *program = gs_json_string(gs_json_path(about, "qemu", "program", NULL));

	if (!add_stamp(stamps, binary) || (program && !add_stamp(stamps, program)))
		return false;
	gs_json_for_each (path, gs_json_path(about, "modules", "loaded", NULL)) {
		if (!add_module(stamps, gs_json_string(path)))
			return false;
	}
	return true;
}

static bool still_hold(const struct gs_json *stamps)
{
	if (gs_json_count(stamps) == 0)
		return false;
	gs_json_for_each (each, stamps) {
		const char *then = gs_json_string(each);
		gs_autofree char *now = stamp(gs_json_key(each));

		if (!then || !now || strcmp(then, now) != 0)
			return false;
	}
	return true;
}

/* ---- entries ---- */

static char *sum_text(const char *data, size_t size)
{
	return gs_strf("%016" PRIx64, (uint64_t)XXH3_64bits(data, size));
}

/* Whether the folder is ours alone to write to: an entry of somebody else is not believed. */
static bool is_ours(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static char *entry_path(const char *cache_dir, const char *binary)
{
	gs_autofree char *sum = sum_text(binary, strlen(binary));

	return sum ? gs_strf("%s/export-%s", cache_dir, sum) : NULL;
}

static bool holds(const struct gs_json *head, const char *binary, const char *text, size_t size)
{
	const char *sum = gs_json_string(gs_json_get(head, "sum"));
	const struct gs_json *files = gs_json_get(head, "files");
	gs_autofree char *real_sum = sum_text(text, size);
	uint64_t content;

	if (!gs_json_u64(gs_json_get(head, "content"), &content) || content < CONTENT)
		return false;
	return sum && real_sum && strcmp(sum, real_sum) == 0 && gs_json_get(files, binary) &&
	       still_hold(files);
}

void gs_export_recall(const char *cache_dir, const char *binary, char **ret, size_t *size_ret)
{
	gs_autofree char *path = is_ours(cache_dir) ? entry_path(cache_dir, binary) : NULL;
	gs_autofree char *entry = NULL;
	gs_autojson struct gs_json *head = NULL;
	gs_autoerror struct gs_error *err = NULL;
	size_t size = 0, head_size;
	const char *end;

	if (path)
		err = gs_read_file(path, ENTRY_MAX, &entry, &size);
	end = entry ? memchr(entry, '\n', size) : NULL;
	if (!end)
		return;
	head_size = (size_t)(end + 1 - entry);
	err = gs_json_parse(entry, head_size, &head);
	if (err || !holds(head, binary, entry + head_size, size - head_size))
		return;
	memmove(entry, entry + head_size, size - head_size + 1);
	*size_ret = size - head_size;
	*ret = gs_take(entry);
}

/* The folder and those above it, as far as they are not there. */
static void make_folder(const char *dir)
{
	gs_autofree char *path = strdup(dir);

	for (char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (*path)
			mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(dir, 0700);
}

/* The line of an entry; NULL: no memory. */
static char *entry_head(const struct gs_json *stamps, const char *text, size_t size)
{
	gs_autojson struct gs_json *head = gs_json_new_object();
	gs_autofree char *sum = sum_text(text, size);

	if (!sum || !gs_json_set(head, "sum", gs_json_new_string(sum)) ||
	    !gs_json_set(head, "content", gs_json_new_u64(CONTENT)) ||
	    !gs_json_set(head, "files", gs_json_copy(stamps)))
		return NULL;
	return gs_json_print(head, GS_JSON_COMPACT);
}

static struct gs_error *write_entry(const char *path, const char *head, const char *text,
				    size_t size)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *file = NULL;
	struct gs_error *err = gs_outfile_open(path, GS_OUTFILE_FORCE, &file);

	if (err)
		return err;
	if (gs_write_full(gs_outfile_fd(file), head, strlen(head)) < 0 ||
	    gs_write_full(gs_outfile_fd(file), "\n", 1) < 0 ||
	    gs_write_full(gs_outfile_fd(file), text, size) < 0)
		return gs_error_os(errno, "%s", path);
	return gs_outfile_commit(file);
}

void gs_export_keep(const char *cache_dir, const char *binary, const struct gs_json *stamps,
		    const char *text, size_t size)
{
	gs_autofree char *path = NULL, *head = NULL;

	make_folder(cache_dir);
	if (!is_ours(cache_dir) || !still_hold(stamps))
		return;
	path = entry_path(cache_dir, binary);
	head = entry_head(stamps, text, size);
	if (path && head)
		gs_error_destroy(write_entry(path, head, text, size));
}
