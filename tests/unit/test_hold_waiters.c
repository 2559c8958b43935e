/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for a process, of processes that do nothing else. Each test forks the one that waits;
 * he forks the one that is waited for, who could as well be held, and tells its number.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <guestscope/base/time.h>
#include <guestscope/hold/waiters.h>

#include "unit.h"

static struct shared {
	volatile pid_t awaited;
} * shared;

/* ---- those that wait ---- */

static int pipe_fds[2], pair[2];

/* It keeps @fd of the pipe and the pair, and has closed the others when this returns. */
static void fork_awaited(int fd)
{
	shared->awaited = 0;
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 2; i++) {
			if (pipe_fds[i] != fd)
				close(pipe_fds[i]);
			if (pair[i] != fd)
				close(pair[i]);
		}
		shared->awaited = getpid();
		for (;;)
			pause();
	}
	while (!shared->awaited)
		usleep(100);
}

static void wait_read(void)
{
	char byte;

	fork_awaited(pipe_fds[1]);
	close(pipe_fds[1]);
	(void)!read(pipe_fds[0], &byte, 1);
}

/* So the answer is not from one that was not asked. */
static void wait_read_of_nobody(void)
{
	char byte;

	fork_awaited(pipe_fds[0]);
	(void)!read(pipe_fds[0], &byte, 1);
}

static void wait_write(void)
{
	static const char page[4096];

	fork_awaited(pipe_fds[0]);
	for (;;)
		(void)!write(pipe_fds[1], page, sizeof(page));
}

static void wait_recv(void)
{
	char byte;

	fork_awaited(pair[1]);
	recv(pair[0], &byte, 1, 0);
}

static void wait_poll(void)
{
	struct pollfd fds[3] = {{.fd = pipe_fds[0], .events = POLLIN},
				{.fd = -1},
				{.fd = pair[0], .events = POLLIN}};

	fork_awaited(pair[1]);
	poll(fds, 3, -1);
}

static void wait_select(void)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(pair[0], &in);
	fork_awaited(pair[1]);
	select(pair[0] + 1, &in, NULL, NULL, NULL);
}

static void wait_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(0);

	epoll_ctl(fd, EPOLL_CTL_ADD, pipe_fds[0], &event);
	epoll_ctl(fd, EPOLL_CTL_ADD, pair[0], &event);
	fork_awaited(pipe_fds[1]);
	epoll_wait(fd, &event, 1, -1);
}

/* Connected, and not accepted. */
static void wait_connected(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(sa_family_t);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	pair[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(pair[1], (struct sockaddr *)&address, size); /* the kernel gives it a name */
	size = sizeof(address);
	getsockname(pair[1], (struct sockaddr *)&address, &size);
	listen(pair[1], 1);
	fork_awaited(pair[1]);
	connect(client, (struct sockaddr *)&address, size);
	recv(client, &byte, 1, 0);
}

static void wait_any_child(void)
{
	fork_awaited(-1);
	wait(NULL);
}

static void wait_group(void)
{
	fork_awaited(-1);
	waitpid(0, NULL, 0);
}

static void wait_other_child(void)
{
	pid_t other = fork();

	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	fork_awaited(-1);
	waitpid(other, NULL, 0);
}

static void wait_id(void)
{
	siginfo_t info;

	fork_awaited(-1);
	waitid(P_PID, (id_t)shared->awaited, &info, WEXITED);
}

static void wait_pidfd(void)
{
	siginfo_t info;

	fork_awaited(-1);
	waitid((idtype_t)3, (id_t)syscall(SYS_pidfd_open, shared->awaited, 0), &info, WEXITED);
}

static void wait_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		shared->awaited = getpid();
		for (;;)
			pause();
	}
}

#ifdef __GLIBC__
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_mutex(void *arg)
{
	pthread_mutex_lock(&mutex);
	return arg;
}

static void wait_lock(void)
{
	pthread_t thread;

	pthread_mutex_lock(&mutex);
	pthread_create(&thread, NULL, wait_for_mutex, NULL);
	shared->awaited = getpid();
	for (;;)
		pause();
}
#endif

/* ---- tests ---- */

static const struct scene {
	void (*wait)(void);
	const char *words; /* NULL: nobody waits */
} scenes[] = {
	{wait_read, "reads a pipe from it"},
	{wait_read_of_nobody, NULL},
	{wait_write, "writes a pipe to it"},
	{wait_recv, "reads a socket from it"},
	{wait_poll, "polls a socket from it, and 1 other"},
	{wait_select, "polls a socket from it"},
	{wait_epoll, "polls a pipe from it, and 1 other"},
	{wait_connected, "reads a socket from it"},
	{wait_any_child, "waits for its end"},
	{wait_group, "waits for its end"},
	{wait_other_child, NULL},
	{wait_id, "waits for its end"},
	{wait_pidfd, "waits for its end"},
	{wait_vfork, "stands still after vfork"},
#ifdef __GLIBC__
	{wait_lock, "waits for a mutex that it has"},
#endif
};

static pid_t begin(const struct scene *scene)
{
	pid_t pid;

	*shared = (struct shared){0};
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pipe(pipe_fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
			scene->wait();
		_exit(1);
	}
	return pid;
}

static size_t look(struct gs_hold_waiters *ret)
{
	pid_t awaited = shared->awaited;
	const struct gs_hold_record record = {.id.pid = awaited, .pid = awaited};

	*ret = (struct gs_hold_waiters){0};
	if (awaited)
		assert_ok(gs_hold_waiters(&record, ret));
	return ret->count;
}

/* Until it waits, or, if it is not to be seen, for a while in which it would. */
static void check_scene(const struct scene *scene)
{
	uint64_t deadline_ms = gs_deadline_in(scene->words ? 10000 : 100);
	struct gs_hold_waiters waiters;
	pid_t pid = begin(scene);

	while (look(&waiters) == 0 && !gs_deadline_passed(deadline_ms)) {
		gs_hold_waiters_deinit(&waiters);
		usleep(2000);
	}
	assert_int_equal(waiters.count, scene->words ? 1 : 0);
	if (scene->words) {
		gs_autofree char *words = gs_hold_waiter_words(&waiters.waiters[0]);

		assert_string_equal(words, scene->words);
		assert_int_equal(waiters.waiters[0].tid == pid, !strstr(words, "mutex"));
		assert_int_equal(waiters.waiters[0].pid, pid);
		assert_false(waiters.is_cut);
	}
	gs_hold_waiters_deinit(&waiters);
	kill(shared->awaited, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		check_scene(&scenes[i]);
}

/* What we have open ourselves says nothing. */
static void test_own_output(void **state)
{
	struct gs_hold_waiters waiters;
	pid_t reader;
	char byte;
	(void)state;

	*shared = (struct shared){0};
	assert_int_equal(pipe(pipe_fds), 0);
	reader = fork();
	if (reader == 0) {
		close(pipe_fds[1]);
		(void)!read(pipe_fds[0], &byte, 1);
		_exit(0);
	}
	fork_awaited(pipe_fds[1]);
	usleep(50000);
	assert_int_equal(look(&waiters), 0);
	gs_hold_waiters_deinit(&waiters);
	kill(shared->awaited, SIGKILL);
	waitpid(shared->awaited, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	waitpid(reader, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_own_output),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
