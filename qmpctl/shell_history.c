/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was typed, kept from session to session in a file that nobody else can read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/history.h>

#include <guestscope/base/io.h>

#include "shell.h"

#define ENTRIES_MAX 1000
#define ENTRY_MAX 4096             /* bytes; longer ones are not kept */
#define FILE_MAX ((size_t)4 << 20) /* what a file of ours cannot exceed */

static struct gs_text session; /* lines of this one, to be added to the file */

/* "$XDG_STATE_HOME/guestscope/qmpctl_history"; NULL: there is no place for it. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state == '/')
		return gs_strf("%s/guestscope/qmpctl_history", state);
	return home && *home == '/' ? gs_strf("%s/.local/state/guestscope/qmpctl_history", home)
				    : NULL;
}

/* The folders of @path, ours alone where they are made. */
static struct gs_error *make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int failed;

		*slash = '\0';
		failed = mkdir(path, 0700) < 0 && errno != EEXIST ? errno : 0;
		*slash = '/';
		if (failed)
			return gs_error_os(failed, "%s: its folder", path);
	}
	return NULL;
}

/* "" where there is none yet. */
static struct gs_error *read_history_file(const char *path, char **ret)
{
	struct gs_error *err = gs_read_file(path, FILE_MAX, ret, NULL);

	if (!err || err->os_errno != ENOENT)
		return err;
	gs_error_destroy(err);
	*ret = strdup("");
	return *ret ? NULL : gs_error_nomem();
}

static void complain(const struct gs_args *args, struct gs_error *err)
{
	if (err)
		gs_args_note(args, "history: %s", err->message);
	gs_error_destroy(err);
}

void shell_history_load(const struct gs_args *args)
{
	gs_autofree char *path = history_path(), *text = NULL;
	char *rest, *line;

	using_history();
	stifle_history(ENTRIES_MAX);
	if (path)
		complain(args, read_history_file(path, &text));
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			add_history(line);
}

/* What begins with a blank is not to be kept, as in other shells; nor are secrets. */
static bool is_kept(const char *entry)
{
	return *entry && *entry != ' ' && strlen(entry) <= ENTRY_MAX &&
	       !strstr(entry, "password") && !strstr(entry, "secret");
}

void shell_history_add(const char *entry)
{
	HIST_ENTRY *last = history_get(history_base + history_length - 1);

	if (!*entry || (last && strcmp(last->line, entry) == 0))
		return;
	add_history(entry);
	if (!is_kept(entry) || session.size > FILE_MAX / 2)
		return;
	gs_text_puts(&session, entry);
	gs_text_puts(&session, "\n");
}

/* The last ENTRIES_MAX lines. */
static struct gs_error *write_newest(const char *path, const struct gs_text *text)
{
	const char *end = text->data + text->size, *at = end;

	for (int count = 0; at > text->data; at--)
		if (at[-1] == '\n' && count++ == ENTRIES_MAX)
			break;
	return gs_file_replace(path, at, (size_t)(end - at));
}

/* Other sessions may have written meanwhile: their lines stay. */
void shell_history_save(const struct gs_args *args)
{
	gs_autofree char *path = history_path(), *before = NULL;
	gs_autotext struct gs_text text = {0};
	struct gs_error *err;

	if (!path || !session.size)
		return;
	err = make_folders(path);
	if (!err)
		err = read_history_file(path, &before);
	if (!err) {
		gs_text_puts(&text, before);
		gs_text_append(&text, session.data, session.size);
		err = text.failed ? gs_error_nomem() : write_newest(path, &text);
	}
	complain(args, err);
	gs_text_deinit(&session);
}
