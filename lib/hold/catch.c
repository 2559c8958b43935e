/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catcher: what each stop of a thread means, and what becomes of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "catch.h"
#include "thread_registers.h"

#define LOOK_MS 1 /* at one that is about to stop */

/* ---- going on ---- */

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/*
 * Any stop takes PTRACE_INTERRUPT back that was on its way: whoever is to be halted is asked again
 * before he goes on.
 */
void gs_catch_run(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal)
{
	if (thread->is_group_stop) {
		thread->state = GS_CATCH_LISTENS;
		ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL);
		return;
	}
	thread->state = GS_CATCH_RUNS;
	if (catcher->halting)
		ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL);
	catcher->method->resume(catcher, thread, signal);
}

/* ---- hits ---- */

bool gs_catch_is_armed(const struct gs_catcher *catcher, uint64_t address)
{
	for (size_t i = 0; i < catcher->address_count; i++) {
		if (catcher->addresses[i] == address)
			return true;
	}
	return false;
}

static size_t read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	const struct gs_catcher *catcher = arg;
	ssize_t count = pread(catcher->mem_fd, to, size, (off_t)address);

	return count > 0 ? (size_t)count : 0;
}

static void on_end(struct gs_catcher *catcher, struct gs_catch_thread *thread);

/*
 * Its next stop, or end. false: it ends, and that is told later: of a process's first thread only
 * when all others were waited for, so not to whoever waits for it alone.
 */
static bool await_thread(pid_t tid, int *status_ret)
{
	struct gs_proc_stat stat;
	pid_t got;

	while ((got = waitpid(tid, status_ret, __WALL | WNOHANG)) == 0) {
		if (!gs_proc_stat(tid, &stat) || strchr("ZX", stat.state))
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return got == tid;
}

/*
 * In the stop that the hit's signal has caused, the signal would be delivered if we ended now; in
 * an event stop there is none. It is at once in it: it has not left the kernel.
 */
static void keep(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	pid_t tid = thread->tid;
	int status;

	thread->state = GS_CATCH_KEPT;
	catcher->kept++;
	if (catcher->method->keep)
		catcher->method->keep(catcher, thread);
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_CONT, tid, NULL, NULL) < 0 || !await_thread(tid, &status))
		return; /* killed: its end is the next that is heard of it */
	if (!WIFSTOPPED(status)) {
		on_end(catcher, thread);
		return;
	}
	thread->is_group_stop = is_stop_signal(WSTOPSIG(status));
	gs_guardian_set_stopped(&catcher->guardian, thread->is_group_stop);
}

static void on_hit(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	struct gs_thread_registers registers;
	struct gs_catch_hit hit = {
		.address = thread->at,
		.call = {.tid = thread->tid, .read = read_memory, .arg = catcher},
	};

	if (gs_thread_registers_get(thread->tid, &registers)) {
		gs_thread_registers_args(&registers, hit.call.args);
		if (!catcher->is_leaving && catcher->ops->hit(catcher->arg, &hit)) {
			keep(catcher, thread);
			return;
		}
	}
	gs_catch_run(catcher, thread, 0);
}

/* ---- stops ---- */

static void tell_over(struct gs_catcher *catcher)
{
	if (catcher->is_over)
		return;
	catcher->is_over = true;
	if (catcher->ops->over && !catcher->is_leaving)
		catcher->ops->over(catcher->arg);
}

/* It is not there any more, or not ours. */
static void remove_thread(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	bool was_kept = thread->state == GS_CATCH_KEPT;
	bool was_halting = thread->halts_others;
	pid_t tid = thread->tid;

	if (catcher->method->forget)
		catcher->method->forget(catcher, thread);
	gs_catch_remove(&catcher->threads, thread);
	if (was_halting)
		gs_catch_unhalt(catcher);
	if (!was_kept)
		return;
	catcher->kept--;
	if (catcher->ops->lost && !catcher->is_leaving)
		catcher->ops->lost(catcher->arg, tid);
}

static void on_end(struct gs_catcher *catcher, struct gs_catch_thread *thread)
{
	remove_thread(catcher, thread);
	if (catcher->threads.count == 0)
		tell_over(catcher);
}

/* All other threads have ended before; whoever has done it has the process's number now. */
static void on_exec(struct gs_catcher *catcher)
{
	struct gs_catch_thread *thread;

	gs_catcher_disarm(catcher);
	while ((thread = gs_catch_next(&catcher->threads, NULL)))
		remove_thread(catcher, thread);
	ptrace(PTRACE_DETACH, catcher->process.pid, NULL, NULL);
	tell_over(catcher);
}

/* The kernel says here whether the process is stopped as a whole, at this moment. */
static void on_event_stop(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal)
{
	thread->is_group_stop = is_stop_signal(signal);
	gs_guardian_set_stopped(&catcher->guardian, thread->is_group_stop);
	if (catcher->halting)
		thread->state = GS_CATCH_HALTED;
	else
		gs_catch_run(catcher, thread, 0);
}

