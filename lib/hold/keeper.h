/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the front end's side of the keeper, and the keeper itself. */
#ifndef HOLD_KEEPER_H
#define HOLD_KEEPER_H

#include <guestscope/hold/keeper.h>
#include <guestscope/hold/trace.h>

#include "exec_mark.h"
#include "gate.h"
#include "guardian.h"

#define GS_KEEPER_PACKET_MAX 32768 /* a place has two paths */

/* What the keeper has when it begins; all of it is its own. */
struct gs_keeper_inheritance {
	struct gs_hold_filter *filter;  /* NULL: there is an aim */
	const struct gs_hold_aim *aim;  /* NULL: execs are held */
	struct gs_condition *condition; /* of the aim; NULL: none */
	const char *dir;
	unsigned int hold_max_s;
	const struct gs_hold_wrap *wrap; /* NULL: none */
	bool to_main, fails_stopped;
	int event_fd;             /* to the front end; its end is the keeper's */
	int listen_fd;            /* DIR/PID.socket */
	struct gs_exec_mark mark; /* path NULL: none */
};
__attribute__((noreturn)) void gs_keeper_main(const struct gs_keeper_inheritance *inheritance);

void gs_keeper_wake(const struct gs_keeper *keeper);
const char *gs_keeper_dir(const struct gs_keeper *keeper);
/* The file's name in DIR; the caller frees. NULL: out of memory. */
char *gs_keeper_socket_name(pid_t keeper);

/* ---- who traces ---- */

/* A tree of processes, held at an exec, or the threads of one process, held at a call. */
#define GS_HOLDER_FDS 2
struct gs_holder_ops {
	/* One of them is readable when dispatch() has something to do; -1: none. */
	void (*fds)(const void *arg, int ret[GS_HOLDER_FDS]);
	void (*dispatch)(void *arg);
	/* When it is to be called even so; -1: never. */
	int (*timeout_ms)(const void *arg);
	/* Whether somebody may come who will be held. */
	bool (*is_waiting)(const void *arg);
	/* A held one runs on. */
	void (*release)(void *arg, pid_t id);
	/* A held one, and all that are held of its process, are stopped (T) and not traced. */
	GS_MUST_CHECK struct gs_error *(*hand_over)(void *arg, pid_t id);
	/* Before the keeper ends: what was begun with somebody is brought to its end. */
	void (*settle)(void *arg);
};
struct gs_holder {
	const struct gs_holder_ops *ops;
	void *arg;
	/* Whoever was handed over, and is to run on if we are killed, has no guardian of its own.
	 */
	bool wants_guard;
};

/* ---- what is held: keeper_holds.c ---- */

struct gs_hold;
struct gs_holds {
	struct gs_hold *first;
	struct gs_proc_id keeper;
	const char *dir;
	unsigned int hold_max_s;
	int event_fd;
};
void gs_holds_tell(struct gs_holds *holds, enum gs_keeper_event_kind kind, pid_t id,
		   const char *reason);
/* One that its holder is about to hold. Takes what is in @record. @kind, @reason: what is told. */
GS_MUST_CHECK bool gs_holds_add(struct gs_holds *holds, const struct gs_holder *holder,
				struct gs_hold_record *record, enum gs_keeper_event_kind kind,
				const char *reason);
/* Its holder has let it run for the moment: nothing is told. */
void gs_holds_forget(struct gs_holds *holds, pid_t id);
void gs_holds_ended(struct gs_holds *holds, pid_t id);
/* The same of all that a holder holds. */
void gs_holds_ended_all(struct gs_holds *holds, const struct gs_holder *holder);
GS_MUST_CHECK struct gs_error *gs_holds_release(struct gs_holds *holds, pid_t id);
void gs_holds_release_all(struct gs_holds *holds);
GS_MUST_CHECK struct gs_error *gs_holds_hand_over(struct gs_holds *holds, pid_t id, bool resume);
/* Whose time is over, and who has a debugger by now, or none any more. */
void gs_holds_look(struct gs_holds *holds);
int gs_holds_timeout_ms(const struct gs_holds *holds); /* until then; -1: never */

/* ---- records: keeper_record.c ---- */

/* All but the thread, the lineage and the place. false: out of memory; to be freed even so. */
GS_MUST_CHECK bool gs_hold_record_begin(const struct gs_holds *holds, const struct gs_proc *proc,
					struct gs_hold_record *ret);
/* First itself, then who has forked the one before; there is a limit. */
void gs_hold_record_add_ancestor(struct gs_hold_record *record, pid_t pid, const char *name);

/* ---- keeper_execs.c: a tree of processes, and who executes a marked file ---- */

