/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How all threads of a process come to be traced, without a stop of any.
 *
 * A thread whose parent is traced begins with a stop, and is ours before it has run.
 */
#include "catch.h"
#include "trace.h"

struct seizure {
	struct gs_catcher *catcher;
	bool is_lost; /* one of them could not be written down */
};

/* Newborns run on, and who has ended does not keep an exec waiting. */
static void drain_meanwhile(void *arg)
{
	struct seizure *seizure = arg;

	gs_catch_drain(seizure->catcher);
}

static void add(void *arg, pid_t tid)
{
	struct seizure *seizure = arg;

	if (!gs_catch_add(&seizure->catcher->threads, tid))
		seizure->is_lost = true;
	gs_catch_drain(seizure->catcher);
}

struct gs_error *gs_catch_seize(struct gs_catcher *catcher)
{
	struct seizure seizure = {.catcher = catcher};
	const struct gs_seizing seizing = {.options = gs_catch_options(catcher->method),
					   .meanwhile = drain_meanwhile,
					   .seized = add,
					   .arg = &seizure};
	int code = gs_seize_process(&seizing, catcher->process.pid);

	if (code)
		return gs_trace_refusal(catcher->process.pid, code);
	return seizure.is_lost ? gs_error_nomem() : NULL;
}
