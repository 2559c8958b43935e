/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress of a long job: the library counts, the tool's terminal shows bytes, rate and ETA. */
#ifndef GUESTSCOPE_BASE_PROGRESS_H
#define GUESTSCOPE_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

/* Counted by the job from any thread; read by whoever shows it. All in bytes of guest memory. */
struct gs_progress {
	_Atomic uint64_t done;
	_Atomic uint64_t total; /* 0: not known yet */
	_Atomic int
		cancelled; /* set by a tool's signal handler: the job stops soon, returns error */
};

/*
 * Draws @progress on stderr a few times a second from a thread of its own, when stderr is a
 * terminal and @quiet is not set; otherwise does nothing. Only tools use it.
 */
struct gs_progress_bar;
struct gs_progress_bar *gs_progress_bar_start(const struct gs_progress *progress, const char *what,
					      int quiet);
/* Erases the line. NULL is fine. */
void gs_progress_bar_stop(struct gs_progress_bar *bar);

#endif
