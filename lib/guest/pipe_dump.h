/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump-guest-memory into a pipe of ours: what the stream, the ranged reads and the engine "qemu"
 * share. */
#ifndef GUESTSCOPE_GUEST_PIPE_DUMP_H
#define GUESTSCOPE_GUEST_PIPE_DUMP_H

#include <guestscope/guest.h>

/* A QEMU that is silent for so long, in the pipe or about the outcome, is taken to hang. */
#define GS_PIPE_SILENCE_MS (30 * 1000)

struct pipe_dump {
	struct gs_qmp *qmp; /* borrowed */
	int fd;             /* read end; -1 once closed */
	bool active;        /* DUMP_COMPLETED has not come yet */
};

/* @format NULL: ELF. @length 0: all memory. On success QEMU has begun to write. */
GS_MUST_CHECK struct gs_error *gs_pipe_dump_start(struct gs_qmp *qmp, const char *format,
						  gs_gpa_t begin, uint64_t length,
						  struct pipe_dump *ret);
/* Read what is left, await QEMU's verdict: REFUSED with its words if the dump failed. */
GS_MUST_CHECK struct gs_error *gs_pipe_dump_finish(struct pipe_dump *dump);
/*
 * Close the pipe, which fails the dump, and wait a moment for that: the monitor is then free for
 * other work. A QEMU that hangs is not waited for.
 */
void gs_pipe_dump_cancel(struct pipe_dump *dump);

#endif
