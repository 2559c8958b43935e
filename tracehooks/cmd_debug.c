/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug: from the keeper's hands into a debugger's.
 *
 * What is handed over is stopped as by SIGSTOP. A debugger that attaches to that sees a stop more
 * than it expects, and leaves the process stopped when it quits; one SIGCONT from inside the
 * session cures both. Debuggers that are not known get it from the keeper, as soon as they trace.
 *
 * Of a thread that is held the whole process is handed over, and debuggers begin with its first
 * thread: the held one is selected by its number, which Python in them knows. A gdb without it
 * finds the thread by its program counter; an lldb by its place in /proc, where it has found the
 * threads.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "tracehooks.h"

#define WORDS_MAX 64 /* the user's */
#define EXTRA_MAX 24 /* words that a debugger gets before the user's own */

/* {} stands for the process, {thread} for the thread's number, {address} for
 * where it stands, {nth} for its place among the process's threads, from 1 on. */
static const struct debugger {
	const char *name;
	bool resume;
	const char *words[10];
	const char *thread_words[6]; /* of a thread that is held, behind the others */
} debuggers[] = {
	{"gdb",
	 false,
	 {"-q", "-ex", "handle SIGCONT nostop noprint pass", "-ex", "attach {}", "-ex",
	  "shell kill -CONT {}"},
	 {"-ex",
	  "python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == {thread}]",
	  "-ex", "frame"}},
	{"lldb",
	 false,
	 {"-o", "process attach --pid {}", "-o",
	  "process handle SIGCONT --stop false --notify false --pass true", "-o",
	  "platform shell kill -CONT {}"},
	 {"-o",
	  "script "
	  "_ = lldb.debugger.GetSelectedTarget().GetProcess().SetSelectedThreadByID({thread})",
	  "-o", "thread backtrace --count 1"}},
	{"strace", true, {"-f", "-p", "{}"}, {NULL}},
};

static const char *const gdb_without_python[] = {
	"-ex", "set $held = $_thread",
	"-ex", "thread apply all -q -s set $held = ($pc == {address} ? $_thread : $held)",
	"-ex", "thread $held",
	NULL,
};
static const char *const lldb_without_python[] = {"-o", "thread select {nth}", NULL};

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

/* The first line with @word in it that the program prints; false: there is none. */
static bool prints(const char *program, const char *option, const char *word, char *line, int size)
{
	gs_autofree char *command = gs_strf("'%s' %s 2>/dev/null", program, option);
	FILE *pipe = command && !strchr(program, '\'') ? popen(command, "re") : NULL;
	bool found = false;

	while (pipe && !found && fgets(line, size, pipe))
		found = strstr(line, word);
	if (pipe)
		pclose(pipe);
	return found;
}

static bool gdb_has_python(const char *gdb)
{
	char line[256];

	return !prints(gdb, "--configuration", "--without-python", line, sizeof(line));
}

/* Packages may lack the module, or have it where their lldb does not look. */
static bool lldb_has_python(const char *lldb)
{
	gs_autofree char *module = NULL;
	char line[PATH_MAX];

	if (!prints(lldb, "--python-path", "/", line, sizeof(line)))
		return false;
	line[strcspn(line, "\n")] = '\0';
	module = gs_strf("%s/lldb/embedded_interpreter.py", line);
	return module && access(module, R_OK) == 0;
}

static const char *const *thread_words(const struct debugger *debugger, const char *program)
{
	if (strcmp(debugger->name, "gdb") == 0 && !gdb_has_python(program))
		return gdb_without_python;
	if (strcmp(debugger->name, "lldb") == 0 && !lldb_has_python(program))
		return lldb_without_python;
	return debugger->thread_words;
}

/* What the holes in words stand for. */
struct filling {
	pid_t pid, tid;
	uint64_t address; /* 0: held at its exec */
};

/* Of a stopped process: none comes, none goes. */
static int place_among_threads(const struct filling *filling)
{
	gs_autofree char *path = gs_strf("/proc/%d/task", (int)filling->pid);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	int place = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		place++;
		if (atoi(entry->d_name) == (int)filling->tid)
			break;
	}
	if (dir)
		closedir(dir);
	return place;
}

