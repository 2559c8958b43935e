/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tool from its first argument to its exit status. */
#include <guestscope/base/command.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_args.h"
#include "utf8.h"

/* "<tool>: <kind><text>" as one line; messages quote guests and files, so nothing gets out raw. */
static void say(const struct gs_tool *tool, const char *kind, const char *text)
{
	gs_autotext struct gs_text line = {0};

	gs_utf8_printable(&line, text, strlen(text));
	fprintf(stderr, "%s: %s%s\n", tool->name, kind, line.data ? line.data : "out of memory");
}

void gs_args_note(const struct gs_args *args, const char *fmt, ...)
{
	gs_autotext struct gs_text text = {0};
	va_list ap;

	if (gs_args_quiet(args))
		return;
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	say(args->tool, "note: ", text.data ? text.data : "");
}

int gs_args_print(const struct gs_args *args, const char *text)
{
	errno = 0;
	if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
		return GS_EXIT_OK;
	return gs_args_fail(args, gs_error_os(errno ? errno : EIO, "stdout"));
}

int gs_args_fail(const struct gs_args *args, struct gs_error *err)
{
	int status = gs_exit_status(err);

	if (err)
		say(args->tool, "", err->message);
	gs_error_destroy(err);
	return status;
}

int gs_args_finish(const struct gs_args *args, struct gs_emit *e, int status)
{
	struct gs_error *err = gs_emit_finish(e);

	gs_emit_destroy(e);
	return err ? gs_args_fail(args, err) : status;
}

static int os_status(int os_errno)
{
	switch (os_errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EPIPE:
	case EBADF: /* closed when we began, or open for reading only */
		return GS_EXIT_NOSPACE;
	default:
		return GS_EXIT_FAILED;
	}
}

int gs_exit_status(const struct gs_error *err)
{
	if (!err)
		return GS_EXIT_OK;
	switch (err->code) {
	case GS_ERROR_OS:
		return os_status(err->os_errno);
	case GS_ERROR_INVALID:
		return GS_EXIT_USAGE;
	case GS_ERROR_UNREACHABLE:
		return GS_EXIT_UNREACHABLE;
	case GS_ERROR_BUSY:
		return GS_EXIT_BUSY;
	case GS_ERROR_TIMEOUT:
		return GS_EXIT_TIMEOUT;
	case GS_ERROR_LOST:
		return GS_EXIT_LOST;
	case GS_ERROR_GONE:
		return GS_EXIT_GONE;
	default:
		return GS_EXIT_FAILED;
	}
}

/* Takes @err; one line about it and one where to read on. */
static int misuse(const struct gs_args *args, struct gs_error *err)
{
	const struct gs_command *command = args->command;
	const char *name = command ? command->name : args->group;
	int status = gs_args_fail(args, command ? gs_error_wrap(err, "%s", name) : err);

	fprintf(stderr, "Try '%s%s%s --help'.\n", args->tool->name, name ? " " : "",
		name ? name : "");
	return status;
}

static int run_help(struct gs_args *args)
{
	const char *first = gs_args_at(args, 0), *second = gs_args_at(args, 1);
	const struct gs_command *command =
		first ? gs_tool_member(args->tool, second ? first : NULL, second ? second : first)
		      : NULL;

	if (!first)
		gs_tool_help(args->tool);
	else if (command)
		gs_command_help(args->tool, command);
	else if (!second && gs_tool_has_group(args->tool, first))
		gs_group_help(args->tool, first);
	else
		return misuse(args, gs_error_create(GS_ERROR_INVALID, "no command '%s%s%s'", first,
						    second ? " " : "", second ? second : ""));
	return GS_EXIT_OK;
}

static int parse_and_run(const struct gs_tool *tool, int argc, char **argv,
			 int (*use)(struct gs_args *args, int argc, char **argv));

/* A line that makes no sense so far goes nowhere: there is nothing to offer, and nothing to say. */
static int complete(struct gs_args *args, int argc, char **argv)
{
	const char *word = argv[argc - 1];
	gs_autoerror struct gs_error *err = NULL;

	argv[argc - 1] = NULL;
	args->partial = true;
	err = gs_args_parse(args, argc - 1, argv);
	argv[argc - 1] = (char *)word;
	if (!err && !args->want_help && !args->want_version)
		gs_tool_complete(args, word);
	return GS_EXIT_OK;
}

