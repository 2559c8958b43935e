/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bash completion script from the command tables. It needs bash alone, not the bash-completion
 * package.
 */
#include <stdio.h>
#include <string.h>

#include "command_args.h"

/* bash hands "--name=value" over as three words. */
static const char current_word[] =
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"	local command= words= options= files= i\n"
	"\n"
	"	if [[ $cur == = ]]; then\n"
	"		cur=\n"
	"	elif [[ $prev == = ]]; then\n"
	"		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"	fi\n";

/*
 * The command is the first word that is neither an option nor the value of one; the next such word,
 * too, if a command of both words exists.
 */
static const char find_command[] = "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
				   "		case ${COMP_WORDS[i]} in\n";
static const char found_command[] =
	"			[[ ${COMP_WORDS[i+1]} == = ]] && ((i++))\n"
	"			((i++)) ;;\n"
	"		-*) ;;\n"
	"		*)\n"
	"			case $command${command:+ }${COMP_WORDS[i]} in\n";
static const char took_command[] =
	"				command=$command${command:+ }${COMP_WORDS[i]} ;;\n"
	"			*)\n"
	"				command=${command:-${COMP_WORDS[i]}}\n"
	"				break ;;\n"
	"			esac ;;\n"
	"		esac\n"
	"	done\n";

static const char reply[] = "	mapfile -t COMPREPLY < <(\n"
			    "		compgen -W \"$words\" -- \"$cur\"\n"
			    "		[[ $files ]] && compgen -f -- \"$cur\"\n"
			    "	)\n"
			    "	[[ $files ]] && compopt -o filenames 2>/dev/null\n"
			    "	return 0\n";

/* Whether a word of @argument stands for a path. */
static bool is_path(const char *argument)
{
	static const char *const words[] = {"FILE", "PATH", "DIR", "IN", "OUT", "BIN"};
	size_t size;

	for (const char *at = argument; *at; at += size ? size : 1) {
		size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			if (strlen(words[i]) == size && memcmp(at, words[i], size) == 0)
				return true;
		}
	}
	return false;
}

/* A command's name as a pattern: its space is not to end it. */
static void add_pattern(struct gs_text *t, const char *name)
{
	for (; *name; name++) {
		if (*name == ' ')
			gs_text_puts(t, "\\");
		gs_text_append(t, name, 1);
	}
}

/* Appends the patterns "PREFIX--output|PREFIX-o". */
static void add_patterns(struct gs_text *t, const char *prefix, const struct gs_option *option)
{
	gs_text_printf(t, "%s%s--%s", t->size ? "|" : "", prefix, option->name);
	if (option->letter)
		gs_text_printf(t, "|%s-%c", prefix, option->letter);
}

/* "'a b c'" from "a|b|c" */
static void add_values(struct gs_text *t, const char *values)
{
	gs_text_puts(t, "'");
	for (; *values; values++)
		gs_text_append(t, *values == '|' ? " " : values, 1);
	gs_text_puts(t, "'");
}

/* A branch for the word behind @option of the command @name. */
static void add_option_value(struct gs_text *script, const char *name,
			     const struct gs_option *option)
{
	gs_autotext struct gs_text patterns = {0};
	gs_autotext struct gs_text prefix = {0};

	add_pattern(&prefix, name);
	gs_text_puts(&prefix, ",");
	if (prefix.failed) {
		script->failed = true;
		return;
	}
	add_patterns(&patterns, prefix.data, option);
	gs_text_printf(script, "	%s) ", patterns.data ? patterns.data : "");
	if (option->values) {
		gs_text_puts(script, "words=");
		add_values(script, option->values);
	} else {
		gs_text_puts(script, is_path(option->argument) ? "files=1" : "return 0");
	}
	gs_text_puts(script, " ;;\n");
}

static void add_option_values(struct gs_text *script, const struct gs_command *command)
{
	const struct gs_option *option;

	for (size_t i = 0; (option = gs_command_option(command, i)); i++) {
		if (option->argument)
			add_option_value(script, command ? command->name : "", option);
	}
}

static void add_option_names(struct gs_text *script, const struct gs_command *command)
{
	const struct gs_option *option;

	gs_text_puts(script, " options='");
	for (size_t i = 0; (option = gs_command_option(command, i)); i++)
		gs_text_printf(script, "%s--%s", i ? " " : "", option->name);
	gs_text_puts(script, "' ;;\n");
}

/* Whether command @i is the first with its first word: those that share one stand together. */
static bool begins_group(const struct gs_tool *tool, size_t i)
{
	const char *name = gs_tool_command_at(tool, i)->name;
	const char *before = i ? gs_tool_command_at(tool, i - 1)->name : "";
	size_t size = strcspn(name, " ");

	return strcspn(before, " ") != size || strncmp(before, name, size) != 0;
}