/* What stands at @hole; returns its size. */
static size_t fill_hole(struct gs_text *text, const char *hole, const struct filling *filling)
{
	if (strncmp(hole, "{thread}", strlen("{thread}")) == 0) {
		gs_text_printf(text, "%d", (int)filling->tid);
		return strlen("{thread}");
	}
	if (strncmp(hole, "{address}", strlen("{address}")) == 0) {
		gs_text_printf(text, "0x%" PRIx64, filling->address);
		return strlen("{address}");
	}
	if (strncmp(hole, "{nth}", strlen("{nth}")) == 0) {
		gs_text_printf(text, "%d", place_among_threads(filling));
		return strlen("{nth}");
	}
	if (strncmp(hole, "{}", strlen("{}")) == 0) {
		gs_text_printf(text, "%d", (int)filling->pid);
		return strlen("{}");
	}
	gs_text_puts(text, "{");
	return 1;
}

/* @word with its holes filled; the caller frees. */
static char *fill_in(const char *word, const struct filling *filling)
{
	gs_autotext struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char *filled = NULL;
	const char *hole;

	while ((hole = strchr(word, '{'))) {
		gs_text_append(&text, word, (size_t)(hole - word));
		word = hole + fill_hole(&text, hole, filling);
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
		if (strstr(words[i], "{}") || strstr(words[i], "{thread}"))
			return true;
	}
	return false;
}

static size_t add_words(char **argv, size_t used, const char *const *words,
			const struct filling *filling)
{
	for (; words && *words; words++)
		argv[used++] = fill_in(*words, filling);
	return used;
}

/* NULL-terminated; all that is in it lives until exec, or the end. */
static char **command_line(const char *const *words, size_t count, const struct debugger *debugger,
			   const struct filling *filling)
{
	char **argv = calloc(count + EXTRA_MAX + 2, sizeof(*argv));
	size_t used = 0;

	if (!argv)
		return NULL;
	argv[used++] = strdup(words[0]);
	if (debugger)
		used = add_words(argv, used, debugger->words, filling);
	if (debugger && filling->address)
		used = add_words(argv, used, thread_words(debugger, words[0]), filling);
	used = add_words(argv, used, words + 1, filling);
	if (!debugger && !has_hole(words, count))
		argv[used++] = fill_in("{}", filling);
	for (size_t i = 0; i < used; i++) {
		if (!argv[i])
			return NULL;
	}
	return argv;
}

/* ---- the command ---- */

static struct gs_error *hand_over(const char *word, bool resume, struct filling *ret)
{
	gs_autofree char *dir = hold_dir();
	const struct gs_hold_record *record;
	struct gs_hold_list list = {0};
	struct gs_error *err = dir ? gs_hold_list(dir, &list) : gs_error_nomem();

	if (!err)
		err = find_hold(&list, word, &record);
	if (!err) {
		*ret = (struct filling){record->pid, record->id.pid,
					record->at ? record->at->place.address : 0};
		err = gs_hold_hand_over(dir, record, resume);
	}
	gs_hold_list_deinit(&list);
	return err;
}

int cmd_debug(struct gs_args *args)
{
	const char *words[WORDS_MAX + 1] = {NULL};
	size_t count = user_words(args, words, WORDS_MAX);
	const struct debugger *debugger;
	struct gs_error *err;
	struct filling filling = {0};
	char **argv;

	if (count == 0)
		words[count++] = "gdb";
	debugger = find_debugger(words[0]);
	err = hand_over(gs_args_at(args, 0), debugger ? debugger->resume : true, &filling);
	if (err)
		return gs_args_fail(args, err);
	argv = command_line(words, count, debugger, &filling);
	if (!argv)
		return gs_args_fail(args, gs_error_nomem());
	execvp(argv[0], argv);
	err = gs_error_os(errno, "%s", argv[0]);
	gs_args_note(args, "%d is stopped: tracehooks release %d", (int)filling.pid,
		     (int)filling.tid);
	return gs_args_fail(args, err);
}
