/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for a hold at this moment, as one sees it from outside: by the system call that a
 * thread is in, and by what the held process has open.
 *
 * Of a thread's hold, these wait for its process; that another thread of it would serve them is
 * nothing that one can see. Nobody is stopped, traced or delayed for this. Not seen are: who
 * polls now and then, waits for an answer of somebody who waits himself, or uses io_uring; named
 * pipes; pipes that the caller has, too, as what its output goes to; what we may not look at.
 */
#ifndef GUESTSCOPE_HOLD_WAITERS_H
#define GUESTSCOPE_HOLD_WAITERS_H

#include <guestscope/hold/record.h>

enum gs_wait_way {
	GS_WAIT_READ,  /* in read(), recv(), ... of a pipe or Unix socket that the held one can fill
			*/
	GS_WAIT_WRITE, /* of one that it has to empty */
	GS_WAIT_POLL,  /* poll(), select(), epoll_wait(): of such a one, among others maybe */
	GS_WAIT_CHILD, /* the parent, in wait4() or waitid() */
	GS_WAIT_VFORK, /* the parent, which stands still until its child has become a program */
	GS_WAIT_LOCK,  /* another thread of the process, for a mutex of glibc that the held one has
			*/
};
const char *gs_wait_way_name(enum gs_wait_way way); /* "read", "write", "poll", "child", ... */

struct gs_hold_waiter {
	pid_t tid, pid;
	char name[17], thread[17]; /* of the process, and of the thread */
	enum gs_wait_way way;
	int fd;                    /* of the first three: the waiter's; else -1 */
	bool is_socket;            /* else it is a pipe */
	unsigned int others_count; /* that it polls, and that do not lead to the held one */
};

struct gs_hold_waiters {
	struct gs_hold_waiter *waiters; /* by process and thread */
	size_t count;
	bool is_cut; /* there are too many threads here to be looked at in half a second */
};
GS_MUST_CHECK struct gs_error *gs_hold_waiters(const struct gs_hold_record *record,
					       struct gs_hold_waiters *ret);
void gs_hold_waiters_deinit(struct gs_hold_waiters *waiters);
/* "libvirtd (812)", or "libvirtd (812), rpc-worker (815)"; the caller frees. */
char *gs_hold_waiter_who(const struct gs_hold_waiter *waiter);
/* "reads a pipe from it", "polls a socket from it, and 11 others", ...; the caller frees. */
char *gs_hold_waiter_words(const struct gs_hold_waiter *waiter);

/* Who else may lose patience: systemd, with the held process or the one that has forked it. */
struct gs_hold_watchdog {
	pid_t pid;
	char name[17];
	uint64_t us; /* without a word, and it is ended; 0: it has to tell only that it has begun */
};
/* By WATCHDOG_USEC and NOTIFY_SOCKET in their environments. false: there is none, or none to see.
 */
bool gs_hold_watchdog(const struct gs_hold_record *record, struct gs_hold_watchdog *ret);
/* "systemd ends libvirtd (812) when it hears nothing for 180 s"; the caller frees. */
char *gs_hold_watchdog_words(const struct gs_hold_watchdog *watchdog);

#endif
