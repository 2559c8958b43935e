/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else happens to a process whose threads are caught, and to those who catch them. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "catch_scene.h"

extern char **environ;

/* ---- more targets ---- */

static void am_ready(void)
{
	__atomic_add_fetch(&common->ready, 1, __ATOMIC_RELAXED);
}

static const char *const true_argv[] = {"/bin/true", NULL};

/* Its status; 200: it did not exit. */
static int await_child(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

/* Children of all kinds end as they do without us. */
static void *make_children(void *arg)
{
	for (am_ready(); !common->is_enough; common->births++) {
		pid_t pid = vfork();
		int wrong;

		if (pid == 0) {
			execv(true_argv[0], (char *const *)true_argv);
			_exit(1);
		}
		wrong = await_child(pid) != 0;
		pid = fork();
		if (pid == 0)
			_exit(called(3, "text", 5, 6, 7, 8) == 3 ? 5 : 6);
		wrong += await_child(pid) != 5;
		wrong += posix_spawn(&pid, true_argv[0], NULL, NULL, (char *const *)true_argv,
				     environ) != 0 ||
			 await_child(pid) != 0;
		__atomic_add_fetch(&common->wrong, wrong, __ATOMIC_RELAXED);
	}
	return arg;
}

static void be_parent(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, make_children, NULL);
	start_threads(call_often);
	pthread_join(thread, NULL);
	_exit(7);
}

/* One of its threads sleeps in vfork(). */
static void *sleep_in_vfork(void *arg)
{
	pid_t pid = vfork();

	if (pid == 0) {
		am_ready();
		while (!common->is_enough)
			usleep(1000);
		_exit(0);
	}
	await_child(pid);
	return arg;
}

static void be_in_vfork(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_in_vfork, NULL);
	start_threads(call_often);
	pthread_join(thread, NULL);
	_exit(7);
}

/* A thread that executes a program when it is told to. */
static void *become_true(void *arg)
{
	am_ready();
	while (!common->is_enough)
		usleep(1000);
	execv(true_argv[0], (char *const *)true_argv);
	return arg;
}

static void be_about_to_exec(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, become_true, NULL);
	start_threads(call_often);
	while (true)
		pause();
}

/* A system call that is not restarted: it tells of each stop. */
static void be_asleep(void)
{
	int fd = epoll_create1(0);
	struct epoll_event event;

	start_threads(call_often);
	am_ready();
	while (!common->is_enough)
		common->wrong += epoll_wait(fd, &event, 1, 100) < 0;
	_exit(7);
}

