/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach: a running process and its descendants. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "tracehooks.h"

/* One that ends meanwhile is no loss, nor is one that came by itself: its parent is traced. */
static struct gs_error *seize_all(struct gs_keeper *keeper, pid_t pid)
{
	struct gs_proc_tree tree = {0};
	struct gs_error *err = gs_keeper_seize(keeper, pid);

	if (!err)
		err = gs_proc_descendants(pid, &tree);
	for (size_t i = 0; !err && i < tree.count; i++) {
		err = gs_keeper_seize(keeper, tree.pids[i]);
		if (err && err->code == GS_ERROR_OS && err->os_errno == ESRCH) {
			gs_error_destroy(err);
			err = NULL;
		}
	}
	gs_proc_tree_deinit(&tree);
	return err;
}

int cmd_attach(struct gs_args *args)
{
	gs_autoclose int pidfd = -1;
	struct watch watch = {0};
	pid_t pid = 0;
	struct gs_error *err = parse_target(gs_args_at(args, 0), &pid);

	if (!err)
		err = gs_pidfd_open(pid, &pidfd);
	if (err)
		return gs_args_fail(args, err);
	err = watch_begin(&watch, args);
	watch.is_brief = true;
	if (!err)
		err = seize_all(watch.keeper, pid);
	if (!err)
		watch_until_end(&watch, pidfd);
	watch_end(&watch);
	if (err)
		return gs_args_fail(args, err);
	if (watch.signals)
		return GS_EXIT_SIGNAL + SIGINT;
	return watch.lost ? GS_EXIT_FAILED : GS_EXIT_OK;
}
