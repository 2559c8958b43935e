/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of processes in words: a row for each, and what connects them below. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <guestscope/base/text.h>

#include "tree.h"

#define COMMAND_MAX 160 /* bytes of a row */
#define NAMES_MAX 6     /* on one side of a connection */

/* ---- words ---- */

static const char *signal_name(int signal)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
		{SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},
		{SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
		{SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
		{SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
		{SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].number == signal)
			return names[i].name;
	}
	return NULL;
}

static bool was_killed(const struct gs_ptree_process *process)
{
	return process->ended && WIFSIGNALED(process->status);
}

static const char *signal_text(const struct gs_ptree_process *process, char buf[TREE_EXIT_TEXT])
{
	const char *name = signal_name(WTERMSIG(process->status));

	if (name)
		snprintf(buf, TREE_EXIT_TEXT, "%s", name);
	else
		snprintf(buf, TREE_EXIT_TEXT, "signal %d", WTERMSIG(process->status));
	return buf;
}

const char *tree_exit(const struct gs_ptree_process *process, char buf[TREE_EXIT_TEXT])
{
	if (was_killed(process))
		return signal_text(process, buf);
	if (process->ended)
		snprintf(buf, TREE_EXIT_TEXT, "%d", WEXITSTATUS(process->status));
	else if (process->state)
		snprintf(buf, TREE_EXIT_TEXT, "runs (%c)", process->state);
	else
		snprintf(buf, TREE_EXIT_TEXT, "runs on");
	return buf;
}

uint64_t tree_end_ns(const struct gs_ptree *tree, const struct gs_ptree_process *process)
{
	uint64_t end_ns = process->ended ? process->end_ns : tree->end_ns;

	return end_ns > process->start_ns ? end_ns : process->start_ns;
}

/* Not within a character. */
static void cut(struct gs_text *text, size_t max)
{
	if (text->failed || text->size <= max)
		return;
	while (max > 0 && ((unsigned char)text->data[max] & 0xc0) == 0x80)
		max--;
	text->size = max;
	text->data[max] = '\0';
	gs_text_puts(text, "...");
}

static void put_command(struct gs_text *text, const struct gs_ptree_exec *exec, size_t max)
{
	for (size_t at = 0; at < exec->args_size && text->size <= max;
	     at += strlen(exec->args + at) + 1) {
		gs_text_puts(text, at ? " " : "");
		gs_proc_put_argument(text, exec->args + at);
	}
	if (!exec->args_size)
		gs_text_puts(text, exec->program);
	if (exec->is_cut)
		gs_text_puts(text, " ...");
}

static char *finish(struct gs_text *text, size_t max)
{
	gs_autoerror struct gs_error *err = NULL;
	char *ret = NULL;

	cut(text, max);
	err = gs_text_finish(text, &ret);
	return ret;
}

char *tree_command(const struct gs_ptree_exec *exec, size_t max)
{
	gs_autotext struct gs_text text = {0};

	put_command(&text, exec, max);
	return finish(&text, max);
}

char *tree_commands(const struct gs_ptree_process *process, size_t max)
{
	gs_autotext struct gs_text text = {0};

	for (size_t i = 0; i < process->exec_count; i++) {
		gs_autotext struct gs_text one = {0};

		put_command(&one, &process->execs[i], max / process->exec_count);
		cut(&one, max / process->exec_count);
		gs_text_puts(&text, i ? " => " : "");
		gs_text_puts(&text, one.failed ? "" : one.data);
	}
	if (!process->exec_count)
		gs_text_printf(&text, "(%s)", process->comm);
	return finish(&text, max + 4 * process->exec_count);
}

/* ---- who is connected ---- */

/* Of a pipe those that write, or that read; of a socket, the first side, or the other. */
static bool is_on_side(const struct gs_ptree_link *link, const struct gs_ptree_end *end,
		       bool is_first)
{
	if (link->kind == GS_PTREE_SOCKET)
		return (end->inode == link->ends[0].inode) == is_first;
	return is_first ? end->writes : end->reads;
}

static void put_side(struct gs_text *text, const struct gs_ptree *tree,
		     const struct gs_ptree_link *link, bool is_first)
{
	size_t count = 0;

	for (size_t i = 0; i < link->end_count; i++) {
		const struct gs_ptree_process *process = &tree->processes[link->ends[i].process];

		if (!is_on_side(link, &link->ends[i], is_first) || count++ >= NAMES_MAX)
			continue;
		gs_text_printf(text, "%s%s %d", count > 1 ? ", " : "", process->comm,
			       (int)process->id.pid);
	}
	if (count > NAMES_MAX)
		gs_text_printf(text, " and %zu more", count - NAMES_MAX);
	if (!count)
		gs_text_puts(text, "unseen");
}

char *tree_link(const struct gs_ptree *tree, const struct gs_ptree_link *link)
{
	gs_autotext struct gs_text text = {0};

	put_side(&text, tree, link, true);
	gs_text_puts(&text, link->kind == GS_PTREE_PIPE ? " -> " : " <-> ");
	put_side(&text, tree, link, false);
	return finish(&text, SIZE_MAX - 1);
}

/* ---- rows ---- */

static struct gs_json *exec_json(const struct gs_ptree_exec *exec)
{
	struct gs_json *json = gs_json_new_object(), *argv = gs_json_new_array();

	for (size_t at = 0; at < exec->args_size; at += strlen(exec->args + at) + 1)
		gs_json_append(argv, gs_json_new_string(exec->args + at));
	gs_json_set(json, "at-ns", gs_json_new_u64(exec->at_ns));
	gs_json_set(json, "program", gs_json_new_string(exec->program));
	gs_json_set(json, "argv", argv);
	gs_json_set(json, "cut", gs_json_new_bool(exec->is_cut));
	return json;
}

