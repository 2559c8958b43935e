/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a thread that may be about to stop. */
#ifndef HOLD_THREAD_STATE_H
#define HOLD_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gs_thread_state {
	char state;       /* R S D T t Z ... */
	pid_t tracer;     /* 0: none */
	uint64_t pending; /* signals that were sent to it alone, one bit each from 1 on */
};
/* false: there is none. */
bool gs_thread_state_read(pid_t tid, struct gs_thread_state *ret);
bool gs_thread_state_has(const struct gs_thread_state *state, int signal);

#endif
