/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -qv, and "--". */
#include <stdlib.h>
#include <string.h>

#include "command_args.h"

/* What is left of the command line. */
struct words {
	char **next; /* ends with NULL */
};

static const struct gs_option *find_letter(const struct gs_args *args, char letter)
{
	const struct gs_option *option;

	for (size_t i = 0; (option = gs_command_option(args->command, i)); i++) {
		if (option->letter && option->letter == letter)
			return option;
	}
	return NULL;
}

static const struct gs_option *find_name(const struct gs_args *args, const char *name, size_t size)
{
	const struct gs_option *option;

	for (size_t i = 0; (option = gs_command_option(args->command, i)); i++) {
		if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
			return option;
	}
	return NULL;
}

static struct gs_error *unknown_option(const struct gs_args *args, const char *word, size_t size)
{
	gs_autofree char *name = strndup(word, size);
	gs_autofree const char **names = NULL;
	gs_autofree char *hint = NULL;
	size_t count = 0;

	while (gs_command_option(args->command, count))
		count++;
	names = calloc(count + 1, sizeof(*names));
	if (!name || !names)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		names[i] = gs_command_option(args->command, i)->name;
	hint = gs_suggestion(name, "--", names);
	if (!hint)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_INVALID, "unknown option '--%s'%s", name, hint);
}

static struct gs_error *check_repetition(const struct gs_option *option, bool again)
{
	if (option->repeat || !again)
		return NULL;
	return gs_error_create(GS_ERROR_INVALID, "--%s is given twice", option->name);
}

static struct gs_error *give(struct gs_args *args, const struct gs_option *option,
			     const char *value)
{
	struct gs_error *err = check_repetition(option, gs_args_has(args, option->name));

	if (err)
		return err;
	if (strcmp(option->name, "help") == 0)
		args->want_help = true;
	else if (strcmp(option->name, "version") == 0)
		args->want_version = true;
	args->given[args->given_count++] = (struct gs_given_option){option, value};
	return value ? gs_option_check_value(option, value) : NULL;
}

/* @attached is what the word itself holds behind the option, or NULL. */
static struct gs_error *take_option(struct gs_args *args, struct words *words,
				    const struct gs_option *option, const char *attached)
{
	const char *value = attached;

	if (option->argument && !option->optional && !value) {
		value = *words->next;
		if (!value && args->partial) {
			args->pending = option;
			return NULL;
		}
		if (!value)
			return gs_error_create(GS_ERROR_INVALID, "--%s wants %s", option->name,
					       option->argument);
		words->next++;
	}
	return give(args, option, value);
}

static struct gs_error *take_long(struct gs_args *args, struct words *words, const char *word)
{
	size_t size = strcspn(word, "=");
	const struct gs_option *option = find_name(args, word, size);

	if (!option)
		return unknown_option(args, word, size);
	if (!word[size])
		return take_option(args, words, option, NULL);
	if (!option->argument)
		return gs_error_create(GS_ERROR_INVALID, "--%s takes no value", option->name);
	return take_option(args, words, option, word + size + 1);
}

/* One letter after the other, until one takes the rest as its value. */
static struct gs_error *take_letters(struct gs_args *args, struct words *words, const char *letters)
{
	const struct gs_option *option;
	struct gs_error *err = NULL;

	while (!err && *letters && !args->want_help) {
		option = find_letter(args, *letters);
		if (!option)
			return gs_error_create(GS_ERROR_INVALID, "unknown option '-%c'", *letters);
		letters++;
		if (option->argument)
			return take_option(args, words, option, *letters ? letters : NULL);
		err = take_option(args, words, option, NULL);
	}
	return err;
}

/* The names that a word could have been meant for: those of the group, or all. */
static size_t candidates(const struct gs_args *args, const char **names)
{
	const struct gs_command *command;
	size_t count = 0;

	for (size_t i = 0; (command = gs_tool_command_at(args->tool, i)); i++) {
		if (!args->group)
			names[count++] = command->name;
		else if (gs_is_member(command->name, args->group))
			names[count++] = command->name + strlen(args->group) + 1;
	}
	return count;
}

static struct gs_error *unknown_command(const struct gs_args *args, const char *word)
{
	const char *group = args->group ? args->group : "";
	gs_autofree const char **names = NULL;
	gs_autofree char *hint = NULL;
	size_t count = 0;