static int run_completion(struct gs_args *args)
{
	const char *what = gs_args_at(args, 0);
	char **words = (char **)gs_args_rest(args);
	struct gs_error *err;
	int count = 0;

	while (words && words[count])
		count++;
	if (strcmp(what, "words") == 0 && count)
		/* The word before the first, "--", stands for the tool's name. */
		return parse_and_run(args->tool, count + 1, words - 1, complete);
	err = gs_tool_completion(args->tool, what);
	return err ? misuse(args, err) : GS_EXIT_OK;
}

/* What every tool has besides its own commands. */
static const struct gs_command builtin_commands[] = {
	{.name = "help",
	 .arguments = "[COMMAND]",
	 .summary = "show help on the tool or one of its commands",
	 .max_args = 2,
	 .run = run_help},
	{.name = "completion",
	 .arguments = "bash|zsh|fish|words [-- WORD...]",
	 .summary = "print a completion script for a shell",
	 .details =
		 "Load it with: source <(TOOL completion bash), likewise in zsh; in fish with: "
		 "TOOL completion fish | source. The scripts ask \"words\" what the last WORD may "
		 "become.",
	 .min_args = 1,
	 .max_args = 1,
	 .run = run_completion},
};

#define BUILTIN_COUNT (sizeof(builtin_commands) / sizeof(*builtin_commands))

const struct gs_command *gs_tool_command_at(const struct gs_tool *tool, size_t i)
{
	for (const struct gs_command *command = tool->commands; command->name; command++) {
		if (i-- == 0)
			return command;
	}
	return i < BUILTIN_COUNT ? &builtin_commands[i] : NULL;
}

static int run(struct gs_args *args, int argc, char **argv)
{
	struct gs_error *err = gs_args_parse(args, argc, argv);

	if (err)
		return misuse(args, err);
	if (args->want_version) {
		printf("%s %s\n", args->tool->name, GS_VERSION);
		return GS_EXIT_OK;
	}
	if (!args->want_help)
		return args->command->run(args);
	if (args->command)
		gs_command_help(args->tool, args->command);
	else if (args->group)
		gs_group_help(args->tool, args->group);
	else
		gs_tool_help(args->tool);
	return GS_EXIT_OK;
}

/* Output that did not arrive is a failure, however well the command itself went. */
static int finish_stdout(const struct gs_args *args, int status)
{
	gs_autofree char *message = NULL;

	errno = 0;
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != GS_EXIT_OK)
		return status;
	message = gs_strf("stdout: %s", errno ? strerror(errno) : "a write failed");
	say(args->tool, "", message ? message : "stdout");
	return GS_EXIT_NOSPACE;
}

/* Options that a command line can hold at most: each byte may be the letter of a flag. */
static size_t options_max(int argc, char **argv)
{
	size_t max = 1;

	for (int i = 1; i < argc; i++)
		max += strlen(argv[i]);
	return max;
}

static int parse_and_run(const struct gs_tool *tool, int argc, char **argv,
			 int (*use)(struct gs_args *args, int argc, char **argv))
{
	gs_autofree struct gs_given_option *given = NULL;
	gs_autofree const char **positional = NULL;
	struct gs_args args = {.tool = tool};

	given = calloc(options_max(argc, argv), sizeof(*given));
	positional = calloc((size_t)argc + 1, sizeof(*positional));
	if (!given || !positional)
		return gs_args_fail(&args, gs_error_nomem());
	args.given = given;
	args.positional = positional;
	return finish_stdout(&args, use(&args, argc, argv));
}

/*
 * What was closed stays of no use, but takes its number: else that is the next file's or socket's,
 * and what we print goes there.
 */
static void hold_closed_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int gs_tool_main(const struct gs_tool *tool, int argc, char **argv)
{
	hold_closed_streams();
	/* Widths of characters only: numbers are read and printed the C way. */
	setlocale(LC_CTYPE, "");
	/* A reader that went away, or a file as large as it may be, shall be an error with an exit
	 * status, not a sudden end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return parse_and_run(tool, argc, argv, run);
}
