/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug: from the keeper's hands into a debugger's.
 *
 * What is handed over is stopped as by SIGSTOP. A debugger that attaches to that sees a stop more
 * than it expects, and leaves the process stopped when it quits; one SIGCONT from inside the
 * session cures both. Debuggers that are not known get it from the keeper, as soon as they trace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "tracehooks.h"

#define EXTRA_MAX 16 /* words that a debugger gets before the user's own */

static const struct debugger {
	const char *name;
	bool resume;
	const char *words[EXTRA_MAX]; /* {} stands for the process */
} debuggers[] = {
	{"gdb",
	 false,
	 {"-q", "-ex", "handle SIGCONT nostop noprint pass", "-ex", "attach {}", "-ex",
	  "shell kill -CONT {}"}},
	{"lldb",
	 false,
	 {"-o", "process attach --pid {}", "-o",
	  "process handle SIGCONT --stop false --notify false --pass true", "-o",
	  "platform shell kill -CONT {}"}},
	{"strace", true, {"-f", "-p", "{}"}},
};

static const struct debugger *find_debugger(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(debuggers) / sizeof(*debuggers); i++) {
		if (strcmp(debuggers[i].name, name) == 0)
			return &debuggers[i];
	}
	return NULL;
}

/* @word with the process for each {}; the caller frees. */
static char *fill_in(const char *word, pid_t pid)
{
	gs_autotext struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char *filled = NULL;
	const char *hole;

	while ((hole = strstr(word, "{}"))) {
		gs_text_append(&text, word, (size_t)(hole - word));
		gs_text_printf(&text, "%d", (int)pid);
		word = hole + 2;
	}
	gs_text_puts(&text, word);
	err = gs_text_finish(&text, &filled);
	return filled;
}

/* ---- its command line ---- */

/* The user's words: behind ID, and behind "--". */
static size_t user_words(const struct gs_args *args, const char **words, size_t max)
{
	const char *const *rest = gs_args_rest(args);
	size_t count = 0;

	for (size_t i = 1; i < gs_args_count(args) && count < max; i++)
		words[count++] = gs_args_at(args, i);
	for (; rest && *rest && count < max; rest++)
		words[count++] = *rest;
	return count;
}

static bool has_hole(const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(words[i], "{}"))
			return true;
	}
	return false;
}

/* NULL-terminated; all that is in it lives until exec, or the end. */
static char **command_line(const char *const *words, size_t count, const struct debugger *debugger,
			   pid_t pid)
{
	char **argv = calloc(count + EXTRA_MAX + 2, sizeof(*argv));
	size_t used = 0;
	bool hole = has_hole(words, count);

	if (!argv)
		return NULL;
	argv[used++] = strdup(words[0]);
	for (size_t i = 0; debugger && debugger->words[i]; i++)
		argv[used++] = fill_in(debugger->words[i], pid);
	for (size_t i = 1; i < count; i++)
		argv[used++] = fill_in(words[i], pid);
	if (!debugger && !hole)
		argv[used++] = fill_in("{}", pid);
	for (size_t i = 0; i < used; i++) {
		if (!argv[i])
			return NULL;
	}
	return argv;
}

/* ---- the command ---- */

static struct gs_error *hand_over(const char *word, bool resume, pid_t *ret)
{
	gs_autofree char *dir = hold_dir();
	const struct gs_hold_record *record;
	struct gs_hold_list list = {0};
	struct gs_error *err = dir ? gs_hold_list(dir, &list) : gs_error_nomem();

	if (!err)
		err = find_hold(&list, word, &record);
	if (!err) {
		*ret = record->pid;
		err = gs_hold_hand_over(dir, record, resume);
	}
	gs_hold_list_deinit(&list);
	return err;
}

int cmd_debug(struct gs_args *args)
{
	const char *words[64] = {NULL};
	size_t count = user_words(args, words, sizeof(words) / sizeof(*words));
	const struct debugger *debugger;
	struct gs_error *err;
	pid_t pid = 0;
	char **argv;

	if (count == 0)
		words[count++] = "gdb";
	debugger = find_debugger(words[0]);
	err = hand_over(gs_args_at(args, 0), debugger ? debugger->resume : true, &pid);
	if (err)
		return gs_args_fail(args, err);
	argv = command_line(words, count, debugger, pid);
	if (!argv)
		return gs_args_fail(args, gs_error_nomem());
	execvp(argv[0], argv);
	err = gs_error_os(errno, "%s", argv[0]);
	gs_args_note(args, "%d is stopped: tracehooks release %d", (int)pid, (int)pid);
	return gs_args_fail(args, err);
}
