/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of mechanism int3. */
#ifndef HOLD_CATCH_INT3_H
#define HOLD_CATCH_INT3_H

#include "catch.h"
#include "int3_journal.h"

/* Of a thread, while it is at an address, or has been kept from leaving it. */
struct gs_int3_stay {
	bool is_kept;  /* the byte is out for its sake */
	bool is_steps; /* it is being stepped over the instruction: the byte is out, too */
	/* A signal came before the step: from its handler it comes here again, with this stack
	 * pointer, which is the same call. 0: no. */
	uint64_t again_at, again_sp;
};

/* Of a process. */
struct gs_int3 {
	struct gs_int3_journal journal;
	bool armed[GS_INT3_BYTES_MAX];   /* each of the journal's bytes */
	size_t users[GS_INT3_BYTES_MAX]; /* for whom it is out although it is armed */
	struct gs_catch_threads guests;  /* see catch_int3_children.c */
	bool is_closing;
};

/* A stop of a thread of the process, or of one that shares its memory; see gs_catch_method. */
enum gs_catch_view gs_int3_view(struct gs_catcher *catcher, struct gs_catch_thread *thread,
				int status);
void gs_int3_resume(struct gs_catcher *catcher, struct gs_catch_thread *thread, int signal);
void gs_int3_disarm(struct gs_catcher *catcher);
void gs_int3_forget(struct gs_catcher *catcher, struct gs_catch_thread *thread);

/* ---- catch_int3_children.c ---- */

bool gs_int3_stranger(struct gs_catcher *catcher, pid_t pid, int status);
/* Those that were there before: they are traced, too. */
GS_MUST_CHECK struct gs_error *gs_int3_find_guests(struct gs_catcher *catcher);
/* None of them is traced any more. */
void gs_int3_release_guests(struct gs_catcher *catcher);

#endif
