/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hardware breakpoint of one thread, as a perf event that sends it SIGSTOP.
 *
 * Who traces the thread sees a signal-delivery-stop: the program counter is the address, and when
 * it goes on without the signal, nothing has happened. A process of which not all threads are
 * traced is stopped as a whole (T). The point is gone with its descriptor, and at an exec; neither
 * threads that its thread makes nor forked processes have it.
 */
#ifndef HOLD_PERF_POINT_H
#define HOLD_PERF_POINT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

#define GS_PERF_POINT_SIGNAL SIGSTOP

/*
 * The thread need not be stopped. @fd_ret: close() ends it, and waits for a signal that is just
 * being sent. UNSUPPORTED: not by this kernel or machine. BUSY: all hardware breakpoints of the
 * thread are in use, and by whom. GONE: there is no such thread. OS: EACCES and EPERM say what is
 * in the way.
 */
GS_MUST_CHECK struct gs_error *gs_perf_point_open(pid_t tid, uint64_t address, int *fd_ret);
/* Whether this is a point's signal; which one's is told by the thread's program counter. */
bool gs_perf_point_is_hit(const siginfo_t *info);
/* Whether a thread has a signal of its points, or another such one, still before it. */
bool gs_perf_point_is_pending(pid_t tid);

#endif
