/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the word that is being typed may become: from the command tables, and for names of guests,
 * devices and the like from the tool. The shells' scripts (completion.c) call this and know nothing
 * by themselves.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "command_args.h"

#define FILES "/" /* the line that stands for "and names of files" */
#define BUDGET_S 1

struct gs_candidates {
	const char *before; /* the part of the word that stays: "--format=" or nothing */
	size_t before_size;
	const char *word; /* the rest */
};

/* What would need quotes, or control a terminal, cannot be offered. */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (!isgraph((unsigned char)*text))
			return false;
	}
	return true;
}

const char *gs_candidate_word(const struct gs_candidates *c)
{
	return c->word;
}

void gs_candidate(struct gs_candidates *c, const char *text, const char *help)
{
	if (strncmp(text, c->word, strlen(c->word)) != 0 || !is_plain(text))
		return;
	printf("%.*s%s", (int)c->before_size, c->before, text);
	if (help)
		printf("\t%s", help);
	putchar('\n');
	fflush(stdout); /* the time may end with the next one */
}

static void add_files(void)
{
	puts(FILES);
}

/* Whether @kind stands for a path. */
static bool is_path(const char *kind)
{
	static const char *const words[] = {"FILE", "PATH", "DIR", "IN", "OUT", "BIN", "SOURCE"};
	size_t size;

	for (const char *at = kind; *at; at += size ? size : 1) {
		size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			if (strlen(words[i]) == size && memcmp(at, words[i], size) == 0)
				return true;
		}
	}
	return false;
}

/* The words of "a|b|c". */
static void add_values(struct gs_candidates *c, const char *values)
{
	gs_autofree char *copy = strdup(values);
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, "|", &save) : NULL; word;
	     word = strtok_r(NULL, "|", &save))
		gs_candidate(c, word, NULL);
}

/* ---- names of commands ---- */

/* Whether command @i is the first with its first word: those that share one stand together. */
static bool begins_group(const struct gs_tool *tool, size_t i)
{
	const char *name = gs_tool_command_at(tool, i)->name;
	const char *before = i ? gs_tool_command_at(tool, i - 1)->name : "";
	size_t size = strcspn(name, " ");

	return strcspn(before, " ") != size || strncmp(before, name, size) != 0;
}

/* First words of all commands; or second words of those that begin with @group. */
static void add_commands(struct gs_candidates *c, const struct gs_tool *tool, const char *group)
{
	const struct gs_command *command;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		size_t size = strcspn(command->name, " ");
		gs_autofree char *first = strndup(command->name, size);

		if (group && gs_is_member(command->name, group))
			gs_candidate(c, command->name + strlen(group) + 1, command->summary);
		else if (!group && first && begins_group(tool, i))
			gs_candidate(c, first, command->name[size] ? NULL : command->summary);
	}
}

/* ---- values ---- */

/*
 * From here on something is asked of others, who may not answer: what is printed by then is all
 * there is.
 */
static void out_of_time(int signal)
{
	(void)signal;
	_exit(GS_EXIT_OK);
}

static void begin_budget(void)
{
	const struct itimerval budget = {.it_value.tv_sec = BUDGET_S};

	fflush(stdout);
	signal(SIGALRM, out_of_time);
	setitimer(ITIMER_REAL, &budget, NULL);
}

/* @kind is what the tables call it: "FILE", "GUEST", "bash|zsh". */
static void add_kind(struct gs_candidates *c, const struct gs_args *args, const char *kind)
{
	if (!kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz|-")]) {
		add_values(c, kind);
		return;
	}
	if (args->tool->complete) {
		begin_budget();
		if (args->tool->complete(args, kind, c))
			return;
	}
	if (is_path(kind))
		add_files();
}

static void add_option_value(struct gs_candidates *c, const struct gs_args *args,
			     const struct gs_option *option)
{
	if (option->values)
		add_values(c, option->values);
	else
		add_kind(c, args, option->argument);
}

static void add_options(struct gs_candidates *c, const struct gs_args *args)
{
	const struct gs_option *option;

	for (size_t i = 0; (option = gs_command_option(args->command, i)); i++) {
		gs_autofree char *name = gs_strf("--%s", option->name);

		if (name && (option->repeat || !gs_args_has(args, option->name)))
			gs_candidate(c, name, option->help);
	}
}

/*
 * Word @index of @arguments as the tables have them, "[FILE] ADDR [LEN]" or "ID [key=text]...",
 * without brackets; the last one stands for all further ones if it repeats. The caller frees.
 */
static char *argument_kind(const char *arguments, size_t index)
{
	gs_autofree char *copy = strdup(arguments ? arguments : "");
	char *save = NULL, *kind = NULL;

	for (char *word = copy ? strtok_r(copy, " ", &save) : NULL; word;
	     word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "|") == 0 || strstr(word, "--"))
			break;
		kind = word + strspn(word, "[");
		if (index == 0 || strstr(word, "..."))
			break;
		index--;
		kind = NULL;
	}
	if (!kind)
		return NULL;
	kind[strcspn(kind, "].")] = '\0';
	return strdup(kind);
}

static void add_argument(struct gs_candidates *c, const struct gs_args *args)
{
	gs_autofree char *kind = argument_kind(args->command->arguments, args->positional_count);

	if (!args->positional_count)
		add_commands(c, args->tool, args->command->name);
	if (kind && strcmp(args->command->name, "help") == 0)
		add_commands(c, args->tool, args->positional_count ? args->positional[0] : NULL);
	else if (kind)
		add_kind(c, args, kind);
}

/* ---- the word ---- */

/* "--name=VALUE" as one word. */
static void add_attached(struct gs_candidates *c, const struct gs_args *args)
{
	size_t size = strcspn(c->word, "=");
	const struct gs_option *option;

	c->before = c->word;
	c->before_size = size + 1;
	c->word += size + 1;
	for (size_t i = 0; (option = gs_command_option(args->command, i)); i++) {
		if (option->argument && strlen(option->name) == size - 2 &&
		    memcmp(option->name, c->before + 2, size - 2) == 0)
			add_option_value(c, args, option);
	}
}

void gs_tool_complete(struct gs_args *args, const char *word)
{
	struct gs_candidates c = {.before = "", .word = word};

	if (args->pending)
		add_option_value(&c, args, args->pending);
	else if (args->rest)
		add_files();
	else if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
		add_attached(&c, args);
	else if (*word == '-')
		add_options(&c, args);
	else if (args->command)
		add_argument(&c, args);
	else
		add_commands(&c, args->tool, args->group);
}
