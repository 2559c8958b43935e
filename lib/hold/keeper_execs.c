/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is held at an exec: of those that are traced, and of those that execute a marked file. */
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "exec_caller.h"
#include "keeper.h"

#define SETTLE_MS 2000

/* ---- what the tracer sees ---- */

static bool describe(const struct gs_execs *execs, const struct gs_traced *process,
		     struct gs_hold_record *ret)
{
	struct gs_proc proc = {.id.pid = process->id.pid};
	bool ok;

	gs_proc_know(&proc, GS_PROC_ALL);
	*ret = (struct gs_hold_record){0};
	ok = proc.state && gs_hold_record_begin(execs->holds, &proc, ret); /* it may be killed */
	if (ok) {
		ret->id = proc.id;
		gs_hold_record_add_ancestor(ret, process->id.pid, proc.comm);
		while ((process = process->parent))
			gs_hold_record_add_ancestor(ret, process->id.pid, process->comm);
	}
	gs_proc_deinit(&proc);
	return ok;
}

bool gs_execs_hold(struct gs_execs *execs, const struct gs_traced *process, struct gs_hold_at *at,
		   enum gs_keeper_event_kind kind, const char *reason)
{
	struct gs_hold_record record;

	if (!describe(execs, process, &record)) {
		gs_hold_record_deinit(&record);
		gs_hold_at_free(at);
		return false;
	}
	record.at = at;
	return gs_holds_add(execs->holds, &execs->holder, &record, kind, reason);
}

static bool hold(struct gs_execs *execs, const struct gs_traced *process)
{
	return gs_execs_hold(execs, process, NULL,
			     execs->to_main ? GS_KEEPER_AT_EXEC : GS_KEEPER_HELD, "");
}

static bool wrap(struct gs_execs *execs, const struct gs_traced *process)
{
	gs_autoerror struct gs_error *err =
		gs_tracer_wrap(execs->tracer, process->id.pid, execs->wrap);

	if (err)
		gs_holds_tell(execs->holds, GS_KEEPER_UNWRAPPED, process->id.pid, err->message);
	return !err;
}

/* One that was on its way to main has become another program: to that one's main, then. */
static bool is_wanted(struct gs_execs *execs, const struct gs_traced *process,
		      const struct gs_hold_candidate *candidate)
{
	if (gs_execs_stop_seek(execs, process->id.pid))
		return true;
	return !gs_hold_filter_is_done(execs->filter) &&
	       gs_hold_filter_take(execs->filter, candidate);
}

/* Whoever is not held waits for this, so no more of him is looked at than the filter needs. */
static bool on_exec(void *arg, const struct gs_traced *process)
{
	const struct gs_traced *parent = process->parent;
	struct gs_execs *execs = arg;
	struct gs_proc proc = {.id.pid = process->id.pid};
	const struct gs_hold_candidate candidate = {
		.proc = &proc,
		.depth = process->depth,
		.parent = parent ? parent->id.pid : 0,
		.parent_name = parent ? parent->comm : "",
	};
	bool is_held = is_wanted(execs, process, &candidate) &&
		       (execs->wrap ? wrap(execs, process) : hold(execs, process));

	gs_proc_deinit(&proc);
	return is_held;
}

static void on_ended(void *arg, const struct gs_traced *process, int status)
{
	struct gs_execs *execs = arg;
	(void)status;

	if (gs_execs_stop_seek(execs, process->id.pid))
		gs_holds_tell(execs->holds, GS_KEEPER_ENDED, process->id.pid,
			      "before it came to main");
	gs_holds_ended(execs->holds, process->id.pid);
}

static bool on_arrived(void *arg, const struct gs_traced *process)
{
	return gs_execs_arrived(arg, process);
}

static void on_wrapped(void *arg, const struct gs_traced *process, int code)
{
	struct gs_execs *execs = arg;
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(process->id.pid, &proc);
	gs_autofree char *text = code   ? gs_strf("%s: %s", execs->wrap->path, strerror(code))
				 : gone ? NULL
					: gs_proc_command_line(&proc);

	gs_holds_tell(execs->holds, code ? GS_KEEPER_UNWRAPPED : GS_KEEPER_WRAPPED, process->id.pid,
		      text ? text : "");
	gs_proc_deinit(&proc);
}

static const struct gs_trace_ops trace_ops = {
	.exec = on_exec, .ended = on_ended, .wrapped = on_wrapped, .arrived = on_arrived};

/* ---- who executes the file ---- */

