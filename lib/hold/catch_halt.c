/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All threads together: halted, let go, or handed over to a debugger. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "catch.h"
#include "thread_state.h"

#define PATIENCE_MS 2000
#define LOOK_MS 1 /* for what nobody tells us of */

/* ---- halted for others ---- */

static void halt(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;

	if (catcher->halting++)
		return;
	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		if (thread->state == GS_CATCH_RUNS || thread->state == GS_CATCH_LISTENS)
			ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL);
	}
}

void gs_catch_unhalt(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;

	if (--catcher->halting)
		return;
	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		if (thread->state == GS_CATCH_HALTED)
			gs_catch_run(catcher, thread, 0);
	}
}

static struct gs_error *find_kept(const struct gs_catcher *catcher, pid_t tid,
				  struct gs_catch_thread **ret)
{
	struct gs_catch_thread *thread = gs_catch_find(&catcher->threads, tid);

	if (!thread || thread->state != GS_CATCH_KEPT)
		return gs_error_create(GS_ERROR_NODATA, "thread %d is not held", (int)tid);
	*ret = thread;
	return NULL;
}

void gs_catcher_stop_others(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;

	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		if (thread->state != GS_CATCH_KEPT || thread->halts_others)
			continue;
		thread->halts_others = true;
		halt(catcher);
	}
}

static void release(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	bool was_halting = thread->halts_others;

	catcher->kept--;
	thread->halts_others = false;
	thread->state = GS_CATCH_HALTED;
	if (was_halting)
		gs_catch_unhalt(catcher);
	if (!catcher->halting && thread->state == GS_CATCH_HALTED)
		gs_catch_run(catcher, thread, 0);
}

struct gs_error *gs_catcher_release(struct gs_catcher *catcher, pid_t tid)
{
	struct gs_catch_thread *thread = NULL;
	struct gs_error *err = find_kept(catcher, tid, &thread);

	if (!err)
		release(catcher, thread);
	return err;
}

/* ---- nothing of ours is on its way ---- */

void gs_catch_await(struct gs_catcher *catcher, int ms)
{
	struct pollfd p = {.fd = catcher->signal_fd, .events = POLLIN};

	(void)poll(&p, 1, ms);
	gs_catch_drain(catcher);
}

/*
 * Whether the mechanism's signal is on its way. The kernel takes it from where it is pending and
 * begins the stop at once: who looks in this order finds it in one of both.
 */
static bool has_signal(const struct gs_catcher *catcher, const struct gs_catch_thread *thread)
{
	struct gs_thread_state state;
	struct gs_proc_stat stat;

	if (gs_thread_state_read(thread->tid, &state) &&
	    gs_thread_state_has(&state, catcher->method->signal))
		return true;
	return thread->state == GS_CATCH_RUNS && gs_proc_stat(thread->tid, &stat) &&
	       stat.state == 't';
}

/* A halted one has to run for its signal to come, and does not get far. One that is stopped as all
 * are loses it by SIGCONT. */
static bool is_clean(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	const struct gs_catch_method *method = catcher->method;
	bool is_halted = thread->state == GS_CATCH_HALTED;

	if (catcher->halting && !is_halted && thread->state != GS_CATCH_KEPT)
		return false; /* it is asked to */
	if (thread->state == GS_CATCH_KEPT || thread->state == GS_CATCH_LISTENS)
		return true;
	if (is_halted && method->is_settled && !method->is_settled(catcher, thread)) {
		gs_catch_run(catcher, thread, 0);
		return false;
	}
	if (!has_signal(catcher, thread) || (is_halted && thread->is_group_stop))
		return true;
	if (is_halted) {
		thread->state = GS_CATCH_RUNS; /* without being asked: the signal comes first */
		method->resume(catcher, thread, 0);
	}
	return false;
}

static bool is_all_clean(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;
	bool is = true;

	while ((thread = gs_catch_next(&catcher->threads, thread)))
		is &= is_clean(catcher, thread);
	return is;
}

static bool settle(struct gs_catcher *catcher)
{
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);
	bool is_settled;

	gs_catch_drain(catcher);
	while (!(is_settled = is_all_clean(catcher)) && !gs_deadline_passed(deadline_ms))
		gs_catch_await(catcher, LOOK_MS);
	gs_catch_drain(catcher);
	return is_settled;
}

/* Those that cannot stop now sleep in the kernel: a vfork() whose child has not executed yet. */
static struct gs_catch_thread *find_running(const struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;

	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		if (thread->state == GS_CATCH_RUNS || thread->state == GS_CATCH_LISTENS)
			return thread;
	}
	return NULL;
}

