/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that are sent to an address and held there, and what becomes of those that are held
 * when their tracer is killed. The targets are this very program: "test_hold_go NAME".
 */
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/trace.h>

#include "../../lib/hold/perf_point.h"
#include "../../lib/hold/thread_registers.h"
#include "unit.h"

#define STATUS 7
#define SOON gs_deadline_in(10000)

/* ---- the targets ---- */

static volatile unsigned int *beats; /* shared with the test */

/* What they are sent to. */
__attribute__((noinline)) static int marker(int status, const char *word)
{
	__asm__ volatile("" ::"r"(word) : "memory");
	return status;
}

static void *beat(void *arg)
{
	while (true) {
		(*beats)++;
		usleep(1000);
	}
	return arg;
}

static int target_plain(void)
{
	return marker(STATUS, "plain");
}

/* As constructors may: it runs on while the first thread stands. */
static int target_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, beat, NULL);
	while (*beats == 0)
		usleep(1000);
	return marker(STATUS, "thread");
}

static int target_exec(void)
{
	const char *argv[] = {"/proc/self/exe", "plain", NULL};

	execv(argv[0], (char *const *)argv);
	return 100;
}

static int target_end(void)
{
	return STATUS;
}

static const struct target {
	const char *name;
	int (*main)(void);
} targets[] = {
	{"plain", target_plain},
	{"thread", target_thread},
	{"exec", target_exec},
	{"end", target_end},
};

/* The file of @beats is inherited as descriptor 3. */
#define BEATS_FD 3
static int be_target(const char *name)
{
	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, BEATS_FD, 0);
	for (size_t i = 0; beats != MAP_FAILED && i < sizeof(targets) / sizeof(*targets); i++) {
		if (strcmp(targets[i].name, name) == 0)
			return targets[i].main();
	}
	return 108;
}

/* ---- the tracer ---- */

struct watch {
	struct gs_tracer *tracer;
	pid_t pid;
	bool held, arrived, ended;
	unsigned int execs;
	int status;
	enum gs_catch_mechanism mechanism;
};

static bool on_exec(void *arg, const struct gs_traced *process)
{
	struct watch *watch = arg;

	watch->execs++;
	watch->held = process->id.pid == watch->pid;
	return watch->held;
}

static bool on_arrived(void *arg, const struct gs_traced *process)
{
	struct watch *watch = arg;

	assert_true(process->held);
	assert_false(watch->arrived);
	watch->arrived = true;
	return true;
}

static void on_ended(void *arg, const struct gs_traced *process, int status)
{
	struct watch *watch = arg;

	(void)process;
	watch->ended = true;
	watch->status = status;
}

static const struct gs_trace_ops ops = {.exec = on_exec, .arrived = on_arrived, .ended = on_ended};

static void run_until(struct watch *watch, const bool *done)
{
	uint64_t deadline = SOON;

	while (!*done) {
		struct pollfd p = {.fd = gs_tracer_fd(watch->tracer), .events = POLLIN};

		assert_false(gs_deadline_passed(deadline));
		(void)!poll(&p, 1, 20);
		gs_tracer_dispatch(watch->tracer);
	}
}

/* Up to its exec. */
static void begin(struct watch *watch, const char *target, bool fails_stopped)
{
	const char *argv[] = {"/proc/self/exe", target, NULL};
	int beats_fd = memfd_create("beats", MFD_CLOEXEC);
	const struct gs_spawn_fd fds[] = {{beats_fd, BEATS_FD}};
	const struct gs_spawn spawn = {.argv = argv,
				       .fds = fds,
				       .fd_count = 1,
				       .stdin_fd = -1,
				       .stdout_fd = 1,
				       .stderr_fd = 2,
				       .detach = true,
				       .gate = true};
	struct gs_process process;

	*watch = (struct watch){.status = -1};
	assert_int_equal(ftruncate(beats_fd, 4096), 0);
	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, beats_fd, 0);
	assert_true(beats != MAP_FAILED);
	assert_ok(gs_tracer_new(&ops, watch, &watch->tracer));
	if (fails_stopped)
		gs_tracer_fail_stopped(watch->tracer);
	assert_ok(gs_process_spawn(&spawn, &process));
	close(beats_fd);
	watch->pid = process.pid;
	assert_ok(gs_tracer_seize(watch->tracer, process.pid));
	assert_ok(gs_process_open_gate(&process));
	gs_process_deinit(&process);
	run_until(watch, &watch->held);
}

