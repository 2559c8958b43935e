/* SPDX-License-Identifier: GPL-2.0-or-later */
/* launch --hold: QEMU is held before anything of it has run, or in main, for a debugger. */
#ifndef LAUNCH_HOLD_H
#define LAUNCH_HOLD_H

#include <guestscope/base/command.h>
#include <guestscope/hold/keeper.h>
#include <guestscope/launch.h>

struct launch_hold {
	bool is_wanted;
	struct gs_launch_watch watch; /* for the launch; its arg is this */
	const struct gs_args *args;
	int cancel_fd; /* readable: the launch is called off */
	char *dir;     /* where holds are written down */
	struct gs_hold_wish wish;
	struct gs_keeper_options options;
	struct gs_keeper *keeper; /* NULL: not yet, or not any more */
	enum { LAUNCH_AWAITED, LAUNCH_HELD, LAUNCH_DEBUGGED, LAUNCH_FREE } state;
};
/* As --hold and --hold-max have it. To be deinitialised in any case. */
GS_MUST_CHECK struct gs_error *launch_hold_init(struct launch_hold *hold,
						const struct gs_args *args, int cancel_fd);
/* What is held by then runs; what is debugged stays so. */
void launch_hold_deinit(struct launch_hold *hold);

#endif
