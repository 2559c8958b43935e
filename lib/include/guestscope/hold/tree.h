/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of processes with its history: who has forked whom, what each became, how it ended, and
 * the pipes and Unix sockets between them. Recorded while it lives, or seen as it is at the moment.
 *
 *	front end ──fork──> recorder ──ptrace──> processes
 *	    ^                  │
 *	    └───── a log ──────┘   in memory of both: the recorder waits for nobody
 *
 * What is open is looked at when a process becomes another program and before it ends, and of its
 * parent at the same time. What it opens and closes between these is not seen.
 *
 * Who is recorded stops for a moment when it forks, when it becomes a program, and when it ends: of
 * 0.4 ms for a short child in all, 0.1 ms is the last stop.
 */
#ifndef GUESTSCOPE_HOLD_TREE_H
#define GUESTSCOPE_HOLD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/hold/proc.h>

#define GS_PTREE_NONE SIZE_MAX

/* All times are nanoseconds after the first process's beginning; of a tree that is only seen, to a
 * hundredth of a second. */
struct gs_ptree_exec {
	uint64_t at_ns;
	char *program; /* a path; "" if it is not ours to see */
	char *args;    /* each with its NUL */
	size_t args_size;
	bool is_cut; /* there are more arguments than these */
};

enum gs_ptree_birth {
	GS_PTREE_FOUND, /* it was there before */
	GS_PTREE_FORK,
	GS_PTREE_VFORK,
	GS_PTREE_CLONE,
};
const char *gs_ptree_birth_name(enum gs_ptree_birth birth); /* "found", "fork", ... */

struct gs_ptree_process {
	struct gs_proc_id id;
	size_t parent; /* its place in the tree, before this one; GS_PTREE_NONE: a first one */
	unsigned int depth;
	enum gs_ptree_birth birth;
	char comm[17]; /* what "ps" shows, of its last program */
	char state;    /* as ps has it, where it is seen running; else 0 */
	uint64_t start_ns, end_ns;
	bool ended;
	int status; /* as waitpid has it, if it has ended */
	struct gs_ptree_exec *execs;
	size_t exec_count;
};

enum gs_ptree_link_kind { GS_PTREE_PIPE, GS_PTREE_SOCKET };
struct gs_ptree_end {
	size_t process;
	uint64_t inode; /* a pipe has one, a socket's two sides have one each */
	bool reads, writes;
};
/*
 * What connects two processes of the tree: one can say what the other hears. A socket with a name
 * may also lead to a process that is outside, or was not looked at while it had it; it has the ends
 * of one side then.
 */
struct gs_ptree_link {
	enum gs_ptree_link_kind kind;
	uint64_t inode; /* the lower one */
	uint64_t at_ns; /* when two processes were seen to have it */
	char *name;     /* of a socket: what it was bound to, '@' first if abstract; or NULL */
	struct gs_ptree_end *ends; /* of a socket: one side first */
	size_t end_count;
};

struct gs_ptree {
	struct gs_ptree_process
		*processes; /* children behind their parents, before their siblings */
	size_t count;
	struct gs_ptree_link *links; /* by time */
	size_t link_count;
	uint64_t end_ns; /* when it was last looked at */
	size_t lost;     /* what happened beyond the limits, and is not here */
};
void gs_ptree_deinit(struct gs_ptree *tree);

/* The process and its descendants as they are. GONE: there is none. */
GS_MUST_CHECK struct gs_error *gs_ptree_look(pid_t pid, struct gs_ptree *ret);

/* ---- recording ---- */

struct gs_recorder;

GS_MUST_CHECK struct gs_error *gs_recorder_start(struct gs_recorder **ret);
pid_t gs_recorder_pid(const struct gs_recorder *recorder);
/* See gs_tracer_seize(). */
GS_MUST_CHECK struct gs_error *gs_recorder_seize(struct gs_recorder *recorder, pid_t pid);
/* Readable when all have ended, or the recorder was killed. */
int gs_recorder_fd(const struct gs_recorder *recorder);
/* What was recorded; those that have not ended run on, and are not traced any more. Once. */
GS_MUST_CHECK struct gs_error *gs_recorder_stop(struct gs_recorder *recorder, struct gs_ptree *ret);
/* Without what it has recorded, if it was not stopped before. */
void gs_recorder_destroy(struct gs_recorder *recorder);
GS_DEFINE_CLEANUP(struct gs_recorder *, gs_recorder_destroy)

#endif
