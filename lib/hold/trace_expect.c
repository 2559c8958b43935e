/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that are traced for the length of one exec, and where they come from. */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "trace.h"

#define PATIENCE_MS 2000 /* an exec that was refused is not told to a tracer */
#define LINEAGE_MAX 64

static void set_ancestor(struct gs_node *node, struct gs_node *parent)
{
	char comm[sizeof(node->traced.comm)];

	memcpy(comm, node->traced.comm, sizeof(comm));
	gs_process_comm(parent->traced.id.pid, parent->traced.comm);
	gs_tree_set_parent(node, parent);
	memcpy(node->traced.comm, comm, sizeof(comm));
}

static void set_lineage(struct gs_node *node)
{
	struct gs_proc_stat stat;
	struct gs_node *parent;

	gs_process_comm(node->traced.id.pid, node->traced.comm);
	node->is_named = true;
	if (!gs_proc_stat(node->traced.id.pid, &stat))
		return;
	node->traced.id.start = stat.start;
	for (int i = 0; i < LINEAGE_MAX && stat.parent > 0; i++) {
		pid_t pid = stat.parent;

		parent = gs_proc_stat(pid, &stat) ? gs_tree_new_ancestor(pid) : NULL;
		if (!parent)
			return;
		parent->traced.id.start = stat.start;
		set_ancestor(node, parent);
		node = parent;
	}
}

/* Its number may be in use again, or still by another thread that has taken it over. */
static struct gs_node *find_expected(struct gs_tracer *tracer, pid_t tid)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);

	if (!node || !node->expected || gs_trace_is_ours(tid))
		return node;
	gs_expect_remove(tracer, node);
	return NULL;
}

/* Another thread's exec ends it, or has ended it and taken its number over. */
static bool is_over(pid_t tid)
{
	struct gs_proc_stat stat;

	return gs_trace_is_ours(tid) || !gs_proc_stat(tid, &stat) || strchr("ZX", stat.state);
}

/*
 * One thread's exec awaits the end of all others, with a lock held that PTRACE_SEIZE takes; and one
 * that is traced has not ended before its tracer has waited for it. Who is in PTRACE_SEIZE does
 * not.
 */
static bool has_expected(const struct gs_tracer *tracer, pid_t process)
{
	for (size_t i = 0; tracer->expected && i < tracer->tree.bucket_count; i++) {
		for (struct gs_node *node = tracer->tree.buckets[i]; node; node = node->next) {
			if (node->expected && node->process == process)
				return true;
		}
	}
	return false;
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static struct gs_error *seize(const struct gs_tracer *tracer, pid_t tid, pid_t process)
{
	const struct gs_seizing seizing = {.options = PTRACE_O_TRACEEXEC, .meanwhile = do_nothing};
	int code;

	if (has_expected(tracer, process))
		return gs_error_create(is_over(tid) ? GS_ERROR_GONE : GS_ERROR_BUSY,
				       "another thread of %d may become a program first",
				       (int)process);

	/* Without a stop: it stands still in the kernel, and would not come to one. */
	code = gs_seize_thread(&seizing, tid);
	if (!code)
		return NULL;
	if (code == ESRCH || is_over(tid))
		return gs_error_create(GS_ERROR_GONE, "thread %d has ended", (int)tid);
	return gs_trace_refusal(tid, code);
}

struct gs_error *gs_tracer_expect(struct gs_tracer *tracer, pid_t tid)
{
	struct gs_node *node = find_expected(tracer, tid);
	struct gs_error *err;
	pid_t process;

	if (node) { /* it tries again, or is traced anyway */
		node->deadline_ms = gs_deadline_in(PATIENCE_MS);
		return NULL;
	}
	node = gs_tree_add(&tracer->tree, tid);
	if (!node)
		return gs_error_nomem();
	process = gs_process_of_thread(tid);
	err = seize(tracer, tid, process);
	if (err) {
		gs_tree_remove(&tracer->tree, node);
		return err;
	}
	node->expected = true;
	node->process = process;
	node->deadline_ms = gs_deadline_in(PATIENCE_MS);
	tracer->expected++;
	set_lineage(node);
	return NULL;
}

/* ---- out of the tree ---- */

void gs_expect_remove(struct gs_tracer *tracer, struct gs_node *node)
{
	gs_tree_remove(&tracer->tree, node);
	tracer->expected--;
}

/* An expected one is not ours any more. */
void gs_expect_part(struct gs_tracer *tracer, struct gs_node *node, int signal)
{
	ptrace(PTRACE_DETACH, node->traced.id.pid, NULL, (void *)(long)signal);
	gs_expect_remove(tracer, node);
}

/* Whichever thread it was, it has the number of the process now. */
struct gs_node *gs_expect_rename(struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *thread, *former = gs_tree_find(&tracer->tree, pid);
	unsigned long tid = 0;

	if (!tracer->expected)
		return former;
	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &tid);
	thread = (pid_t)tid == pid ? NULL : gs_tree_find(&tracer->tree, (pid_t)tid);
	if (!thread || !thread->expected)
		return former;
	if (former && former->expected) /* which was about to do the same */
		gs_expect_remove(tracer, former);
	if (!gs_tree_find(&tracer->tree, pid)) {
		gs_tree_rename(&tracer->tree, thread, pid);
		return thread;
	}
	gs_expect_remove(tracer, thread);
	return former;
}

/* One that is leaving takes the first stop that it comes to. */
bool gs_expect_leaves(struct gs_tracer *tracer, pid_t tid, int status)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);
	int event = status >> 16;

	if (!node || !node->leaving || node->draining || event == PTRACE_EVENT_EXEC)
		return false;
	gs_expect_part(tracer, node, event ? 0 : WSTOPSIG(status));
	return true;
}

void gs_expect_hurry(const struct gs_tree *tree)
{
	for (size_t i = 0; i < tree->bucket_count; i++) {
		for (struct gs_node *node = tree->buckets[i]; node; node = node->next) {
			if (!node->expected || node->traced.held || node->injection ||
			    node->errand || node->leaving || !gs_deadline_passed(node->deadline_ms))
				continue;
			node->leaving = true;
			ptrace(PTRACE_INTERRUPT, node->traced.id.pid, NULL, NULL);
		}
	}
}
