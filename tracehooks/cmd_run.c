/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run: a command, and what it starts, traced from its first instruction on. */
#include "tracehooks.h"

static struct gs_error *start(struct child *child, struct watch *watch)
{
	struct gs_error *err = child_fork(child, gs_keeper_pid(watch->keeper));

	if (child->pid <= 0)
		return err;
	if (!err)
		err = gs_keeper_seize(watch->keeper, child->pid);
	return child_let_go(child, err);
}

int cmd_run(struct gs_args *args)
{
	struct child child;
	struct watch watch;
	struct gs_error *err = child_init(&child, args, "run");
	int status;

	if (err)
		return gs_args_fail(args, err);
	err = watch_begin(&watch, args);
	if (!err)
		err = start(&child, &watch);
	if (err) {
		watch_end(&watch);
		return gs_args_fail(args, err);
	}
	watch_until_end(&watch, child.pidfd);
	status = child_finish(&child, args);
	watch_end(&watch);
	return status;
}
