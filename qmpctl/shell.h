/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the interactive shell share.
 *
 *	stdin --- shell_terminal.c (readline) or shell_batch.c (plain lines)
 *	            shell_line.c: what a line means
 *	              shell_run.c: check, send, wait; what else arrives meanwhile
 *	                shell_show.c: values, events, text
 */
#ifndef QMPCTL_SHELL_H
#define QMPCTL_SHELL_H

#include <guestscope/base/text.h>
#include <guestscope/qmp/schema.h>

#include "qmpctl.h"

/* ---- shell_line.c: what a line means ---- */

/* What lines before have begun. */
struct shell_input {
	bool is_hmp;                  /* lines are for the human monitor */
	struct gs_text held;          /* lines whose quotes or JSON are still open */
	struct gs_json_framer framer; /* of held, where that is an object */
	struct gs_json *actions;      /* of a transaction that is being collected, or NULL */
	bool is_spoiled;              /* one of its actions was wrong: it will not be sent */
};

enum shell_what {
	SHELL_NOTHING, /* an empty line, a comment, the begin of a transaction */
	SHELL_MORE,    /* the next line belongs to it */
	SHELL_CALL,
	SHELL_ACTION, /* call holds type and data, or no command at all: only @closes */
	SHELL_HMP,
	SHELL_HELP, /* of a command, or "" */
	SHELL_EVENTS,
	SHELL_TOGGLE_HMP,
	SHELL_LEAVE,
};

struct shell_request {
	enum shell_what what;
	struct call call;
	bool closes; /* ACTION: the transaction is complete */
	bool on;     /* EVENTS */
	char *text;  /* HMP, HELP; owned */
};
void shell_request_deinit(struct shell_request *request);

/* INVALID, and what files are to blame for. An error drops what was held. */
GS_MUST_CHECK struct gs_error *shell_line(struct shell_input *input, const char *line,
					  struct shell_request *ret);
/* Drop what was begun; false if there was nothing. */
bool shell_input_drop(struct shell_input *input);
/* The shell's own commands: ".hmp", ...; NULL-terminated. */
extern const char *const shell_dot_commands[];

/* ---- the shell itself ---- */

/* A command that nobody waits for any more; its reply is shown when it comes. */
struct shell_late {
	uint64_t id;
	bool is_hmp;
	char command[64];
};
#define SHELL_LATE_MAX 8 /* what a session has in flight */

struct shell {
	const struct gs_args *args;
	struct gs_qmp *qmp;
	struct gs_schema *schema; /* NULL: the peer gives none */
	bool is_interactive;
	bool color;
	bool shows_events;
	uint64_t timeout_ms; /* for replies */
	struct shell_input input;
	struct shell_late late[SHELL_LATE_MAX];
	size_t late_count;
	size_t line_number; /* not interactive: of stdin */
	int signal_fd;      /* -1: signals do what they do to any program */
	bool was_interrupted;
	bool quit_sent; /* the guest's end is what was asked for */
	bool is_over;
	int status;
};

/* ---- shell_run.c ---- */

/* Do what a line says. */
void shell_enter(struct shell *s, const char *line);
/* Show what has arrived: events, late replies; notices the guest's end. true: there is more. */
bool shell_incoming(struct shell *s);
/*
 * Wait for the monitor, for signals, and (@input) for stdin; true: stdin can be read. Signals are
 * noted in @s.
 */
bool shell_poll(struct shell *s, bool input, int timeout_ms);
/* Print @err, which it takes, and remember the exit status. */
void shell_fail(struct shell *s, struct gs_error *err);

/* ---- shell_show.c: all of it above the line that is being typed ---- */

void shell_show_value(struct shell *s, const struct gs_json *value);
void shell_show_event(struct shell *s, const struct gs_qmp_event *event);
void shell_show_text(struct shell *s, const char *text);

/* ---- shell_help.c ---- */

/* @command "": of the shell. */
GS_MUST_CHECK struct gs_error *shell_help(struct shell *s, const char *command);

/* ---- shell_complete.c, shell_names.c ---- */

GS_MUST_CHECK struct gs_error *shell_complete(struct shell *s, const char *line, size_t cursor,
					      struct gs_schema_candidates *ret);
/* For gs_schema_completer.names; @arg is the shell. Asks the guest, a second at most. */
GS_MUST_CHECK struct gs_error *shell_names(void *arg, enum gs_schema_names kind, const char *prefix,
					   struct gs_json **ret);
/* Names of HMP commands, or those behind "info". */
GS_MUST_CHECK struct gs_error *shell_hmp_names(struct shell *s, bool info, struct gs_json **ret);

/* ---- shell_terminal.c, shell_batch.c: where lines come from ---- */

GS_MUST_CHECK struct gs_error *shell_run_terminal(struct shell *s);
GS_MUST_CHECK struct gs_error *shell_run_batch(struct shell *s);
/* The line that is being typed makes room, and is back; nothing where there is none. */
void shell_terminal_hide(void);
void shell_terminal_unhide(void);
/* What a signal does to the terminal. */
void shell_terminal_suspend(void);
void shell_terminal_resize(void);

/* ---- shell_history.c ---- */

/* What was typed in earlier sessions; nothing where there is none. */
void shell_history_load(const struct gs_args *args);
void shell_history_add(const char *entry);
/* Add this session's lines to the file. */
void shell_history_save(const struct gs_args *args);

#endif
