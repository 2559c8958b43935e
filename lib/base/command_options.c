/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that a command has, and names that nearly match. */
#include <stdlib.h>
#include <string.h>

#include "command_args.h"

static const struct gs_option common_options[] = {
	{.name = "quiet", .letter = 'q', .help = "say nothing but errors", .repeat = true},
	{.name = "verbose", .letter = 'v', .help = "say more; twice: even more", .repeat = true},
	{.name = "color",
	 .argument = "WHEN",
	 .help = "color the output",
	 .repeat = true,
	 .values = "auto|always|never"},
	{.name = "help", .letter = 'h', .help = "show this help and exit"},
	{.name = "version", .help = "show the version and exit"},
};

static const struct gs_option guest_option = {
	.name = "guest",
	.letter = 'g',
	.argument = "GUEST",
	.help = "the guest to work on (default: $GUESTSCOPE_GUEST)",
};

static const struct gs_option guests_option = {
	.name = "guest",
	.letter = 'g',
	.argument = "GUEST",
	.help = "a guest to work on (default: $GUESTSCOPE_GUEST)",
	.repeat = true,
};

static const struct gs_option connect_option = {
	.name = "connect",
	.letter = 'c',
	.argument = "URI",
	.help = "where libvirt: guests are (default: libvirt's own)",
};

static const struct gs_option json_option = {
	.name = "json",
	.help = "print JSON instead of text",
	.repeat = true,
};

#define COMMON_COUNT (sizeof(common_options) / sizeof(*common_options))

bool gs_option_is_common(const struct gs_option *option)
{
	return option >= common_options && option < common_options + COMMON_COUNT;
}

const struct gs_option *gs_command_option(const struct gs_command *command, size_t i)
{
	const struct gs_option *own = command ? command->options : NULL;

	for (; own && own->name; own++) {
		if (i-- == 0)
			return own;
	}
	if ((!command || command->takes_guest) && i-- == 0)
		return !command || command->takes_guests ? &guests_option : &guest_option;
	if ((!command || command->takes_guest) && i-- == 0)
		return &connect_option;
	if ((!command || command->takes_json) && i-- == 0)
		return &json_option;
	return i < COMMON_COUNT ? &common_options[i] : NULL;
}

const struct gs_command *gs_tool_command(const struct gs_tool *tool, const char *name)
{
	const struct gs_command *command;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

bool gs_is_member(const char *name, const char *group)
{
	size_t size = strlen(group);

	return strncmp(name, group, size) == 0 && name[size] == ' ';
}

bool gs_tool_has_group(const struct gs_tool *tool, const char *word)
{
	const struct gs_command *command;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		if (gs_is_member(command->name, word))
			return true;
	}
	return false;
}

const struct gs_command *gs_tool_member(const struct gs_tool *tool, const char *group,
					const char *word)
{
	const struct gs_command *command;

	if (!group)
		return gs_tool_command(tool, word);
	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		if (gs_is_member(command->name, group) &&
		    strcmp(command->name + strlen(group) + 1, word) == 0)
			return command;
	}
	return NULL;
}

bool gs_command_takes_rest(const struct gs_command *command)
{
	return command->arguments && strstr(command->arguments, "-- ");
}

char *gs_suggestion(const char *word, const char *dashes, const char *const names[])
{
	const char *name = gs_did_you_mean(word, names);

	return name ? gs_strf("; did you mean '%s%s'?", dashes, name) : strdup("");
}

/* The words of "a|b|c", NULL-terminated, in one allocation with the pointers. */
static const char **split_values(const char *values)
{
	size_t size = strlen(values) + 1;
	/* Every other byte at most is a separator. */
	size_t room = (size / 2 + 2) * sizeof(char *);
	const char **words = malloc(room + size);
	char *copy = words ? (char *)words + room : NULL, *save = NULL;
	size_t count = 0;

	if (!words)
		return NULL;
	memcpy(copy, values, size);
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save))
		words[count++] = word;
	words[count] = NULL;
	return words;
}

struct gs_error *gs_option_check_value(const struct gs_option *option, const char *value)
{
	gs_autofree const char **words = NULL;
	gs_autofree char *hint = NULL;

	if (!option->values)
		return NULL;
	words = split_values(option->values);
	if (!words)
		return gs_error_nomem();
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], value) == 0)
			return NULL;
	}
	hint = gs_suggestion(value, "", words);
	if (!hint)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_INVALID, "--%s: '%s' is not one of %s%s", option->name,
			       value, option->values, hint);
}