static void emit_execs(struct gs_emit *e, const struct gs_ptree_process *process)
{
	gs_autojson struct gs_json *execs = gs_json_new_array();

	for (size_t i = 0; i < process->exec_count; i++)
		gs_json_append(execs, exec_json(&process->execs[i]));
	gs_emit_json(e, "execs", NULL, execs);
}

static void emit_end(struct gs_emit *e, const struct gs_ptree_process *process)
{
	const char state[2] = {process->state, '\0'};
	char signal[TREE_EXIT_TEXT];

	if (process->ended)
		gs_emit_u64(e, "end-ns", NULL, process->end_ns);
	else
		gs_emit_null(e, "end-ns", NULL);
	if (process->ended && WIFEXITED(process->status))
		gs_emit_u64(e, "status", NULL, WEXITSTATUS(process->status));
	else
		gs_emit_null(e, "status", NULL);
	if (was_killed(process))
		gs_emit_string(e, "signal", NULL, signal_text(process, signal));
	else
		gs_emit_null(e, "signal", NULL);
	if (process->state)
		gs_emit_string(e, "state", NULL, state);
	else
		gs_emit_null(e, "state", NULL);
}

static void emit_process(struct gs_emit *e, const struct gs_ptree *tree,
			 const struct gs_ptree_process *process)
{
	gs_autofree char *commands = tree_commands(process, COMMAND_MAX);
	uint64_t time_ns = tree_end_ns(tree, process) - process->start_ns;
	char text[GS_TIME_TEXT], exit[TREE_EXIT_TEXT];

	gs_emit_row_below(e, process->depth);
	gs_emit_i64(e, "pid", NULL, process->id.pid);
	if (process->parent != GS_PTREE_NONE)
		gs_emit_i64(e, "parent", NULL, tree->processes[process->parent].id.pid);
	else
		gs_emit_null(e, "parent", NULL);
	gs_emit_u64(e, "depth", NULL, process->depth);
	gs_emit_string(e, "born", NULL, gs_ptree_birth_name(process->birth));
	gs_emit_string(e, "name", NULL, process->comm);
	gs_emit_u64(e, "start-ns", NULL, process->start_ns);
	gs_emit_string(e, NULL, "START", gs_format_time_ns(process->start_ns, text));
	gs_emit_string(e, NULL, "TIME", gs_format_time_ns(time_ns, text));
	gs_emit_string(e, NULL, "EXIT", tree_exit(process, exit));
	emit_end(e, process);
	emit_execs(e, process);
	gs_emit_string(e, NULL, "COMMAND", commands ? commands : "");
}

static void emit_ends(struct gs_emit *e, const struct gs_ptree *tree,
		      const struct gs_ptree_link *link)
{
	gs_autojson struct gs_json *ends = gs_json_new_array();

	for (size_t i = 0; i < link->end_count; i++) {
		const struct gs_ptree_end *end = &link->ends[i];
		struct gs_json *json = gs_json_new_object();

		gs_json_set(json, "row", gs_json_new_u64(end->process));
		gs_json_set(json, "pid", gs_json_new_i64(tree->processes[end->process].id.pid));
		gs_json_set(json, "inode", gs_json_new_u64(end->inode));
		gs_json_set(json, "reads", gs_json_new_bool(end->reads));
		gs_json_set(json, "writes", gs_json_new_bool(end->writes));
		gs_json_append(ends, json);
	}
	gs_emit_json(e, "ends", NULL, ends);
}

static void emit_link(struct gs_emit *e, const struct gs_ptree *tree,
		      const struct gs_ptree_link *link)
{
	gs_autofree char *who = tree_link(tree, link);
	char text[GS_TIME_TEXT];

	gs_emit_row(e);
	gs_emit_string(e, "kind", NULL, link->kind == GS_PTREE_PIPE ? "pipe" : "socket");
	gs_emit_u64(e, "at-ns", NULL, link->at_ns);
	gs_emit_string(e, NULL, "SEEN", gs_format_time_ns(link->at_ns, text));
	gs_emit_string(e, NULL, "BETWEEN", who ? who : "");
	if (link->name)
		gs_emit_string(e, "name", NULL, link->name);
	else
		gs_emit_null(e, "name", NULL);
	emit_ends(e, tree, link);
}

static const struct gs_emit_column process_columns[] = {
	{"pid", "PID", false},   {"parent", NULL, false}, {"depth", NULL, false},
	{"born", NULL, false},   {"name", NULL, false},   {"start-ns", NULL, false},
	{NULL, "START", true},   {NULL, "TIME", true},    {NULL, "EXIT", true},
	{"end-ns", NULL, false}, {"status", NULL, false}, {"signal", NULL, false},
	{"state", NULL, false},  {"execs", NULL, false},  {NULL, "COMMAND", false},
};
static const struct gs_emit_column link_columns[] = {
	{"kind", "KIND", false},  {"at-ns", NULL, false},  {NULL, "SEEN", true},
	{NULL, "BETWEEN", false}, {"name", "NAME", false}, {"ends", NULL, false},
};
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

void tree_emit(struct gs_emit *e, const struct gs_ptree *tree)
{
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "processes", "", process_columns, COUNT_OF(process_columns));
	for (size_t i = 0; i < tree->count; i++)
		emit_process(e, tree, &tree->processes[i]);
	gs_emit_end(e);
	gs_emit_table(e, "connections", "Connections", link_columns, COUNT_OF(link_columns));
	for (size_t i = 0; i < tree->link_count; i++)
		emit_link(e, tree, &tree->links[i]);
	gs_emit_end(e);
	gs_emit_u64(e, "end-ns", NULL, tree->end_ns);
	gs_emit_u64(e, "lost", NULL, tree->lost);
	gs_emit_end(e);
}
