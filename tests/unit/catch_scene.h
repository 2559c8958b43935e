/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes whose threads are caught, and who catches them: forks of the test itself, so that its
 * functions have the same addresses, and some memory is common.
 */
#ifndef TESTS_UNIT_CATCH_SCENE_H
#define TESTS_UNIT_CATCH_SCENE_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/catch.h>
#include <guestscope/hold/proc.h>

#include "unit.h"

#define SCENE_HELPER __attribute__((unused)) static

#define SOON gs_deadline_in(10000)
#define THREADS 8

/* ---- the targets ---- */

static enum gs_catch_mechanism mechanism;

static volatile struct common {
	unsigned long calls[THREADS], wrong, births;
	unsigned int ready, signals[65];
	bool is_enough;
} * common;

/* Its arguments are as its caller has made them, whatever happens in between. */
unit_one_copy static long called(long a, const char *text, long c, long d, long e, long f)
{
#ifdef __x86_64__
	__asm__ volatile("" ::: "rbx"); /* so that it begins as most functions do */
#endif
	if (text[0] != 't' || c != a + 2 || d != a + 3 || e != a + 4 || f != a + 5)
		__atomic_add_fetch(&common->wrong, 1, __ATOMIC_RELAXED);
	return a;
}

SCENE_HELPER void call(long i, long n)
{
	called(n, "text", n + 2, n + 3, n + 4, n + 5);
	common->calls[i]++;
}

SCENE_HELPER void *call_often(void *arg)
{
	long i = (long)arg;

	__atomic_add_fetch(&common->ready, 1, __ATOMIC_RELAXED);
	for (long n = 0; !common->is_enough; n++) {
		call(i, n);
		usleep(200);
	}
	return NULL;
}

SCENE_HELPER void count_signal(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	common->signals[signal]++;
}

