/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process that is held, or may be. */
#ifndef GUESTSCOPE_HOLD_PROC_H
#define GUESTSCOPE_HOLD_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>
#include <guestscope/base/text.h>

/*
 * A process, or a thread, for ever: numbers are used again, but not with the same start. Whoever
 * sends a signal to one that he did not just see looks at gs_proc_is() before.
 */
struct gs_proc_id {
	pid_t pid;
	uint64_t start; /* clock ticks after boot: field 22 of /proc/PID/stat */
};

/* Each of these is a file to be read. */
enum gs_proc_part {
	GS_PROC_STAT = 1, /* id.start, parent, group, session, state */
	GS_PROC_COMM = 2,
	GS_PROC_STATUS = 4, /* tracer, uid */
	GS_PROC_EXE = 8,
	GS_PROC_ARGS = 16,
	GS_PROC_ALL = 31,
};

struct gs_proc {
	struct gs_proc_id id;
	unsigned int known; /* parts that were read */
	pid_t parent, group, session;
	pid_t tracer;  /* 0: none */
	uid_t uid;     /* effective */
	char state;    /* R S D T (stopped) t (held by its tracer) Z X ... */
	char comm[17]; /* what "ps" shows; bytes as they are */
	char *exe;     /* NULL: a kernel thread, or not ours to see */
	char *args;    /* all arguments, each with its NUL; NULL: none, or not ours to see */
	size_t args_size;
};

/* GONE: there is none. What is not ours to see is left out. */
GS_MUST_CHECK struct gs_error *gs_proc_read(pid_t pid, struct gs_proc *ret);
/* Those of these parts that are not known yet, of one with a pid; of one that is gone, nothing. */
void gs_proc_know(struct gs_proc *proc, unsigned int parts);
void gs_proc_deinit(struct gs_proc *proc);

/* Whether that very process, or thread, is still there; one that awaits its parent is not. */
bool gs_proc_is(const struct gs_proc_id *id);

/* All that a process has forked, and they, and so on, but for those whose parents have ended. */
struct gs_proc_tree {
	pid_t *pids; /* parents before their children */
	size_t count;
};
GS_MUST_CHECK struct gs_error *gs_proc_descendants(pid_t pid, struct gs_proc_tree *ret);
void gs_proc_tree_deinit(struct gs_proc_tree *tree);

/* The Nth argument; NULL past the last one. */
const char *gs_proc_argument(const struct gs_proc *proc, size_t n);
/* As a shell reads it back, control characters too. */
void gs_proc_put_argument(struct gs_text *text, const char *argument);
/* All of them in one line so; the
 * caller frees. NULL: out of memory. */
char *gs_proc_command_line(const struct gs_proc *proc);

#endif
