/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which launched guests there are. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "internal.h"

#define LOG_WORDS_LINES 3

char *gs_registry_dir(const char *xdg_runtime_dir)
{
	bool xdg = xdg_runtime_dir && xdg_runtime_dir[0] == '/';

	return gs_strf("%s/guestscope", xdg ? xdg_runtime_dir : "/run");
}

/* Names of the folders of live guests, sorted; others are cleaned away on the way. */
static struct gs_error *live_names(const char *run_dir, char ***ret, size_t *count_ret)
{
	struct dirent **entries;
	int found = scandir(run_dir, &entries, NULL, alphasort);
	char **names;
	size_t count = 0;

	if (found < 0 && errno != ENOENT)
		return gs_error_os(errno, "%s", run_dir);
	names = calloc(found > 0 ? (size_t)found + 1 : 1, sizeof(*names));
	for (int i = 0; i < found; i++) {
		const char *name = entries[i]->d_name;

		if (names && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    gs_folder_clean(run_dir, name) == GS_FOLDER_LIVE && name[0] != '.')
			names[count++] = strdup(name);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	if (!names)
		return gs_error_nomem();
	*ret = names;
	*count_ret = count;
	return NULL;
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

struct gs_error *gs_registry_list(const char *run_dir, struct gs_guest **ret, size_t *count_ret)
{
	struct gs_guest *guests;
	char **names;
	size_t name_count, count = 0;
	struct gs_error *err = live_names(run_dir, &names, &name_count);

	if (err)
		return err;
	guests = calloc(name_count + 1, sizeof(*guests));
	for (size_t i = 0; guests && i < name_count; i++) {
		/* No record: it is just being launched, and not a guest yet. */
		gs_autoerror struct gs_error *none =
			names[i] ? gs_record_read(run_dir, names[i], &guests[count])
				 : gs_error_nomem();
		count += !none;
	}
	free_names(names, name_count);
	if (!guests)
		return gs_error_nomem();
	*ret = guests;
	*count_ret = count;
	return NULL;
}

void gs_registry_free(struct gs_guest *guests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		gs_guest_deinit(&guests[i]);
	free(guests);
}

/* "there is no guest 'fo'; is it 'foo'?" */
static struct gs_error *no_such_guest(const char *run_dir, const char *name)
{
	char **names;
	size_t count;
	struct gs_error *err = live_names(run_dir, &names, &count);
	const char *near;

	if (err)
		return err;
	near = gs_did_you_mean(name, (const char *const *)names);
	err = near ? gs_error_create(GS_ERROR_UNREACHABLE, "there is no guest '%s'; is it '%s'?",
				     name, near)
		   : gs_error_create(GS_ERROR_UNREACHABLE, "there is no guest '%s' in %s", name,
				     run_dir);
	free_names(names, count);
	return err;
}

/* Its folder is still there: QEMU's last words with it. */
static struct gs_error *has_ended(const char *run_dir, const char *name)
{
	gs_autofree char *log = gs_strf("%s/%s/log", run_dir, name);
	gs_autofree char *words = log ? gs_log_last_words(log, LOG_WORDS_LINES) : NULL;
	bool silent = !words || !words[0];

	return gs_error_create(GS_ERROR_UNREACHABLE, "guest '%s' has ended%s%s", name,
			       silent ? "" : ": ", silent ? "" : words);
}

struct gs_error *gs_registry_find(const char *run_dir, const char *name, struct gs_guest *ret)
{
	struct gs_error *err = gs_folder_check_name(name);

	if (err)
		return err;
	switch (gs_folder_probe(run_dir, name)) {
	case GS_FOLDER_LIVE:
		return gs_record_read(run_dir, name, ret);
	case GS_FOLDER_ENDED:
		return has_ended(run_dir, name);
	default:
		return no_such_guest(run_dir, name);
	}
}

/* "a, b, c" */
static struct gs_error *several(const struct gs_guest *guests, size_t count)
{
	gs_autotext struct gs_text names = {0};

	for (size_t i = 0; i < count; i++)
		gs_text_printf(&names, "%s%s", i ? ", " : "", guests[i].name);
	return gs_error_create(GS_ERROR_INVALID, "%zu guests are running (%s): name one of them",
			       count, names.data ? names.data : "");
}

struct gs_error *gs_registry_only(const char *run_dir, struct gs_guest *ret)
{
	struct gs_guest *guests;
	size_t count;
	struct gs_error *err = gs_registry_list(run_dir, &guests, &count);

	if (err)
		return err;
	if (count == 1) {
		*ret = guests[0];
		guests[0] = (struct gs_guest){0};
	} else if (count == 0) {
		err = gs_error_create(GS_ERROR_UNREACHABLE, "no launched guest is running in %s",
				      run_dir);
	} else {
		err = several(guests, count);
	}
	gs_registry_free(guests, count);
	return err;
}
