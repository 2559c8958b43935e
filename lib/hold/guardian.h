/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guardian: a process that repairs what a killed tracer leaves behind.
 *
 *	tracer ──fork──> guardian     waits for the tracer's end, and for nothing else
 *	   └── memory of both ──┘     what is to be repaired then
 *
 * A signal of a mechanism that was on its way when the tracer was killed is not dropped any more:
 * SIGSTOP stops the process (T), and is taken back by SIGCONT. Patches of its text are undone. If
 * the process was stopped by somebody else, it stays so. It ends a second later, when nothing is on
 * its way any more.
 *
 * It has a session of its own, all signals blocked, and no descriptors but those that it needs. One
 * that is killed is replaced; who kills both at once, as the end of a control group does, leaves
 * the process as it is.
 */
#ifndef HOLD_GUARDIAN_H
#define HOLD_GUARDIAN_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

#include "int3_bytes.h"

/* Written by the tracer, read by the guardian when the tracer has ended. */
struct gs_guard_memory {
	/* The tracer holds it as long as it lives. That it has died, the kernel says before it lets
	 * go of who was traced: those do not come to a breakpoint meanwhile that is out by then. */
	pthread_mutex_t alive;
	bool is_stopped;            /* the process, by somebody else */
	struct gs_int3_bytes bytes; /* of the text; taken out if they are in */
	char journal[PATH_MAX];     /* which says so, and is removed then */
};

struct gs_guardian {
	struct gs_guard_memory *memory;
	int target_fd, mem_fd; /* borrowed: a pidfd, and /proc/PID/mem */
	pid_t target;
	pid_t pid; /* our child; 0: none */
	int pidfd;
	bool halted;      /* at the last look */
	uint64_t look_ms; /* when the next one is due */
};
#define GS_GUARDIAN_LOOK_MS 1000

/* @target_fd and @mem_fd are borrowed as long as it is there. Returns when it is on guard. */
GS_MUST_CHECK struct gs_error *gs_guardian_start(struct gs_guardian *guardian, pid_t target,
						 int target_fd, int mem_fd);
/* This child has ended, and was waited for: if it was the guardian, there is a new one. */
void gs_guardian_ended(struct gs_guardian *guardian, pid_t pid);
/* One that stays stopped, or traced, is replaced. To be called each GS_GUARDIAN_LOOK_MS, or more.
 */
void gs_guardian_look(struct gs_guardian *guardian);
/* Whether the process is stopped by somebody else, and is to stay so. */
void gs_guardian_set_stopped(struct gs_guardian *guardian, bool is_stopped);
/* Before one of them is put in, and after that was written to @journal. */
void gs_guardian_set_bytes(struct gs_guardian *guardian, const struct gs_int3_bytes *bytes,
			   const char *journal);
/* They are out, and whoever puts one in there now is somebody else. */
void gs_guardian_forget_bytes(struct gs_guardian *guardian);
/* There is nothing to repair any more. */
void gs_guardian_stop(struct gs_guardian *guardian);
/* It stays until the tracer's end, and is not ours to look after any more. */
void gs_guardian_leave(struct gs_guardian *guardian);

/* ---- with descriptors of its own ---- */

struct gs_guard {
	struct gs_guardian guardian;
	int target_fd, mem_fd; /* a pidfd, and /proc/PID/mem, read and written */
};
#define GS_GUARD_NONE ((struct gs_guard){.guardian.pidfd = -1, .target_fd = -1, .mem_fd = -1})

/* After an error it is GS_GUARD_NONE. */
GS_MUST_CHECK struct gs_error *gs_guard_start(struct gs_guard *guard, pid_t target);
/* Of GS_GUARD_NONE, too, which it is then. */
void gs_guard_stop(struct gs_guard *guard);

#endif
