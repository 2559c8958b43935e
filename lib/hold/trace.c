/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracer: what each stop of a process of the tree means, and what becomes of it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>

#include "trace.h"

#define OPTIONS \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define EXPECTED_LOOK_MS 500

struct gs_error *gs_tracer_new(const struct gs_trace_ops *ops, void *arg, struct gs_tracer **ret)
{
	gs_autofree struct gs_tracer *tracer = calloc(1, sizeof(*tracer));
	struct gs_error *err = tracer ? gs_tree_init(&tracer->tree) : gs_error_nomem();
	sigset_t child;

	if (err)
		return err;
	tracer->ops = ops;
	tracer->arg = arg;
	tracer->options = OPTIONS | (ops->exiting ? PTRACE_O_TRACEEXIT : 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	tracer->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (tracer->signal_fd < 0) {
		err = gs_error_os(errno, "signalfd");
		gs_tree_deinit(&tracer->tree);
		return err;
	}
	*ret = gs_take(tracer);
	return NULL;
}

int gs_tracer_fd(const struct gs_tracer *tracer)
{
	return tracer->signal_fd;
}

size_t gs_tracer_count(const struct gs_tracer *tracer)
{
	return tracer->tree.count;
}

const struct gs_traced *gs_tracer_find(const struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, pid);

	return node ? &node->traced : NULL;
}

void gs_tracer_free(struct gs_tracer *tracer)
{
	close(tracer->signal_fd);
	gs_tree_deinit(&tracer->tree);
	free(tracer);
}

/* ---- going on ---- */

/* One that was killed in its stop does not go on; its end is the next that is heard of it. */
static void go_on(pid_t tid, int signal)
{
	ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signal);
}

void gs_trace_let_run(struct gs_tracer *tracer, struct gs_node *node)
{
	bool is_free = gs_trace_is_free(tracer, node);

	node->traced.held = false;
	if (node->has_errand_options)
		gs_trace_restore_options(tracer, node);
	if (node->expected && is_free) {
		gs_expect_part(tracer, node, 0);
		return;
	}
	node->leaving = node->expected;
	go_on(node->traced.id.pid, 0);
}

/* ---- who is there ---- */

static void identify(struct gs_node *node)
{
	struct gs_proc_stat stat;

	if (gs_proc_stat(node->traced.id.pid, &stat))
		node->traced.id.start = stat.start;
	gs_process_comm(node->traced.id.pid, node->traced.comm);
	node->is_named = true;
}

/* Of most processes nobody wants the name, as they have no children. */
static void set_parent(struct gs_node *node, struct gs_node *parent)
{
	if (!parent->is_named)
		gs_process_comm(parent->traced.id.pid, parent->traced.comm);
	parent->is_named = true;
	gs_tree_set_parent(node, parent);
}

/*
 * A child and its parent's word of it come in any order: a child that nobody has spoken of stays
 * where it is for the moment.
 */
static void park(struct gs_tracer *tracer, pid_t tid)
{
	struct gs_node *node = gs_tree_add(&tracer->tree, tid);

	if (!node) {
		go_on(tid, 0); /* unseen, but not stuck */
		return;
	}
	node->parked = true;
	tracer->parked++;
}

static void unpark(struct gs_tracer *tracer, struct gs_node *node)
{
	if (!node->parked)
		return;
	node->parked = false;
	tracer->parked--;
	go_on(node->traced.id.pid, 0);
}

/* @event: how it was born; 0: nobody has seen it. */
static void adopt(struct gs_tracer *tracer, pid_t pid, struct gs_node *parent, int event)
{
	struct gs_node *node = gs_tree_add(&tracer->tree, pid);

	if (!node)
		return;
	if (parent && !node->traced.parent)
		set_parent(node, parent);
	if (tracer->ops->born) {
		identify(node);
		tracer->ops->born(tracer->arg, &node->traced, event);
	}
	unpark(tracer, node);
}

/* A thread is none of the tree's, it only has to run. */
static void disown(struct gs_tracer *tracer, struct gs_node *node)
{
	unpark(tracer, node);
	gs_tree_remove(&tracer->tree, node);
}

/* Whose parent was killed before it could speak of them, and threads after a group-stop. */
static void settle_parked(struct gs_tracer *tracer)
{
	for (size_t i = 0; tracer->parked && i < tracer->tree.bucket_count; i++) {
		struct gs_node *next, *node = tracer->tree.buckets[i];
		struct gs_proc_stat stat;

		for (; node; node = next) {
			pid_t pid = node->traced.id.pid;

			next = node->next;
			if (!node->parked)
				continue;
			if (gs_process_of_thread(pid) == pid && gs_proc_stat(pid, &stat))
				adopt(tracer, pid, gs_tree_find(&tracer->tree, stat.parent), 0);
			else
				disown(tracer, node);
		}
	}
}

/* ---- stops ---- */

static void on_birth(struct gs_tracer *tracer, pid_t tid, int event)
{
	struct gs_node *parent = gs_tree_find(&tracer->tree, tid), *node;
	unsigned long child = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) < 0)
		return;
	node = gs_tree_find(&tracer->tree, (pid_t)child);
	if (event == PTRACE_EVENT_CLONE && gs_process_of_thread((pid_t)child) != (pid_t)child) {
		if (node && node->parked)
			disown(tracer, node);
	} else {
		if (!parent)
			parent = gs_tree_find(&tracer->tree, gs_process_of_thread(tid));
		adopt(tracer, (pid_t)child, parent, event);
	}
	go_on(tid, 0);
}