static void *spawn_threads(void *arg)
{
	pthread_t thread;

	am_ready();
	while (!common->is_enough) {
		pthread_create(&thread, NULL, call_once, arg);
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void be_fertile_in_threads(void)
{
	start_threads(spawn_threads);
	while (!common->is_enough)
		usleep(1000);
	_exit(7);
}

/* ---- somebody else catches ---- */

/* He ends when @leash does. */
static pid_t fork_tracer(struct scene *scene, int *leash_ret)
{
	int leash[2], ready[2];
	pid_t tracer;
	char byte;

	assert_int_equal(pipe(leash) | pipe(ready), 0);
	tracer = fork();
	if (tracer == 0) {
		struct pollfd p = {.fd = leash[0]};

		close(leash[1]);
		assert_ok(gs_catcher_new(scene->target, mechanism, ".", &ops, scene,
					 &scene->catcher));
		assert_ok(gs_catcher_arm(scene->catcher, (uintptr_t)called));
		(void)!write(ready[1], "", 1);
		while (poll(&p, 1, 0) == 0)
			step(scene, 5);
		gs_catcher_free(scene->catcher);
		_exit(0);
	}
	close(leash[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*leash_ret = leash[1];
	return tracer;
}

static void await_all_go_on(void)
{
	unsigned long before[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		before[i] = common->calls[i];
	for (size_t i = 0; i < THREADS; i++)
		await(common->calls[i] > before[i]);
}

static bool all_stand(void)
{
	unsigned long before = calls();

	usleep(20000);
	return calls() == before;
}

static void end_target(const struct scene *scene)
{
	common->is_enough = true;
	assert_int_equal(await_child(scene->target), 7);
	assert_int_equal(common->wrong, 0);
}

/* ---- tests ---- */

static void test_keeps_all(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, THREADS);
	run_until(&scene, gs_catcher_kept(scene.catcher) == THREADS);
	assert_true(all_stand());
	for (size_t i = 0; i < THREADS; i++)
		assert_ok(gs_catcher_release(scene.catcher, scene.kept[i]));
	run_until(&scene, scene.hits > 500);
	end(&scene);
}

static void test_stops_others(void **state)
{
	struct scene scene;
	unsigned long before;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	gs_catcher_stop_others(scene.catcher);
	run_for(&scene, 50);
	assert_true(all_stand());
	assert_ok(gs_catcher_release(scene.catcher, scene.kept[0]));
	before = calls();
	run_until(&scene, calls() > before + 100);
	end(&scene);
}

/* Whoever has started it sees it stop, and go on, as if there were no tracer. */
static void test_stopped_from_outside(void **state)
{
	struct scene scene;
	int status, leash;
	pid_t tracer;
	(void)state;

	begin(&scene, be_busy, THREADS, 0);
	tracer = fork_tracer(&scene, &leash);
	for (int i = 0; i < 6; i++) {
		kill(scene.target, SIGSTOP);
		assert_int_equal(waitpid(scene.target, &status, WUNTRACED), scene.target);
		assert_true(WIFSTOPPED(status));
		assert_true(all_stand());
		kill(scene.target, SIGCONT);
		assert_int_equal(waitpid(scene.target, &status, WCONTINUED), scene.target);
		assert_true(WIFCONTINUED(status));
		await_all_go_on();
		assert_int_equal(common->signals[SIGCONT], i + 1);
	}
	close(leash);
	assert_int_equal(await_child(tracer), 0);
	end_target(&scene);
}

/* It is one who has stopped it, and not the tracer: the guardian leaves it so. */
static void test_stopped_and_tracer_killed(void **state)
{
	struct scene scene;
	int status, leash;
	pid_t tracer;
	(void)state;

	begin(&scene, be_busy, THREADS, 0);
	tracer = fork_tracer(&scene, &leash);
	kill(scene.target, SIGSTOP);
	assert_int_equal(waitpid(scene.target, &status, WUNTRACED), scene.target);
	kill(tracer, SIGKILL);
	assert_int_equal(await_child(tracer), 200);
	usleep(1200000);
	assert_int_equal(state_of(scene.target), 'T');
	assert_int_equal(common->signals[SIGCONT], 0);
	kill(scene.target, SIGCONT);
	await_all_go_on();
	close(leash);
	end_target(&scene);
}

static void test_stopped_while_one_is_kept(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	kill(scene.target, SIGSTOP);
	run_for(&scene, 50);
	assert_true(all_stand());
	assert_ok(gs_catcher_release(scene.catcher, scene.kept[0]));
	run_for(&scene, 50);
	assert_true(all_stand());
	kill(scene.target, SIGCONT);
	run_for(&scene, 100);
	assert_int_equal(common->signals[SIGCONT], 1);
	common->signals[SIGCONT] = 0;
	scene.hits = 0;
	run_until(&scene, scene.hits > 500);
	end(&scene);
}

/* A debugger's it is then, and stopped by both; one SIGCONT is enough. */
static void test_hand_over_while_stopped(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	kill(scene.target, SIGSTOP);
	run_for(&scene, 50);
	assert_ok(gs_catcher_hand_over(scene.catcher));
	gs_catcher_free(scene.catcher);
	assert_int_equal(state_of(scene.target), 'T');
	assert_int_equal(state_of(scene.kept[0]), 'T');
	kill(scene.target, SIGCONT);
	await_all_go_on();
	end_target(&scene);
}

static void test_signals_arrive(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 0);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(sigqueue(scene.target, SIGRTMIN, (union sigval){.sival_int = i}),
				 0);
		run_for(&scene, 1);
	}
	run_until(&scene, common->signals[SIGRTMIN] == 500);
	common->signals[SIGRTMIN] = 0;
	end(&scene);
}

static void test_exec(void **state)
{
	struct scene scene;
	int status;
	(void)state;

	for (unsigned int keep = 0; keep < 2; keep++) {
		begin_armed(&scene, be_about_to_exec, THREADS + 1, keep);
		run_until(&scene, scene.hits > 10 || scene.kept_count);
		common->is_enough = true;
		run_until(&scene, scene.over == 1);
		assert_int_equal(scene.lost, scene.kept_count);
		assert_int_equal(gs_catcher_kept(scene.catcher), 0);
		assert_error(gs_catcher_arm(scene.catcher, (uintptr_t)called), GS_ERROR_GONE, NULL);
		status = await_child(scene.target);
		/* 200: there is none any more, for the catcher has seen its end already. */
		assert_true(status == 0 || status == 200);
		gs_catcher_free(scene.catcher);
	}
}

static void test_killed_while_one_is_kept(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	kill(scene.target, SIGKILL);
	run_until(&scene, scene.over == 1);
	assert_int_equal(scene.lost, 1);
	assert_error(gs_catcher_hand_over(scene.catcher), GS_ERROR_GONE, NULL);
	gs_catcher_free(scene.catcher);
}

static void test_children(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_parent, THREADS + 1, 0);
	run_until(&scene, common->births >= 30);
	end(&scene);
}

/* Armed, disarmed and let go: no system call has ended for that. (int3 stops all to let go.) */
static void test_sleepers_sleep(void **state)
{
	struct scene scene;
	int leash;
	pid_t tracer;
	(void)state;

	begin(&scene, be_asleep, THREADS + 1, 0);
	for (int i = 0; i < 5; i++) {
		tracer = fork_tracer(&scene, &leash);
		usleep(20000);
		close(leash);
		assert_int_equal(await_child(tracer), 0);
	}
	end_target(&scene);
}

static void test_seized_while_threads_are_born(void **state)
{
	struct scene scene;
	(void)state;

	for (int i = 0; i < 5; i++) {
		unsigned long before;

		begin_armed(&scene, be_fertile_in_threads, THREADS, 0);
		before = calls();
		scene.hits = 0;
		run_until(&scene, calls() > before + 200);
		end(&scene);
		/* Each may have had one in between at the start. */
		assert_in_range(scene.hits, calls() - before - THREADS, calls() - before + THREADS);
	}
}

/* Where one sleeps in vfork() nobody can stop all of them; nothing has changed then. */
static void test_hand_over_in_vfork(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_in_vfork, THREADS + 1, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	assert_error(gs_catcher_hand_over(scene.catcher), GS_ERROR_BUSY, NULL);
	assert_int_equal(gs_catcher_kept(scene.catcher), 1);
	assert_ok(gs_catcher_release(scene.catcher, scene.kept[0]));
	scene.hits = 0;
	run_until(&scene, scene.hits > 500);
	end(&scene);
}

/* A thread that there is no descriptor for is told of, and runs. */
static void test_no_descriptor(void **state)
{
	struct rlimit limit, none;
	struct scene scene;
	unsigned long before;
	(void)state;

	begin_armed(&scene, be_fertile, 1, 0);
	run_until(&scene, scene.hits > 10);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){3, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	before = common->births;
	run_until(&scene, common->births > before + 10);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_in_range(scene.unarmed, 10, 100);
	before = scene.hits;
	run_until(&scene, scene.hits > before + 10);
	scene.unarmed = 0;
	end(&scene);
}

/* ---- the guardian ---- */

static pid_t find_guardian(void)
{
	char path[64], line[200] = "", comm[17];
	FILE *file;
	pid_t pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	file = fopen(path, "r");
	(void)!fgets(line, sizeof(line), file);
	fclose(file);
	for (char *word = strtok(line, " "); word && !pid; word = strtok(NULL, " ")) {
		gs_process_comm(atoi(word), comm);
		if (strcmp(comm, "tracehooks-mend") == 0)
			pid = atoi(word);
	}
	return pid;
}

static void test_guardian_is_replaced(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 0);
	for (int i = 0; i < 2; i++) {
		pid_t guardian = find_guardian();

		assert_int_not_equal(guardian, 0);
		kill(guardian, i == 0 ? SIGKILL : SIGSTOP);
		run_until(&scene, find_guardian() && find_guardian() != guardian);
	}
	end(&scene);
	assert_int_equal(find_guardian(), 0);
}

