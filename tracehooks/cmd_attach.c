/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach: a running process and its descendants. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "tracehooks.h"

#define LOOKS_MAX 20

static bool has(const struct gs_proc_tree *tree, pid_t pid)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->pids[i] == pid)
			return true;
	}
	return false;
}

/* Those that were not there at the last look. One that has ended meanwhile is no loss. */
static struct gs_error *seize_new(struct gs_keeper *keeper, const struct gs_proc_tree *now,
				  const struct gs_proc_tree *before, size_t *count_ret)
{
	struct gs_error *err = NULL;

	*count_ret = 0;
	for (size_t i = 0; !err && i < now->count; i++) {
		if (has(before, now->pids[i]))
			continue;
		++*count_ret;
		err = gs_keeper_seize(keeper, now->pids[i]);
		if (err && err->code == GS_ERROR_OS && err->os_errno == ESRCH) {
			gs_error_destroy(err);
			err = NULL;
		}
	}
	return err;
}

/*
 * What is forked by one that is traced is traced by itself; what was forked before is found by the
 * next look, until there is nobody new.
 */
static struct gs_error *seize_all(struct gs_keeper *keeper, pid_t pid)
{
	struct gs_proc_tree before = {0}, now = {0};
	struct gs_error *err = gs_keeper_seize(keeper, pid);
	size_t count = 1;

	for (int i = 0; !err && count && i < LOOKS_MAX; i++) {
		err = gs_proc_descendants(pid, &now);
		if (!err)
			err = seize_new(keeper, &now, &before, &count);
		gs_proc_tree_deinit(&before);
		before = now;
		now = (struct gs_proc_tree){0};
	}
	gs_proc_tree_deinit(&before);
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
		return GS_EXIT_SIGNAL + watch.signal;
	return watch.lost ? GS_EXIT_FAILED : GS_EXIT_OK;
}
