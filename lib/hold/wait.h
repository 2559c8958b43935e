/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a thread waits for, by the system call that it is in. */
#ifndef HOLD_WAIT_H
#define HOLD_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum gs_wait_shape {
	GS_WAIT_SHAPE_READ,
	GS_WAIT_SHAPE_WRITE,
	GS_WAIT_SHAPE_POLL,
	GS_WAIT_SHAPE_SELECT,
	GS_WAIT_SHAPE_EPOLL,
	GS_WAIT_SHAPE_WAIT4,
	GS_WAIT_SHAPE_WAITID,
	GS_WAIT_SHAPE_VFORK,
	GS_WAIT_SHAPE_CLONE,
	GS_WAIT_SHAPE_CLONE3,
	GS_WAIT_SHAPE_FUTEX,
};

struct gs_wait {
	pid_t pid, tid;
	enum gs_wait_shape shape;
	uint64_t args[6];
};

/* false: it runs, waits for nothing that is known here, or is not ours to see. */
bool gs_wait_look(pid_t pid, pid_t tid, struct gs_wait *ret);

/* Each descriptor that may end its wait, in READ to EPOLL. */
typedef void (*gs_wait_visit)(void *arg, int fd, bool reads, bool writes);
void gs_wait_visit_fds(const struct gs_wait *wait, gs_wait_visit visit, void *arg);

/* Whether it waits for the end of its child @pid, which is in @group. */
bool gs_wait_is_for_child(const struct gs_wait *wait, pid_t pid, pid_t group);
/* Whether it stands still for a child that it has by vfork(). */
bool gs_wait_is_vfork(const struct gs_wait *wait);
/* Whether it waits for a mutex that this thread has, if its C library is glibc. */
bool gs_wait_is_for_mutex_of(const struct gs_wait *wait, pid_t tid);

#endif