/*
 * The words that may stand there: first words of all commands, or second words of those that begin
 * with @group.
 */
static void add_command_names(struct gs_text *script, const struct gs_tool *tool, const char *group)
{
	const struct gs_command *command;
	const char *space = "";

	gs_text_puts(script, "words='");
	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		const char *word = command->name;

		if (group ? !gs_is_member(word, group) : !begins_group(tool, i))
			continue;
		word += group ? strlen(group) + 1 : 0;
		gs_text_puts(script, space);
		gs_text_append(script, word, strcspn(word, " "));
		space = " ";
	}
	gs_text_puts(script, "'");
}

/* Paths, names of commands, or words that are to be typed as they are ("bash"). */
static void add_arguments(struct gs_text *script, const struct gs_tool *tool, const char *arguments)
{
	if (!arguments)
		return;
	if (is_path(arguments))
		gs_text_puts(script, "files=1");
	else if (strcmp(arguments, "[COMMAND]") == 0)
		add_command_names(script, tool, NULL);
	else if (*arguments && !arguments[strspn(arguments, "abcdefghijklmnopqrstuvwxyz|")]) {
		gs_text_puts(script, "words=");
		add_values(script, arguments);
	}
}

/* Branches for first words that are no commands by themselves. */
static void add_groups(struct gs_text *script, const struct gs_tool *tool)
{
	const struct gs_command *command;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		gs_autofree char *group = strndup(command->name, strcspn(command->name, " "));

		if (!group || gs_tool_command(tool, group) || !begins_group(tool, i))
			continue;
		gs_text_printf(script, "		%s) ", group);
		add_command_names(script, tool, group);
		add_option_names(script, NULL);
	}
}

/* Branches for where no option's value is due. */
static void add_commands(struct gs_text *script, const struct gs_tool *tool)
{
	const struct gs_command *command;

	gs_text_puts(script, "		'') ");
	add_command_names(script, tool, NULL);
	add_option_names(script, NULL);
	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		gs_text_puts(script, "		");
		add_pattern(script, command->name);
		gs_text_puts(script, ") ");
		add_arguments(script, tool, command->arguments);
		if (gs_tool_has_group(tool, command->name))
			gs_text_puts(script, "; "), add_command_names(script, tool, command->name);
		add_option_names(script, command);
	}
	add_groups(script, tool);
}

/* "status|blk|blk\ info": what is a command, or the beginning of one. */
static void add_names(struct gs_text *script, const struct gs_tool *tool)
{
	const struct gs_command *command;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		const char *space = strchr(command->name, ' ');

		gs_text_puts(script, i ? "|" : "");
		if (space && begins_group(tool, i)) {
			gs_text_append(script, command->name, (size_t)(space - command->name));
			gs_text_puts(script, "|");
		}
		add_pattern(script, command->name);
	}
}

static void add_find_command(struct gs_text *script, const struct gs_tool *tool)
{
	gs_autotext struct gs_text valued = {0};
	const struct gs_option *option;

	for (size_t i = 0; (option = gs_command_option(NULL, i)); i++) {
		if (option->argument)
			add_patterns(&valued, "", option);
	}
	gs_text_puts(script, find_command);
	gs_text_printf(script, "		%s)\n", valued.data ? valued.data : "");
	gs_text_puts(script, found_command);
	gs_text_puts(script, "			");
	add_names(script, tool);
	gs_text_puts(script, ")\n");
	gs_text_puts(script, took_command);
}

static void add_function(struct gs_text *script, const struct gs_tool *tool)
{
	const struct gs_command *command;

	gs_text_puts(script, current_word);
	add_find_command(script, tool);
	gs_text_puts(script, "	case $command,$prev in\n");
	add_option_values(script, NULL);
	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++)
		add_option_values(script, command);
	gs_text_puts(script, "	*)\n		case $command in\n");
	add_commands(script, tool);
	gs_text_puts(script,
		     "		esac\n		[[ $cur == -* ]] && words=$options files= ;;\n"
		     "	esac\n");
	gs_text_puts(script, reply);
}

struct gs_error *gs_tool_completion(const struct gs_tool *tool)
{
	gs_autotext struct gs_text script = {0};
	gs_autofree char *text = NULL;
	struct gs_error *err;

	gs_text_printf(&script,
		       "# bash completion for %s, printed by \"%s completion bash\"\n_%s()\n{\n",
		       tool->name, tool->name, tool->name);
	add_function(&script, tool);
	gs_text_printf(&script, "}\ncomplete -F _%s %s\n", tool->name, tool->name);
	err = gs_text_finish(&script, &text);
	if (!err)
		fputs(text, stdout);
	return err;
}
