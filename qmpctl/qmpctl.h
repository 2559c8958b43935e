/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of qmpctl share. */
#ifndef QMPCTL_H
#define QMPCTL_H

#include <stdbool.h>
#include <stdint.h>

#include <guestscope/base/command.h>
#include <guestscope/launch.h>
#include <guestscope/qmp.h>

int cmd_launch(struct gs_args *args);
int cmd_list(struct gs_args *args);
int cmd_status(struct gs_args *args);
int cmd_pause(struct gs_args *args);
int cmd_resume(struct gs_args *args);
int cmd_reset(struct gs_args *args);
int cmd_powerdown(struct gs_args *args);
int cmd_quit(struct gs_args *args);
int cmd_kill(struct gs_args *args);
int cmd_stop(struct gs_args *args);
int cmd_console(struct gs_args *args);
int cmd_wait(struct gs_args *args);
int cmd_events(struct gs_args *args);
int cmd_exec(struct gs_args *args);
int cmd_hmp(struct gs_args *args);
int cmd_schema(struct gs_args *args);
int cmd_schema_has(struct gs_args *args);
int cmd_schema_diff(struct gs_args *args);
int cmd_blk_stat(struct gs_args *args);
int cmd_blk_jobs(struct gs_args *args);
int cmd_blk_threshold(struct gs_args *args);
int cmd_proxy(struct gs_args *args);
int cmd_shell(struct gs_args *args);
int cmd_blk_list(struct gs_args *args);
int cmd_blk_info(struct gs_args *args);
int cmd_blk_errors(struct gs_args *args);

/* ---- complete.c ---- */

/* See gs_tool.complete. */
bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out);

/* ---- target.c: the guest that a command is about ---- */

/* Where launched guests are; the caller frees. */
char *qmpctl_run_dir(void);

struct target {
	struct gs_qmp *qmp;
	char *name; /* what the user calls it: as -g has it, or as it was launched */
	pid_t pid;  /* QEMU's, if it runs on this host and is known for sure; else 0 */
	int pidfd;  /* -1 without a pid */
};
/*
 * Connect to the guest that -g names, or to the only launched one. Commands time out after
 * @command_ms (0: the default). -v traces what goes over the wire.
 */
GS_MUST_CHECK struct gs_error *target_open(const struct gs_args *args, uint64_t command_ms,
					   struct target *ret);
/* The same for the guest that the user calls @guest; NULL: the only launched one. */
GS_MUST_CHECK struct gs_error *target_open_guest(const struct gs_args *args, const char *guest,
						 uint64_t command_ms, struct target *ret);
/*
 * The two halves of that, for those who need no process, or have something to send first: to look
 * for the process of an address takes longer than a command.
 */
GS_MUST_CHECK struct gs_error *target_connect(const struct gs_args *args, const char *guest,
					      uint64_t command_ms, struct target *ret);
void target_find_process(struct target *target);
void target_close(struct target *target);

static inline void target_cleanup(struct target *target)
{
	target_close(target);
}
#define auto_target __attribute__((cleanup(target_cleanup)))

/*
 * gs_qmp_next_event(), but what came behind the deadline is late even if it is there: a flood of
 * events must not keep us for ever.
 */
GS_MUST_CHECK struct gs_error *next_event_in_time(struct gs_qmp *qmp, uint64_t deadline_ms,
						  struct gs_qmp_event *ret);

/* ---- watch.c: the events of several guests as they come ---- */

struct watched {
	const char *guest; /* as -g has it; NULL: the only launched one */
	struct target target;
	struct gs_error *failure; /* why it could not be reached */
	int status;               /* what to exit with for what went wrong with it */
	bool ended;
};

struct watch {
	struct watched *guests;
	size_t count;
	size_t turn; /* whose it is next, so that none drowns out the others */
	struct gs_guest *launched;
	size_t launched_count;
};
/*
 * Connect to the guests that -g names, or with @all to those that were launched, at the same time.
 * Those that cannot be reached are told about at once, and are the error where that leaves none.
 */
GS_MUST_CHECK struct gs_error *watch_open(const struct gs_args *args, bool all, struct watch *ret);
void watch_close(struct watch *watch);
/*
 * The next event of any of them. A guest whose session breaks is told about, and then is one that
 * has ended. TIMEOUT at the deadline; GONE when all have ended.
 */
