/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stop: end a guest, whatever it takes. */
#include <guestscope/base/time.h>

#include "qmpctl.h"

static struct gs_error *parse(const struct gs_args *args, struct ladder *ladder)
{
	struct gs_error *err =
		gs_args_duration(args, "powerdown", ladder->powerdown_ms, &ladder->powerdown_ms);

	if (!err)
		err = gs_args_duration(args, "quit", ladder->quit_ms, &ladder->quit_ms);
	if (!err)
		err = gs_args_duration(args, "term", ladder->term_ms, &ladder->term_ms);
	ladder->resume = gs_args_has(args, "resume");
	return err;
}

int cmd_stop(struct gs_args *args)
{
	struct ladder ladder = LADDER_DEFAULT;
	struct descent descent = {0};
	uint64_t start_ms = gs_now_ms();
	struct gs_error *err = parse(args, &ladder);
	struct gs_emit *e;

	if (!err)
		err = ladder_descend(args, gs_args_guest(args), &ladder, &descent);
	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "ended_by", "Ended by", descent.ended_by);
	gs_emit_double(e, "seconds", "Seconds", (double)(gs_now_ms() - start_ms) / 1000, 1);
	emit_ending(e, &descent.ending);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