/* Where its program begins; a sanitizer's mappings may come before it. */
static uint64_t base_of(pid_t pid)
{
	char path[32], program[PATH_MAX] = "", line[PATH_MAX + 100];
	unsigned long base = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	assert_true(readlink(path, program, sizeof(program) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	assert_non_null(maps);
	while (!base && fgets(line, sizeof(line), maps)) {
		if (strstr(line, program))
			base = strtoul(line, NULL, 16);
	}
	fclose(maps);
	assert_true(base);
	return base;
}

/* The same program, elsewhere. */
static uint64_t marker_of(pid_t pid)
{
	return base_of(pid) + ((uint64_t)(uintptr_t)marker - base_of(getpid()));
}

static char state_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.state : '-';
}

static void await_state(pid_t pid, const char *states)
{
	for (int i = 0; i < 5000 && !strchr(states, state_of(pid)); i++)
		usleep(1000);
	if (!strchr(states, state_of(pid)))
		fail_msg("process %d is in %c, not in %s", (int)pid, state_of(pid), states);
}

static void check_place(const struct watch *watch)
{
	struct gs_thread_registers registers;
	uint64_t args[GS_CALL_ARGS];

	assert_int_equal(state_of(watch->pid), 't');
	assert_true(gs_thread_registers_get(watch->pid, &registers));
	assert_int_equal(gs_thread_registers_pc(&registers), marker_of(watch->pid));
	gs_thread_registers_args(&registers, args);
	assert_int_equal(args[0], STATUS);
}

static void finish(struct watch *watch, int status)
{
	run_until(watch, &watch->ended);
	assert_int_equal(watch->status, status);
	assert_int_equal(gs_tracer_unsettled(watch->tracer), 0);
	gs_tracer_free(watch->tracer);
	munmap((void *)beats, 4096);
}

/* Why it cannot be tried here; NULL: it can. */
static const char *obstacle(void)
{
	static char why[200];
	int fd = -1;
	struct gs_error *err = gs_perf_point_open(getpid(), (uint64_t)(uintptr_t)marker, &fd);

	if (fd >= 0)
		close(fd);
	snprintf(why, sizeof(why), "%s", err ? err->message : "");
	gs_error_destroy(err);
	return *why ? why : NULL;
}

/* ---- tests ---- */

static void send_there(struct watch *watch, const char *target, bool fails_stopped)
{
	begin(watch, target, fails_stopped);
	assert_ok(gs_tracer_go_to(watch->tracer, watch->pid, marker_of(watch->pid),
				  &watch->mechanism));
	assert_error(gs_tracer_release(watch->tracer, watch->pid), GS_ERROR_NODATA, NULL);
	assert_true(gs_tracer_unsettled(watch->tracer) > 0);
	run_until(watch, &watch->arrived);
	check_place(watch);
}

static void test_arrives(void **state)
{
	struct watch watch;
	(void)state;

	for (int fails_stopped = 0; fails_stopped < 2; fails_stopped++) {
		send_there(&watch, "plain", fails_stopped);
		assert_ok(gs_tracer_release(watch.tracer, watch.pid));
		finish(&watch, STATUS << 8);
	}
}

static void test_threads_run_on(void **state)
{
	unsigned int before;
	struct watch watch;
	(void)state;

	send_there(&watch, "thread", false);
	before = *beats;
	for (int i = 0; i < 5000 && *beats < before + 10; i++)
		usleep(1000);
	assert_true(*beats >= before + 10);
	assert_ok(gs_tracer_release(watch.tracer, watch.pid));
	finish(&watch, STATUS << 8);
}

/* All of its threads are free for a debugger. */
static void test_hand_over(void **state)
{
	struct gs_proc proc;
	struct watch watch;
	int status;
	(void)state;

	for (int fails_stopped = 0; fails_stopped < 2; fails_stopped++) {
		send_there(&watch, "thread", fails_stopped);
		assert_ok(gs_tracer_hand_over(watch.tracer, watch.pid));
		await_state(watch.pid, "T");
		assert_ok(gs_proc_read(watch.pid, &proc));
		assert_int_equal(proc.tracer, 0);
		gs_proc_deinit(&proc);
		assert_int_equal(ptrace(PTRACE_SEIZE, watch.pid, NULL, NULL), 0);
		assert_int_equal(waitpid(watch.pid, &status, __WALL), watch.pid);
		check_place(&watch);
		ptrace(PTRACE_DETACH, watch.pid, NULL, NULL);
		kill(watch.pid, SIGCONT);
		await_state(watch.pid, "Z-");
		gs_tracer_free(watch.tracer);
		munmap((void *)beats, 4096);
	}
}

static void test_called_off(void **state)
{
	struct watch watch;
	(void)state;

	for (int i = 0; i < 20; i++) { /* before, while, and after it gets there */
		begin(&watch, "plain", i % 2);
		assert_error(gs_tracer_call_off(watch.tracer, watch.pid), GS_ERROR_NODATA, NULL);
		assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid),
					  &watch.mechanism));
		usleep((unsigned int)i * 100);
		assert_ok(gs_tracer_call_off(watch.tracer, watch.pid));
		finish(&watch, STATUS << 8);
		assert_false(watch.arrived);
	}
}

