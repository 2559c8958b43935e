/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process that is held, or may be. */
#ifndef GUESTSCOPE_HOLD_PROC_H
#define GUESTSCOPE_HOLD_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

/*
 * A process, or a thread, for ever: numbers are used again, but not with the same start. Whoever
 * sends a signal to one that he did not just see looks at gs_proc_is() before.
 */
struct gs_proc_id {
	pid_t pid;
	uint64_t start; /* clock ticks after boot: field 22 of /proc/PID/stat */
};

struct gs_proc {
	struct gs_proc_id id;
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
void gs_proc_deinit(struct gs_proc *proc);

/* Whether that very process, or thread, is still there; one that awaits its parent is not. */
bool gs_proc_is(const struct gs_proc_id *id);

/* The Nth argument; NULL past the last one. */
const char *gs_proc_argument(const struct gs_proc *proc, size_t n);
/* All of them in one line, quoted so that a shell reads the same, control characters too; the
 * caller frees. NULL: out of memory. */
char *gs_proc_command_line(const struct gs_proc *proc);

#endif
