/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process is seized while its threads exec. "test_hold_seize churn" has eight of them; whoever
 * wakes up first makes it that again.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <guestscope/base/time.h>
#include <guestscope/hold/catch.h>
#include <guestscope/hold/keeper.h>
#include <guestscope/hold/trace.h>

#include "unit.h"

#define THREADS 8
#define NAP_MAX_US 2000
#define TIMES 150
#define TRACED_MS 5
#define HANGS_MS 5000
#define TARGET_MAX_S 50

/* ---- the targets ---- */

static void *exec_at_random(void *arg)
{
	unsigned int seed = (unsigned int)gs_now_ns() ^ (unsigned int)(uintptr_t)&seed;

	usleep((useconds_t)(rand_r(&seed) % NAP_MAX_US));
	execl("/proc/self/exe", "test_hold_seize", "churn", NULL);
	return arg;
}

static void churn(void)
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, exec_at_random, NULL);
	exec_at_random(NULL);
}

static void *do_nothing(void *arg)
{
	pause();
	return arg;
}

static void *exec_when_told(void *fd)
{
	char byte;

	(void)!read(*(int *)fd, &byte, 1);
	execl("/bin/true", "true", NULL);
	return NULL;
}

/* Its exec awaits the end of another thread than the first. */
static void exec_from_thread(int fd)
{
	pthread_t thread;

	pthread_create(&thread, NULL, do_nothing, NULL);
	pthread_create(&thread, NULL, exec_when_told, &fd);
	pause();
}

static pid_t start_target(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(TARGET_MAX_S); /* stays over an exec, other than a signal at our death */
		if (fd < 0)
			churn();
		else
			exec_from_thread(fd);
		_exit(100);
	}
	return pid;
}

static void end_target(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the tracer, which lives for a moment ---- */

static bool on_exec(void *arg, const struct gs_traced *process)
{
	(void)process;
	++*(unsigned int *)arg;
	return false;
}

static const struct gs_trace_ops ops = {.exec = on_exec};

/* Its exit status: 0 if it has seen an exec. */
static int trace_for_a_moment(pid_t pid)
{
	uint64_t deadline_ms;
	unsigned int execs = 0;
	struct gs_tracer *tracer = NULL;

	assert_ok(gs_tracer_new(&ops, &execs, &tracer));
	assert_ok(gs_tracer_seize(tracer, pid));
	deadline_ms = gs_deadline_in(TRACED_MS);
	while (execs == 0 || !gs_deadline_passed(deadline_ms)) {
		struct pollfd p = {.fd = gs_tracer_fd(tracer), .events = POLLIN};

		(void)!poll(&p, 1, 1);
		gs_tracer_dispatch(tracer);
	}
	return 0;
}

static void check_ends(pid_t pid)
{
	uint64_t deadline_ms = gs_deadline_in(HANGS_MS);
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (gs_deadline_passed(deadline_ms)) {
			kill(pid, SIGKILL);
			fail_msg("the tracer hangs");
		}
		usleep(1000);
	}
	assert_int_equal(status, 0);
}

static void test_seize_amid_exec(void **state)
{
	pid_t target = start_target(-1), tracer;
	(void)state;

	for (int i = 0; i < TIMES; i++) {
		tracer = fork();
		if (tracer == 0)
			_exit(trace_for_a_moment(target));
		check_ends(tracer);
	}
	end_target(target);
}

/* ---- the same of a catcher, for which an exec is the end ---- */

static bool on_hit(void *arg, const struct gs_catch_hit *hit)
{
	(void)arg;
	(void)hit;
	return false;
}

static void on_lost(void *arg, pid_t tid)
{
	(void)arg;
	(void)tid;
}

static void on_over(void *arg)
{
	*(bool *)arg = true;
}

static const struct gs_catch_ops catch_ops = {.hit = on_hit, .lost = on_lost, .over = on_over};

