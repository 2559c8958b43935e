/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a process that traces, holds, and does nothing else.
 *
 *	front end ──fork──> keeper ──ptrace──> processes
 *	    ^  what happens   │  ^
 *	    └─────────────────┘  └── requests: DIR/PID.socket, from the front end and from others
 *
 * It is apart from the front end so that nothing can keep it from serving who it traces: neither a
 * terminal that was stopped, nor a debugger, nor a signal. It has a session of its own, none of the
 * front end's descriptors, and all signals blocked. When the front end ends, in whatever way, it
 * releases all and ends; when it is killed itself, the kernel lets go of all, and those run on.
 *
 * Where a file is watched, the keeper has a gate, see lib/hold/gate.h.
 *
 * A hold that was handed over is watched until its debugger has come and gone: what it leaves
 * stopped is continued, as is what no debugger comes for in time.
 *
 * A request is one packet of JSON, and so is the reply to it:
 *
 *	{"do": "seize", "pid": N}  {"do": "release", "id": N}  {"do": "release-all"}
 *	{"do": "hand-over", "id": N, "resume": BOOL}
 *	{"return": {}}  {"error": {"code": "busy", "message": "..."}}
 */
#ifndef GUESTSCOPE_HOLD_KEEPER_H
#define GUESTSCOPE_HOLD_KEEPER_H

#include <guestscope/base/cleanup.h>
#include <guestscope/hold/filter.h>
#include <guestscope/hold/record.h>
#include <guestscope/hold/trace.h>

struct gs_keeper_options {
	const struct gs_hold_wish *wish;
	const char *dir;         /* see gs_hold_dir() */
	unsigned int hold_max_s; /* 0: for ever */
	/*
	 * Whoever executes this file is held if he fits; not traced before, nor who has started
	 * him. NULL: only those of gs_keeper_seize().
	 */
	const char *exe;
	/* Who fits becomes this program instead of being held, see gs_tracer_wrap(). NULL: held. */
	const struct gs_hold_wrap *wrap;
};

enum gs_keeper_event_kind {
	GS_KEEPER_HELD,
	GS_KEEPER_HANDED_OVER,
	GS_KEEPER_DEBUGGED,
	GS_KEEPER_RELEASED, /* it runs on, or a debugger has let go of it */
	GS_KEEPER_ENDED,    /* it was held, or debugged, and is not there any more */
	GS_KEEPER_IDLE,    /* nothing is held, nor will be: all have ended, or the filter is done */
	GS_KEEPER_PASSED,  /* it has executed the file, and could not be looked at; not held */
	GS_KEEPER_MOVED,   /* another file is at the path, and watched from now on */
	GS_KEEPER_MISSING, /* none is; one is waited for */
	GS_KEEPER_BLIND,   /* the file is not watched any more: who should do it was killed */
	GS_KEEPER_WRAPPED, /* it was to be held, and is run by the other program now */
	GS_KEEPER_UNWRAPPED, /* that could not be done: it runs by itself */
};
struct gs_keeper_event {
	enum gs_keeper_event_kind kind;
	pid_t id;
	/*
	 * Of RELEASED: "asked to", "held for too long", ...; of PASSED, UNWRAPPED: why; of WRAPPED:
	 * its command line. What is longer is cut.
	 */
	char reason[256];
};

struct gs_keeper;

/*
 * Errors of the wish and of the folder are told here, and of the file: UNREACHABLE, it cannot be
 * watched by us, or on this kernel; INVALID, it is not to be without a filter.
 */
GS_MUST_CHECK struct gs_error *gs_keeper_start(const struct gs_keeper_options *options,
					       struct gs_keeper **ret);
/* All are released; returns when it has ended. */
void gs_keeper_stop(struct gs_keeper *keeper);
GS_DEFINE_CLEANUP(struct gs_keeper *, gs_keeper_stop)

pid_t gs_keeper_pid(const struct gs_keeper *keeper);
int gs_keeper_fd(const struct gs_keeper *keeper); /* readable: gs_keeper_next() has something */
/* One of those that wait; NODATA: none does. GONE: the keeper was killed. */
GS_MUST_CHECK struct gs_error *gs_keeper_next(struct gs_keeper *keeper,
					      struct gs_keeper_event *ret);
/* See gs_tracer_seize(). */
GS_MUST_CHECK struct gs_error *gs_keeper_seize(struct gs_keeper *keeper, pid_t pid);
GS_MUST_CHECK struct gs_error *gs_keeper_release_all(struct gs_keeper *keeper);

/* ---- from any process, of a hold that was found by gs_hold_list() ---- */

/* A stale one is continued if it is stopped. */
GS_MUST_CHECK struct gs_error *gs_hold_release(const char *dir,
					       const struct gs_hold_record *record);
/*
 * Returns when it is stopped and nobody traces it. @resume: as soon as somebody does, it is
 * continued, for debuggers that wait for that. BUSY: a debugger has it already.
 */
GS_MUST_CHECK struct gs_error *gs_hold_hand_over(const char *dir,
						 const struct gs_hold_record *record, bool resume);

#endif
