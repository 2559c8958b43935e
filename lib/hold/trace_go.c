/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those of the tree that run to an address, and are held there.
 *
 * They come to it with a signal; that stop is made one that no signal has caused, so that they run
 * on if we are killed, and can be handed over as those that are held at their exec.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perf_point.h"
#include "trace.h"

struct gs_errand {
	int point_fd; /* -1: closed */
	bool is_there, is_off;
};

static void close_point(struct gs_errand *errand)
{
	if (errand->point_fd >= 0)
		close(errand->point_fd);
	errand->point_fd = -1;
}

/* Its threads are no concern of ours: when it is handed over, a debugger gets them all. */
static void leave_threads(const struct gs_tracer *tracer, struct gs_node *node)
{
	long options = tracer->options & ~PTRACE_O_TRACECLONE;

	if (node->expected)
		return; /* they are none anyway */
	ptrace(PTRACE_SETOPTIONS, node->traced.id.pid, NULL, (void *)options);
	node->has_errand_options = true;
}

void gs_trace_restore_options(const struct gs_tracer *tracer, struct gs_node *node)
{
	ptrace(PTRACE_SETOPTIONS, node->traced.id.pid, NULL, (void *)tracer->options);
	node->has_errand_options = false;
}

struct gs_error *gs_tracer_go_to(struct gs_tracer *tracer, pid_t pid, uint64_t address)
{
	gs_autofree struct gs_errand *errand = calloc(1, sizeof(*errand));
	struct gs_node *node;
	struct gs_error *err = gs_trace_find_held(tracer, pid, &node);

	if (!err && !errand)
		err = gs_error_nomem();
	if (!err)
		err = gs_perf_point_open(pid, address, &errand->point_fd);
	if (err)
		return err;
	node->errand = gs_take(errand);
	tracer->sent++;
	node->traced.held = false;
	leave_threads(tracer, node);
	gs_trace_is_free(tracer, node);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	return NULL;
}

void gs_trace_drop_errand(struct gs_tracer *tracer, struct gs_node *node)
{
	if (!node->errand)
		return;
	close_point(node->errand);
	free(node->errand);
	node->errand = NULL;
	tracer->sent--;
}

struct gs_error *gs_tracer_call_off(struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, pid);

	if (!node || !node->errand)
		return gs_error_create(GS_ERROR_NODATA, "process %d is on no way", (int)pid);
	close_point(node->errand);
	node->errand->is_off = true;
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	return NULL;
}

/* ---- stops ---- */

static bool is_hit(pid_t pid)
{
	siginfo_t info;

	return ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0 && gs_perf_point_is_hit(&info);
}

/* The signal is dropped, and a stop of our own follows at once. */
static void on_hit(struct gs_node *node)
{
	close_point(node->errand);
	node->errand->is_there = true;
	ptrace(PTRACE_INTERRUPT, node->traced.id.pid, NULL, NULL);
	ptrace(PTRACE_CONT, node->traced.id.pid, NULL, NULL);
}

static void on_interrupted(struct gs_tracer *tracer, struct gs_node *node)
{
	bool is_off = node->errand->is_off, is_there = node->errand->is_there;
	pid_t pid = node->traced.id.pid;

	if ((!is_off && !is_there) || gs_perf_point_is_pending(pid)) {
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		return;
	}
	gs_trace_drop_errand(tracer, node);
	node->traced.held = true;
	if (is_off || !tracer->ops->arrived(tracer->arg, &node->traced))
		gs_trace_let_run(tracer, node);
	else if (node->traced.held)
		gs_trace_queue_stop(tracer, node);
}

static void on_exec(struct gs_tracer *tracer, struct gs_node *node)
{
	gs_trace_drop_errand(tracer, node);
	if (node->has_errand_options)
		gs_trace_restore_options(tracer, node);
}

bool gs_trace_goes(struct gs_tracer *tracer, pid_t tid, int status)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);
	int event = status >> 16, signal = WSTOPSIG(status);

	if (!node || !node->errand)
		return false;
	if (event == PTRACE_EVENT_EXEC)
		on_exec(tracer, node);
	if (event == PTRACE_EVENT_STOP && signal == SIGTRAP)
		on_interrupted(tracer, node);
	else if (!event && signal == GS_PERF_POINT_SIGNAL && is_hit(tid))
		on_hit(node);
	else
		return false;
	return true;
}
