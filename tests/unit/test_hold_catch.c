/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catcher on real processes: forks of this very program, so that its functions have the same
 * addresses, and some memory is common.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/catch.h>
#include <guestscope/hold/proc.h>

#include "unit.h"

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
__attribute__((noinline, noclone)) static long called(long a, const char *text, long c, long d,
						      long e, long f)
{
#ifdef __x86_64__
	__asm__ volatile("" ::: "rbx"); /* so that it begins as most functions do */
#endif
	if (text[0] != 't' || c != a + 2 || d != a + 3 || e != a + 4 || f != a + 5)
		__atomic_add_fetch(&common->wrong, 1, __ATOMIC_RELAXED);
	return a;
}

static void call(long i, long n)
{
	called(n, "text", n + 2, n + 3, n + 4, n + 5);
	common->calls[i]++;
}

static void *call_often(void *arg)
{
	long i = (long)arg;

	__atomic_add_fetch(&common->ready, 1, __ATOMIC_RELAXED);
	for (long n = 0; !common->is_enough; n++) {
		call(i, n);
		usleep(200);
	}
	return NULL;
}

static void count_signal(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	common->signals[signal]++;
}

static void count_signals(void)
{
	struct sigaction action = {.sa_sigaction = count_signal,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	for (int i = 1; i < 65; i++)
		sigaction(i, &action, NULL);
}

static void start_threads(void *(*fn)(void *))
{
	pthread_t thread;

	for (long i = 0; i < THREADS; i++) {
		pthread_create(&thread, NULL, fn, (void *)i);
		pthread_detach(thread);
	}
}

static void be_busy(void)
{
	count_signals();
	start_threads(call_often);
	while (!common->is_enough)
		usleep(1000);
	_exit(7);
}

static void *call_once(void *arg)
{
	call((long)arg, common->births);
	return NULL;
}

/* Threads that call once, each a moment after its birth. */
static void be_fertile(void)
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

static bool on_hit(void *arg, const struct gs_catch_hit *hit)
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

static void on_unarmed(void *arg, pid_t tid, const struct gs_error *why)
{
	struct scene *scene = arg;
	(void)tid;
	(void)why;

	scene->unarmed++;
}

static void on_lost(void *arg, pid_t tid)
{
	struct scene *scene = arg;
	(void)tid;

	scene->lost++;
}

static void on_over(void *arg)
{
	struct scene *scene = arg;

	scene->over++;
}

static const struct gs_catch_ops ops = {on_hit, on_unarmed, on_lost, on_over};

static void step(struct scene *scene, int ms)
{
	struct pollfd p = {.fd = gs_catcher_fd(scene->catcher), .events = POLLIN};

	(void)poll(&p, 1, ms);
	gs_catcher_dispatch(scene->catcher);
}

static void run_for(struct scene *scene, unsigned int ms)
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

static void begin(struct scene *scene, void (*target)(void), unsigned int ready, unsigned int keep)
{
	memset((void *)common, 0, sizeof(*common));
	*scene = (struct scene){.keep = keep, .target = fork()};
	if (scene->target == 0)
		target();
	await(common->ready == ready);
}

static void begin_armed(struct scene *scene, void (*target)(void), unsigned int ready,
			unsigned int keep)
{
	begin(scene, target, ready, keep);
	assert_ok(gs_catcher_new(scene->target, mechanism, ".", &ops, scene, &scene->catcher));
	assert_ok(gs_catcher_arm(scene->catcher, (uintptr_t)called));
}

static char state_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.state : '-';
}

static unsigned long calls(void)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < THREADS; i++)
		sum += common->calls[i];
	return sum;
}

/* All is as it should be with the target; it ends. */
static void end(struct scene *scene)
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

/* ---- tests ---- */

static void test_passes(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 0);
	run_until(&scene, scene.hits > 2000);
	end(&scene);
}

static void test_keeps_one(void **state)
{
	struct scene scene;
	unsigned long before;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	before = calls();
	run_until(&scene, calls() > before + 1000);
	assert_int_equal(state_of(scene.kept[0]), 't');
	assert_int_not_equal(state_of(scene.target), 't');
	assert_ok(gs_catcher_release(scene.catcher, scene.kept[0]));
	assert_error(gs_catcher_release(scene.catcher, scene.kept[0]), GS_ERROR_NODATA, NULL);
	run_for(&scene, 20);
	assert_int_not_equal(state_of(scene.kept[0]), 't');
	end(&scene);
}

/* None comes by unseen. */
static void test_born_while_armed(void **state)
{
	struct scene scene;
	(void)state;

	begin_armed(&scene, be_fertile, 1, 0);
	scene.hits = 0;
	common->calls[0] = common->calls[1] = 0;
	run_until(&scene, calls() > 500);
	end(&scene);
	/* At the start, two may have been in between. */
	assert_in_range(scene.hits, calls() - 2, calls() + 2);
}

