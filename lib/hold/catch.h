/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the catcher: who is there, and what a mechanism does.
 *
 *	catch.c          what each stop of a thread means, and what becomes of it
 *	catch_halt.c     all together: halted, let go, handed over
 *	catch_life.c     how it begins and ends
 *	catch_seize.c    how the threads come to be traced
 *	catch_threads.c  the threads by number
 *	catch_perf.c     mechanism: hardware breakpoints
 *	catch_int3*.c    mechanism: breakpoint instructions
 */
#ifndef HOLD_CATCH_H
#define HOLD_CATCH_H

#include <guestscope/hold/catch.h>
#include <guestscope/hold/proc.h>

#include "guardian.h"

#define GS_CATCH_ADDRESSES_MAX GS_INT3_BYTES_MAX

/* ---- who is there: catch_threads.c ---- */

enum gs_catch_state {
	GS_CATCH_RUNS,    /* or sleeps, or has a stop that was not seen yet */
	GS_CATCH_LISTENS, /* the process is stopped (T) by somebody else, and it waits for SIGCONT
			   */
	GS_CATCH_KEPT,    /* has come to an address; in an event stop there */
	GS_CATCH_HALTED,  /* in an event stop, because others are kept */
};
struct gs_catch_thread {
	pid_t tid;
	enum gs_catch_state state;
	bool is_group_stop; /* its event stop is one of the whole process */
	bool halts_others;  /* a kept one, for whom all others are halted */
	/* The address that it has hit and not left yet; 0: none. The mechanism's to clear when it
	 * runs on. */
	uint64_t at;
	void *points; /* the mechanism's own */
	struct gs_catch_thread *next;
};

#define GS_CATCH_BUCKETS 256
struct gs_catch_threads {
	struct gs_catch_thread *buckets[GS_CATCH_BUCKETS];
	size_t count;
};

struct gs_catch_thread *gs_catch_find(const struct gs_catch_threads *threads, pid_t tid);
/* A running one; NULL: out of memory. */
struct gs_catch_thread *gs_catch_add(struct gs_catch_threads *threads, pid_t tid);
void gs_catch_remove(struct gs_catch_threads *threads, struct gs_catch_thread *thread);
/* All of them in any order: NULL is before the first, and behind the last one. The one that it
 * returns may be removed before the next is asked for only if that was asked for before. */
struct gs_catch_thread *gs_catch_next(const struct gs_catch_threads *threads,
				      const struct gs_catch_thread *thread);

/* ---- the catcher ---- */

struct gs_catch_method;
struct gs_catcher {
	const struct gs_catch_method *method;
	const struct gs_catch_ops *ops;
	void *arg;
	char *dir; /* for journals; NULL: none */
	struct gs_proc_id process;
	struct gs_catch_threads threads;
	uint64_t addresses[GS_CATCH_ADDRESSES_MAX]; /* armed ones */
	size_t address_count;
	size_t kept;
	size_t halting;  /* kept ones that halt all others; and one while all are handed over */
	bool is_over;    /* nobody is traced any more */
	bool is_leaving; /* and nobody is told of anything */
	int signal_fd;
	int target_fd; /* its pidfd */
	int mem_fd; /* /proc/PID/mem, read and written; of the program that it was at the start */
	struct gs_guardian guardian;
	void *points; /* the mechanism's own, of the whole process */
};

/* What the stop of a thread is to the mechanism. */
enum gs_catch_view {
	GS_CATCH_OTHER,   /* nothing: a signal, an event */
	GS_CATCH_HIT,     /* thread->at was set; its program counter is that address */
	GS_CATCH_HANDLED, /* it was the mechanism's own, and the thread runs again */
	GS_CATCH_DROPPED, /* the mechanism's own, and to run on without the signal */
};

/*
 * A mechanism. The threads that it is given are traced by us. Its errors: see gs_catcher_arm().
 */
struct gs_catch_method {
	enum gs_catch_mechanism mechanism;
	int signal;   /* the one that comes with a hit, before it is taken: see settle */
	long options; /* PTRACE_O_... of all threads, besides TRACECLONE and TRACEEXEC */

	/* One address more, which is catcher->addresses[address_count]; counted afterwards. All
	 * threads run, or are in some stop. After an error nothing is there. */
	struct gs_error *(*arm)(struct gs_catcher *catcher);
	/* No address any more; hits that are on their way still come, and are DROPPED by view(). */
	void (*disarm)(struct gs_catcher *catcher);
	/* A thread that was born, and stands still before its first instruction; NULL: nothing is
	 * to be done for it. */
	struct gs_error *(*join)(struct gs_catcher *catcher, struct gs_catch_thread *thread);
	/* It has ended, or is not ours any more: frees thread->points. NULL: nothing to be done. */
	void (*forget)(struct gs_catcher *catcher, struct gs_catch_thread *thread);

	/* First of all at each stop of a thread; @status as waitpid has it. */
	enum gs_catch_view (*view)(struct gs_catcher *catcher, struct gs_catch_thread *thread,
				   int status);
	/* A thread that has hit is to be kept: it may be let go there by our death from now on.
	 * NULL: nothing is to be done for that. */
	void (*keep)(struct gs_catcher *catcher, struct gs_catch_thread *thread);
	/* A thread in a stop runs on, with @signal (0: none). If thread->at: from there, unnoticed;
	 * PTRACE_INTERRUPT may be on its way to it. */
	void (*resume)(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal);
	/* Disarmed, and in an event stop: whether it can be let go as it is, with nothing of ours
	 * in its registers. false: it is resumed, has its own stops, and is asked for again. NULL:
	 * always. (Signals that are on their way are not its matter.) */
	bool (*is_settled)(struct gs_catcher *catcher, struct gs_catch_thread *thread);
	/* A stop, or an end, of somebody who is none of our threads: with TRACEFORK or TRACEVFORK
	 * in @options a child. true: it was dealt with; false, or NULL: it is let go. */
	bool (*stranger)(struct gs_catcher *catcher, pid_t pid, int status);
	/* All is over, or let go: frees catcher->points. NULL: nothing to be done. */
	void (*close)(struct gs_catcher *catcher);
	/* Whether all threads have to be halted before they can be let go, for hits that are
	 * not to be seen yet. */
	bool halts;
};

extern const struct gs_catch_method gs_catch_perf; /* catch_perf.c */
extern const struct gs_catch_method gs_catch_int3; /* catch_int3.c */

/* NULL: there is none. */
const struct gs_catch_method *gs_catch_method_of(enum gs_catch_mechanism mechanism);
/* PTRACE_O_... of all threads. */
long gs_catch_options(const struct gs_catch_method *method);

/* Whether it is armed there. */
bool gs_catch_is_armed(const struct gs_catcher *catcher, uint64_t address);

/* ---- catch.c: what its files share ---- */

/* Every stop and end that there is, without waiting. */
void gs_catch_drain(struct gs_catcher *catcher);
/* The same, when there is one, or after so long. */
void gs_catch_await(struct gs_catcher *catcher, int ms);
/* A halted or kept one, or one that has just stopped, runs on: also a group-stop as it was. */
void gs_catch_run(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal);

/* ---- catch_halt.c ---- */

/* One less for whom all others are halted. */
void gs_catch_unhalt(struct gs_catcher *catcher);
/* Disarmed, and nobody is kept; false: something of ours may still be on its way. */
bool gs_catch_let_go(struct gs_catcher *catcher);

/* ---- catch_seize.c ---- */

/* All threads, with those that are born meanwhile. */
GS_MUST_CHECK struct gs_error *gs_catch_seize(struct gs_catcher *catcher);

#endif
