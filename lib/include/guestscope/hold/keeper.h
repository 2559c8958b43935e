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
 * releases all and ends; when it is killed itself, the kernel lets go of all, and those run on. If
 * that is what was asked for, they are left stopped (T) in both cases, unless the front end ends by
 * gs_keeper_stop(): gs_hold_release() continues them.
 *
 * Where a file is watched, the keeper has a gate, see lib/hold/gate.h. Where threads of a process
 * are to be held at a function, it has a catcher, see catch.h; names become addresses in the front
 * end, before anything is armed.
 *
 * A hold that was handed over is watched until its debugger has come and gone: what it leaves
 * stopped is continued, as is what no debugger comes for in time.
 *
 * A request is one packet of JSON, and so is the reply to it:
 *
 *	{"do": "seize", "pid": N}  {"do": "release", "id": N}  {"do": "release-all"}
 *	{"do": "hand-over", "id": N, "resume": BOOL}
 *	{"do": "catch"}  {"do": "arm", "place": {...}}  {"do": "go-on", "id": N}
 *	{"do": "go-to", "id": N, "then": "stay" | "ask" | "argument", "place": {...}}
 *	{"return": {}}  {"error": {"code": "busy", "message": "..."}}
 */
#ifndef GUESTSCOPE_HOLD_KEEPER_H
#define GUESTSCOPE_HOLD_KEEPER_H

#include <guestscope/base/cleanup.h>
#include <guestscope/hold/filter.h>
#include <guestscope/hold/record.h>
#include <guestscope/hold/trace.h>

/* Which calls in a process that runs are to be held. */
struct gs_hold_aim {
	pid_t pid;
	const struct gs_place *places;
	size_t place_count;
	/*
	 * Where the dynamic loader comes by when it has loaded something. Who stands there is told
	 * of by LOADING, and goes on at gs_keeper_go_on(), or after GS_KEEPER_LOADING_MS. 0: none.
	 */
	uint64_t loader;
	bool has_mechanism; /* else perf; int3 where that cannot be */
	enum gs_catch_mechanism mechanism;
	const char *condition; /* see condition.h; NULL: all calls */
	unsigned int nth;      /* the Nth that fits, from 1 on; 0: as 1 */
	bool every;            /* and all that fit after it */
	bool whole;            /* all threads stop with the one that is held */
};
#define GS_KEEPER_LOADING_MS 2000

/* All is borrowed until gs_keeper_start() has returned. */
struct gs_keeper_options {
	const struct gs_hold_wish *wish; /* NULL if there is an aim */
	const struct gs_hold_aim *aim;   /* NULL: execs are held */
	const char *dir;                 /* see gs_hold_dir() */
	unsigned int hold_max_s;         /* 0: for ever */
	/*
	 * Whoever executes this file is held if he fits; not traced before, nor who has started
	 * him. NULL: only those of gs_keeper_seize().
	 */
	const char *exe;
	/* Who fits becomes this program instead of being held, see gs_tracer_wrap(). NULL: held. */
	const struct gs_hold_wrap *wrap;
	bool to_main;       /* who fits is told of by AT_EXEC, see gs_keeper_seek_main() */
	bool fails_stopped; /* see above; not where there is an aim */
};

enum gs_keeper_event_kind {
	GS_KEEPER_HELD,
	GS_KEEPER_HANDED_OVER,
	GS_KEEPER_DEBUGGED,
	GS_KEEPER_RELEASED, /* it runs on, or a debugger has let go of it */
	GS_KEEPER_ENDED,    /* it was held, or debugged, and is not there any more */
	GS_KEEPER_IDLE,    /* nothing is held, nor will be: all have ended, or the filter is done */
	GS_KEEPER_PASSED,  /* it has executed the file, or is a new thread, and could not be looked
			    * at;  not held */
	GS_KEEPER_MOVED,   /* another file is at the path, and watched from now on */
	GS_KEEPER_MISSING, /* none is; one is waited for */
	GS_KEEPER_BLIND,   /* the file is not watched any more: who should do it was killed */
	GS_KEEPER_WRAPPED, /* it was to be held, and is run by the other program now */
	GS_KEEPER_UNWRAPPED, /* that could not be done: it runs by itself */
	GS_KEEPER_LOADING,   /* a thread has loaded or unloaded a library, and stands still */
	GS_KEEPER_OVER,      /* the process has ended, or is another program: nobody will come */
	GS_KEEPER_AT_EXEC,   /* it is held there, and may be sent to main */
	GS_KEEPER_AT_ENTRY,  /* the same at the program's first instruction of its own */
};
struct gs_keeper_event {
	enum gs_keeper_event_kind kind;
	pid_t id;
	/*
	 * Of RELEASED: "asked to", "held for too long", ...; of PASSED, UNWRAPPED, OVER: why; of
	 * WRAPPED: its command line; of HELD: why not in main. What is longer is cut.
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
/* One that somebody has stopped goes on: whoever it traces stands still meanwhile. */
void gs_keeper_look(const struct gs_keeper *keeper);
/* One of those that wait; NODATA: none does. GONE: the keeper was killed. */
GS_MUST_CHECK struct gs_error *gs_keeper_next(struct gs_keeper *keeper,
					      struct gs_keeper_event *ret);
/* See gs_tracer_seize(). */
GS_MUST_CHECK struct gs_error *gs_keeper_seize(struct gs_keeper *keeper, pid_t pid);
GS_MUST_CHECK struct gs_error *gs_keeper_release_all(struct gs_keeper *keeper);

/*
 * Once: the threads of the aim's process are traced from now on, and caught at its places.
 * *why_ret: what is in the way of perf, for the caller to free, or NULL. Errors as of
 * gs_catcher_new() and gs_catcher_arm(): nothing is traced then.
 */
GS_MUST_CHECK struct gs_error *gs_keeper_catch(struct gs_keeper *keeper,
					       enum gs_catch_mechanism *ret, char **why_ret);
/* One place more. */
GS_MUST_CHECK struct gs_error *gs_keeper_arm(struct gs_keeper *keeper,
					     const struct gs_place *place);
/* Of LOADING. NODATA: it has gone on by itself. */
GS_MUST_CHECK struct gs_error *gs_keeper_go_on(struct gs_keeper *keeper, pid_t tid);

/* What becomes of one that comes to where it was sent. */
enum gs_keeper_then {
	GS_KEEPER_THEN_STAY,     /* HELD */
	GS_KEEPER_THEN_ASK,      /* AT_ENTRY */
	GS_KEEPER_THEN_ARGUMENT, /* it is sent to its first argument, and stays there: main */
};
/*
 * Of one that is held at its exec, or its entry: it runs on, and is no hold any more, until it
 * comes to @place. Errors as of gs_tracer_go_to(): it is held as it was.
 */
GS_MUST_CHECK struct gs_error *gs_keeper_go_to(struct gs_keeper *keeper, pid_t id,
					       enum gs_keeper_then then,
					       const struct gs_place *place);
/*
 * AT_EXEC and AT_ENTRY: finds main, or what leads there, and sends it. true: there is nothing to
 * tell of @event. Else it is HELD where it is, with the reason. Other events are left as they are.
 */
bool gs_keeper_seek_main(struct gs_keeper *keeper, struct gs_keeper_event *event);

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
