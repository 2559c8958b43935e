/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes: spawned behind a gate, named by a pidfd, with nothing inherited by accident. */
#ifndef GUESTSCOPE_BASE_PROCESS_H
#define GUESTSCOPE_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

struct gs_spawn_fd {
	int parent_fd; /* stays the caller's */
	int child_fd;  /* its number in the child; -1: any, the same number as in the parent */
};

struct gs_spawn {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	/* Kept open in the child; everything else from 3 up is closed. Numbers 3 and up, unique. */
	const struct gs_spawn_fd *fds;
	size_t fd_count;
	int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null; in a {0} they all are our stdin! */
	bool detach; /* own session and reparented to init: it outlives us and its terminal */
	bool gate;   /* wait before exec until gs_process_open_gate() */
	/* SIGKILL when the thread that spawns it ends, in whatever way; not with detach. */
	bool tied;
	bool group; /* of its own: gs_process_end() reaches its children too; not with detach */
};

struct gs_process {
	pid_t pid;
	int pidfd;
	int gate_fd;   /* -1 when there is no gate or it was opened */
	bool detached; /* not our child: it has no exit status for us */
	bool group;    /* it leads a group of its own */
};

/* The file that argv[0] would run; the caller frees. An OS error of execve() names @name. */
GS_MUST_CHECK struct gs_error *gs_program_find(const char *name, char **ret);

/*
 * The child has an empty signal mask, default signal actions and no other descriptors, from before
 * the gate on. An exec that fails is reported here (OS error of execve), or by
 * gs_process_open_gate(), after which only gs_process_deinit() is left to call.
 * Closing the gate unopened (gs_process_deinit()) ends the child before exec.
 */
GS_MUST_CHECK struct gs_error *gs_process_spawn(const struct gs_spawn *spawn,
						struct gs_process *ret);
/* GS_ERROR_GONE when the child was killed at its gate. */
GS_MUST_CHECK struct gs_error *gs_process_open_gate(struct gs_process *process);
/* GS_ERROR_TIMEOUT at the deadline. *status_ret is waitpid's (0 for a detached process). */
GS_MUST_CHECK struct gs_error *gs_process_wait(struct gs_process *process, uint64_t deadline_ms,
					       int *status_ret);
/*
 * SIGKILL, for all of its group if it leads one, and await its end; @process is deinitialised. One
 * that has ended before keeps its status. TIMEOUT: it hangs in the kernel. @status_ret may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_process_end(struct gs_process *process, int *status_ret);
/* Closes the fds; the process itself runs on (unless still behind its gate). */
void gs_process_deinit(struct gs_process *process);

/*
 * For a fork that goes on without exec, and outlives its parent: a session of its own, all signals
 * blocked (SIGKILL stays), the name that "ps" shows, standard descriptors that lead nowhere, and no
 * others but @fds, which become GS_ISOLATED_FD(0), (1), ...: a copy of a data pipe would keep a
 * dump going, a copy of stdout would keep its reader waiting. false: it could not be done.
 */
#define GS_ISOLATED_FD(i) (3 + (i))
bool gs_process_isolate(const char *name, int *fds, int count);

/*
 * From now on SIGINT, SIGTERM and SIGHUP end nothing: they are read from this descriptor (see
 * signalfd(2)), which does not wait. The thread's mask is changed, and stays so.
 */
GS_MUST_CHECK struct gs_error *gs_signals_open(int *fd_ret);

/* A pidfd for a running process; GS_ERROR_GONE when there is none. */
GS_MUST_CHECK struct gs_error *gs_pidfd_open(pid_t pid, int *ret);
GS_MUST_CHECK struct gs_error *gs_pidfd_signal(int pidfd, int signal);
/* Whether the process of @pidfd has ended before the deadline. */
bool gs_pidfd_wait(int pidfd, uint64_t deadline_ms);
/*
 * The status, as waitpid has it, of a process that has ended. false: it runs, or it was not our
 * child and it is too late to know (reaped already, and the kernel older than Linux 6.15), or it is
 * not ours to see.
 */
bool gs_pidfd_status(int pidfd, int *status_ret);
/* "exited with status 1", "killed by signal 9 (Killed)"; the caller frees. */
char *gs_wait_status_text(int status);
/* Of a process, or of a thread by its own number. */
struct gs_proc_stat {
	char state; /* R S D Z X T (stopped) t (by its tracer) ... */
	pid_t parent, group, session;
	uint64_t start; /* clock ticks after boot: together with the number, a name for ever */
	int status;     /* of a zombie, as waitpid has it; 0 for whom it is not to be seen */
};
/* false: there is none. */
bool gs_proc_stat(pid_t pid, struct gs_proc_stat *ret);
/* Name of a process as /proc/PID/comm has it, "?" if unknown. */
void gs_process_comm(pid_t pid, char comm[17]);
/* How long ago a process began, to a hundredth of a second; 0 if unknown. */
uint64_t gs_process_age_ns(pid_t pid);

#endif