/* ---- refusals ---- */

static void test_traced_by_another(void **state)
{
	struct scene scene;
	char expected[100];
	pid_t other;
	int ready[2];
	char byte;
	(void)state;

	begin(&scene, be_busy, THREADS, 0);
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		ptrace(PTRACE_SEIZE, scene.target, NULL, NULL);
		(void)!write(ready[1], "", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(expected, sizeof(expected),
		 "process %d (test_hold_catch) is traced by %d (test_hold_catch)",
		 (int)scene.target, (int)other);
	assert_error(gs_catcher_new(scene.target, mechanism, ".", &ops, &scene, &scene.catcher),
		     GS_ERROR_BUSY, expected);
	kill(other, SIGKILL);
	assert_int_equal(await_child(other), 200);
	kill(scene.target, SIGKILL);
	assert_int_equal(await_child(scene.target), 200);
}

static void take_slots(pid_t tid)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_BREAKPOINT,
				       .size = sizeof(attr),
				       .bp_type = HW_BREAKPOINT_X,
				       .bp_addr = 0x1000,
				       .bp_len = sizeof(long),
				       .exclude_kernel = 1};

	while (syscall(SYS_perf_event_open, &attr, tid, -1, -1, 0) >= 0)
		;
}

/* Somebody else has all of one thread's; nothing is armed then. */
static void test_no_slot(void **state)
{
	struct scene scene;
	char expected[100];
	pid_t other;
	int ready[2];
	char byte;
	(void)state;

	begin(&scene, be_busy, THREADS, 0);
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		take_slots(scene.target);
		(void)!write(ready[1], "", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(expected, sizeof(expected), "all hardware breakpoints of thread %d are in use",
		 (int)scene.target);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_PERF, ".", &ops, &scene, &scene.catcher));
	{
		gs_autoerror struct gs_error *err =
			gs_catcher_arm(scene.catcher, (uintptr_t)called);

		assert_non_null(err);
		assert_int_equal(err->code, GS_ERROR_BUSY);
		assert_memory_equal(err->message, expected, strlen(expected));
		assert_non_null(strstr(err->message, "has perf events open"));
	}
	run_for(&scene, 20);
	assert_int_equal(scene.hits, 0);
	kill(other, SIGKILL);
	end(&scene);
}

