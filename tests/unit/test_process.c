/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children: what they inherit, their gate, how they detach and end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "unit.h"

#define SOON gs_deadline_in(10000)

/* Runs a shell text with stdout into a pipe; returns what it wrote, *status_ret how it ended. */
static char *run_shell(const char *script, struct gs_spawn spawn, int *status_ret)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	gs_autotext struct gs_text text = {0};
	struct gs_process process;
	int fds[2];
	char buf[512], *output = NULL;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spawn.argv = argv;
	spawn.stdin_fd = -1;
	spawn.stdout_fd = fds[1];
	spawn.stderr_fd = 2;
	assert_ok(gs_process_spawn(&spawn, &process));
	close(fds[1]);
	if (process.gate_fd >= 0)
		assert_ok(gs_process_open_gate(&process));
	while ((n = gs_read_full(fds[0], buf, sizeof(buf))) > 0)
		gs_text_append(&text, buf, (size_t)n);
	close(fds[0]);
	assert_ok(gs_process_wait(&process, SOON, status_ret));
	gs_process_deinit(&process);
	assert_ok(gs_text_finish(&text, &output));
	return output;
}

static void assert_shell_says(const char *script, struct gs_spawn spawn, const char *expected)
{
	int status;
	gs_autofree char *output = run_shell(script, spawn, &status);

	assert_string_equal(output, expected);
	assert_int_equal(status, 0);
}

static void test_status(void **state)
{
	gs_autofree char *output = NULL, *exited = NULL, *killed = NULL;
	int status;

	(void)state;
	output = run_shell("echo hello; exit 3", (struct gs_spawn){0}, &status);
	assert_string_equal(output, "hello\n");
	exited = gs_wait_status_text(status);
	assert_string_equal(exited, "exited with status 3");
	free(output);
	output = run_shell("kill -9 $$", (struct gs_spawn){0}, &status);
	killed = gs_wait_status_text(status);
	assert_string_equal(killed, "killed by signal 9 (Killed)");
}

/* ls itself holds 3 while it looks. */
#define LIST_FDS "echo $(ls /proc/self/fd)"

static void test_nothing_is_inherited_by_accident(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	int high = fcntl(leak, F_DUPFD, 500);

	(void)state;
	assert_shell_says("readlink /proc/self/fd/0; " LIST_FDS, (struct gs_spawn){0},
			  "/dev/null\n0 1 2 3\n");
	assert_shell_says(LIST_FDS, (struct gs_spawn){.gate = true}, "0 1 2 3\n");
	close(leak);
	close(high);
}

/* A descriptor on a pipe that holds @text. */
static int fd_with(const char *text)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(gs_write_full(fds[1], text, strlen(text)), 0);
	close(fds[1]);
	return fds[0];
}

/* Targets that are each other's sources, and numbers that the spawning itself may be using. */
static void test_fd_numbers_may_collide(void **state)
{
	int a = fcntl(fd_with("a"), F_DUPFD_CLOEXEC, 20),
	    b = fcntl(fd_with("b"), F_DUPFD_CLOEXEC, 20);
	int c = fcntl(fd_with("c"), F_DUPFD_CLOEXEC, 20), d = fd_with("d");
	struct gs_spawn_fd fds[] = {{a, b}, {b, c}, {c, a}, {d, -1}};

	(void)state;
	for (int shift = 0; shift < 16; shift++) {
		gs_autofree char *script = NULL;
		struct gs_spawn_fd two[] = {{fd_with("x"), 3 + shift}, {fd_with("y"), 4 + shift}};
		struct gs_spawn spawn = {.fds = two, .fd_count = 2, .gate = shift % 2};

		script = gs_strf("cat /proc/self/fd/%d /proc/self/fd/%d", 3 + shift, 4 + shift);
		assert_shell_says(script, spawn, "xy");
		close(two[0].parent_fd);
		close(two[1].parent_fd);
	}
	{
		struct gs_spawn spawn = {.fds = fds, .fd_count = 4};
		gs_autofree char *script = gs_strf("cat /proc/self/fd/%d /proc/self/fd/%d "
						   "/proc/self/fd/%d /proc/self/fd/%d",
						   b, c, a, d);

		assert_shell_says(script, spawn, "abcd");
	}
	assert_true(fcntl(a, F_GETFD) == FD_CLOEXEC); /* ours are as they were */
}