static void test_exec_on_the_way(void **state)
{
	struct watch watch;
	(void)state;

	begin(&watch, "exec", false);
	assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid), &watch.mechanism));
	watch.held = false;
	run_until(&watch, &watch.held);
	assert_int_equal(watch.execs, 2);
	assert_int_equal(gs_tracer_unsettled(watch.tracer), 0);
	assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid), &watch.mechanism));
	run_until(&watch, &watch.arrived);
	check_place(&watch);
	assert_ok(gs_tracer_release(watch.tracer, watch.pid));
	finish(&watch, STATUS << 8);
}

static void test_end_on_the_way(void **state)
{
	struct watch watch;
	(void)state;

	begin(&watch, "end", false);
	assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid), &watch.mechanism));
	finish(&watch, STATUS << 8);
	assert_false(watch.arrived);
	begin(&watch, "plain", false);
	assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid), &watch.mechanism));
	kill(watch.pid, SIGKILL);
	finish(&watch, SIGKILL);
}

/* As a settled tracer ends: at once, and whoever was on his way runs on. */
static void test_settle(void **state)
{
	struct watch watch;
	(void)state;

	send_there(&watch, "plain", true);
	assert_ok(gs_tracer_release(watch.tracer, watch.pid));
	gs_tracer_settle(watch.tracer, SOON);
	assert_int_equal(gs_tracer_unsettled(watch.tracer), 0);
	finish(&watch, STATUS << 8);
}

/* ---- a tracer that is killed ---- */

