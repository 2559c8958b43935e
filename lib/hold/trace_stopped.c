/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is held stays stopped if the tracer is killed: it has a SIGSTOP before it, which it takes
 * when the kernel lets it go. Before it runs by our will, the signal comes to us, and is dropped.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perf_point.h"
#include "trace.h"

void gs_tracer_fail_stopped(struct gs_tracer *tracer)
{
	tracer->fails_stopped = true;
}

void gs_trace_queue_stop(const struct gs_tracer *tracer, struct gs_node *node)
{
	pid_t pid = node->traced.id.pid;

	if (tracer->fails_stopped)
		node->stop_queued = syscall(SYS_tgkill, pid, pid, SIGSTOP) == 0;
}

/* A SIGCONT from elsewhere may have taken it away. */
bool gs_trace_is_free(struct gs_tracer *tracer, struct gs_node *node)
{
	bool is_pending = node->stop_queued && gs_perf_point_is_pending(node->traced.id.pid);

	node->stop_queued = false;
	if (is_pending && !node->draining) {
		node->draining = true;
		tracer->draining++;
	}
	return !is_pending;
}

void gs_trace_drop_stop(struct gs_tracer *tracer, struct gs_node *node)
{
	if (node->draining)
		tracer->draining--;
	node->draining = false;
}

static bool is_ours(pid_t pid)
{
	siginfo_t info;

	return ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0 && info.si_code == SI_TKILL &&
	       info.si_pid == getpid();
}

bool gs_trace_drains(struct gs_tracer *tracer, pid_t tid, int status)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);

	if (!node || !node->draining || status >> 16 || WSTOPSIG(status) != SIGSTOP ||
	    !is_ours(tid))
		return false;
	gs_trace_drop_stop(tracer, node);
	if (node->leaving)
		gs_expect_part(tracer, node, 0);
	else
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	return true;
}

void gs_trace_continue_draining(const struct gs_tracer *tracer)
{
	for (size_t i = 0; tracer->draining && i < tracer->tree.bucket_count; i++) {
		for (struct gs_node *node = tracer->tree.buckets[i]; node; node = node->next) {
			if (node->draining)
				kill(node->traced.id.pid, SIGCONT);
		}
	}
}
