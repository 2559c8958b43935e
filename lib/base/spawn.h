/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two sides of a fork agree on. Private to spawn.c, spawn_child.c and process.c. */
#ifndef GUESTSCOPE_BASE_SPAWN_H
#define GUESTSCOPE_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <guestscope/base/process.h>

/*
 * Parent and child share a socket pair, the link. Down it goes one byte that opens the gate; its
 * end without that byte means "do not exec". Up comes a failure; its end without one means that
 * exec closed it. So the link is gate and report in one, and struct gs_process calls it gate_fd.
 */
struct spawn_failure {
	int os_errno;
	char what[256]; /* the program's name, set before the fork */
};

struct spawn_placement {
	int source; /* number before */
	int target; /* number after exec */
};

struct spawn_child {
	const char *program; /* path for execve() */
	char *const *argv;
	struct spawn_placement *fds; /* with stdin, stdout and stderr; targets are unique */
	size_t fd_count;
	int floor; /* all targets lie below */
	int link;
	bool group;    /* leads one of its own */
	pid_t tied_to; /* the parent that it is not to outlive; 0: none */
	struct spawn_failure failure;
};

/*
 * The child's life until exec, entered with all signals blocked. Between fork and exec only
 * async-signal-safe functions may run, for another thread may have held any lock.
 */
__attribute__((noreturn)) void gs_spawn_child_main(struct spawn_child *child);

/*
 * The life of the process between us and a detached child: starts a session, forks the child,
 * sends its pid (or -errno) up @report_fd and stays until the other end closes. Until then the pid
 * cannot be used again.
 */
__attribute__((noreturn)) void gs_spawn_intermediate_main(struct spawn_child *child, int report_fd);

/*
 * Closes our end of a socket pair, so that the other sees it even while a process that some thread
 * is just forking holds a copy.
 */
void gs_spawn_hang_up(int fd);

/* The end of a child that is not to be: kills and reaps it. */
void gs_spawn_abandon(pid_t pid);

#endif
