/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command tables: one table drives the parser, --help, the completion script and the test that
 * reads the man page. Only tools use this; it prints and returns exit statuses.
 */
#ifndef GUESTSCOPE_BASE_COMMAND_H
#define GUESTSCOPE_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/base/emit.h>
#include <guestscope/base/error.h>

/* Exit statuses that all tools share. */
enum gs_exit {
	GS_EXIT_OK = 0,
	GS_EXIT_FAILED = 1,
	GS_EXIT_USAGE = 2,
	GS_EXIT_UNREACHABLE = 3,
	GS_EXIT_BUSY = 4,
	GS_EXIT_TIMEOUT = 5,
	GS_EXIT_LOST = 6,
	GS_EXIT_GONE = 7,
	GS_EXIT_HMP = 8,
	GS_EXIT_NOSPACE = 9, /* no space, or the consumer of our output went away */
	GS_EXIT_SIGNAL = 128,
};

struct gs_option {
	const char *name;     /* "output": --output; NULL ends the table */
	char letter;          /* 'o', or 0 */
	const char *argument; /* "FILE", or NULL for a flag */
	const char *help;     /* one line, no full stop */
	bool repeat;          /* may be given more than once */
	bool optional;        /* the argument may be left out; else it is attached: --watch=2 */
	const char *values;   /* "elf|kdump-zlib": checked and completed; NULL: free text */
};

struct gs_args; /* a parsed command line, borrowed by the command while it runs */

struct gs_command {
	/* One word or two ("blk info"); NULL ends the table. */
	const char *name;
	/* "FILE [OUT]" as shown by --help. Where it says "-- " ("[-- QEMU ARGS...]"), words behind
	 * "--" are for gs_args_rest(), else they are positional. */
	const char *arguments;
	const char *summary; /* one line */
	/* Below the options in COMMAND --help; may be NULL. One line is one paragraph, to be
	 * wrapped; a line that begins with a space is shown as it is. */
	const char *details;
	const struct gs_option *options; /* its own, besides the tool's common ones */
	int min_args, max_args;          /* positional; max -1: any number */
	bool takes_guest;                /* has -g and -c; see gs_args_guest() */
	bool takes_guests;               /* with takes_guest: -g may be repeated */
	bool takes_json;                 /* has --json */
	int (*run)(struct gs_args *args);
};

struct gs_candidates;

struct gs_tool {
	const char *name;
	const char *summary;
	const struct gs_command *commands;
	/*
	 * For completion: offer what a word may become, by what the tables call it: "GUEST",
	 * "DEVICE", "key=text". @args are the words before it; a guest may be connected to. After a
	 * second the process ends, with what was offered by then. false: it is nothing that the
	 * tool knows better than the tables. May be NULL.
	 */
	bool (*complete)(const struct gs_args *args, const char *kind, struct gs_candidates *out);
};
/* Offers @text, with @help (may be NULL), if the word that is being typed begins so. */
void gs_candidate(struct gs_candidates *out, const char *text, const char *help);
/* The word as far as it is typed. */
const char *gs_candidate_word(const struct gs_candidates *out);

/*
 * Parse and run. Handles --help, --version, "help COMMAND", "completion", and -q -v --color
 * (NO_COLOR, TERM=dumb). Misuse prints one line and a hint on stderr, and returns GS_EXIT_USAGE.
 * Options may stand before the command, between its arguments and behind them. SIGPIPE and SIGXFSZ
 * are ignored from here on, and output that did not arrive turns success into GS_EXIT_NOSPACE.
 */
int gs_tool_main(const struct gs_tool *tool, int argc, char **argv);

bool gs_args_has(const struct gs_args *args, const char *option);
/* Value of the (last) --option, or NULL; of one whose argument was left out, too. */
const char *gs_args_get(const struct gs_args *args, const char *option);
/* All values, in order: i counts from 0; NULL past the last. */
const char *gs_args_get_nth(const struct gs_args *args, const char *option, size_t i);
/* Values as numbers; @fallback when the option is absent. INVALID names the option. */
GS_MUST_CHECK struct gs_error *gs_args_u64(const struct gs_args *args, const char *option,
					   uint64_t fallback, uint64_t *ret);
GS_MUST_CHECK struct gs_error *gs_args_size(const struct gs_args *args, const char *option,
					    uint64_t fallback, uint64_t *bytes_ret);
GS_MUST_CHECK struct gs_error *gs_args_duration(const struct gs_args *args, const char *option,
						uint64_t fallback_ms, uint64_t *ms_ret);
/*
 * For an option that few others go with: the first that was given of the command's own that is not
 * in @these, which ends with NULL. NULL: there is none.
 */
const char *gs_args_besides(const struct gs_args *args, const char *const *these);
size_t gs_args_count(const struct gs_args *args);
const char *gs_args_at(const struct gs_args *args, size_t i); /* positional; NULL past the last */
const char *const *gs_args_all(const struct gs_args *args);   /* the same, all of them */
const char *gs_args_connect(const struct gs_args *args);      /* -c, else NULL */
const char *gs_args_guest(const struct gs_args *args); /* -g, else $GUESTSCOPE_GUEST, else NULL */
/* The same where it may be repeated: i counts from 0; NULL past the last. */
const char *gs_args_guest_nth(const struct gs_args *args, size_t i);
const char *const *gs_args_rest(
	const struct gs_args *args); /* after "--"; NULL if there was none */
bool gs_args_quiet(const struct gs_args *args);
int gs_args_verbose(const struct gs_args *args); /* how many -v */
/* Whether to colour what goes to stdout, as --color, NO_COLOR and the terminal have it. */
bool gs_args_color(const struct gs_args *args);
/* Columns of the terminal that stdout is, else of $COLUMNS, else 80. */
unsigned int gs_terminal_columns(void);
/* An emitter on stdout as --json and --color ask; stream: JSON lines. */
struct gs_emit *gs_args_emit(const struct gs_args *args, bool stream);
/* Print what @e holds, and take it; the exit status: @status if all of it could be printed. */
int gs_args_finish(const struct gs_args *args, struct gs_emit *e, int status);

/*
 * Text for stdout that no emitter makes, at once. Says on stderr if it does not arrive; the exit
 * status.
 */
int gs_args_print(const struct gs_args *args, const char *text);

/* A note for people on stderr: "dumptool: note: ..."; silent under -q. */
GS_PRINTF(2, 3) void gs_args_note(const struct gs_args *args, const char *fmt, ...);
/* "dumptool: <message>" on stderr; takes @err; returns the exit status for it. */
int gs_args_fail(const struct gs_args *args, struct gs_error *err);
/* Exit status for an error: the table in error.h; ENOSPC, EDQUOT, EFBIG and EPIPE give NOSPACE. */
int gs_exit_status(const struct gs_error *err);

#endif
