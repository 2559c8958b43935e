/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of tracehooks share. */
#ifndef TRACEHOOKS_H
#define TRACEHOOKS_H

#include <signal.h>

#include <guestscope/base/command.h>
#include <guestscope/hold/keeper.h>

int cmd_run(struct gs_args *args);
int cmd_watch(struct gs_args *args);
int cmd_attach(struct gs_args *args);
int cmd_hold(struct gs_args *args);
int cmd_list(struct gs_args *args);
int cmd_show(struct gs_args *args);
int cmd_release(struct gs_args *args);
int cmd_debug(struct gs_args *args);
int cmd_tree(struct gs_args *args);

/* complete.c: see gs_tool.complete. */
bool complete(const struct gs_args *args, const char *kind, struct gs_candidates *out);

/* ---- wish.c: what the options ask for; all of it is theirs ---- */

GS_MUST_CHECK struct gs_error *wish_options(const struct gs_args *args, struct gs_hold_wish *wish,
					    struct gs_keeper_options *ret);
/* Of a hold at a call: all but the process, the places and the loader. */
GS_MUST_CHECK struct gs_error *aim_options(const struct gs_args *args, struct gs_hold_aim *aim,
					   struct gs_keeper_options *ret);

/* ---- target.c ---- */

/* The number of a process that one can trace and live; INVALID says why not. */
GS_MUST_CHECK struct gs_error *parse_target(const char *text, pid_t *ret);

/* ---- wrap.c ---- */

/* The command that those who fit are run by. */
struct wrapper {
	char *text, *path;
	const char **words;
	struct gs_hold_wrap wrap; /* path NULL: they are held */
};
/* By --wrap; INVALID or OS: there is no such command. The caller deinitialises it in any case. */
GS_MUST_CHECK struct gs_error *wrapper_init(struct wrapper *wrapper, const struct gs_args *args);
void wrapper_deinit(struct wrapper *wrapper);

/* ---- child.c ---- */

/*
 * The command is our child, with our terminal, descriptors and signals: it is to run as if we were
 * not there. That it waits until it is traced, and that it could not be run, goes through two
 * pipes.
 */
struct child {
	const char *const *argv;
	sigset_t mask; /* what it was at child_init() */
	int gate[2], failure[2];
	pid_t pid;
	int pidfd;
	bool not_run; /* it was no program; that was said */
};
/* What stands behind "--"; INVALID: nothing does. */
GS_MUST_CHECK struct gs_error *child_init(struct child *child, const struct gs_args *args,
					  const char *command);
GS_MUST_CHECK struct gs_error *child_fork(struct child *child, pid_t tracer);
/* Run it, or, if there was an error, end it; takes @err, and returns what is wrong now. */
GS_MUST_CHECK struct gs_error *child_let_go(struct child *child, struct gs_error *err);
/* The exit status; what kept it from running is said. One that still runs is left. */
int child_finish(struct child *child, const struct gs_args *args);

/* ---- watch.c: a front end, from the keeper's start to its end ---- */

struct watch {
	const struct gs_args *args;
	struct gs_keeper *keeper;
	char *dir;
	size_t held;      /* that are, or await a debugger */
	bool has_held;    /* one, at some time */
	bool idle;        /* nothing is held, nor will be */
	int signal_fd;    /* SIGINT, SIGTERM, SIGHUP */
	int signals;      /* that came */
	int signal;       /* the first of them */
	bool is_brief;    /* the first signal is the end, and so is the keeper's */
	bool lost;        /* the keeper was killed */
	bool blind;       /* the file is not watched any more */
	bool over;        /* the process is there no more, or as another program */
	uint64_t beat_ms; /* when the terminal was told last that it is waiting */
	/* A thread stands still at the loader; of keepers that have an aim with one. */
	void (*on_loading)(struct watch *watch, pid_t tid);
	void *arg;
};
GS_MUST_CHECK struct gs_error *watch_begin(struct watch *watch, const struct gs_args *args);
/* The same, of a keeper for these; their folder is filled in. */
GS_MUST_CHECK struct gs_error *watch_begin_with(struct watch *watch, const struct gs_args *args,
						struct gs_keeper_options *options);
/*
 * Until @pidfd's process, if it is not -1, has ended and nothing will be held, or a signal came
 * twice. A brief one ends with the first signal, or with its keeper.
 */
void watch_until_end(struct watch *watch, int pidfd);
void watch_end(struct watch *watch);

/* ---- print.c ---- */

/* The block on stderr, or, with --json, a line on stdout. */
void print_event(const struct gs_args *args, const struct gs_keeper_event *event,
		 const struct gs_hold_record *record);
/* One hold's members, in an emitter's map or row. */
void emit_hold(struct gs_emit *e, const struct gs_hold_record *record);
/* Who waits for it at this moment, and who may lose patience; as members, too. */
void emit_blocked(struct gs_emit *e, const struct gs_hold_record *record);
void emit_watchdog(struct gs_emit *e, const struct gs_hold_record *record);

/* ---- find.c ---- */

/* The folder of holds; the caller frees. NULL: out of memory. */
char *hold_dir(void);
/* The hold that @word names; NODATA says which there are. */
GS_MUST_CHECK struct gs_error *find_hold(const struct gs_hold_list *list, const char *word,
					 const struct gs_hold_record **ret);

#endif
