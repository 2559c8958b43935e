/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parser, the help and the completion of command lines share. */
#ifndef BASE_COMMAND_ARGS_H
#define BASE_COMMAND_ARGS_H

#include <guestscope/base/command.h>
#include <guestscope/base/text.h>

struct gs_given_option {
	const struct gs_option *option;
	const char *value; /* NULL for a flag */
};

struct gs_args {
	const struct gs_tool *tool;
	const char *group;                /* "blk" until the next word makes it "blk info" */
	const struct gs_command *command; /* NULL until its name was seen */
	struct gs_given_option *given;    /* in order */
	size_t given_count;
	const char **positional;
	size_t positional_count;
	const char *const *rest;
	bool want_help, want_version;
	/* A line that is being typed: it may stop short, even of the value of an option. */
	bool partial;
	const struct gs_option *pending; /* the option whose value is due; or NULL */
};

/*
 * Parse as far as the command's name and beyond. INVALID is misuse. --help and --version stop the
 * parsing where they stand. @args has room for all options and words that can come.
 */
GS_MUST_CHECK struct gs_error *gs_args_parse(struct gs_args *args, int argc, char **argv);

/*
 * Option @i of @command: its own, then -g and --json where it takes them, then those that all
 * commands share; NULL past the last. Without a @command: all that may stand before one, as often
 * as any command lets them.
 */
const struct gs_option *gs_command_option(const struct gs_command *command, size_t i);
/* Whether @option is one that all commands of all tools share. */
bool gs_option_is_common(const struct gs_option *option);
/* Command @i: the tool's own, then help and completion; NULL past the last. */
const struct gs_command *gs_tool_command_at(const struct gs_tool *tool, size_t i);
const struct gs_command *gs_tool_command(const struct gs_tool *tool, const char *name);
/* The command "@group @word", or plain @word where @group is NULL. */
const struct gs_command *gs_tool_member(const struct gs_tool *tool, const char *group,
					const char *word);
/* Whether @word is the first of the two words of a command's name. */
bool gs_tool_has_group(const struct gs_tool *tool, const char *word);
/* Whether @name is "@group word". */
bool gs_is_member(const char *name, const char *group);
/* Whether @command passes on what follows "--": its arguments text says so. */
bool gs_command_takes_rest(const struct gs_command *command);
/* "; did you mean '<dashes>convert'?", or "" if nothing is near; the caller frees. */
char *gs_suggestion(const char *word, const char *dashes, const char *const names[]);
/* INVALID unless @value is one of "a|b|c". */
GS_MUST_CHECK struct gs_error *gs_option_check_value(const struct gs_option *option,
						     const char *value);

/* These print to stdout. */
void gs_tool_help(const struct gs_tool *tool);
void gs_group_help(const struct gs_tool *tool, const char *group);
void gs_command_help(const struct gs_tool *tool, const struct gs_command *command);
GS_MUST_CHECK struct gs_error *gs_tool_completion(const struct gs_tool *tool, const char *shell);
/* What @word, which stands behind @args, may become. */
void gs_tool_complete(struct gs_args *args, const char *word);

#endif
