/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those of the tree that run to an address, and are held there.
 *
 * They come to it with a signal; that stop is made one that no signal has caused, so that they run
 * on if we are killed, and can be handed over as those that are held at their exec. Until then, a
 * guardian is there for the case that we are killed between the signal and its drop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>

#include "guardian.h"
#include "int3_bytes.h"
#include "perf_point.h"
#include "thread_registers.h"
#include "thread_state.h"
#include "trace.h"

struct gs_errand {
	uint64_t address;
	int point_fd;             /* -1: closed, or there is none, but */
	struct gs_int3_byte byte; /* in its text */
	bool has_byte;
	struct gs_guard guard;
	bool is_there, is_off;
};

static void close_point(struct gs_errand *errand)
{
	if (errand->point_fd >= 0)
		close(errand->point_fd);
	errand->point_fd = -1;
	if (errand->has_byte)
		gs_int3_take_out(errand->guard.mem_fd, &errand->byte);
}

static void free_errand(struct gs_errand *errand)
{
	close_point(errand);
	gs_guard_stop(&errand->guard);
	free(errand);
}

/* Nobody but its first thread comes there, and that once. */
static struct gs_error *put_byte(struct gs_errand *errand)
{
	static const struct gs_int3_bytes none;
	struct gs_int3_bytes one = {.count = 1};
	struct gs_error *err =
		gs_int3_look(errand->guard.mem_fd, &none, errand->address, &errand->byte);

	if (err)
		return err;
	one.bytes[0] = errand->byte;
	gs_guardian_set_bytes(&errand->guard.guardian, &one, "");
	err = gs_int3_put(errand->guard.mem_fd, &errand->byte);
	errand->has_byte = !err;
	return err;
}

/* If there is no breakpoint instruction to be had either, that is the lesser news. */
static struct gs_error *open_point(struct gs_errand *errand, pid_t pid)
{
	struct gs_error *err = gs_perf_point_open(pid, errand->address, &errand->point_fd);
	gs_autoerror struct gs_error *worse = NULL;

	if (!err)
		return NULL;
	worse = put_byte(errand);
	if (worse)
		return err;
	gs_error_destroy(err);
	return NULL;
}

static struct gs_error *new_errand(pid_t pid, uint64_t address, struct gs_errand **ret)
{
	struct gs_errand *errand = calloc(1, sizeof(*errand));
	struct gs_error *err;

	if (!errand)
		return gs_error_nomem();
	*errand = (struct gs_errand){.address = address, .point_fd = -1};
	err = gs_guard_start(&errand->guard, pid);
	if (!err)
		err = open_point(errand, pid);
	if (err)
		free_errand(errand);
	else
		*ret = errand;
	return err;
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

struct gs_error *gs_tracer_go_to(struct gs_tracer *tracer, pid_t pid, uint64_t address,
				 enum gs_catch_mechanism *ret)
{
	struct gs_node *node;
	struct gs_error *err = gs_trace_find_held(tracer, pid, &node);

	if (!err)
		err = new_errand(pid, address, &node->errand);
	if (err)
		return err;
	*ret = node->errand->has_byte ? GS_CATCH_INT3 : GS_CATCH_PERF;
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
	free_errand(node->errand);
	node->errand = NULL;
	tracer->sent--;
}

void gs_trace_guardian_ended(const struct gs_tracer *tracer, pid_t pid)
{
	for (size_t i = 0; tracer->sent && i < tracer->tree.bucket_count; i++) {
		for (struct gs_node *node = tracer->tree.buckets[i]; node; node = node->next) {
			if (node->errand)
				gs_guardian_ended(&node->errand->guard.guardian, pid);
		}
	}
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

static bool is_hit(const struct gs_errand *errand, pid_t pid)
{
	struct gs_thread_registers registers;
	siginfo_t info;

	if (!errand->has_byte)
		return ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0 &&
		       gs_perf_point_is_hit(&info);
	/* Behind the breakpoint instruction; it is to execute what was there. */
	if (!gs_thread_registers_get(pid, &registers) ||
	    gs_thread_registers_pc(&registers) != errand->address + 1)
		return false;
	gs_thread_registers_set_pc(&registers, errand->address);
	return gs_thread_registers_set(pid, &registers);
}

/* The signal of its arrival, which may come after it was called off. */
static bool is_pending(const struct gs_errand *errand, pid_t pid)
{
	struct gs_thread_state state;

	if (!errand->has_byte)
		return gs_perf_point_is_pending(pid);
	return gs_thread_state_read(pid, &state) && gs_thread_state_has(&state, SIGTRAP);
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

	if ((!is_off && !is_there) || is_pending(node->errand, pid)) {
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
	if (event == PTRACE_EVENT_STOP)
		gs_guardian_set_stopped(&node->errand->guard.guardian, signal != SIGTRAP);
	if (event == PTRACE_EVENT_STOP && signal == SIGTRAP)
		on_interrupted(tracer, node);
	else if (!event && (signal == GS_PERF_POINT_SIGNAL || signal == SIGTRAP) &&
		 is_hit(node->errand, tid))
		on_hit(node);
	else
		return false;
	return true;
}