static void check_killed(const char *target, bool go, bool fails_stopped)
{
	int report[2];
	struct watch watch;
	pid_t tracer, pid = 0;

	assert_int_equal(pipe(report), 0);
	tracer = fork();
	if (tracer == 0) {
		if (go)
			send_there(&watch, target, fails_stopped);
		else
			begin(&watch, target, fails_stopped);
		(void)!write(report[1], &watch.pid, sizeof(watch.pid));
		pause();
	}
	assert_int_equal(read(report[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(state_of(pid), 't');
	kill(tracer, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	if (fails_stopped) {
		await_state(pid, "T");
		usleep(10000);
		assert_int_equal(state_of(pid), 'T');
		kill(pid, SIGCONT);
	}
	await_state(pid, "Z-");
	close(report[0]);
	close(report[1]);
}

static void test_killed_at_exec(void **state)
{
	(void)state;
	check_killed("plain", false, false);
	check_killed("plain", false, true);
}

static void test_killed_there(void **state)
{
	(void)state;
	check_killed("plain", true, false);
	check_killed("thread", true, false);
	check_killed("plain", true, true);
	check_killed("thread", true, true);
}

/* It has taken the signal that tells of its arrival, and nobody is left to drop that. */
static void test_killed_on_the_way(void **state)
{
	(void)state;
	for (int fails_stopped = 0; fails_stopped < 2; fails_stopped++) {
		int report[2];
		struct watch watch;
		pid_t tracer, pid = 0;

		assert_int_equal(pipe(report), 0);
		tracer = fork();
		if (tracer == 0) {
			begin(&watch, "plain", fails_stopped);
			assert_ok(gs_tracer_go_to(watch.tracer, watch.pid, marker_of(watch.pid),
						  &watch.mechanism));
			(void)!write(report[1], &watch.pid, sizeof(watch.pid));
			pause();
		}
		assert_int_equal(read(report[0], &pid, sizeof(pid)), sizeof(pid));
		await_state(pid, "t");
		kill(tracer, SIGKILL);
		assert_int_equal(waitpid(tracer, NULL, 0), tracer);
		await_state(pid, "Z-");
		close(report[0]);
		close(report[1]);
	}
}

static void test_release_with_stop_queued(void **state)
{
	struct watch watch;
	(void)state;

	for (int continued = 0; continued < 2; continued++) {
		begin(&watch, "plain", true);
		if (continued) /* it takes the SIGSTOP away */
			kill(watch.pid, SIGCONT);
		assert_ok(gs_tracer_release(watch.tracer, watch.pid));
		finish(&watch, STATUS << 8);
	}
}

/* Somebody else's SIGSTOP is not ours to drop. */
static void test_foreign_stop(void **state)
{
	struct watch watch;
	(void)state;

	begin(&watch, "plain", true);
	kill(watch.pid, SIGSTOP);
	assert_ok(gs_tracer_release(watch.tracer, watch.pid));
	for (int i = 0; i < 50; i++) {
		gs_tracer_dispatch(watch.tracer);
		usleep(1000);
	}
	assert_false(watch.ended);
	assert_int_equal(gs_tracer_unsettled(watch.tracer), 0);
	kill(watch.pid, SIGCONT);
	finish(&watch, STATUS << 8);
}

/* As the profiles of containers do. For good, and for the targets, too. */
static bool deny_perf(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void test_mechanism(void **state)
{
	struct watch watch;
	(void)state;

	send_there(&watch, "plain", false);
	assert_int_equal(watch.mechanism, obstacle() ? GS_CATCH_INT3 : GS_CATCH_PERF);
	assert_ok(gs_tracer_release(watch.tracer, watch.pid));
	finish(&watch, STATUS << 8);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest stopped[] = {
		cmocka_unit_test(test_killed_at_exec),
		cmocka_unit_test(test_release_with_stop_queued),
		cmocka_unit_test(test_foreign_stop),
	};
	const struct CMUnitTest going[] = {
		cmocka_unit_test(test_mechanism),      cmocka_unit_test(test_arrives),
		cmocka_unit_test(test_threads_run_on), cmocka_unit_test(test_hand_over),
		cmocka_unit_test(test_called_off),     cmocka_unit_test(test_exec_on_the_way),
		cmocka_unit_test(test_end_on_the_way), cmocka_unit_test(test_settle),
		cmocka_unit_test(test_killed_there),
	};
	const struct CMUnitTest guarded[] = {cmocka_unit_test(test_killed_on_the_way)};
	int failed;

	if (argc > 1)
		_exit(be_target(argv[1])); /* a leak checker cannot look at what is traced */
	failed = cmocka_run_group_tests(stopped, NULL, NULL);
	if (obstacle())
		printf("skipped: by perf: %s\n", obstacle());
	else
		failed += cmocka_run_group_tests(guarded, NULL, NULL) +
			  cmocka_run_group_tests(going, NULL, NULL);
#ifdef __x86_64__
	if (deny_perf())
		failed += cmocka_run_group_tests(going, NULL, NULL);
	else
		printf("skipped: without perf: no seccomp here\n");
#endif
	return failed;
}