static void test_bad_fd_lists(void **state)
{
	const char *argv[] = {"true", NULL};
	struct gs_spawn_fd twice[] = {{0, 5}, {1, 5}}, taken[] = {{0, 1}}, closed[] = {{999, 5}};
	struct gs_spawn spawn = {.argv = argv, .fds = twice, .fd_count = 2, .stdout_fd = 1};
	struct gs_process process;

	(void)state;
	assert_error(gs_process_spawn(&spawn, &process), GS_ERROR_INVALID,
		     "true: file descriptor 5 given twice");
	spawn.fds = taken;
	spawn.fd_count = 1;
	assert_error(gs_process_spawn(&spawn, &process), GS_ERROR_INVALID,
		     "true: file descriptor 1 given twice");
	spawn.fds = closed;
	assert_error(gs_process_spawn(&spawn, &process), GS_ERROR_OS, "true: Bad file descriptor");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie either */
}

static void test_signals_are_reset(void **state)
{
	sigset_t set, old;

	(void)state;
	sigfillset(&set);
	signal(SIGTERM, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &set, &old);
	assert_shell_says("sed -n '/^Sig[BIC]/s/[0\\t]//gp' /proc/self/status | tr -d '\\n'",
			  (struct gs_spawn){0}, "SigBlk:SigIgn:SigCgt:");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	signal(SIGTERM, SIG_DFL);
}

