/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer on real processes. They are this very program: "test_hold_trace fork" becomes "...
 * leaf" in the way that its name says, and ends with what became of it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/trace.h>

#include "unit.h"

#define LEAF_STATUS 7
#define SOON gs_deadline_in(10000)

/* ---- the targets ---- */

static const char *const leaf_argv[] = {"/proc/self/exe", "leaf", NULL};
static volatile sig_atomic_t child_signals;

static void count_child_signal(int signal)
{
	(void)signal;
	child_signals++;
}

static void become_leaf(void)
{
	execv(leaf_argv[0], (char *const *)leaf_argv);
	_exit(100);
}

/* Its status, and nothing else may be heard of it before. */
static int await_leaf(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WUNTRACED | WCONTINUED) != pid || !WIFEXITED(status))
		return 101;
	return child_signals == 1 ? WEXITSTATUS(status) : 102;
}

static int target_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		become_leaf();
	return await_leaf(pid);
}

static int target_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		become_leaf();
	return await_leaf(pid);
}

static int target_spawn(void)
{
	pid_t pid;

	if (posix_spawn(&pid, leaf_argv[0], NULL, NULL, (char *const *)leaf_argv, NULL) != 0)
		return 103;
	return await_leaf(pid);
}

static void *exec_in_thread(void *arg)
{
	become_leaf();
	return arg;
}

static int target_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_in_thread, NULL);
	pthread_join(thread, NULL);
	return 104;
}

/* One wins; the others are killed on their way. */
static int target_crowd(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, exec_in_thread, NULL);
	become_leaf();
	return 109;
}

/* As daemons do: the middle one ends, and init is the parent. */
static int target_daemon(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setsid();
		if (fork() == 0)
			become_leaf();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return LEAF_STATUS;
}

/* Forks from a thread, with other threads that come and go. */
static void *fork_in_thread(void *arg)
{
	*(int *)arg = target_fork();
	return NULL;
}

static void *do_nothing(void *arg)
{
	return arg;
}

static int target_threads(void)
{
	pthread_t thread, other;
	int status = 105;

	for (int i = 0; i < 20; i++) {
		pthread_create(&other, NULL, do_nothing, NULL);
		pthread_detach(other);
	}
	pthread_create(&thread, NULL, fork_in_thread, &status);
	pthread_join(thread, NULL);
	return status;
}

/* Stops itself, as a shell's job; its parent lets it go on. */
static int target_stop(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		become_leaf();
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 106;
	kill(pid, SIGCONT);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 107;
}

static const struct target {
	const char *name;
	int (*main)(void);
	unsigned int depth; /* of the leaf */
} targets[] = {
	{"fork", target_fork, 1},       {"vfork", target_vfork, 1},   {"spawn", target_spawn, 1},
	{"thread", target_thread, 0},   {"daemon", target_daemon, 2}, {"stop", target_stop, 1},
	{"threads", target_threads, 1}, {"crowd", target_crowd, 0},
};

static int be_target(const char *name)
{
	if (strcmp(name, "leaf") == 0)
		return LEAF_STATUS;
	signal(SIGCHLD, count_child_signal);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		if (strcmp(targets[i].name, name) == 0)
			return targets[i].main();
	}
	return 108;
}

/* ---- the tracer ---- */

struct watch {
	struct gs_tracer *tracer;
	pid_t first, leaf;
	unsigned int leaf_depth;
	char lineage[200]; /* of the leaf: names, itself first */
	int first_status, leaf_status;
	unsigned int execs;
	bool hold;
};

static bool is_leaf(pid_t pid)
{
	struct gs_proc proc;
	const char *argument;
	bool is;

	assert_ok(gs_proc_read(pid, &proc));
	argument = gs_proc_argument(&proc, 1);
	is = argument && strcmp(argument, "leaf") == 0;
	gs_proc_deinit(&proc);
	return is;
}

static bool on_exec(void *arg, const struct gs_traced *process)
{
	struct watch *watch = arg;

	watch->execs++;
	if (!is_leaf(process->id.pid))
		return false;
	assert_int_equal(watch->leaf, 0);
	watch->leaf = process->id.pid;
	watch->leaf_depth = process->depth;
	for (const struct gs_traced *at = process; at; at = at->parent) {
		strcat(watch->lineage, at->id.pid == watch->first ? "first " : "other ");
	}
	return watch->hold;
}

static void on_ended(void *arg, const struct gs_traced *process, int status)
{
	struct watch *watch = arg;

	if (process->id.pid == watch->leaf)
		watch->leaf_status = status;
	if (process->id.pid == watch->first)
		watch->first_status = status;
}

static const struct gs_trace_ops ops = {.exec = on_exec, .ended = on_ended};

/* Until @done says so; then nothing is left to do. */
static void run_until(struct watch *watch, bool (*done)(const struct watch *watch))
{
	uint64_t deadline = SOON;

	while (!done(watch)) {
		struct pollfd p = {.fd = gs_tracer_fd(watch->tracer), .events = POLLIN};

		assert_false(gs_deadline_passed(deadline));
		(void)!poll(&p, 1, 20);
		gs_tracer_dispatch(watch->tracer);
	}
}

static bool is_held(const struct watch *watch)
{
	const struct gs_traced *leaf = gs_tracer_find(watch->tracer, watch->leaf);

	return leaf && leaf->held;
}

static bool is_over(const struct watch *watch)
{
	return gs_tracer_count(watch->tracer) == 0;
}

