/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mechanism perf: each thread has its own hardware breakpoints.
 *
 * A thread that goes on from a hit does not hit again: the processor was told so (RF on x86, a
 * step on aarch64) when the breakpoint was reported, and that is part of the thread's state.
 */
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.h"
#include "perf_point.h"
#include "thread_registers.h"

/* A thread's descriptors, by the address's place; -1: none. */
struct points {
	int fds[GS_CATCH_ADDRESSES_MAX];
};

static struct points *points_of(struct gs_catch_thread *thread)
{
	struct points *points = thread->points;

	if (points)
		return points;
	points = malloc(sizeof(*points));
	for (size_t i = 0; points && i < GS_CATCH_ADDRESSES_MAX; i++)
		points->fds[i] = -1;
	thread->points = points;
	return points;
}

static void close_point(struct gs_catch_thread *thread, size_t i)
{
	struct points *points = thread->points;

	if (!points || points->fds[i] < 0)
		return;
	close(points->fds[i]);
	points->fds[i] = -1;
}

static struct gs_error *open_point(const struct gs_catcher *catcher, struct gs_catch_thread *thread,
				   size_t i)
{
	struct points *points = points_of(thread);
	struct gs_error *err;

	if (!points)
		return gs_error_nomem();
	err = gs_perf_point_open(thread->tid, catcher->addresses[i], &points->fds[i]);
	if (err && err->code == GS_ERROR_GONE) { /* its end is told by the kernel */
		gs_error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct gs_error *arm(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;
	size_t i = catcher->address_count;
	struct gs_error *err = NULL;

	while (!err && (thread = gs_catch_next(&catcher->threads, thread)))
		err = open_point(catcher, thread, i);
	thread = NULL;
	while (err && (thread = gs_catch_next(&catcher->threads, thread)))
		close_point(thread, i);
	return err;
}

static void disarm(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;

	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		for (size_t i = 0; i < catcher->address_count; i++)
			close_point(thread, i);
	}
}

static struct gs_error *join(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < catcher->address_count; i++)
		err = open_point(catcher, thread, i);
	return err;
}

static void forget(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	for (size_t i = 0; i < catcher->address_count; i++)
		close_point(thread, i);
	free(thread->points);
	thread->points = NULL;
}

static enum gs_catch_view view(struct gs_catcher *catcher, struct gs_catch_thread *thread,
			       int status)
{
	struct gs_thread_registers registers;
	siginfo_t info;

	if (status >> 16 || WSTOPSIG(status) != GS_PERF_POINT_SIGNAL ||
	    ptrace(PTRACE_GETSIGINFO, thread->tid, NULL, &info) < 0 || !gs_perf_point_is_hit(&info))
		return GS_CATCH_OTHER;
	if (!gs_thread_registers_get(thread->tid, &registers) ||
	    !gs_catch_is_armed(catcher, gs_thread_registers_pc(&registers)))
		return GS_CATCH_DROPPED;
	thread->at = gs_thread_registers_pc(&registers);
	return GS_CATCH_HIT;
}

/* One that was killed in its stop does not go on; its end is the next that is heard of it. */
static void resume(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal)
{
	(void)catcher;
	thread->at = 0;
	ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(long)signal);
}

const struct gs_catch_method gs_catch_perf = {
	.mechanism = GS_CATCH_PERF,
	.signal = GS_PERF_POINT_SIGNAL,
	.arm = arm,
	.disarm = disarm,
	.join = join,
	.forget = forget,
	.view = view,
	.resume = resume,
};