struct gs_execs {
	struct gs_holder holder;
	struct gs_holds *holds;
	struct gs_hold_filter *filter;
	const struct gs_hold_wrap *wrap; /* NULL: they are held */
	struct gs_tracer *tracer;
	struct gs_gate gate;
	bool has_told_nested;  /* a shell's scripts are many */
	bool to_main;          /* the front end is asked where to hold them */
	struct gs_seek *seeks; /* see keeper_seeks.c */
};
/* false: it could not be done. */
GS_MUST_CHECK bool gs_execs_start(struct gs_execs *execs, struct gs_holds *holds,
				  const struct gs_keeper_inheritance *inheritance);

/* It is held by the tracer: so it is written down, and told as @kind. Takes @at, NULL: its exec. */
GS_MUST_CHECK bool gs_execs_hold(struct gs_execs *execs, const struct gs_traced *process,
				 struct gs_hold_at *at, enum gs_keeper_event_kind kind,
				 const char *reason);

/* ---- keeper_seeks.c: those that were sent to an address ---- */

/* See gs_keeper_go_to(). */
GS_MUST_CHECK struct gs_error *gs_execs_go_to(struct gs_execs *execs, pid_t pid,
					      enum gs_keeper_then then,
					      const struct gs_place *place);
/* See gs_trace_ops.arrived. */
bool gs_execs_arrived(struct gs_execs *execs, const struct gs_traced *process);
/* Whether it was on its way; it will not come. */
bool gs_execs_stop_seek(struct gs_execs *execs, pid_t pid);
/* All of them run on, and are not held. */
void gs_execs_call_off(struct gs_execs *execs);

/* ---- keeper_calls.c: the threads of one process ---- */

#define GS_CALLS_LOADING_MAX 8
struct gs_calls {
	struct gs_holder holder;
	struct gs_holds *holds;
	const struct gs_hold_aim *aim;
	const struct gs_condition *condition;
	struct gs_proc_id process;
	struct gs_catcher *catcher; /* NULL: not yet, or not any more */
	enum gs_catch_mechanism mechanism;
	struct gs_places places;
	unsigned int fitting; /* that have come */
	bool done;            /* nobody else will be held */
	bool over;            /* nobody else will come */
	bool has_told_unarmed;
	bool fresh; /* somebody was held, and the others run yet */
	struct gs_calls_loading {
		pid_t tid; /* 0: none */
		uint64_t deadline_ms;
	} loading[GS_CALLS_LOADING_MAX]; /* who stands at the loader's address */
};
void gs_calls_init(struct gs_calls *calls, struct gs_holds *holds, const struct gs_hold_aim *aim,
		   const struct gs_condition *condition);
/* See gs_keeper_catch(), gs_keeper_arm(), gs_keeper_go_on(). */
GS_MUST_CHECK struct gs_error *gs_calls_catch(struct gs_calls *calls, char **why_ret);
GS_MUST_CHECK struct gs_error *gs_calls_arm(struct gs_calls *calls, const struct gs_place *place);
GS_MUST_CHECK struct gs_error *gs_calls_go_on(struct gs_calls *calls, pid_t tid);

/* ---- keeper_call.c: one of them that is held ---- */

/* The caller frees. NULL: out of memory. @condition may be NULL. */
struct gs_hold_at *gs_hold_at_new(const struct gs_place *place, enum gs_catch_mechanism mechanism,
				  const char *condition, const struct gs_call *call);

/* false: out of memory; to be freed even so. */
GS_MUST_CHECK bool gs_call_describe(const struct gs_calls *calls, const struct gs_place *place,
				    const struct gs_call *call, struct gs_hold_record *ret);

/* ---- requests: keeper_ask.c, keeper_reply.c ---- */

/* What one can ask a keeper for. */
struct gs_keeper_service {
	struct gs_error *(*seize)(void *arg, pid_t pid);
	struct gs_error *(*release)(void *arg, pid_t id);
	struct gs_error *(*release_all)(void *arg);
	struct gs_error *(*hand_over)(void *arg, pid_t id, bool resume);
	struct gs_error *(*catch)(void *arg, struct gs_json *result);
	struct gs_error *(*arm)(void *arg, const struct gs_place *place);
	struct gs_error *(*go_on)(void *arg, pid_t id);
	struct gs_error *(*go_to)(void *arg, pid_t id, enum gs_keeper_then then,
				  const struct gs_place *place);
};
/* The reply's text to a request; the caller frees. NULL: out of memory. */
extern const char *const gs_keeper_then_names[]; /* "stay", "ask", "argument"; NULL */
char *gs_keeper_answer(const struct gs_keeper_service *service, void *arg, const char *request,
		       size_t size);

#endif
