/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mark on a file: whoever executes it stands still until he is allowed to.
 *
 * The mark is on the file itself, by whatever name or mount it is reached, and costs the exec of
 * other files nothing. It follows the path: when an upgrade puts another file there, that one has
 * it. When the last process that has the mark open ends, all that stand still go on.
 */
#ifndef HOLD_EXEC_MARK_H
#define HOLD_EXEC_MARK_H

#include <stdbool.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

struct gs_exec_mark {
	char *path;    /* absolute */
	int fan_fd;    /* readable: somebody stands still */
	int notify_fd; /* readable: a folder of the path has changed; -1 before it is armed */
	int file_fd;   /* O_PATH, what is marked; -1 before */
	bool missing;  /* there is nothing at the path now */
};

/* One that stands still. */
struct gs_exec_attempt {
	int fd; /* the file, open */
	pid_t tid;
	dev_t dev;
	ino_t ino;
};

/*
 * All that can be in the way is found out here; nobody stands still for it yet. UNREACHABLE: it is
 * not permitted, or the kernel cannot do it. INVALID: no file that one could execute.
 */
GS_MUST_CHECK struct gs_error *gs_exec_mark_open(const char *path, struct gs_exec_mark *ret);
void gs_exec_mark_close(struct gs_exec_mark *mark);

/* From now on. By the process that answers, which has nothing but @path and @fan_fd yet. */
bool gs_exec_mark_arm(struct gs_exec_mark *mark);
enum gs_exec_mark_change { GS_EXEC_MARK_SAME, GS_EXEC_MARK_MOVED, GS_EXEC_MARK_MISSING };
/* Looks at the path; each change is told once. */
enum gs_exec_mark_change gs_exec_mark_refresh(struct gs_exec_mark *mark);

/* One of those that stand still, without waiting; false: there is none. */
bool gs_exec_mark_next(const struct gs_exec_mark *mark, struct gs_exec_attempt *ret);
void gs_exec_mark_allow(const struct gs_exec_mark *mark, const struct gs_exec_attempt *attempt);

#endif