/* He stands still: first of all he is answered. */
static void serve_exec(struct gs_execs *execs, const struct gs_gate_message *request)
{
	bool is_done = gs_hold_filter_is_done(execs->filter);
	bool is_spared = is_done || gs_exec_caller_is_spared(request->tid);
	bool is_nested =
		!is_spared && gs_exec_caller_is_nested(request->tid, request->dev, request->ino);
	gs_autoerror struct gs_error *err = NULL;

	if (!is_spared && !is_nested)
		err = gs_tracer_expect(execs->tracer, request->tid);
	gs_gate_answer(&execs->gate, request);
	if (err && err->code != GS_ERROR_GONE)
		gs_holds_tell(execs->holds, GS_KEEPER_PASSED, request->tid, err->message);
	if (is_nested && !execs->has_told_nested)
		gs_holds_tell(execs->holds, GS_KEEPER_PASSED, request->tid,
			      "it runs a script: watch that (this is told once)");
	execs->has_told_nested |= is_nested;
}

static void serve_gate(struct gs_execs *execs)
{
	struct gs_gate_message message;

	while (gs_gate_hear(&execs->gate, &message)) {
		if (message.word == GS_GATE_EXEC)
			serve_exec(execs, &message);
		else if (message.word == GS_GATE_LATE)
			gs_holds_tell(execs->holds, GS_KEEPER_PASSED, message.tid,
				      "the keeper was too busy");
		else
			gs_holds_tell(execs->holds,
				      message.word == GS_GATE_MOVED ? GS_KEEPER_MOVED
								    : GS_KEEPER_MISSING,
				      0, "");
	}
	if (execs->gate.fd < 0)
		gs_holds_tell(execs->holds, GS_KEEPER_BLIND, 0, "");
}

/* No one has to stand still for what will not be held. */
static void tend_gate(struct gs_execs *execs)
{
	if (gs_hold_filter_is_done(execs->filter))
		gs_gate_stop(&execs->gate);
	else
		gs_gate_look(&execs->gate);
}

/* ---- for the keeper ---- */

static void get_fds(const void *arg, int ret[GS_HOLDER_FDS])
{
	const struct gs_execs *execs = arg;

	ret[0] = gs_tracer_fd(execs->tracer);
	ret[1] = execs->gate.fd;
}

static void dispatch(void *arg)
{
	struct gs_execs *execs = arg;

	if (execs->gate.fd >= 0)
		serve_gate(execs);
	gs_tracer_dispatch(execs->tracer);
	if (execs->gate.fd >= 0)
		tend_gate(execs);
}

static int timeout_ms(const void *arg)
{
	const struct gs_execs *execs = arg;
	int ms = gs_tracer_timeout_ms(execs->tracer);

	if (execs->gate.fd >= 0 && (ms < 0 || ms > GS_GATE_LOOK_MS))
		return GS_GATE_LOOK_MS;
	return ms;
}

static bool is_waiting(const void *arg)
{
	const struct gs_execs *execs = arg;

	if (gs_tracer_unsettled(execs->tracer))
		return true;
	return (gs_tracer_count(execs->tracer) || execs->gate.fd >= 0) &&
	       !gs_hold_filter_is_done(execs->filter);
}

static void release(void *arg, pid_t id)
{
	struct gs_execs *execs = arg;

	gs_error_destroy(gs_tracer_release(execs->tracer, id));
}

static struct gs_error *hand_over(void *arg, pid_t id)
{
	struct gs_execs *execs = arg;

	return gs_tracer_hand_over(execs->tracer, id);
}

static void settle(void *arg)
{
	struct gs_execs *execs = arg;

	gs_execs_call_off(execs);
	gs_tracer_settle(execs->tracer, gs_deadline_in(SETTLE_MS));
}

static const struct gs_holder_ops holder_ops = {
	.fds = get_fds,
	.dispatch = dispatch,
	.timeout_ms = timeout_ms,
	.is_waiting = is_waiting,
	.release = release,
	.hand_over = hand_over,
	.settle = settle,
};

bool gs_execs_start(struct gs_execs *execs, struct gs_holds *holds,
		    const struct gs_keeper_inheritance *inheritance)
{
	struct gs_exec_mark mark = inheritance->mark;
	gs_autoerror struct gs_error *err = NULL;

	*execs = (struct gs_execs){.holder = {.ops = &holder_ops,
					      .arg = execs,
					      .wants_guard = !inheritance->fails_stopped},

				   .holds = holds,
				   .filter = inheritance->filter,
				   .wrap = inheritance->wrap,
				   .to_main = inheritance->to_main,
				   .gate.fd = -1};
	err = gs_tracer_new(&trace_ops, execs, &execs->tracer);
	if (!err && inheritance->fails_stopped)
		gs_tracer_fail_stopped(execs->tracer);
	return !err && (!mark.path || gs_gate_start(&execs->gate, &mark));
}