	while (gs_tool_command_at(args->tool, count))
		count++;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return gs_error_nomem();
	candidates(args, names);
	hint = gs_suggestion(word, "", names);
	if (!hint)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_INVALID, "unknown command '%s%s%s'%s", group,
			       *group ? " " : "", word, hint);
}

/* "blk" alone says nothing yet. */
static struct gs_error *incomplete(const struct gs_args *args)
{
	gs_autotext struct gs_text names = {0};
	const struct gs_command *command;

	if (!args->group)
		return gs_error_create(GS_ERROR_INVALID, "which command?");
	for (size_t i = 0; (command = gs_tool_command_at(args->tool, i)); i++) {
		if (gs_is_member(command->name, args->group))
			gs_text_printf(&names, " %s", command->name + strlen(args->group) + 1);
	}
	return gs_error_create(GS_ERROR_INVALID, "%s: which command? One of:%s", args->group,
			       names.data ? names.data : "");
}

/* Options that stood before the command must be ones that it has, and as often as it has them. */
static struct gs_error *check_given(const struct gs_args *args)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < args->given_count; i++) {
		const char *name = args->given[i].option->name;
		const struct gs_option *option = find_name(args, name, strlen(name));

		if (!option)
			return gs_error_create(GS_ERROR_INVALID, "%s has no option '--%s'",
					       args->command->name, name);
		err = check_repetition(option, gs_args_get_nth(args, name, 1));
	}
	return err;
}

/* A word that belongs to the command's name: the first, or the second of two. */
static struct gs_error *take_name(struct gs_args *args, const char *word)
{
	const struct gs_command *command = gs_tool_member(args->tool, args->group, word);

	if (!command && !args->group && gs_tool_has_group(args->tool, word)) {
		args->group = word;
		return NULL;
	}
	args->command = command;
	return command ? check_given(args) : unknown_command(args, word);
}

/* "schema has" goes before a "schema" with the argument "has". */
static struct gs_error *take_word(struct gs_args *args, const char *word)
{
	const struct gs_command *longer = NULL;

	if (!args->command)
		return take_name(args, word);
	if (!args->positional_count)
		longer = gs_tool_member(args->tool, args->command->name, word);
	if (longer) {
		args->command = longer;
		return check_given(args);
	}
	args->positional[args->positional_count++] = word;
	return NULL;
}

/* What follows "--": words for somebody else where the command wants such, else mere words. */
static struct gs_error *take_rest(struct gs_args *args, struct words *words)
{
	struct gs_error *err = NULL;

	if (args->command && gs_command_takes_rest(args->command)) {
		args->rest = (const char *const *)words->next;
		return NULL;
	}
	while (!err && *words->next)
		err = take_word(args, *words->next++);
	return err;
}

static struct gs_error *check_count(const struct gs_args *args)
{
	const struct gs_command *command = args->command;
	size_t count = args->positional_count;

	if (count < (size_t)command->min_args)
		return gs_error_create(GS_ERROR_INVALID, "missing argument: wants %s",
				       command->arguments);
	if (command->max_args >= 0 && count > (size_t)command->max_args)
		return gs_error_create(GS_ERROR_INVALID, "unexpected argument '%s'",
				       args->positional[command->max_args]);
	return NULL;
}

static bool is_done(const struct gs_args *args)
{
	return args->want_help || args->want_version;
}

struct gs_error *gs_args_parse(struct gs_args *args, int argc, char **argv)
{
	struct words words = {argc ? argv + 1 : argv};
	struct gs_error *err = NULL;
	bool rest = false;

	while (!err && !is_done(args) && !rest && *words.next) {
		const char *word = *words.next++;

		if (strcmp(word, "--") == 0) {
			rest = true;
			err = take_rest(args, &words);
		} else if (strncmp(word, "--", 2) == 0) {
			err = take_long(args, &words, word + 2);
		} else if (word[0] == '-' && word[1]) {
			err = take_letters(args, &words, word + 1);
		} else {
			err = take_word(args, word);
		}
	}
	if (err || is_done(args) || args->partial)
		return err;
	if (!args->command)
		return incomplete(args);
	return check_count(args);
}
