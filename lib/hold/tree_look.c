/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of processes as it is at the moment. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tree.h"

/* On the clock that processes' starts are told by. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void log_process(struct gs_tree_log *log, const struct gs_proc *proc)
{
	uint64_t start_ns = proc->id.start * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
	struct gs_tree_event born = {.kind = GS_TREE_BORN,
				     .pid = proc->id.pid,
				     .parent = proc->parent,
				     .value = GS_PTREE_FOUND,
				     .at_ns = start_ns,
				     .start = proc->id.start};
	struct gs_tree_event seen = {
		.kind = GS_TREE_SEEN, .pid = proc->id.pid, .value = proc->state, .at_ns = start_ns};

	gs_tree_log_add(log, &born, proc->comm, strlen(proc->comm) + 1);
	gs_tree_log_add(log, &seen, NULL, 0);
	if (proc->args)
		gs_tree_log_exec(log, proc, start_ns);
	gs_tree_log_open(log, proc->id.pid, now_ns());
}

static struct gs_error *look_at(struct gs_tree_log *log, pid_t pid)
{
	struct gs_proc proc = {0};
	struct gs_error *err = gs_proc_read(pid, &proc);

	if (!err)
		log_process(log, &proc);
	gs_proc_deinit(&proc);
	return err;
}

/* One that has ended meanwhile is not there, which is all that there is to say of it. */
static struct gs_error *look_below(struct gs_tree_log *log, pid_t pid)
{
	struct gs_proc_tree below = {0};
	struct gs_error *err = gs_proc_descendants(pid, &below);

	for (size_t i = 0; !err && i < below.count; i++)
		gs_error_destroy(look_at(log, below.pids[i])); /* it may have ended */
	gs_proc_tree_deinit(&below);
	return err;
}

struct gs_error *gs_ptree_look(pid_t pid, struct gs_ptree *ret)
{
	GS_CLEANUP(gs_tree_log_free) struct gs_tree_log *log = NULL;
	struct gs_tree_event time = {.kind = GS_TREE_TIME, .at_ns = now_ns()};
	struct gs_error *err = gs_tree_log_new(&log);

	if (!err)
		err = look_at(log, pid);
	if (!err)
		err = look_below(log, pid);
	if (err)
		return err;
	gs_tree_log_add(log, &time, NULL, 0);
	return gs_tree_log_read(log, ret);
}
