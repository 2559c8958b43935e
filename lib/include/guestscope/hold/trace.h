/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of processes, followed through fork and exec, and held where it is asked for.
 *
 * A process that is held is in ptrace-stop at its exec: it is the new program, of which nothing has
 * run yet, not even the dynamic loader. Its parent sees nothing of that, no SIGCHLD and no stopped
 * child, and a vfork() has returned. When the tracer ends, in whatever way, all of them run on.
 *
 * The rights of a tracer are a thread's: all calls come from the thread that made it, which awaits
 * no children of its own by wait(-1), and blocks SIGCHLD.
 */
#ifndef GUESTSCOPE_HOLD_TRACE_H
#define GUESTSCOPE_HOLD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/hold/catch.h>
#include <guestscope/hold/proc.h>

/* One of the tree. Its ancestors live as long as it does, ended ones too. */
struct gs_traced {
	struct gs_proc_id id;           /* without its start, unless ops.born wants to hear of it */
	const struct gs_traced *parent; /* who has forked it; NULL: the first of the tree */
	unsigned int depth;             /* forks from there */
	char comm[17]; /* what "ps" showed when it forked; until then its parent's, or former one */
	bool held, ended;
};

struct gs_trace_ops {
	/* It is another program now, and held. true: it stays so, or was wrapped; else it runs. */
	bool (*exec)(void *arg, const struct gs_traced *process);
	/* It was forked, and has not run yet; @event: PTRACE_EVENT_FORK, _VFORK or _CLONE, or 0 if
	 * its parent ended before it could tell. May be NULL. */
	void (*born)(void *arg, const struct gs_traced *process, int event);
	/* It is about to end, with all that it has open; not told of all that are killed. NULL:
	 * none of them stops for that. */
	void (*exiting)(void *arg, const struct gs_traced *process);
	/* It is no longer there, held or not; @status as waitpid has it. May be NULL. */
	void (*ended)(void *arg, const struct gs_traced *process, int status);
	/* See gs_tracer_wrap(). @errno: why it runs as it is; 0: it is CMD, and leaves the tree. */
	void (*wrapped)(void *arg, const struct gs_traced *process, int code);
	/* See gs_tracer_go_to(): it is there, and held. true: it stays so, or was sent on. */
	bool (*arrived)(void *arg, const struct gs_traced *process);
};

struct gs_tracer;

GS_MUST_CHECK struct gs_error *gs_tracer_new(const struct gs_trace_ops *ops, void *arg,
					     struct gs_tracer **ret);
/* Held ones run on. The kernel lets go of the others when the thread ends, which is to be now. */
void gs_tracer_free(struct gs_tracer *tracer);
GS_DEFINE_CLEANUP(struct gs_tracer *, gs_tracer_free)

/*
 * From now on @pid and what it forks belong to the tree; with all threads that it has. BUSY names
 * the tracer that it has; UNREACHABLE: we may not trace it. TIMEOUT: it is in an exec that does not
 * get on. Stops that come meanwhile are dispatched; SIGALRM is taken for that.
 */
GS_MUST_CHECK struct gs_error *gs_tracer_seize(struct gs_tracer *tracer, pid_t pid);

/*
 * This one thread until it has become another program: then it is let go, or held. For one that is
 * about to, and stands still; what it forks is not followed, and it does not stay in the tree when
 * it is released. Its lineage is what /proc says now. One that does not get there is let go after
 * a while. GONE: it has ended, or another thread of the process has become a program.
 */
GS_MUST_CHECK struct gs_error *gs_tracer_expect(struct gs_tracer *tracer, pid_t tid);

/* Readable when gs_tracer_dispatch() has something to do. */
int gs_tracer_fd(const struct gs_tracer *tracer);
/* All stops that there are, without waiting. */
void gs_tracer_dispatch(struct gs_tracer *tracer);
/* When it is to be called even so; -1: never. */
int gs_tracer_timeout_ms(const struct gs_tracer *tracer);
size_t gs_tracer_count(const struct gs_tracer *tracer); /* that have not ended */
const struct gs_traced *gs_tracer_find(const struct gs_tracer *tracer, pid_t pid);

/* A held one runs on, and stays in the tree. */
GS_MUST_CHECK struct gs_error *gs_tracer_release(struct gs_tracer *tracer, pid_t pid);
/*
 * A held one is stopped (T), as by SIGSTOP, and not traced any more: a debugger can attach, and
 * SIGCONT lets it run. It has left the tree; GONE: it ended meanwhile.
 */
GS_MUST_CHECK struct gs_error *gs_tracer_hand_over(struct gs_tracer *tracer, pid_t pid);

/* A program to be put in front of others, as valgrind is. */
struct gs_hold_wrap {
	const char *path;         /* of its file */
	const char *const *words; /* its name and its first arguments; NULL-terminated */
};
/*
 * A held one executes @wrap instead, with its own path and arguments behind the words: same number,
 * parent, descriptors, environment. ops->wrapped() is called when that is done, or has failed. It
 * is not held any more; with an error, it is, and as it was:
 *   UNSUPPORTED  not on this machine, or not for a program of 32 bits
 *   NODATA       the file that it was executed from is not there any more
 */
GS_MUST_CHECK struct gs_error *gs_tracer_wrap(struct gs_tracer *tracer, pid_t pid,
					      const struct gs_hold_wrap *wrap);
/*
 * A held one runs on, and is held again when its first thread has come to @address, which is told
 * by ops->arrived(); its program counter is exact then. Threads that it makes on its way run on,
 * untraced. If it becomes another program first, that is told as ever. With an error, it is held
 * where it was: see gs_perf_point_open(). *ret: perf or, where that cannot be, int3: if we are
 * killed then while it is on its way, it may be, too.
 */
GS_MUST_CHECK struct gs_error *gs_tracer_go_to(struct gs_tracer *tracer, pid_t pid,
					       uint64_t address, enum gs_catch_mechanism *ret);
/* One that is on its way will not be held. NODATA: it is not. */
GS_MUST_CHECK struct gs_error *gs_tracer_call_off(struct gs_tracer *tracer, pid_t pid);
/*
 * From now on: if the tracer is killed, what it holds is stopped (T) instead of running on. A
 * SIGCONT from elsewhere undoes that for the one that gets it.
 */
void gs_tracer_fail_stopped(struct gs_tracer *tracer);

/*
 * Waits until nothing is under way that needs the tracer, or the deadline: to be called before it
 * ends.
 */
void gs_tracer_settle(struct gs_tracer *tracer, uint64_t deadline_ms);
size_t gs_tracer_unsettled(const struct gs_tracer *tracer);

#endif