static size_t count_states(pid_t pid, char state)
{
	char path[32];
	size_t count = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += atoi(entry->d_name) > 0 && state_of(atoi(entry->d_name)) == state;
	closedir(dir);
	return count;
}

static pid_t tracer_of(pid_t tid)
{
	struct gs_proc proc;
	pid_t tracer;

	assert_ok(gs_proc_read(tid, &proc));
	tracer = proc.tracer;
	gs_proc_deinit(&proc);
	return tracer;
}

/* The process runs on, in all of its threads, and ends as it would without us. */
static void check_free_and_well(pid_t target)
{
	unsigned long before[THREADS];
	int status;

	for (size_t i = 0; i < THREADS; i++)
		before[i] = common->calls[i];
	for (size_t i = 0; i < THREADS; i++)
		await(common->calls[i] > before[i] + 10);
	assert_int_equal(tracer_of(target), 0);
	common->is_enough = true;
	assert_int_equal(waitpid(target, &status, 0), target);
	assert_int_equal(status, 7 << 8);
	assert_int_equal(common->wrong, 0);
}

/* Stopped as a whole, nobody's; a debugger would find it where it was caught. */
static void test_hand_over(void **state)
{
	struct user_regs_struct regs;
	struct iovec io = {&regs, sizeof(regs)};
	struct scene scene;
	int status;
	(void)state;

	begin_armed(&scene, be_busy, THREADS, 1);
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	assert_ok(gs_catcher_hand_over(scene.catcher));
	gs_catcher_free(scene.catcher);
	assert_int_equal(count_states(scene.target, 'T'), THREADS + 1);
	assert_int_equal(tracer_of(scene.kept[0]), 0);
	assert_int_equal(ptrace(PTRACE_SEIZE, scene.kept[0], NULL, NULL), 0);
	assert_int_equal(waitpid(scene.kept[0], &status, __WALL), scene.kept[0]);
	assert_int_equal(ptrace(PTRACE_GETREGSET, scene.kept[0], NT_PRSTATUS, &io), 0);
	assert_true(
		memmem(&regs, sizeof(regs), &(uintptr_t){(uintptr_t)called}, sizeof(uintptr_t)));
	assert_int_equal(ptrace(PTRACE_DETACH, scene.kept[0], NULL, NULL), 0);
	kill(scene.target, SIGCONT);
	check_free_and_well(scene.target);
	assert_int_equal(common->signals[SIGCONT], 1);
}

/* As the keeper does it: then it ends. @fn gets it with one thread kept. */
static pid_t fork_tracer(struct scene *scene, void (*fn)(struct scene *scene))
{
	pid_t tracer = fork();

	if (tracer == 0) {
		assert_ok(gs_catcher_new(scene->target, mechanism, ".", &ops, scene,
					 &scene->catcher));
		assert_ok(gs_catcher_arm(scene->catcher, (uintptr_t)called));
		/* While one is kept by int3, others pass unseen. */
		run_until(scene,
			  scene->hits > 500 || (mechanism == GS_CATCH_INT3 && scene->kept_count));
		fn(scene);
		_exit(0);
	}
	return tracer;
}

static void free_catcher(struct scene *scene)
{
	gs_catcher_free(scene->catcher);
}

static void test_lets_go(void **state)
{
	struct scene scene;
	int status;
	(void)state;

	for (unsigned int keep = 0; keep < 3; keep++) {
		pid_t tracer;

		begin(&scene, be_busy, THREADS, keep);
		tracer = fork_tracer(&scene, free_catcher);
		assert_int_equal(waitpid(tracer, &status, 0), tracer);
		assert_int_equal(status, 0);
		check_free_and_well(scene.target);
		assert_int_equal(common->signals[SIGCONT], 0);
	}
}

/* ---- all of them, by each mechanism ---- */

static int use_perf(void **state)
{
	(void)state;
	mechanism = GS_CATCH_PERF;
	return 0;
}

static int use_int3(void **state)
{
	(void)state;
	mechanism = GS_CATCH_INT3;
	return 0;
}

#define PERF(fn)                                       \
	{                                              \
#fn ", perf", fn, use_perf, NULL, NULL \
	}
#define INT3(fn)                                       \
	{                                              \
#fn ", int3", fn, use_int3, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PERF(test_passes),    PERF(test_keeps_one), PERF(test_born_while_armed),
		PERF(test_hand_over), PERF(test_lets_go),
#ifdef __x86_64__
		INT3(test_passes),    INT3(test_keeps_one), INT3(test_born_while_armed),
		INT3(test_hand_over), INT3(test_lets_go),
#endif
	};

	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return cmocka_run_group_tests_name("hold catch", tests, unit_enter_scratch,
					   unit_leave_scratch);
}
