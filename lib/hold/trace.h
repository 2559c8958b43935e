/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the tracer. */
#ifndef HOLD_TRACE_H
#define HOLD_TRACE_H

#include <guestscope/hold/trace.h>

/* ---- trace_tree.c: who is there ---- */

struct gs_node {
	struct gs_traced traced; /* what others see of it; first, so that one is the other */
	unsigned int references; /* children, and one of the table's own while it has not ended */
	bool is_named;           /* comm is what it is called as the program that it is */
	bool parked;             /* stopped before anyone has said who it is */
	bool expected;           /* in the tree until its exec is over */
	bool leaving;            /* an expected one that was asked to stop, so as to be let go */
	uint64_t deadline_ms;    /* of an expected one's exec */
	pid_t process;           /* an expected thread's */
	struct gs_injection *injection; /* one that is to become another program; else NULL */
	struct gs_errand *errand;       /* one that is on its way to an address; else NULL */
	bool has_errand_options;        /* the threads that it makes are not traced */
	bool stop_queued;               /* SIGSTOP, by us, for when we are killed */
	bool draining;                  /* it runs on, and is to get rid of that first */
	struct gs_node *next;           /* in its bucket */
};

struct gs_tree {
	struct gs_node **buckets;
	size_t bucket_count, count;
};

GS_MUST_CHECK struct gs_error *gs_tree_init(struct gs_tree *tree);
void gs_tree_deinit(struct gs_tree *tree);
struct gs_node *gs_tree_find(const struct gs_tree *tree, pid_t pid);
/* The one that is there, or a new one without parent; NULL: out of memory. */
struct gs_node *gs_tree_add(struct gs_tree *tree, pid_t pid);
/* The same process, by another number, which none has. */
void gs_tree_rename(struct gs_tree *tree, struct gs_node *node, pid_t pid);
/* One that is there only for its descendants, none of the table's; NULL: out of memory. */
struct gs_node *gs_tree_new_ancestor(pid_t pid);
/* Once. */
void gs_tree_set_parent(struct gs_node *node, struct gs_node *parent);
/* It has ended, or is not ours any more: its children keep it. */
void gs_tree_remove(struct gs_tree *tree, struct gs_node *node);

/* ---- trace.c: what its files share ---- */

struct gs_tracer {
	const struct gs_trace_ops *ops;
	void *arg;
	struct gs_tree tree;
	int signal_fd;
	long options;
	size_t parked;   /* see there */
	size_t expected; /* held ones, too */
	size_t injected; /* see gs_node.injection */
	size_t sent;     /* see gs_node.errand */
	size_t draining;
	bool fails_stopped;
};
/* A held one that is to run, or to be asked for more. NODATA: it is not held. */
GS_MUST_CHECK struct gs_error *gs_trace_find_held(const struct gs_tracer *tracer, pid_t pid,
						  struct gs_node **ret);
/* One in a stop runs on, and stays in the tree unless it was only expected. */
void gs_trace_let_run(struct gs_tracer *tracer, struct gs_node *node);

/* ---- trace_go.c: those that are on their way to an address ---- */

/* What it makes from now on is the tree's, as before its errand. */
void gs_trace_restore_options(const struct gs_tracer *tracer, struct gs_node *node);

/* Whether @tid is one, and the stop was dealt with. */
bool gs_trace_goes(struct gs_tracer *tracer, pid_t tid, int status);
/* This child of ours has ended: it may be the guardian of one. */
void gs_trace_guardian_ended(const struct gs_tracer *tracer, pid_t pid);
/* It has ended, or is another program. */
void gs_trace_drop_errand(struct gs_tracer *tracer, struct gs_node *node);

/* ---- trace_stopped.c: those that stay stopped when the tracer is killed ---- */

/* One that is held from now on. */
void gs_trace_queue_stop(const struct gs_tracer *tracer, struct gs_node *node);
/* One that is about to run. false: it has to get rid of its SIGSTOP, and is not to be detached. */
bool gs_trace_is_free(struct gs_tracer *tracer, struct gs_node *node);
/* Whether this is the stop of that SIGSTOP; it was dealt with then. */
bool gs_trace_drains(struct gs_tracer *tracer, pid_t tid, int status);
void gs_trace_drop_stop(struct gs_tracer *tracer, struct gs_node *node);
/* The last resort for those that have not come to it. */
void gs_trace_continue_draining(const struct gs_tracer *tracer);

/* ---- trace_wrap.c: those that are to become another program ---- */

/* Whether @tid is one; then the stop was dealt with. */
bool gs_trace_wraps(struct gs_tracer *tracer, pid_t tid, int status);
/* It has ended. */
void gs_trace_drop_injection(struct gs_tracer *tracer, struct gs_node *node);

/* ---- trace_expect.c: those that are expected to become another program ---- */

/* Those that have taken too long are asked to stop. */
void gs_expect_hurry(const struct gs_tree *tree);
/* Whether this is the stop of one that was asked to; it is let go then. */
bool gs_expect_leaves(struct gs_tracer *tracer, pid_t tid, int status);
/* @pid has become another program; the expected thread that has done so has its number now. */
struct gs_node *gs_expect_rename(struct gs_tracer *tracer, pid_t pid);
/* An expected one, which is in a stop, is not ours any more. */
void gs_expect_part(struct gs_tracer *tracer, struct gs_node *node, int signal);
/* One that is gone already, or is about to. */
void gs_expect_remove(struct gs_tracer *tracer, struct gs_node *node);

/* ---- trace_seize.c: into a tracer's hands ---- */

struct gs_seizing {
	long options; /* PTRACE_O_... */
	/*
	 * PTRACE_SEIZE waits for an exec in that process. That waits for the end of the process's
	 * other threads; and one that is traced has not ended before its tracer has waited for it.
	 * So this is called all few ms meanwhile: all that there is to wait for is to be waited
	 * for. The process's SIGALRM is taken for that time, and is to be nobody else's.
	 */
	void (*meanwhile)(void *arg);
	void (*seized)(void *arg, pid_t tid); /* this one is ours from now on; may be NULL */
	void *arg;
};
/* 0, or errno; ETIMEDOUT: there is an exec that does not get on. */
int gs_seize_thread(const struct gs_seizing *seizing, pid_t tid);
/*
 * All threads of a process; of those that have been seized when one is refused, none is let go.
 * EBUSY: it makes threads faster than they can be seized.
 */
int gs_seize_process(const struct gs_seizing *seizing, pid_t pid);

/* ---- trace_refusal.c: who cannot be seized, and why ---- */

/* Whether this thread is traced by the one that calls. */
bool gs_trace_is_ours(pid_t tid);
/* What has kept PTRACE_SEIZE, with this errno. */
GS_MUST_CHECK struct gs_error *gs_trace_refusal(pid_t pid, int code);
/* The process that a thread belongs to; 0: it is gone. */
pid_t gs_process_of_thread(pid_t tid);

#endif
