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
	uint64_t reply_id;  /* of a brief one that is not over yet, else 0 */
};

/* All memory. @format NULL: ELF. On success QEMU has begun to write. */
GS_MUST_CHECK struct gs_error *gs_pipe_dump_start(struct gs_qmp *qmp, const char *format,
						  struct pipe_dump *ret);
/*
 * The ELF of [begin, begin + length), or, length 0, of all memory, of which the reader wants only
 * the headers. QEMU serves no monitor until that is read or given up.
 *
 * Such dumps follow each other closely. Done by a thread of QEMU's, as the others are, one is said
 * to be completed while the thread has yet to clean up, and what it then cleans up is the next one:
 * QEMU has but one state of a dump, without a lock.
 */
GS_MUST_CHECK struct gs_error *gs_pipe_dump_start_brief(struct gs_qmp *qmp, gs_gpa_t begin,
							uint64_t length, struct pipe_dump *ret);
/* Read what is left, await QEMU's verdict: REFUSED with its words if the dump failed. */
GS_MUST_CHECK struct gs_error *gs_pipe_dump_finish(struct pipe_dump *dump);
/*
 * Close the pipe, which fails the dump, and wait a moment for that: the monitor is then free for
 * other work. A QEMU that hangs is not waited for.
 */
void gs_pipe_dump_cancel(struct pipe_dump *dump);

#endif