SCENE_HELPER void count_signals(void)
{
	struct sigaction action = {.sa_sigaction = count_signal,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	for (int i = 1; i < 65; i++)
		sigaction(i, &action, NULL);
}

SCENE_HELPER void start_threads(void *(*fn)(void *))
{
	pthread_t thread;

	for (long i = 0; i < THREADS; i++) {
		pthread_create(&thread, NULL, fn, (void *)i);
		pthread_detach(thread);
	}
}

SCENE_HELPER void be_busy(void)
{
	count_signals();
	start_threads(call_often);
	while (!common->is_enough)
		usleep(1000);
	_exit(7);
}

SCENE_HELPER void *call_once(void *arg)
{
	call((long)arg, common->births);
	return NULL;
}

/* Threads that call once, each a moment after its birth. */
SCENE_HELPER void be_fertile(void)
{
	pthread_t threads[2];

	common->ready = 1;
	while (!common->is_enough) {
		for (long i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, call_once, (void *)i);
		for (long i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		common->births += 2;
	}
	_exit(7);
}

/* ---- the catcher ---- */

struct scene {
	pid_t target;
	struct gs_catcher *catcher;
	unsigned long hits, wrong;
	unsigned int keep; /* so many */
	pid_t kept[THREADS + 1];
	unsigned int kept_count, lost, over, unarmed;
};

SCENE_HELPER bool on_hit(void *arg, const struct gs_catch_hit *hit)
{
	struct scene *scene = arg;
	const struct gs_call *call = &hit->call;
	char text[5] = "";

	scene->hits++;
	if (hit->address != (uintptr_t)called || call->args[2] != call->args[0] + 2 ||
	    call->args[5] != call->args[0] + 5 ||
	    call->read(call->arg, call->args[1], text, 5) != 5 || strcmp(text, "text") != 0)
		scene->wrong++;
	if (scene->kept_count >= scene->keep)
		return false;
	scene->kept[scene->kept_count++] = call->tid;
	return true;
}

SCENE_HELPER void on_unarmed(void *arg, pid_t tid, const struct gs_error *why)
{
	struct scene *scene = arg;
	(void)tid;

	if (!scene->unarmed++)
		print_message("not armed: %s\n", why->message);
}

SCENE_HELPER void on_lost(void *arg, pid_t tid)
{
	struct scene *scene = arg;
	(void)tid;

	scene->lost++;
}

SCENE_HELPER void on_over(void *arg)
{
	struct scene *scene = arg;

	scene->over++;
}

static const struct gs_catch_ops ops = {on_hit, on_unarmed, on_lost, on_over};

SCENE_HELPER void step(struct scene *scene, int ms)
{
	struct pollfd p = {.fd = gs_catcher_fd(scene->catcher), .events = POLLIN};

	(void)poll(&p, 1, ms);
	gs_catcher_dispatch(scene->catcher);
}

SCENE_HELPER void run_for(struct scene *scene, unsigned int ms)
{
	uint64_t deadline = gs_deadline_in(ms);

	while (!gs_deadline_passed(deadline))
		step(scene, 5);
}

#define run_until(scene, condition)                              \
	do {                                                     \
		uint64_t deadline_ = SOON;                       \
		while (!(condition)) {                           \
			if (gs_deadline_passed(deadline_))       \
				fail_msg("not: %s", #condition); \
			step(scene, 5);                          \
		}                                                \
	} while (0)

#define await(condition)                                         \
	do {                                                     \
		uint64_t deadline_ = SOON;                       \
		while (!(condition)) {                           \
			if (gs_deadline_passed(deadline_))       \
				fail_msg("not: %s", #condition); \
			usleep(1000);                            \
		}                                                \
	} while (0)

SCENE_HELPER void begin(struct scene *scene, void (*target)(void), unsigned int ready,
			unsigned int keep)
{
	static pid_t former; /* of a test that has failed, it may be there */

	if (former)
		kill(former, SIGKILL);
	memset((void *)common, 0, sizeof(*common));
	*scene = (struct scene){.keep = keep, .target = fork()};
	if (scene->target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		target();
	}
	former = scene->target;
	await(common->ready == ready);
}

SCENE_HELPER void begin_armed(struct scene *scene, void (*target)(void), unsigned int ready,
			      unsigned int keep)
{
	begin(scene, target, ready, keep);
	assert_ok(gs_catcher_new(scene->target, mechanism, ".", &ops, scene, &scene->catcher));
	assert_ok(gs_catcher_arm(scene->catcher, (uintptr_t)called));
}

SCENE_HELPER char state_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.state : '-';
}

SCENE_HELPER unsigned long calls(void)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < THREADS; i++)
		sum += common->calls[i];
	return sum;
}

/* All is as it should be with the target; it ends. */
SCENE_HELPER void end(struct scene *scene)
{
	common->is_enough = true;
	run_until(scene, scene->over);
	assert_int_equal(state_of(scene->target), '-');
	assert_int_equal(common->wrong, 0);
	assert_int_equal(scene->wrong, 0);
	assert_int_equal(scene->unarmed, 0);
	for (int i = 1; i < 65; i++)
		assert_int_equal(common->signals[i], 0);
	gs_catcher_free(scene->catcher);
}

/* For cmocka: what all of them need. */
SCENE_HELPER int make_common(void **state)
{
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return common == MAP_FAILED ? -1 : unit_enter_scratch(state);
}

/* ---- by each mechanism ---- */

SCENE_HELPER int use_perf(void **state)
{
	(void)state;
	mechanism = GS_CATCH_PERF;
	return 0;
}

SCENE_HELPER int use_int3(void **state)
{
	(void)state;
	mechanism = GS_CATCH_INT3;
	return 0;
}

/* A test of cmocka's by one of them. */
#define BY(mechanism, fn)                                            \
	{                                                            \
#fn ", " #mechanism, fn, use_##mechanism, NULL, NULL \
	}

#endif