static void on_other_stop(struct gs_catcher *catcher, struct gs_catch_thread *thread, int status)
{
	int event = status >> 16;

	if (event == PTRACE_EVENT_EXEC) {
		on_exec(catcher);
	} else if (event == PTRACE_EVENT_STOP) {
		on_event_stop(catcher, thread, WSTOPSIG(status));
	} else {
		if (!event && WSTOPSIG(status) == SIGSTOP) /* from outside */
			gs_guardian_set_stopped(&catcher->guardian, true);
		gs_catch_run(catcher, thread, event ? 0 : WSTOPSIG(status));
	}
}

static void on_stop(struct gs_catcher *catcher, struct gs_catch_thread *thread, int status)
{
	enum gs_catch_view view = catcher->method->view(catcher, thread, status);

	thread->is_group_stop = false;
	if (view == GS_CATCH_HIT)
		on_hit(catcher, thread);
	else if (view == GS_CATCH_DROPPED)
		gs_catch_run(catcher, thread, 0);
	else if (view == GS_CATCH_OTHER)
		on_other_stop(catcher, thread, status);
}

/* One that is killed leaves its stop, and nothing can be done to it any more. */
static bool is_in_stop(pid_t tid)
{
	siginfo_t info;

	return ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 || errno != ESRCH;
}

/*
 * Armed before it has run. Its options are those of who has made it, which may have changed since.
 */
static void on_born(struct gs_catcher *catcher, pid_t tid, int status)
{
	struct gs_catch_thread *thread = gs_catch_add(&catcher->threads, tid);
	gs_autoerror struct gs_error *err = thread ? NULL : gs_error_nomem();

	ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)gs_catch_options(catcher->method));
	if (thread && catcher->method->join)
		err = catcher->method->join(catcher, thread);
	if (err && catcher->ops->unarmed && is_in_stop(tid))
		catcher->ops->unarmed(catcher->arg, tid, err);
	if (thread)
		on_stop(catcher, thread, status);
	else
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
}

/* The kernel compares them before it asks whether we may. */
static bool is_our_thread(const struct gs_catcher *catcher, pid_t tid)
{
	return syscall(SYS_tgkill, catcher->process.pid, tid, 0) == 0 || errno == EPERM;
}

/* A process that was made by clone() comes to us as threads do. */
static void on_unknown(struct gs_catcher *catcher, pid_t tid, int status)
{
	if (tid == catcher->guardian.pid)
		gs_guardian_ended(&catcher->guardian, tid);
	else if (WIFSTOPPED(status) && is_our_thread(catcher, tid))
		on_born(catcher, tid, status);
	else if (catcher->method->stranger && catcher->method->stranger(catcher, tid, status))
		return;
	else if (WIFSTOPPED(status))
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
}

void gs_catch_drain(struct gs_catcher *catcher)
{
	struct signalfd_siginfo info;
	int status;
	pid_t tid;

	/* First, so that what comes meanwhile is told again. */
	while (read(catcher->signal_fd, &info, sizeof(info)) > 0)
		;
	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		struct gs_catch_thread *thread = gs_catch_find(&catcher->threads, tid);

		if (!thread)
			on_unknown(catcher, tid, status);
		else if (WIFSTOPPED(status))
			on_stop(catcher, thread, status);
		else
			on_end(catcher, thread);
	}
}

void gs_catcher_dispatch(struct gs_catcher *catcher)
{
	gs_catch_drain(catcher);
	gs_guardian_look(&catcher->guardian);
}

int gs_catcher_fd(const struct gs_catcher *catcher)
{
	return catcher->signal_fd;
}

int gs_catcher_timeout_ms(const struct gs_catcher *catcher)
{
	return catcher->is_over ? -1 : GS_GUARDIAN_LOOK_MS;
}

size_t gs_catcher_kept(const struct gs_catcher *catcher)
{
	return catcher->kept;
}

/* ---- addresses ---- */

struct gs_error *gs_catcher_arm(struct gs_catcher *catcher, uint64_t address)
{
	struct gs_error *err;

	if (catcher->is_over)
		return gs_error_create(GS_ERROR_GONE, "process %d has ended",
				       (int)catcher->process.pid);
	if (gs_catch_is_armed(catcher, address))
		return NULL;
	if (catcher->address_count == GS_CATCH_ADDRESSES_MAX)
		return gs_error_create(GS_ERROR_BUSY, "no more than %d addresses at a time",
				       GS_CATCH_ADDRESSES_MAX);
	catcher->addresses[catcher->address_count] = address;
	err = catcher->method->arm(catcher);
	if (!err)
		catcher->address_count++;
	return err;
}

void gs_catcher_disarm(struct gs_catcher *catcher)
{
	catcher->method->disarm(catcher);
	catcher->address_count = 0;
}