static struct gs_error *halt_all(struct gs_catcher *catcher)
{
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);
	struct gs_catch_thread *thread;

	halt(catcher);
	while ((thread = find_running(catcher)) && !gs_deadline_passed(deadline_ms))
		gs_catch_await(catcher, gs_deadline_poll_ms(deadline_ms));
	if (!thread)
		return NULL;
	gs_catch_unhalt(catcher);
	return gs_error_create(GS_ERROR_BUSY,
			       "thread %d sleeps in the kernel and cannot stop now, as in vfork()",
			       (int)thread->tid);
}

bool gs_catch_let_go(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread = NULL;
	gs_autoerror struct gs_error *err = NULL;
	bool is_settled;

	catcher->is_leaving = true;
	if (catcher->method->halts)
		err = halt_all(catcher);
	gs_catcher_disarm(catcher);
	if (catcher->method->halts)
		(void)settle(catcher);
	while ((thread = gs_catch_next(&catcher->threads, thread))) {
		if (thread->state == GS_CATCH_KEPT)
			release(catcher, thread);
	}
	if (catcher->halting)
		gs_catch_unhalt(catcher);
	is_settled = settle(catcher);
	return is_settled && !err;
}

/* ---- by another mechanism ---- */

static void change_thread(struct gs_catcher *catcher, struct gs_catch_thread *thread,
			  const struct gs_catch_method *method)
{
	if (catcher->method->forget)
		catcher->method->forget(catcher, thread);
	ptrace(PTRACE_SETOPTIONS, thread->tid, NULL, (void *)gs_catch_options(method));
}

/* Options are changed only in a stop. */
struct gs_error *gs_catcher_change(struct gs_catcher *catcher, enum gs_catch_mechanism mechanism)
{
	const struct gs_catch_method *method = gs_catch_method_of(mechanism);
	struct gs_catch_thread *thread = NULL;
	struct gs_error *err;

	if (!method || catcher->address_count || catcher->kept)
		return gs_error_create(GS_ERROR_INVALID, "the mechanism cannot be changed now");
	err = halt_all(catcher);
	if (err)
		return err;
	(void)settle(catcher); /* a signal of one mechanism means nothing to the other */
	while ((thread = gs_catch_next(&catcher->threads, thread)))
		change_thread(catcher, thread, method);
	if (catcher->method->close)
		catcher->method->close(catcher);
	catcher->method = method;
	gs_catch_unhalt(catcher);
	return NULL;
}

/* ---- to a debugger ---- */

static bool is_all_stopped(pid_t pid)
{
	struct gs_proc_stat stat;
	struct dirent *entry;
	char path[32];
	bool is = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && is && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		is = tid <= 0 || !gs_proc_stat(tid, &stat) || strchr("TtZX", stat.state);
	}
	if (dir)
		closedir(dir);
	return is;
}

static void await_stopped(pid_t pid)
{
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);

	while (!is_all_stopped(pid) && !gs_deadline_passed(deadline_ms))
		poll(NULL, 0, LOOK_MS);
}

/*
 * SIGSTOP is there before the first is let go, who takes it: then it is the whole process's. (A
 * signal that comes along with PTRACE_DETACH is lost in an event stop.)
 */
static struct gs_error *leave_stopped(struct gs_catcher *catcher)
{
	struct gs_error *err = gs_pidfd_signal(catcher->target_fd, SIGSTOP);
	struct gs_catch_thread *thread;

	while ((thread = gs_catch_next(&catcher->threads, NULL))) {
		ptrace(PTRACE_DETACH, thread->tid, NULL, NULL);
		if (catcher->method->forget)
			catcher->method->forget(catcher, thread);
		gs_catch_remove(&catcher->threads, thread);
	}
	catcher->kept = 0;
	catcher->is_over = true;
	await_stopped(catcher->process.pid);
	return err;
}

static struct gs_error *error_gone(const struct gs_catcher *catcher)
{
	return gs_error_create(GS_ERROR_GONE, "process %d has ended", (int)catcher->process.pid);
}

struct gs_error *gs_catcher_hand_over(struct gs_catcher *catcher)
{
	struct gs_error *err = catcher->is_over ? error_gone(catcher) : NULL;
	bool is_settled = false;

	catcher->is_leaving = true;
	if (!err)
		err = halt_all(catcher);
	if (!err) {
		gs_catcher_disarm(catcher);
		is_settled = settle(catcher);
		if (catcher->threads.count == 0)
			return error_gone(catcher);
		if (is_settled)
			return leave_stopped(catcher);
		gs_catch_unhalt(catcher);
		err = gs_error_create(GS_ERROR_TIMEOUT,
				      "process %d has threads that do not come to a stop",
				      (int)catcher->process.pid);
	}
	catcher->is_leaving = false;
	return err;
}
