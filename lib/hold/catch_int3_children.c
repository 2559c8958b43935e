/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forked processes, and what they have of our breakpoint instructions.
 *
 * One with a memory of its own has copies of them, which are taken out before it runs; it is not
 * traced then. Guests are those that have the memory of the process itself, as after vfork(): they
 * come by its breakpoints, and go on from them unnoticed, until they have a program of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/time.h>

#include "catch_int3.h"
#include "thread_state.h"
#include "trace.h"

#define PATIENCE_MS 1000
#define LOOK_MS 10

static struct gs_int3 *int3_of(const struct gs_catcher *catcher)
{
	return catcher->points;
}

/* ---- those that come ---- */

/* The process's first thread may have ended, and has no memory then. */
static bool has_our_memory(const struct gs_catcher *catcher, pid_t pid)
{
	const struct gs_catch_thread *thread = gs_catch_next(&catcher->threads, NULL);

	return thread && syscall(SYS_kcmp, thread->tid, pid, KCMP_VM, 0, 0) == 0;
}

static void mend_copy(const struct gs_int3 *int3, pid_t pid)
{
	gs_autoclose int mem_fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem_fd = open(path, O_RDWR | O_CLOEXEC);
	gs_int3_take_all_out(mem_fd, &int3->journal.bytes);
}

/* ---- guests ---- */

static void remove_guest(struct gs_catcher *catcher, struct gs_catch_thread *guest)
{
	gs_int3_forget(catcher, guest);
	gs_catch_remove(&int3_of(catcher)->guests, guest);
}

static void part(struct gs_catcher *catcher, struct gs_catch_thread *guest, int signal)
{
	ptrace(PTRACE_DETACH, guest->tid, NULL, (void *)(long)signal);
	remove_guest(catcher, guest);
}

static bool has_pending(const struct gs_catch_thread *guest)
{
	const struct gs_int3_stay *stay = guest->points;
	struct gs_thread_state state;

	return (stay && stay->is_steps) ||
	       (gs_thread_state_read(guest->tid, &state) && gs_thread_state_has(&state, SIGTRAP));
}

/* One with a signal of ours before it is not asked to stop: the signal is to come first. */
static void on_event_stop(struct gs_catcher *catcher, struct gs_catch_thread *guest, int signal)
{
	bool is_leaving = int3_of(catcher)->is_closing || !has_our_memory(catcher, guest->tid);

	if (!is_leaving && signal != SIGTRAP)
		ptrace(PTRACE_LISTEN, guest->tid, NULL, NULL);
	else if (is_leaving && !has_pending(guest))
		part(catcher, guest, 0);
	else
		gs_int3_resume(catcher, guest, 0);
}

/* While all are to be let go, its stop has taken the question back. */
static void on_guest(struct gs_catcher *catcher, struct gs_catch_thread *guest, int status)
{
	enum gs_catch_view view = gs_int3_view(catcher, guest, status);
	int event = status >> 16;

	if (event == PTRACE_EVENT_EXEC) {
		part(catcher, guest, 0);
	} else if (event == PTRACE_EVENT_STOP) {
		on_event_stop(catcher, guest, WSTOPSIG(status));
	} else {
		gs_int3_resume(catcher, guest,
			       event || view != GS_CATCH_OTHER ? 0 : WSTOPSIG(status));
		if (int3_of(catcher)->is_closing)
			ptrace(PTRACE_INTERRUPT, guest->tid, NULL, NULL);
	}
}

static void welcome(struct gs_catcher *catcher, pid_t pid)
{
	struct gs_catch_thread *guest = gs_catch_add(&int3_of(catcher)->guests, pid);

	if (guest) {
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		return;
	}
	gs_int3_disarm(catcher); /* out of memory: it must not run into one */
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

bool gs_int3_stranger(struct gs_catcher *catcher, pid_t pid, int status)
{
	struct gs_int3 *int3 = int3_of(catcher);
	struct gs_catch_thread *guest = int3 ? gs_catch_find(&int3->guests, pid) : NULL;

	if (guest && WIFSTOPPED(status)) {
		on_guest(catcher, guest, status);
	} else if (guest) {
		remove_guest(catcher, guest);
	} else if (int3 && WIFSTOPPED(status) && has_our_memory(catcher, pid)) {
		welcome(catcher, pid);
	} else {
		if (int3 && WIFSTOPPED(status))
			mend_copy(int3, pid);
		return false;
	}
	return true;
}

/*
 * One that has become a program before it was traced is let go in its stop; one that was born to a
 * traced thread comes by itself.
 */
static struct gs_error *seize_guest(struct gs_catcher *catcher, pid_t pid)
{
	long options = gs_catch_options(catcher->method);

	if (gs_process_of_thread(pid) == catcher->process.pid || !has_our_memory(catcher, pid) ||
	    gs_catch_find(&int3_of(catcher)->guests, pid))
		return NULL;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0) {
		int code = errno;

		return code == ESRCH || gs_trace_is_ours(pid) ? NULL : gs_trace_refusal(pid, code);
	}
	if (!has_our_memory(catcher, pid))
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	return gs_catch_add(&int3_of(catcher)->guests, pid) ? NULL : gs_error_nomem();
}

struct gs_error *gs_int3_find_guests(struct gs_catcher *catcher)
{
	struct gs_proc_tree tree;
	struct gs_error *err = gs_proc_descendants(catcher->process.pid, &tree);

	if (err)
		return err;
	for (size_t i = 0; !err && i < tree.count; i++)
		err = seize_guest(catcher, tree.pids[i]);
	gs_proc_tree_deinit(&tree);
	return err;
}

void gs_int3_release_guests(struct gs_catcher *catcher)
{
	struct gs_int3 *int3 = int3_of(catcher);
	uint64_t deadline_ms = gs_deadline_in(PATIENCE_MS);
	struct gs_catch_thread *guest = NULL;

	int3->is_closing = true;
	while ((guest = gs_catch_next(&int3->guests, guest)))
		ptrace(PTRACE_INTERRUPT, guest->tid, NULL, NULL);
	while (int3->guests.count && !gs_deadline_passed(deadline_ms))
		gs_catch_await(catcher, LOOK_MS);
	while ((guest = gs_catch_next(&int3->guests, NULL)))
		remove_guest(catcher, guest);
}