static void assert_spawn_fails(const char *program, int expected_errno, const char *message)
{
	const char *argv[] = {program, NULL};
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct gs_process process = {.pid = 42};

	for (int detach = 0; detach < 2; detach++) {
		spawn.detach = detach;
		assert_os_error(gs_process_spawn(&spawn, &process), expected_errno);
		assert_error(gs_process_spawn(&spawn, &process), GS_ERROR_OS, message);
		assert_int_equal(process.pid, 42);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_exec_errors_are_reported(void **state)
{
	gs_autoclose int fd = -1;

	(void)state;
	assert_spawn_fails("no-such-program", ENOENT, "no-such-program: No such file or directory");
	assert_spawn_fails("./none", ENOENT, "./none: No such file or directory");
	assert_spawn_fails("", ENOENT, ": No such file or directory");
	assert_spawn_fails("/etc/passwd", EACCES, "/etc/passwd: Permission denied");
	fd = open("garbage", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_int_equal(gs_write_full(fd, "\x01\x02\x03", 3), 0);
	assert_int_equal(close(gs_take_fd(&fd)), 0);
	assert_spawn_fails("./garbage", ENOEXEC, "./garbage: Exec format error");
}

/* Fails after the fork, in the child's own preparations. */
static void test_setup_errors_are_reported(void **state)
{
	struct rlimit limit, old;
	const char *argv[] = {"true", NULL};
	struct gs_spawn_fd fds[] = {{0, 200}};
	struct gs_spawn spawn = {
		.argv = argv, .stdout_fd = 1, .stderr_fd = 2, .fds = fds, .fd_count = 1};
	struct gs_process process;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_error(gs_process_spawn(&spawn, &process), GS_ERROR_OS, "true: Invalid argument");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static struct gs_process spawn_gated(const char *const *argv, bool detach)
{
	struct gs_spawn spawn = {.argv = argv,
				 .stdin_fd = -1,
				 .stdout_fd = -1,
				 .stderr_fd = 2,
				 .gate = true,
				 .detach = detach};
	struct gs_process process;

	assert_ok(gs_process_spawn(&spawn, &process));
	assert_true(process.gate_fd >= 0 && process.pid > 0);
	assert_int_equal(process.detached, detach);
	return process;
}

static void test_gate(void **state)
{
	const char *argv[] = {"touch", "ran", NULL};

	(void)state;
	for (int detach = 0; detach < 2; detach++) {
		struct gs_process process = spawn_gated(argv, detach);
		int status = -1;

		assert_false(gs_pidfd_wait(process.pidfd, gs_deadline_in(50)));
		assert_int_equal(access("ran", F_OK), -1);
		assert_ok(gs_process_open_gate(&process));
		assert_int_equal(process.gate_fd, -1);
		assert_ok(gs_process_wait(&process, SOON, &status));
		assert_int_equal(status, 0);
		assert_int_equal(unlink("ran"), 0);
		gs_process_deinit(&process);
	}
}

static void test_gate_closed_unopened(void **state)
{
	const char *argv[] = {"touch", "ran", NULL};

	(void)state;
	for (int detach = 0; detach < 2; detach++) {
		struct gs_process process = spawn_gated(argv, detach);
		int pidfd = dup(process.pidfd);

		gs_process_deinit(&process);
		assert_true(gs_pidfd_wait(pidfd, SOON));
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		close(pidfd);
	}
	assert_int_equal(access("ran", F_OK), -1);
}

/* The child waits behind its gate even for a parent that dies of SIGKILL. */
static void test_gate_of_a_dead_parent(void **state)
{
	const char *argv[] = {"touch", "ran", NULL};
	int fds[2], pidfd;
	pid_t parent, child;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		struct gs_process process = spawn_gated(argv, true);

		if (write(fds[1], &process.pid, sizeof(process.pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	assert_ok(gs_pidfd_open(child, &pidfd));
	assert_false(gs_pidfd_wait(pidfd, gs_deadline_in(50)));
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(gs_pidfd_wait(pidfd, SOON));
	assert_int_equal(access("ran", F_OK), -1);
	close(pidfd);
	close(fds[0]);
	close(fds[1]);
}

static void test_killed_at_the_gate(void **state)
{
	const char *argv[] = {"true", NULL};

	(void)state;
	for (int detach = 0; detach < 2; detach++) {
		struct gs_process process = spawn_gated(argv, detach);

		assert_ok(gs_pidfd_signal(process.pidfd, SIGKILL));
		assert_true(gs_pidfd_wait(process.pidfd, SOON));
		assert_error(gs_process_open_gate(&process), GS_ERROR_GONE,
			     "the process ended before exec");
		gs_process_deinit(&process);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void test_gate_reports_exec_errors(void **state)
{
	const char *argv[] = {"./directory", NULL};

	(void)state;
	assert_int_equal(mkdir("directory", 0700), 0);
	for (int detach = 0; detach < 2; detach++) {
		struct gs_process process = spawn_gated(argv, detach);

		assert_error(gs_process_open_gate(&process), GS_ERROR_OS,
			     "./directory: Permission denied");
		gs_process_deinit(&process);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void test_detached(void **state)
{
	struct gs_spawn spawn = {.detach = true};
	gs_autofree char *output = NULL;
	int status, parent, session, terminal;

	(void)state;
	/* Fields of /proc/PID/stat behind the name: state, ppid, pgrp, session, tty_nr. */
	output = run_shell("read -r _ _ _ p _ s t _ </proc/$$/stat; echo $p $s $t", spawn, &status);
	assert_int_equal(sscanf(output, "%d %d %d", &parent, &session, &terminal), 3);
	assert_int_not_equal(parent, getpid());
	assert_int_not_equal(session, getsid(0));
	assert_int_equal(terminal, 0);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* How @script ended, as the pidfd of a child that is not reaped yet, and then was, tells it. */
static void check_pidfd_status(const char *script, int expected)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct gs_process process;
	int status = -1, waited;

	assert_ok(gs_process_spawn(&spawn, &process));
	assert_true(gs_pidfd_wait(process.pidfd, SOON));
	assert_true(gs_pidfd_status(process.pidfd, &status));
	assert_int_equal(status, expected);
	status = -1;
	assert_ok(gs_process_wait(&process, SOON, &waited));
	assert_int_equal(waited, expected);
	if (gs_pidfd_status(process.pidfd, &status)) /* older kernels do not know any more */
		assert_int_equal(status, expected);
	gs_process_deinit(&process);
}

static void test_pidfd_status(void **state)
{
	(void)state;
	check_pidfd_status("exit 0", 0);
	check_pidfd_status("exit 7", 7 << 8);
	check_pidfd_status("kill -KILL $$", SIGKILL);
}

/* Not our child: seen as long as nobody has reaped it, in a process of any name. */
static void test_pidfd_status_of_others(void **state)
{
	int gate[2], pids[2], pidfd, status = -1;
	pid_t middle, other;
	char byte;

	(void)state;
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	assert_int_equal(pipe2(pids, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		other = fork();
		if (other == 0) {
			prctl(PR_SET_NAME, ") Z 1 (");
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) == 0 ? 5 : 1);
		}
		close(gate[1]);
		(void)!write(pids[1], &other, sizeof(other));
		pause(); /* a parent that never reaps */
	}
	close(gate[0]);
	assert_int_equal(read(pids[0], &other, sizeof(other)), sizeof(other));
	assert_ok(gs_pidfd_open(other, &pidfd));
	assert_false(gs_pidfd_status(pidfd, &status));
	close(gate[1]);
	assert_true(gs_pidfd_wait(pidfd, SOON));
	assert_true(gs_pidfd_status(pidfd, &status));
	assert_int_equal(status, 5 << 8);
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	close(pidfd);
	close(pids[0]);
	close(pids[1]);
}

static void test_wait_deadline(void **state)
{
	const char *argv[] = {"sleep", "60", NULL};
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct gs_process process;
	int status = 0;

	(void)state;
	assert_ok(gs_process_spawn(&spawn, &process));
	assert_error(gs_process_wait(&process, gs_deadline_in(20), &status), GS_ERROR_TIMEOUT,
		     NULL);
	assert_ok(gs_pidfd_signal(process.pidfd, SIGTERM));
	assert_ok(gs_process_wait(&process, SOON, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_error(gs_pidfd_signal(process.pidfd, 0), GS_ERROR_GONE, "the process has ended");
	gs_process_deinit(&process);
	gs_process_deinit(&process);
}

static void test_pidfd_of_nobody(void **state)
{
	pid_t pid = fork();
	int pidfd = -1;

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_error(gs_pidfd_open(pid, &pidfd), GS_ERROR_GONE, NULL);
	assert_error(gs_pidfd_open(-5, &pidfd), GS_ERROR_OS, NULL);
	assert_int_equal(pidfd, -1);
}

static void test_comm(void **state)
{
	char comm[17], old[17];

	(void)state;
	gs_process_comm(getpid(), old);
	assert_string_equal(old, "test_process");
	pthread_setname_np(pthread_self(), "a\x1b[m 15 chars..");
	gs_process_comm(getpid(), comm);
	assert_string_equal(comm, "a?[m 15 chars..");
	pthread_setname_np(pthread_self(), old);
	gs_process_comm(-1, comm);
	assert_string_equal(comm, "?");
}

static void test_age(void **state)
{
	uint64_t age_ns = gs_process_age_ns(getpid());
	char old[17];

	(void)state;
	assert_in_range(age_ns, 0, UINT64_C(600000000000));
	assert_in_range(gs_process_age_ns(getppid()), age_ns, UINT64_MAX);
	assert_true(gs_process_age_ns(1) > 0);
	assert_int_equal(gs_process_age_ns(-1), 0);
	gs_process_comm(getpid(), old);
	pthread_setname_np(pthread_self(), "a) R 1 2 (");
	assert_in_range(gs_process_age_ns(getpid()), age_ns, age_ns + UINT64_C(60000000000));
	pthread_setname_np(pthread_self(), old);
}

/* fork() in one thread while others hold locks and open descriptors. */
static void *spawn_many(void *arg)
{
	struct gs_spawn spawn = {.gate = arg != NULL, .detach = arg != NULL};

	for (int i = 0; i < 20; i++)
		assert_shell_says("echo yes", spawn, "yes\n");
	return NULL;
}

/* A name may look like the rest of the line. */
static void test_stat(void **state)
{
	const char *argv[] = {"sleep", "1000", NULL};
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct gs_proc_stat mine, child;
	struct gs_process process;
	char comm[17];
	(void)state;

	prctl(PR_GET_NAME, comm);
	prctl(PR_SET_NAME, "x) Z 1 2 3 (y");
	assert_true(gs_proc_stat(getpid(), &mine));
	prctl(PR_SET_NAME, comm);
	assert_int_equal(mine.state, 'R');
	assert_int_equal(mine.parent, getppid());
	assert_int_equal(mine.group, getpgrp());
	assert_int_equal(mine.session, getsid(0));
	assert_ok(gs_process_spawn(&spawn, &process));
	assert_true(gs_proc_stat(process.pid, &child));
	assert_int_equal(child.parent, getpid());
	assert_true(child.start >= mine.start);
	kill(process.pid, SIGKILL);
	assert_true(gs_pidfd_wait(process.pidfd, SOON));
	assert_true(gs_proc_stat(process.pid, &child));
	assert_int_equal(child.state, 'Z');
	assert_int_equal(child.status, SIGKILL);
	assert_ok(gs_process_end(&process, NULL));
	assert_false(gs_proc_stat(INT_MAX, &child));
}

static void test_many_at_once(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, spawn_many, i % 2 ? &threads : NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* A child that is tied to a process that ends without a word to it. */
static void test_tied(void **state)
{
	const char *argv[] = {"sleep", "100", NULL};
	const struct gs_spawn spawn = {
		.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .tied = true};
	struct gs_process process;
	gs_autoclose int pidfd = -1;
	int fds[2], status;
	pid_t parent, pid = 0;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		struct gs_error *err = gs_process_spawn(&spawn, &process);

		_exit(err || write(fds[1], &process.pid, sizeof(pid)) != sizeof(pid) || pause());
	}
	assert_int_equal(gs_read_full(fds[0], &pid, sizeof(pid)), sizeof(pid));
	assert_ok(gs_pidfd_open(pid, &pidfd));
	assert_false(gs_pidfd_wait(pidfd, 0));
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(gs_pidfd_wait(pidfd, SOON));
	close(fds[0]);
	close(fds[1]);
}

/* A child with a child of its own, and the end of both. */
static void test_group(void **state)
{
	const char *argv[] = {"sh", "-c", "sleep 100 & echo $!; wait", NULL};
	gs_autoclose int pidfd = -1;
	struct gs_process process;
	char text[16] = "";
	int fds[2], status;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	const struct gs_spawn spawn = {
		.argv = argv, .stdin_fd = -1, .stdout_fd = fds[1], .stderr_fd = -1, .group = true};
	assert_ok(gs_process_spawn(&spawn, &process));
	assert_int_equal(getpgid(process.pid), process.pid);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 1);
	assert_ok(gs_pidfd_open(atoi(text), &pidfd));
	assert_ok(gs_process_end(&process, &status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(gs_pidfd_wait(pidfd, SOON));
	close(fds[0]);
	close(fds[1]);
}

static void test_program(void **state)
{
	gs_autofree char *path = NULL;

	(void)state;
	assert_ok(gs_program_find("sh", &path));
	assert_int_equal(path[0], '/');
	assert_int_equal(access(path, X_OK), 0);
	assert_error(gs_program_find("no-such-program", &path), GS_ERROR_OS,
		     "no-such-program: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_nothing_is_inherited_by_accident),
		cmocka_unit_test(test_fd_numbers_may_collide),
		cmocka_unit_test(test_bad_fd_lists),
		cmocka_unit_test(test_signals_are_reset),
		unit_test_in_scratch(test_exec_errors_are_reported),
		cmocka_unit_test(test_setup_errors_are_reported),
		unit_test_in_scratch(test_gate),
		unit_test_in_scratch(test_gate_closed_unopened),
		unit_test_in_scratch(test_gate_of_a_dead_parent),
		cmocka_unit_test(test_killed_at_the_gate),
		unit_test_in_scratch(test_gate_reports_exec_errors),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_tied),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_pidfd_status),
		cmocka_unit_test(test_pidfd_status_of_others),
		cmocka_unit_test(test_wait_deadline),
		cmocka_unit_test(test_pidfd_of_nobody),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_many_at_once),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