static void begin(struct watch *watch, const char *target, bool hold)
{
	const char *argv[] = {"/proc/self/exe", target, NULL};
	/* Not our child: its end is the tracer's to tell, and nobody's to wait for. */
	struct gs_spawn spawn = {.argv = argv,
				 .stdin_fd = -1,
				 .stdout_fd = 1,
				 .stderr_fd = 2,
				 .detach = true,
				 .gate = true};
	struct gs_process process;

	*watch = (struct watch){.first_status = -1, .leaf_status = -1, .hold = hold};
	assert_ok(gs_tracer_new(&ops, watch, &watch->tracer));
	assert_ok(gs_process_spawn(&spawn, &process));
	watch->first = process.pid;
	assert_ok(gs_tracer_seize(watch->tracer, process.pid));
	assert_ok(gs_process_open_gate(&process));
	gs_process_deinit(&process);
}

static char state_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.state : '-';
}

/* ---- tests ---- */

static void check_target(const struct target *target, bool hold)
{
	struct watch watch;

	begin(&watch, target->name, hold);
	if (hold) {
		run_until(&watch, is_held);
		usleep(20000);
		gs_tracer_dispatch(watch.tracer);
		assert_int_equal(state_of(watch.leaf), 't');
		assert_ok(gs_tracer_release(watch.tracer, watch.leaf));
		assert_error(gs_tracer_release(watch.tracer, watch.leaf), GS_ERROR_NODATA, NULL);
	}
	run_until(&watch, is_over);
	assert_int_equal(watch.leaf_depth, target->depth);
	assert_string_equal(watch.lineage, target->depth == 0   ? "first "
					   : target->depth == 1 ? "other first "
								: "other other first ");
	assert_int_equal(watch.leaf_status, LEAF_STATUS << 8);
	assert_int_equal(watch.first_status, LEAF_STATUS << 8);
	assert_int_equal(watch.execs, 2);
	gs_tracer_free(watch.tracer);
}

static void test_follows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		check_target(&targets[i], false);
}

static void test_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		check_target(&targets[i], true);
}

/* It is stopped, belongs to nobody, and a debugger that seizes it sees no instruction missed. */
static void test_hand_over(void **state)
{
	struct gs_proc proc;
	struct watch watch;
	pid_t leaf;
	(void)state;

	begin(&watch, "daemon", true);
	run_until(&watch, is_held);
	leaf = watch.leaf;
	assert_ok(gs_tracer_hand_over(watch.tracer, leaf));
	assert_null(gs_tracer_find(watch.tracer, leaf));
	for (int i = 0; i < 1000 && state_of(leaf) != 'T'; i++)
		usleep(1000);
	assert_ok(gs_proc_read(leaf, &proc));
	assert_int_equal(proc.state, 'T');
	assert_int_equal(proc.tracer, 0);
	gs_proc_deinit(&proc);
	kill(leaf, SIGCONT);
	for (int i = 0; i < 1000 && state_of(leaf) != '-' && state_of(leaf) != 'Z'; i++)
		usleep(1000);
	assert_true(state_of(leaf) == '-' || state_of(leaf) == 'Z');
	run_until(&watch, is_over);
	gs_tracer_free(watch.tracer);
}

static void test_killed_while_held(void **state)
{
	struct watch watch;
	(void)state;

	begin(&watch, "fork", true);
	run_until(&watch, is_held);
	kill(watch.leaf, SIGKILL);
	run_until(&watch, is_over);
	assert_int_equal(watch.leaf_status, SIGKILL);
	assert_int_equal(watch.first_status, 101 << 8);
	gs_tracer_free(watch.tracer);
}

/* The tracer is a child that is killed: what it held runs on. */
static void test_tracer_killed(void **state)
{
	int report[2];
	struct watch watch;
	pid_t tracer, leaf = 0;
	(void)state;

	assert_int_equal(pipe(report), 0);
	tracer = fork();
	if (tracer == 0) {
		begin(&watch, "daemon", true);
		run_until(&watch, is_held);
		(void)!write(report[1], &watch.leaf, sizeof(watch.leaf));
		pause();
	}
	assert_int_equal(read(report[0], &leaf, sizeof(leaf)), sizeof(leaf));
	assert_int_equal(state_of(leaf), 't');
	kill(tracer, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	for (int i = 0; i < 1000 && state_of(leaf) != '-' && state_of(leaf) != 'Z'; i++)
		usleep(1000);
	assert_true(state_of(leaf) == '-' || state_of(leaf) == 'Z');
	close(report[0]);
	close(report[1]);
}

static void test_refused(void **state)
{
	struct watch watch;
	char message[100];
	int done[2];
	pid_t other;
	(void)state;

	begin(&watch, "fork", true);
	run_until(&watch, is_held);
	/* Another tracer is told who has it. */
	assert_int_equal(pipe(done), 0);
	other = fork();
	if (other == 0) {
		struct gs_tracer *tracer = NULL;
		struct gs_error *err = gs_tracer_new(&ops, NULL, &tracer);

		err = err ? err : gs_tracer_seize(tracer, watch.leaf);
		(void)!write(done[1], err->message, strlen(err->message) + 1);
		_exit(0);
	}
	assert_true(read(done[0], message, sizeof(message)) > 0);
	assert_non_null(strstr(message, "is traced by"));
	waitpid(other, NULL, 0);
	assert_ok(gs_tracer_release(watch.tracer, watch.leaf));
	run_until(&watch, is_over);
	assert_os_error(gs_tracer_seize(watch.tracer, watch.leaf), ESRCH);
	gs_tracer_free(watch.tracer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows),       cmocka_unit_test(test_holds),
		cmocka_unit_test(test_hand_over),     cmocka_unit_test(test_killed_while_held),
		cmocka_unit_test(test_tracer_killed), cmocka_unit_test(test_refused),
	};

	if (argc > 1)
		_exit(be_target(argv[1])); /* a leak checker cannot look at what is traced */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
