/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: a process that lets pass who executes a marked file, after the keeper has had a look.
 *
 *	exec ──stands still──> gate ──request──> keeper: PTRACE_SEIZE
 *	  ^                     │ ^                 │
 *	  └──────allowed────────┘ └─────answer──────┘
 *
 * Nobody else has the mark, and it does nothing else: an exec stands still while nobody answers.
 * If the keeper is killed, the gate ends, and so does the mark. If the keeper does not answer in
 * GS_GATE_PATIENCE_MS, whoever stands still goes on without it, and all that come after him at
 * once, until it has; if it never does, it is killed, so that what it holds runs. If the gate is
 * killed, the kernel lets all go on; if it is stopped, the keeper kills it. The end of the keeper's
 * thread kills it in any state.
 */
#ifndef HOLD_GATE_H
#define HOLD_GATE_H

#include <stdint.h>

#include "exec_mark.h"

#define GS_GATE_PATIENCE_MS 1000
#define GS_GATE_DESPAIR_MS 5000
#define GS_GATE_LOOK_MS 1000 /* at the path, and at the gate */

enum gs_gate_word {
	GS_GATE_READY, /* the mark is there */
	GS_GATE_EXEC,  /* somebody stands still: answer */
	GS_GATE_LATE,  /* he went on without the keeper's answer */
	GS_GATE_MOVED, /* another file is at the path, and has the mark */
	GS_GATE_MISSING,
};
struct gs_gate_message {
	enum gs_gate_word word;
	uint32_t number; /* of EXEC and its answer */
	pid_t tid;
	dev_t dev;
	ino_t ino;
};

/* The keeper's side. */
struct gs_gate {
	pid_t pid; /* its child */
	int pidfd;
	int fd;           /* readable: it says something; -1: there is none, or none any more */
	bool halted;      /* at the last look */
	uint64_t look_ms; /* when the next one is due */
};

/* Takes @mark. Returns when it is armed; false: that could not be done. */
bool gs_gate_start(struct gs_gate *gate, struct gs_exec_mark *mark);
/* Without waiting; false: nothing was said, or it has ended: then @gate->fd is -1. */
bool gs_gate_hear(struct gs_gate *gate, struct gs_gate_message *ret);
void gs_gate_answer(const struct gs_gate *gate, const struct gs_gate_message *request);
/* One that stays stopped, or traced, is killed. To be called each GS_GATE_LOOK_MS, or more. */
void gs_gate_look(struct gs_gate *gate);
/* The mark is gone when it returns, or in a moment; whoever stands still goes on. */
void gs_gate_stop(struct gs_gate *gate);

#endif