/* ---- all of them ---- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY(perf, test_keeps_all),
		BY(perf, test_stops_others),
		BY(perf, test_stopped_from_outside),
		BY(perf, test_stopped_and_tracer_killed),
		BY(perf, test_stopped_while_one_is_kept),
		BY(perf, test_hand_over_while_stopped),
		BY(perf, test_signals_arrive),
		BY(perf, test_exec),
		BY(perf, test_killed_while_one_is_kept),
		BY(perf, test_children),
		BY(perf, test_sleepers_sleep),
		BY(perf, test_seized_while_threads_are_born),
		BY(perf, test_hand_over_in_vfork),
		BY(perf, test_no_descriptor),
		BY(perf, test_guardian_is_replaced),
		BY(perf, test_traced_by_another),
		BY(perf, test_no_slot),
#ifdef __x86_64__
		BY(int3, test_stops_others),
		BY(int3, test_stopped_from_outside),
		BY(int3, test_stopped_while_one_is_kept),
		BY(int3, test_hand_over_while_stopped),
		BY(int3, test_signals_arrive),
		BY(int3, test_exec),
		BY(int3, test_killed_while_one_is_kept),
		BY(int3, test_children),
		BY(int3, test_seized_while_threads_are_born),
		BY(int3, test_traced_by_another),
#endif
	};

	return cmocka_run_group_tests_name("hold catch edges", tests, make_common,
					   unit_leave_scratch);
}