/* 0 if it was there to see an exec, or it has gone before. */
static int catch_for_a_moment(pid_t pid)
{
	struct gs_catcher *catcher = NULL;
	bool is_over = false;
	gs_autoerror struct gs_error *err =
		gs_catcher_new(pid, GS_CATCH_PERF, NULL, &catch_ops, &is_over, &catcher);

	/* Its memory is not there for a moment, or that of another program. */
	if (err && err->os_errno != ESRCH && err->code != GS_ERROR_GONE)
		print_error("%s\n", err->message);
	if (err)
		return err->os_errno != ESRCH && err->code != GS_ERROR_GONE;
	while (!is_over) {
		struct pollfd p = {.fd = gs_catcher_fd(catcher), .events = POLLIN};

		(void)!poll(&p, 1, 10);
		gs_catcher_dispatch(catcher);
	}
	gs_catcher_free(catcher);
	return 0;
}

static void test_catch_amid_exec(void **state)
{
	pid_t target = start_target(-1), catcher;
	(void)state;

	for (int i = 0; i < TIMES; i++) {
		catcher = fork();
		if (catcher == 0)
			_exit(catch_for_a_moment(target));
		check_ends(catcher);
	}
	end_target(target);
}

/* ---- what we cannot help ---- */

static int seize_threads(pid_t pid)
{
	char path[32];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += ptrace(PTRACE_SEIZE, atoi(entry->d_name), NULL, NULL) == 0;
	if (dir)
		closedir(dir);
	return count;
}

/* It waits for nobody, so that who is killed in it is a zombie for ever. */
static pid_t start_idle_tracer(pid_t target)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (seize_threads(target) > 0)
			usleep(20000);
		raise(SIGSTOP);
		pause();
	}
	waitpid(pid, NULL, WUNTRACED);
	return pid;
}

static void test_seize_amid_endless_exec(void **state)
{
	uint64_t begin_ms = gs_now_ns() / 1000000;
	struct gs_tracer *tracer;
	unsigned int execs = 0;
	pid_t target, other;
	int told[2];
	(void)state;

	assert_int_equal(pipe(told), 0);
	target = start_target(told[0]);
	usleep(20000);
	other = start_idle_tracer(target);
	assert_int_equal(write(told[1], "", 1), 1);
	usleep(20000);
	assert_ok(gs_tracer_new(&ops, &execs, &tracer));
	assert_error(gs_tracer_seize(tracer, target), GS_ERROR_TIMEOUT, NULL);
	assert_true(gs_now_ns() / 1000000 - begin_ms < HANGS_MS);
	gs_tracer_free(tracer);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	waitpid(target, NULL, 0);
	close(told[0]);
	close(told[1]);
}

/* Its first thread is the only one, and has ended. */
static void test_seize_zombie(void **state)
{
	struct gs_tracer *tracer;
	unsigned int execs = 0;
	siginfo_t info;
	pid_t pid = fork();
	(void)state;

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	assert_ok(gs_tracer_new(&ops, &execs, &tracer));
	assert_os_error(gs_tracer_seize(tracer, pid), ESRCH);
	assert_int_equal(gs_tracer_count(tracer), 0);
	gs_tracer_free(tracer);
	waitpid(pid, NULL, 0);
}

/* A front end has to know one that is gone from one that is refused. */
static void test_keeper_tells_why(void **state)
{
	char dir[] = "/tmp/test_hold_seize.XXXXXX";
	const struct gs_hold_wish wish = {.exec = "nothing"};
	const struct gs_keeper_options options = {.wish = &wish, .dir = dir};
	struct gs_keeper *keeper;
	pid_t pid = fork();
	(void)state;

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_non_null(mkdtemp(dir));
	assert_ok(gs_keeper_start(&options, &keeper));
	assert_os_error(gs_keeper_seize(keeper, pid), ESRCH);
	gs_keeper_stop(keeper);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seize_amid_exec),
		cmocka_unit_test(test_catch_amid_exec),
		cmocka_unit_test(test_seize_amid_endless_exec),
		cmocka_unit_test(test_seize_zombie),
		cmocka_unit_test(test_keeper_tells_why),
	};

	(void)argv;
	if (argc > 1)
		churn();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
