/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command of --wrap: its words, and its file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "tracehooks.h"

/* From any folder: who is wrapped may be in another. */
static struct gs_error *make_absolute(char **path)
{
	gs_autofree char *folder = NULL, *relative = NULL;

	if (**path == '/')
		return NULL;
	folder = getcwd(NULL, 0);
	if (!folder)
		return gs_error_os(errno, "the current folder");
	relative = *path;
	*path = gs_strf("%s/%s", folder, relative);
	return *path ? NULL : gs_error_nomem();
}

static struct gs_error *find_file(struct wrapper *wrapper)
{
	const char *name = wrapper->words[0];
	struct gs_error *err = gs_program_find(name, &wrapper->path);

	if (!err)
		err = make_absolute(&wrapper->path);
	if (!err && access(wrapper->path, X_OK) < 0)
		err = gs_error_os(errno, "%s", name);
	return err;
}

static struct gs_error *split(const char *text, struct wrapper *wrapper)
{
	static const char blanks[] = " \t\n";
	char *next = NULL, *word;
	size_t count = 0;

	wrapper->text = strdup(text);
	wrapper->words = calloc(strlen(text) / 2 + 2, sizeof(*wrapper->words));
	if (!wrapper->text || !wrapper->words)
		return gs_error_nomem();
	for (word = strtok_r(wrapper->text, blanks, &next); word;
	     word = strtok_r(NULL, blanks, &next))
		wrapper->words[count++] = word;
	return count ? NULL : gs_error_create(GS_ERROR_INVALID, "in which command?");
}

struct gs_error *wrapper_init(struct wrapper *wrapper, const struct gs_args *args)
{
	const char *text = gs_args_get(args, "wrap");
	struct gs_error *err;

	*wrapper = (struct wrapper){0};
	if (!text)
		return NULL;
	err = split(text, wrapper);
	if (!err)
		err = find_file(wrapper);
	wrapper->wrap = (struct gs_hold_wrap){.path = wrapper->path, .words = wrapper->words};
	return gs_error_wrap(err, "--wrap");
}

void wrapper_deinit(struct wrapper *wrapper)
{
	free(wrapper->text);
	free(wrapper->words);
	free(wrapper->path);
}