static void on_exec(struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *node = gs_expect_rename(tracer, pid);

	if (!node)
		node = gs_tree_add(&tracer->tree, pid);
	if (!node) {
		go_on(pid, 0);
		return;
	}
	node->is_named = false;
	node->leaving = false;
	node->traced.held = true;
	if (!tracer->ops->exec(tracer->arg, &node->traced))
		gs_trace_let_run(tracer, node);
	else if (node->traced.held)
		gs_trace_queue_stop(tracer, node);
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void on_stop(struct gs_tracer *tracer, pid_t tid, int signal)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);

	if (is_stop_signal(signal)) /* the whole process stops, as it would without us */
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	else if (node)
		go_on(tid, 0);
	else
		park(tracer, tid);
}

/* Of its threads, only the first has its number; the others have no word in it. */
static void on_exiting(struct gs_tracer *tracer, pid_t tid)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);

	if (node && tracer->ops->exiting)
		tracer->ops->exiting(tracer->arg, &node->traced);
	go_on(tid, 0);
}

static void on_end(struct gs_tracer *tracer, pid_t tid, int status)
{
	struct gs_node *node = gs_tree_find(&tracer->tree, tid);

	if (!node) {
		gs_trace_guardian_ended(tracer, tid);
		return;
	}
	if (node->expected)
		tracer->expected--;
	gs_trace_drop_injection(tracer, node);
	gs_trace_drop_errand(tracer, node);
	gs_trace_drop_stop(tracer, node);
	if (node->parked)
		tracer->parked--;
	else if (tracer->ops->ended)
		tracer->ops->ended(tracer->arg, &node->traced, status);
	gs_tree_remove(&tracer->tree, node);
}

static void on_status(struct gs_tracer *tracer, pid_t tid, int status)
{
	int event = status >> 16;

	if (!WIFSTOPPED(status))
		on_end(tracer, tid, status);
	else if (gs_trace_drains(tracer, tid, status) || gs_trace_wraps(tracer, tid, status) ||
		 gs_trace_goes(tracer, tid, status) || gs_expect_leaves(tracer, tid, status))
		return;
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		 event == PTRACE_EVENT_CLONE)
		on_birth(tracer, tid, event);
	else if (event == PTRACE_EVENT_EXEC)
		on_exec(tracer, tid);
	else if (event == PTRACE_EVENT_EXIT)
		on_exiting(tracer, tid);
	else if (event == PTRACE_EVENT_STOP)
		on_stop(tracer, tid, WSTOPSIG(status));
	else
		go_on(tid, WSTOPSIG(status));
}

void gs_tracer_dispatch(struct gs_tracer *tracer)
{
	struct signalfd_siginfo info;
	int status;
	pid_t tid;

	/* First, so that what comes meanwhile is told again; it is told once for all. */
	(void)!read(tracer->signal_fd, &info, sizeof(info));
	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
		on_status(tracer, tid, status);
	settle_parked(tracer);
	if (tracer->expected)
		gs_expect_hurry(&tracer->tree);
}

int gs_tracer_timeout_ms(const struct gs_tracer *tracer)
{
	return tracer->expected ? EXPECTED_LOOK_MS : -1;
}

/* ---- into the tree, and out of it ---- */

static void serve_meanwhile(void *arg)
{
	gs_tracer_dispatch(arg);
}

struct gs_error *gs_tracer_seize(struct gs_tracer *tracer, pid_t pid)
{
	const struct gs_seizing seizing = {
		.options = tracer->options, .meanwhile = serve_meanwhile, .arg = tracer};
	struct gs_node *node = gs_tree_add(&tracer->tree, pid);
	int code;

	if (!node)
		return gs_error_nomem();
	code = gs_seize_process(&seizing, pid);
	node = gs_tree_find(&tracer->tree, pid); /* it may have ended */
	if (node && code)
		gs_tree_remove(&tracer->tree, node);
	else if (node)
		identify(node);
	return code ? gs_trace_refusal(pid, code) : NULL;
}

struct gs_error *gs_trace_find_held(const struct gs_tracer *tracer, pid_t pid, struct gs_node **ret)
{
	*ret = gs_tree_find(&tracer->tree, pid);
	if (*ret && (*ret)->traced.held)
		return NULL;
	return gs_error_create(GS_ERROR_NODATA, "process %d is not held", (int)pid);
}

struct gs_error *gs_tracer_release(struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *node;
	struct gs_error *err = gs_trace_find_held(tracer, pid, &node);

	if (!err)
		gs_trace_let_run(tracer, node);
	return err;
}

/* A signal that comes along with PTRACE_DETACH is lost in a stop that no signal has caused. */
struct gs_error *gs_tracer_hand_over(struct gs_tracer *tracer, pid_t pid)
{
	struct gs_node *node;
	struct gs_error *err = gs_trace_find_held(tracer, pid, &node);

	if (err)
		return err;
	if (syscall(SYS_tgkill, pid, pid, SIGSTOP) < 0 ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		return gs_error_create(GS_ERROR_GONE, "process %d has ended", (int)pid);
	if (node->expected)
		tracer->expected--;
	gs_tree_remove(&tracer->tree, node);
	return NULL;
}
