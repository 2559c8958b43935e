/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those of the tree that are to become another program: from their exec to the next. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <guestscope/base/time.h>

#include "trace.h"
#include "wrap.h"

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static void step(pid_t pid, int signal)
{
	ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
}

struct gs_error *gs_tracer_wrap(struct gs_tracer *tracer, pid_t pid,
				const struct gs_hold_wrap *wrap)
{
	struct gs_node *node;
	struct gs_error *err = gs_trace_find_held(tracer, pid, &node);

	if (!err)
		err = gs_injection_begin(pid, wrap, &node->injection);
	if (err)
		return err;
	tracer->injected++;
	node->traced.held = false;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(tracer->options | PTRACE_O_TRACESYSGOOD));
	step(pid, 0);
	return NULL;
}

void gs_trace_drop_injection(struct gs_tracer *tracer, struct gs_node *node)
{
	if (!node->injection)
		return;
	gs_injection_free(node->injection);
	node->injection = NULL;
	tracer->injected--;
}

/* It may trace its own children, so we do not. */
static void finish(struct gs_tracer *tracer, struct gs_node *node)
{
	gs_trace_drop_injection(tracer, node);
	tracer->ops->wrapped(tracer->arg, &node->traced, 0);
	ptrace(PTRACE_DETACH, node->traced.id.pid, NULL, NULL);
	if (node->expected)
		tracer->expected--;
	gs_tree_remove(&tracer->tree, node);
}

static void fail(struct gs_tracer *tracer, struct gs_node *node, int code)
{
	gs_injection_undo(node->injection, node->traced.id.pid);
	gs_trace_drop_injection(tracer, node);
	tracer->ops->wrapped(tracer->arg, &node->traced, code);
	gs_trace_let_run(tracer, node);
}

/* A signal that is not for us may end it, or stop it, as at any other moment. */
bool gs_trace_wraps(struct gs_tracer *tracer, pid_t tid, int status)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);
	int event = status >> 16, signal = WSTOPSIG(status), code;

	if (!node || !node->injection)
		return false;
	if (event == PTRACE_EVENT_EXEC)
		finish(tracer, node);
	else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	else if (event)
		step(tid, 0);
	else if (signal != SYSCALL_STOP)
		step(tid, signal);
	else if (gs_injection_has_failed(node->injection, tid, &code))
		fail(tracer, node, code);
	else
		step(tid, 0);
	return true;
}

/* ---- the tracer's end ---- */

size_t gs_tracer_unsettled(const struct gs_tracer *tracer)
{
	return tracer->injected + tracer->sent + tracer->draining;
}

void gs_tracer_settle(struct gs_tracer *tracer, uint64_t deadline_ms)
{
	struct pollfd fd = {.fd = tracer->signal_fd, .events = POLLIN};

	while (gs_tracer_unsettled(tracer) && !gs_deadline_passed(deadline_ms)) {
		poll(&fd, 1, gs_deadline_poll_ms(deadline_ms));
		gs_tracer_dispatch(tracer);
	}
	gs_trace_continue_draining(tracer);
}