GS_MUST_CHECK struct gs_error *watch_next(const struct gs_args *args, struct watch *watch,
					  uint64_t deadline_ms, const struct watched **guest_ret,
					  struct gs_qmp_event *ret);
/* What to exit with for the first guest that something went wrong with; 0: none. */
int watch_status(const struct watch *watch);

/* ---- words.c: a line as words ---- */

struct words {
	char **at; /* owned */
	size_t count;
};
/*
 * Words are apart by blanks. '...' and "..." keep blanks, a backslash keeps what follows; JSON
 * needs no quoting: "{" at a word's start, and "{", "[" or a string behind ":=" go on to their own
 * end. NODATA: the line ends within quotes or JSON; with more lines behind it, it may be whole.
 */
GS_MUST_CHECK struct gs_error *words_split(const char *line, struct words *ret);
void words_deinit(struct words *words);

static inline const char *const *words_all(const struct words *words)
{
	return (const char *const *)words->at;
}
#define auto_words __attribute__((cleanup(words_deinit)))

/* ---- arguments.c: words as what goes over the wire ---- */

/*
 * Words "key=text", "key:=json", both also with "@FILE" for a value that is in a file; a key
 * "a.b.c" is a member of objects that are made on the way. Or one word that is a JSON object.
 * *ret stays NULL where there are none. INVALID, or what a file's error is.
 */
GS_MUST_CHECK struct gs_error *arguments_parse(const char *const *words, size_t count,
					       struct gs_json **ret);

struct call {
	char *command;             /* owned */
	struct gs_json *arguments; /* owned; NULL: none */
};
/* Words "COMMAND ARGUMENT..." as for arguments_parse(), or one word '{"execute": ...}'. */
GS_MUST_CHECK struct gs_error *call_parse(const char *const *words, size_t count, struct call *ret);
void call_deinit(struct call *call);
#define auto_call __attribute__((cleanup(call_deinit)))

/* ---- names.c ---- */

/* INVALID, with a suggestion, unless there is such a run state. */
GS_MUST_CHECK struct gs_error *check_state(const char *name);
/* The same for an event, or a GLOB that an event's name is to match, by the peer's own schema. */
GS_MUST_CHECK struct gs_error *check_event(struct gs_qmp *qmp, const char *name);

/* ---- ending.c: how a guest ends ---- */

struct ending {
	char reason[32]; /* of SHUTDOWN: "guest-shutdown", ...; "disconnected" when there was none
			  */
	bool by_guest;   /* the guest wanted it */
	bool synthetic;  /* QEMU vanished without a SHUTDOWN */
	bool stays;      /* -no-shutdown: QEMU is still there, in state "shutdown" */
	bool shut_down;  /* there was a SHUTDOWN */
};
/* TIMEOUT at the deadline. Events that say nothing about the end are dropped. */
GS_MUST_CHECK struct gs_error *await_end(struct target *target, uint64_t deadline_ms,
					 struct ending *ret);
/*
 * For those who await other things, too: what each event says about the end, and once the session
 * is at its end, the end of the process (TIMEOUT: it is still there). ending->stays: all is said.
 */
GS_MUST_CHECK struct gs_error *ending_follow(struct target *target, struct ending *ending,
					     const struct gs_qmp_event *event);
GS_MUST_CHECK struct gs_error *await_process(const struct target *target, uint64_t deadline_ms);
/* Note what @event says about the end; true if it is a SHUTDOWN. */
bool ending_note(struct ending *ending, const struct gs_qmp_event *event);
void emit_ending(struct gs_emit *e, const struct ending *ending);

/* ---- ladder.c: end a guest, gently first ---- */

struct ladder {
	/* How long each step may take before the next one; 0: powerdown and quit are left out. */
	uint64_t powerdown_ms, quit_ms, term_ms;
	bool resume; /* let a guest that does not run feel its power button */
};
#define LADDER_DEFAULT                                                    \
	{                                                                 \
		.powerdown_ms = 60000, .quit_ms = 10000, .term_ms = 10000 \
	}
struct descent {
	const char *ended_by; /* "powerdown", "quit", "SIGTERM", "SIGKILL" */
	struct ending ending;
};
/*
 * Step by step until QEMU is gone, with a note for each that did not help. Signals take a QEMU on
 * this host; where the monitor cannot be reached they are all there is.
 */
GS_MUST_CHECK struct gs_error *ladder_descend(const struct gs_args *args, const char *guest,
					      const struct ladder *ladder, struct descent *ret);

#endif
