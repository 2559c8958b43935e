/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads of one process, caught where they come to.
 *
 * A thread that comes to one of the addresses stops there: its program counter is the address,
 * nothing of that has run, and all others run on. Mechanisms:
 *
 * perf: a hardware breakpoint for each thread, as a perf event that sends SIGSTOP to the thread
 * that hits it. All threads are traced, so the tracer gets the signal instead of the process, and
 * drops it. The text is as it was. Four addresses at a time on x86.
 *
 * int3: a breakpoint instruction in the text, on x86-64 only. If the tracer is killed while it is
 * there, who has just executed it ends the process; the guardian takes it out before others do. At
 * 60 calls a second 2 of 180 processes died of that, at 750 44 of 260, at 10,000 42 of 60. It is
 * out while somebody is kept at its address, where others pass unseen then, and who is killed then
 * harms nobody (0 of 60); and, for functions that begin with an uncommon instruction, for the
 * moment in which somebody passes. A thread that blocks or ignores SIGTRAP does so no longer when
 * it has come by.
 *
 * A call that is let pass takes longer: by 45 us with perf (11 for the breakpoint, 14 for its
 * signal, 20 for the stop; on a virtual x86), by 20 us with int3 if its first instruction is a
 * usual one.
 *
 * A caught thread is kept in an event stop, which no signal has caused: whatever ends the tracer,
 * the thread runs on. What is on its way at that moment may leave the process stopped; the
 * guardian, a process of its own, continues it then.
 *
 * Threads that are born while it is armed are armed before they run. At an exec all is disarmed.
 *
 * As of the tracer (trace.h): all calls come from the thread that made it, which blocks SIGCHLD and
 * awaits no children by wait(-1).
 */
#ifndef GUESTSCOPE_HOLD_CATCH_H
#define GUESTSCOPE_HOLD_CATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/hold/condition.h>

enum gs_catch_mechanism { GS_CATCH_PERF, GS_CATCH_INT3 };
const char *gs_catch_mechanism_name(enum gs_catch_mechanism mechanism); /* "perf", "int3" */

struct gs_catch_hit {
	uint64_t address;
	struct gs_call call; /* who has come, and with what; good until the callback returns */
};

struct gs_catch_ops {
	/* Somebody has come. true: keep him; else he runs on, and has noticed nothing. */
	bool (*hit)(void *arg, const struct gs_catch_hit *hit);
	/* A thread was born that will not be caught: all addresses need a free slot of it, too. May
	 * be NULL. */
	void (*unarmed)(void *arg, pid_t tid, const struct gs_error *why);
	/* A kept thread is not there any more. */
	void (*lost)(void *arg, pid_t tid);
	/* The process has ended, or is another program: nobody will come. */
	void (*over)(void *arg);
};

struct gs_catcher;

/*
 * All threads of @pid are traced from now on, and run on. Errors as of gs_tracer_seize(). The
 * guardian is its child. @dir: where int3 keeps its journal while something is armed, see mend.h;
 * perf needs none.
 */
GS_MUST_CHECK struct gs_error *gs_catcher_new(pid_t pid, enum gs_catch_mechanism mechanism,
					      const char *dir, const struct gs_catch_ops *ops,
					      void *arg, struct gs_catcher **ret);
/*
 * Kept threads run on, nothing is armed or stopped by us. The kernel lets go of threads that run
 * when our thread ends, which is to be now: to stop each of them for that could be noticed.
 */
void gs_catcher_free(struct gs_catcher *catcher);
GS_DEFINE_CLEANUP(struct gs_catcher *, gs_catcher_free)

/*
 * One address more. UNSUPPORTED: this kernel or machine cannot do it by this mechanism; BUSY: no
 * free slot in some thread; OS: EACCES, EPERM. Nothing is armed there then.
 */
GS_MUST_CHECK struct gs_error *gs_catcher_arm(struct gs_catcher *catcher, uint64_t address);
/* No address any more; who was about to come is not caught. Kept ones stay. */
void gs_catcher_disarm(struct gs_catcher *catcher);

/*
 * By another mechanism, while nothing is armed and nobody kept; all threads stop for a moment.
 * BUSY: one of them cannot. After an error it is as it was.
 */
GS_MUST_CHECK struct gs_error *gs_catcher_change(struct gs_catcher *catcher,
						 enum gs_catch_mechanism mechanism);

int gs_catcher_fd(const struct gs_catcher *catcher);
void gs_catcher_dispatch(struct gs_catcher *catcher);
int gs_catcher_timeout_ms(const struct gs_catcher *catcher);
size_t gs_catcher_kept(const struct gs_catcher *catcher);

/* A kept thread, and what was stopped with it, run on. NODATA: it is not kept. */
GS_MUST_CHECK struct gs_error *gs_catcher_release(struct gs_catcher *catcher, pid_t tid);
/* All others stop, too, until all that are kept now are released. */
void gs_catcher_stop_others(struct gs_catcher *catcher);
/*
 * The process is stopped (T), as by SIGSTOP, and not traced any more, nor is anything armed: a
 * debugger can attach and finds the kept threads where they were caught. The catcher does nothing
 * then but to be there: if its process is killed before it is freed, and no debugger has come, the
 * guardian continues the target. GONE: it ended meanwhile. BUSY, TIMEOUT: not all threads stop now;
 * the kept ones stay so, but after TIMEOUT nothing is armed.
 */
GS_MUST_CHECK struct gs_error *gs_catcher_hand_over(struct gs_catcher *catcher);

#endif
