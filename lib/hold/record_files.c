/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of records. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/hold/record.h>

#define RECORD_MAX (16u << 20) /* bytes: all arguments of a process, escaped */

char *gs_hold_dir(const char *xdg_runtime_dir)
{
	if (xdg_runtime_dir && *xdg_runtime_dir == '/')
		return gs_strf("%s/tracehooks", xdg_runtime_dir);
	if (geteuid() == 0)
		return strdup("/run/tracehooks");
	return gs_strf("/tmp/tracehooks-%u", (unsigned int)geteuid());
}

/* Who else could write there could have us signal what he likes. */
struct gs_error *gs_hold_dir_make(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return gs_error_os(errno, "%s", dir);
	if (lstat(dir, &st) < 0)
		return gs_error_os(errno, "%s", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return gs_error_create(GS_ERROR_INVALID, "%s: is not a folder of ours alone", dir);
	return NULL;
}

static char *path_of(const char *dir, pid_t id)
{
	return gs_strf("%s/%d", dir, (int)id);
}

struct gs_error *gs_hold_record_write(const char *dir, const struct gs_hold_record *record)
{
	gs_autojson struct gs_json *json = gs_hold_record_json(record);
	gs_autofree char *text = json ? gs_json_print(json, GS_JSON_SPACED) : NULL;
	gs_autofree char *path = path_of(dir, record->id.pid);

	if (!text || !path)
		return gs_error_nomem();
	return gs_file_replace(path, text, strlen(text));
}

void gs_hold_record_remove(const char *dir, pid_t id)
{
	gs_autofree char *path = path_of(dir, id);

	if (path)
		unlink(path);
}

/* ---- all of them ---- */

static struct gs_error *read_record(const char *path, struct gs_hold_record *ret)
{
	gs_autojson struct gs_json *json = NULL;
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_read_file(path, RECORD_MAX, &text, &size);

	if (!err)
		err = gs_json_parse(text, size, &json);
	if (!err)
		err = gs_hold_record_parse(json, ret);
	return gs_error_wrap(err, "%s", path);
}

struct gs_error *gs_hold_record_read(const char *dir, pid_t id, struct gs_hold_record *ret)
{
	gs_autofree char *path = path_of(dir, id);

	return path ? read_record(path, ret) : gs_error_nomem();
}

/* Numbers are records; the rest is sockets, and what is just being written. */
static int is_record(const struct dirent *entry)
{
	return entry->d_name[0] && !entry->d_name[strspn(entry->d_name, "0123456789")];
}

/* What was removed meanwhile, or cannot be read, is none. */
static void add_record(const char *dir, const char *name, struct gs_hold_list *list)
{
	gs_autofree char *path = gs_strf("%s/%s", dir, name);
	struct gs_hold_record *record = &list->records[list->count];
	gs_autoerror struct gs_error *err = path ? read_record(path, record) : gs_error_nomem();

	if (err)
		return;
	if (gs_proc_is(&record->id)) {
		list->count++;
		return;
	}
	unlink(path);
	gs_hold_record_deinit(record);
}

struct gs_error *gs_hold_list(const char *dir, struct gs_hold_list *ret)
{
	struct dirent **entries;
	int found = scandir(dir, &entries, is_record, versionsort);

	*ret = (struct gs_hold_list){0};
	if (found < 0)
		return errno == ENOENT ? NULL : gs_error_os(errno, "%s", dir);
	ret->records = calloc((size_t)found + 1, sizeof(*ret->records));
	for (int i = 0; i < found; i++) {
		if (ret->records)
			add_record(dir, entries[i]->d_name, ret);
		free(entries[i]);
	}
	free(entries);
	return ret->records ? NULL : gs_error_nomem();
}

void gs_hold_list_deinit(struct gs_hold_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		gs_hold_record_deinit(&list->records[i]);
	free(list->records);
	*list = (struct gs_hold_list){0};
}
