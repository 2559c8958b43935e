/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, laid out from the tables. */
#include <stdio.h>
#include <string.h>

#include "command_args.h"

#define LINE_WIDTH 79
#define LEFT_MAX 30 /* longer left columns get a line of their own */

/* Prints @text from column @indent on, with later lines indented by it. */
static void put_wrapped(const char *text, int indent)
{
	gs_autotext struct gs_text line = {0};
	struct gs_wrap wrap = {(unsigned int)indent, (unsigned int)indent, LINE_WIDTH, false};

	gs_text_puts_wrapped(&line, text, &wrap);
	puts(line.data ? line.data : "");
}

/* "  left   right", the right side beginning in column @width + 4. */
static void put_row(const char *left, const char *right, int width)
{
	int indent = width + 4;

	if ((int)strlen(left) > width)
		printf("  %s\n%*s", left, indent, "");
	else
		printf("  %-*s  ", width, left);
	put_wrapped(right, indent);
}

/* Paragraphs; lines that begin with a space stay as they are. */
static void put_details(const char *details)
{
	gs_autotext struct gs_text line = {0};

	while (*details) {
		size_t size = strcspn(details, "\n");

		gs_text_clear(&line);
		gs_text_append(&line, details, size);
		if (line.failed)
			return;
		if (*line.data == ' ')
			puts(line.data);
		else
			put_wrapped(line.data, 0);
		details += size + (details[size] == '\n');
	}
}

/* "-o, --output FILE" */
static void option_left(struct gs_text *t, const struct gs_option *option)
{
	gs_text_clear(t);
	if (option->letter)
		gs_text_printf(t, "-%c, --%s", option->letter, option->name);
	else
		gs_text_printf(t, "    --%s", option->name);
	if (option->argument)
		gs_text_printf(t, option->optional ? "[=%s]" : " %s", option->argument);
}

/* The help, the values to choose from, and whether it may come again. */
static void option_right(struct gs_text *t, const struct gs_option *option)
{
	gs_text_clear(t);
	gs_text_puts(t, option->help);
	if (option->values) {
		gs_text_puts(t, ": ");
		for (const char *c = option->values; *c; c++)
			gs_text_puts(t, *c == '|' ? ", " : (char[]){*c, '\0'});
	}
	if (option->repeat && option->argument && !gs_option_is_common(option))
		gs_text_puts(t, "; may be repeated");
}

static int options_width(const struct gs_command *command)
{
	gs_autotext struct gs_text left = {0};
	const struct gs_option *option;
	size_t width = 0;

	for (size_t i = 0; (option = gs_command_option(command, i)); i++) {
		option_left(&left, option);
		if (left.size > width && left.size <= LEFT_MAX)
			width = left.size;
	}
	return (int)width;
}

/* The options of @command that are common to all, or those that are not. */
static void put_options(const struct gs_command *command, const char *heading, bool common)
{
	gs_autotext struct gs_text left = {0}, right = {0};
	int width = options_width(command);
	const struct gs_option *option;
	bool first = true;

	for (size_t i = 0; (option = gs_command_option(command, i)); i++) {
		if (gs_option_is_common(option) != common)
			continue;
		option_left(&left, option);
		option_right(&right, option);
		if (left.failed || right.failed)
			return;
		if (first)
			printf("\n%s:\n", heading);
		first = false;
		put_row(left.data, right.data, width);
	}
}

void gs_command_help(const struct gs_tool *tool, const struct gs_command *command)
{
	bool arguments = command->arguments && *command->arguments;

	printf("Usage: %s %s [OPTION]...%s%s\n\n", tool->name, command->name, arguments ? " " : "",
	       arguments ? command->arguments : "");
	put_wrapped(command->summary, 0);
	put_options(command, "Options", false);
	put_options(command, "Common options", true);
	if (command->details) {
		putchar('\n');
		put_details(command->details);
	}
}

/* All commands, or those of a @group. */
static void put_commands(const struct gs_tool *tool, const char *group)
{
	const struct gs_command *command;
	size_t width = 0;

	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		if (strlen(command->name) > width)
			width = strlen(command->name);
	}
	printf("\nCommands:\n");
	for (size_t i = 0; (command = gs_tool_command_at(tool, i)); i++) {
		if (!group || gs_is_member(command->name, group))
			put_row(command->name, command->summary, (int)width);
	}
}

void gs_group_help(const struct gs_tool *tool, const char *group)
{
	printf("Usage: %s %s COMMAND [OPTION]... [ARGUMENT]...\n", tool->name, group);
	put_commands(tool, group);
	printf("\nSee '%s %s COMMAND --help' for the options of a command.\n", tool->name, group);
}

static void put_exit_statuses(void)
{
	static const struct {
		const char *status, *meaning;
	} rows[] = {
		{"0", "done, or the check holds"},
		{"1", "failed, or the check found something"},
		{"2", "misuse"},
		{"3", "cannot reach the guest"},
		{"4", "the monitor is busy with another client"},
		{"5", "timed out"},
		{"6", "connection lost, outcome unknown"},
		{"7", "the guest or QEMU ended"},
		{"8", "the text of a monitor command reads like a failure"},
		{"9", "no space, or the consumer of the output went away"},
		{"128+N", "ended by signal N"},
	};

	printf("\nExit status:\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		put_row(rows[i].status, rows[i].meaning, (int)strlen("128+N"));
}

void gs_tool_help(const struct gs_tool *tool)
{
	printf("Usage: %s COMMAND [OPTION]... [ARGUMENT]...\n\n", tool->name);
	put_wrapped(tool->summary, 0);
	put_commands(tool, NULL);
	put_options(NULL, "Options of all commands", true);
	put_exit_statuses();
	printf("\nSee '%s COMMAND --help' for the options of a command.\n", tool->name);
}
