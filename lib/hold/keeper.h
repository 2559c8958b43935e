/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the front end's side of the keeper, and the keeper itself. */
#ifndef HOLD_KEEPER_H
#define HOLD_KEEPER_H

#include <guestscope/hold/keeper.h>
#include <guestscope/hold/trace.h>

#include "exec_mark.h"

#define GS_KEEPER_PACKET_MAX 4096

/* What the keeper has when it begins; all of it is its own. */
struct gs_keeper_inheritance {
	struct gs_hold_filter *filter;
	const char *dir;
	unsigned int hold_max_s;
	int event_fd;             /* to the front end; its end is the keeper's */
	int listen_fd;            /* DIR/PID.socket */
	struct gs_exec_mark mark; /* path NULL: none */
};
__attribute__((noreturn)) void gs_keeper_main(const struct gs_keeper_inheritance *inheritance);

const char *gs_keeper_dir(const struct gs_keeper *keeper);
/* The file's name in DIR; the caller frees. NULL: out of memory. */
char *gs_keeper_socket_name(pid_t keeper);

/* ---- what it holds: keeper_holds.c ---- */

struct gs_hold;
struct gs_holds {
	struct gs_hold *first;
	struct gs_tracer *tracer;
	struct gs_proc_id keeper;
	const char *dir;
	unsigned int hold_max_s;
	int event_fd;
};
void gs_holds_tell(struct gs_holds *holds, enum gs_keeper_event_kind kind, pid_t id,
		   const char *reason);
/* One that the tracer is about to hold. false: out of memory; it is to run on, then. */
bool gs_holds_add(struct gs_holds *holds, const struct gs_traced *process,
		  const struct gs_proc *proc);
void gs_holds_ended(struct gs_holds *holds, pid_t id);
GS_MUST_CHECK struct gs_error *gs_holds_release(struct gs_holds *holds, pid_t id);
void gs_holds_release_all(struct gs_holds *holds);
GS_MUST_CHECK struct gs_error *gs_holds_hand_over(struct gs_holds *holds, pid_t id, bool resume);
/* Whose time is over, and who has a debugger by now, or none any more. */
void gs_holds_look(struct gs_holds *holds);
int gs_holds_timeout_ms(const struct gs_holds *holds); /* until then; -1: never */

/* ---- requests: keeper_ask.c, keeper_reply.c ---- */

/* What one can ask a keeper for. */
struct gs_keeper_service {
	struct gs_error *(*seize)(void *arg, pid_t pid);
	struct gs_error *(*release)(void *arg, pid_t id);
	struct gs_error *(*release_all)(void *arg);
	struct gs_error *(*hand_over)(void *arg, pid_t id, bool resume);
};
/* The reply's text to a request; the caller frees. NULL: out of memory. */
char *gs_keeper_answer(const struct gs_keeper_service *service, void *arg, const char *request,
		       size_t size);

#endif
