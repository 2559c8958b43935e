/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to a breakpoint that is in the text: who else has it, what it looks like to
 * the program, and what is left of it.
 */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#include <guestscope/base/io.h>
#include <guestscope/hold/mend.h>

#include "../../lib/hold/int3_journal.h"
#include "catch_scene.h"

#if defined(__x86_64__)

#define CALLS_EACH 3
#define SOME 200 /* of whatever a test counts */

/* ---- the targets: what they call themselves is counted by the scene, all else is not ---- */

static const char *const true_argv[] = {"/bin/true", NULL};

static void call_some(void)
{
	for (long i = 0; i < CALLS_EACH; i++)
		called(i, "text", i + 2, i + 3, i + 4, i + 5);
}

/* Each of its children has called, and ended as it should. */
static void await_child(pid_t pid, int status_expected)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != status_expected << 8)
		__atomic_add_fetch(&common->wrong, 1, __ATOMIC_RELAXED);
	common->births++;
	call(0, (long)common->births);
}

static void be_forking(void)
{
	common->ready = 1;
	while (!common->is_enough) {
		pid_t pid = fork();

		if (pid == 0) {
			call_some();
			_exit(5);
		}
		await_child(pid, 5);
	}
	_exit(7);
}

/* The child has our memory, and comes by our breakpoint. */
static void be_vforking(void)
{
	common->ready = 1;
	while (!common->is_enough) {
		bool is_exec = common->births % 2;
		pid_t pid = vfork();

		if (pid == 0) {
			call_some();
			if (is_exec)
				execv(true_argv[0], (char *const *)true_argv);
			_exit(5);
		}
		await_child(pid, is_exec ? 0 : 5);
	}
	_exit(7);
}

static void be_spawning(void)
{
	pid_t pid;

	common->ready = 1;
	while (!common->is_enough) {
		if (posix_spawn(&pid, true_argv[0], NULL, NULL, (char *const *)true_argv, NULL))
			pid = -1;
		await_child(pid, 0);
	}
	_exit(7);
}

/* SIGTRAPs of its own: an int3, one that it raises, and a step. */
static void be_trapping(void)
{
	count_signals();
	common->ready = 1;
	while (!common->is_enough) {
		__asm__ volatile("int3");
		raise(SIGTRAP);
		call(0, (long)++common->births);
	}
	_exit(7);
}

/* Its first instruction is none that is done in registers: the processor does it. */
__attribute__((naked)) unit_one_copy static long stepped(__attribute__((unused)) long a,
							 __attribute__((unused)) const char *text,
							 __attribute__((unused)) long c)
{
	__asm__ volatile("cld\n\t"
			 "cmpb $0x74, (%rsi)\n\t"
			 "jne 1f\n\t"
			 "lea -2(%rdx), %rax\n\t"
			 "ret\n"
			 "1: xor %eax, %eax\n\t"
			 "ret");
}

static void call_stepped(long i, long n)
{
	if (stepped(n, "text", n + 2) != n)
		__atomic_add_fetch(&common->wrong, 1, __ATOMIC_RELAXED);
	common->calls[i]++;
}

static void call_from_signal(int signal)
{
	static long n;

	common->signals[signal]++;
	if (++n % 4 == 0)
		call_stepped(1, n);
}

/* Signals come before a step, in it, and behind it; some call the function, too. */
static void be_interrupted(void)
{
	const struct itimerval often = {{0, 150}, {0, 150}};

	signal(SIGALRM, call_from_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	common->ready = 1;
	for (long n = 0; !common->is_enough; n++)
		call_stepped(0, n);
	_exit(7);
}

static void *step_often(void *arg)
{
	for (long n = 0; !common->is_enough; n++)
		call_stepped((long)arg, n);
	return NULL;
}

static void be_stepping(void)
{
	count_signals();
	start_threads(step_often);
	common->ready = 1;
	while (!common->is_enough)
		usleep(1000);
	usleep(100000);
	_exit(7);
}

/* ---- the scene ---- */

static bool has_journal(const struct scene *scene)
{
	gs_autofree char *path = gs_int3_journal_path(unit_scratch, scene->target);

	return access(path, F_OK) == 0;
}

static void read_text(pid_t pid, uint64_t address, uint8_t text[32])
{
	char path[32];
	gs_autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(gs_pread_full(fd, text, 32, address), 32);
}

static bool has_breakpoint(pid_t pid, uint64_t address)
{
	uint8_t text[32];

	read_text(pid, address, text);
	return text[0] == 0xcc;
}

static bool count_hit(void *arg, const struct gs_catch_hit *hit)
{
	struct scene *scene = arg;
	const struct gs_call *call = &hit->call;

	scene->hits++;
	if (call->args[2] != call->args[0] + 2)
		scene->wrong++;
	return false;
}

static const struct gs_catch_ops counting = {count_hit, on_unarmed, on_lost, on_over};

static void begin_counting(struct scene *scene, void (*target)(void), uint64_t address)
{
	begin(scene, target, 1, 0);
	assert_ok(gs_catcher_new(scene->target, GS_CATCH_INT3, unit_scratch, &counting, scene,
				 &scene->catcher));
	assert_ok(gs_catcher_arm(scene->catcher, address));
	assert_true(has_journal(scene));
}

/* It has ended as it would without us, after @calls. */
static void end_counting(struct scene *scene)
{
	common->is_enough = true;
	run_until(scene, scene->over);
	assert_int_equal(common->wrong, 0);
	assert_int_equal(scene->wrong, 0);
	gs_catcher_free(scene->catcher);
	assert_false(has_journal(scene));
}

/* A tracer that has armed, and does @fn then. */
static pid_t fork_tracer(struct scene *scene, void (*fn)(struct scene *scene))
{
	pid_t tracer = fork();

	if (tracer == 0) {
		assert_ok(gs_catcher_new(scene->target, GS_CATCH_INT3, unit_scratch, &ops, scene,
					 &scene->catcher));
		assert_ok(gs_catcher_arm(scene->catcher, (uintptr_t)called));
		fn(scene);
		_exit(0);
	}
	return tracer;
}

/* But for the one of the moment when it was begun to count. */
static void check_all_seen(const struct scene *scene, unsigned long before)
{
	unsigned long since = calls() - before;

	assert_in_range(since, SOME, ULONG_MAX);
	assert_in_range(scene->hits, since - 2, since + 2);
}

/* ---- children ---- */

static void check_children(void (*target)(void))
{
	struct scene scene;
	unsigned long before, births;

	begin_counting(&scene, target, (uintptr_t)called);
	before = calls();
	births = common->births;
	scene.hits = 0;
	run_until(&scene, common->births > births + SOME);
	end_counting(&scene);
	check_all_seen(&scene, before);
}

static void test_forked(void **state)
{
	(void)state;
	check_children(be_forking);
}

static void test_vforked(void **state)
{
	(void)state;
	check_children(be_vforking);
}

static void test_spawned(void **state)
{
	(void)state;
	check_children(be_spawning);
}

/* Whose perf is refused: the same catcher does it. */
static void test_changed(void **state)
{
	struct scene scene;
	unsigned long before, births;
	(void)state;

	begin(&scene, be_forking, 1, 0);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_PERF, unit_scratch, &counting, &scene,
				 &scene.catcher));
	assert_ok(gs_catcher_change(scene.catcher, GS_CATCH_INT3));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)called));
	assert_error(gs_catcher_change(scene.catcher, GS_CATCH_PERF), GS_ERROR_INVALID, NULL);
	before = calls();
	births = common->births;
	scene.hits = 0;
	run_until(&scene, common->births > births + SOME);
	end_counting(&scene);
	check_all_seen(&scene, before);
}

/* A child that has our memory stays ours when we leave in the middle of its life. */
static void be_long_vforking(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		common->ready = 1;
		while (!common->is_enough)
			call_some();
		_exit(5);
	}
	await_child(pid, 5);
	_exit(7);
}

static pid_t child_of(pid_t pid)
{
	struct gs_proc_tree tree;
	pid_t child;

	assert_ok(gs_proc_descendants(pid, &tree));
	assert_in_range(tree.count, 1, 2);
	child = tree.pids[tree.count - 1];
	gs_proc_tree_deinit(&tree);
	return child;
}

static pid_t tracer_of(pid_t pid)
{
	struct gs_proc proc;
	pid_t tracer;

	assert_ok(gs_proc_read(pid, &proc));
	tracer = proc.tracer;
	gs_proc_deinit(&proc);
	return tracer;
}

static void be_vforking_slowly(void)
{
	common->ready = 1;
	while (!common->births) /* until we trace it */
		call(0, 1);
	be_long_vforking();
}

static void leave_guest(struct scene *scene)
{
	run_until(scene, scene->hits > 10);
	common->ready = 0;
	common->births = 1;
	run_until(scene, common->ready);
	assert_int_equal(tracer_of(child_of(scene->target)), getpid());
	run_for(scene, 20);
	gs_catcher_free(scene->catcher);
	common->ready = 2;
	pause();
}

/* It was there before. */
static void find_guest(struct scene *scene)
{
	assert_int_equal(tracer_of(child_of(scene->target)), getpid());
	assert_true(has_breakpoint(scene->target, (uintptr_t)called));
	run_for(scene, 20);
	assert_int_equal(scene->hits, 0);
	gs_catcher_free(scene->catcher);
	common->ready = 2;
	pause();
}

static void check_guest(void (*target)(void), void (*fn)(struct scene *scene))
{
	struct scene scene;
	pid_t child, tracer;
	int status;

	begin(&scene, target, 1, 0);
	tracer = fork_tracer(&scene, fn);
	await(common->ready == 2);
	child = child_of(scene.target);
	assert_false(has_breakpoint(child, (uintptr_t)called));
	assert_int_equal(tracer_of(child), 0);
	kill(tracer, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	common->is_enough = true;
	assert_int_equal(waitpid(scene.target, &status, 0), scene.target);
	assert_int_equal(status, 7 << 8);
	assert_int_equal(common->wrong, 0);
}

static void test_leaves_a_guest(void **state)
{
	(void)state;
	check_guest(be_vforking_slowly, leave_guest);
	check_guest(be_long_vforking, find_guest);
}

/* ---- what the program sees ---- */

static void test_own_traps(void **state)
{
	struct scene scene;
	unsigned long before, births;
	(void)state;

	begin_counting(&scene, be_trapping, (uintptr_t)called);
	before = calls();
	births = common->births;
	scene.hits = 0;
	run_until(&scene, common->births > births + SOME);
	end_counting(&scene);
	check_all_seen(&scene, before);
	assert_in_range(common->signals[SIGTRAP], 2 * common->births, 2 * common->births + 2);
}

static void test_interrupted_steps(void **state)
{
	struct scene scene;
	unsigned long before;
	unsigned int signals;
	(void)state;

	begin_counting(&scene, be_interrupted, (uintptr_t)stepped);
	before = calls();
	signals = common->signals[SIGALRM];
	scene.hits = 0;
	run_until(&scene, common->signals[SIGALRM] > signals + 5 * SOME);
	end_counting(&scene);
	check_all_seen(&scene, before);
}

/* Some pass unseen; but none is harmed. */
static void test_many_steps(void **state)
{
	struct scene scene;
	(void)state;

	begin_counting(&scene, be_stepping, (uintptr_t)stepped);
	run_until(&scene, scene.hits > 5 * SOME);
	end_counting(&scene);
	for (int i = 1; i < 65; i++)
		assert_int_equal(common->signals[i], 0);
}

/* ---- the text ---- */

static void test_text(void **state)
{
	struct scene scene;
	uint8_t before[32], after[32];
	(void)state;

	begin(&scene, be_busy, THREADS, 1);
	read_text(scene.target, (uintptr_t)called, before);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_INT3, unit_scratch, &ops, &scene,
				 &scene.catcher));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)stepped));
	assert_true(has_breakpoint(scene.target, (uintptr_t)stepped));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)called));
	run_until(&scene, gs_catcher_kept(scene.catcher) == 1);
	/* As it was: who is kept there goes on if we are killed. */
	read_text(scene.target, (uintptr_t)called, after);
	assert_memory_equal(before, after, 32);
	assert_true(has_journal(&scene));
	assert_ok(gs_catcher_release(scene.catcher, scene.kept[0]));
	assert_true(has_breakpoint(scene.target, (uintptr_t)called));
	gs_catcher_disarm(scene.catcher);
	assert_false(has_journal(&scene));
	read_text(scene.target, (uintptr_t)called, after);
	assert_memory_equal(before, after, 32);
	assert_false(has_breakpoint(scene.target, (uintptr_t)stepped));
	/* And anew. */
	scene.hits = 0;
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)called));
	run_until(&scene, scene.hits > 100);
	end(&scene);
	assert_false(has_journal(&scene));
}

static void test_refusals(void **state)
{
	struct scene scene;
	const uint8_t int3 = 0xcc;
	struct gs_int3_byte byte;
	char path[32];
	gs_autoclose int fd = -1;
	(void)state;

	begin(&scene, be_busy, THREADS, 0);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_INT3, unit_scratch, &ops, &scene,
				 &scene.catcher));
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)scene.target);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_ok(gs_int3_look(fd, &(struct gs_int3_bytes){0}, (uintptr_t)stepped, &byte));
	assert_int_equal(gs_pwrite_full(fd, &int3, 1, (uintptr_t)stepped), 0);
	assert_error(gs_catcher_arm(scene.catcher, (uintptr_t)stepped), GS_ERROR_BUSY, NULL);
	assert_false(has_journal(&scene));
	assert_int_equal(gs_pwrite_full(fd, byte.code, 1, (uintptr_t)stepped), 0);
	assert_error(gs_catcher_arm(scene.catcher, 16), GS_ERROR_NODATA, NULL);
	assert_error(gs_catcher_arm(scene.catcher, (uintptr_t)&mechanism), GS_ERROR_INVALID, NULL);
	assert_false(has_journal(&scene));
	end(&scene);
}

/* ---- code that comes and goes ---- */

#define PLUGIN_SIZE 4096
static uint8_t *plugin; /* where it is, if it is there */

static void map_plugin(void)
{
	static const uint8_t code[] = {0x53, 0x5b, 0xc3}; /* push, pop, ret */

	plugin = mmap(plugin, PLUGIN_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS | (plugin ? MAP_FIXED : 0), -1, 0);
	if (plugin == MAP_FAILED)
		_exit(1);
	memcpy(plugin, code, sizeof(code));
}

/* Unmapped when births is 1; something else is there when it is 2, which looks like ours. */
static void be_unloading(void)
{
	void (*volatile entry)(void) = (void (*)(void))(uintptr_t)plugin;

	count_signals();
	common->ready = 1;
	while (common->births == 0) {
		entry();
		common->calls[0]++;
	}
	munmap(plugin, PLUGIN_SIZE);
	common->ready = 2;
	while (common->births == 1)
		usleep(1000);
	map_plugin();
	plugin[0] = 0xcc;
	plugin[1] = 0x90;
	entry(); /* an int3 of its own */
	common->ready = 3;
	while (!common->is_enough)
		usleep(1000);
	common->wrong += plugin[0] != 0xcc;
	_exit(7);
}

static bool count_any(void *arg, const struct gs_catch_hit *hit)
{
	struct scene *scene = arg;

	scene->hits++;
	scene->wrong += hit->address != (uintptr_t)plugin;
	return false;
}

/* @births: disarmed when it is unmapped, or when something else is there. */
static void check_unmapped(unsigned int births)
{
	static const struct gs_catch_ops any = {count_any, on_unarmed, on_lost, on_over};
	struct scene scene;

	begin(&scene, be_unloading, 1, 0);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_INT3, unit_scratch, &any, &scene,
				 &scene.catcher));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)plugin));
	run_until(&scene, scene.hits > 10);
	for (common->births = 1; common->births <= 2; common->births++) {
		run_until(&scene, common->ready == common->births + 1);
		if (common->births == births)
			gs_catcher_disarm(scene.catcher);
	}
	assert_false(has_journal(&scene));
	assert_int_equal(common->signals[SIGTRAP], 1);
	common->signals[SIGTRAP] = 0;
	end(&scene);
}

static void test_unmapped(void **state)
{
	(void)state;
	map_plugin();
	check_unmapped(1);
	check_unmapped(2);
	munmap(plugin, PLUGIN_SIZE);
}

/* It becomes a program that has never heard of us. */
static void be_leaving(void)
{
	common->ready = 1;
	for (long n = 0; !common->births; n++)
		call(0, n);
	execv(true_argv[0], (char *const *)true_argv);
	_exit(1);
}

static void test_exec(void **state)
{
	struct scene scene;
	int status;
	(void)state;

	begin_counting(&scene, be_leaving, (uintptr_t)called);
	run_until(&scene, scene.hits > 10);
	common->births = 1;
	run_until(&scene, scene.over);
	assert_false(has_journal(&scene));
	gs_catcher_free(scene.catcher);
	/* Unless the catcher has seen its end already. */
	if (waitpid(scene.target, &status, 0) == scene.target)
		assert_int_equal(status, 0);
}

/* ---- a tracer that is killed ---- */

static void keep_for_ever(struct scene *scene)
{
	run_until(scene, gs_catcher_kept(scene->catcher) == 1);
	common->births = 1;
	run_for(scene, 100000);
}

/* While one is kept, that does no harm, ever. */
static void test_killed_while_kept(void **state)
{
	struct scene scene;
	unsigned long before;
	int status;
	pid_t tracer;
	(void)state;

	for (int i = 0; i < 5; i++) {
		begin(&scene, be_busy, THREADS, 1);
		tracer = fork_tracer(&scene, keep_for_ever);
		await(common->births);
		kill(tracer, SIGKILL);
		assert_int_equal(waitpid(tracer, NULL, 0), tracer);
		before = calls();
		await(calls() > before + 100);
		await(!has_breakpoint(scene.target, (uintptr_t)called));
		common->is_enough = true;
		assert_int_equal(waitpid(scene.target, &status, 0), scene.target);
		assert_int_equal(status, 7 << 8);
		assert_int_equal(common->signals[SIGTRAP], 0);
		await(!has_journal(&scene));
	}
}

static void be_still(void)
{
	common->ready = 1;
	while (!common->births)
		usleep(1000);
	for (long n = 0; !common->is_enough; n++)
		call(0, n);
	_exit(7);
}

static void wait_for_ever(struct scene *scene)
{
	(void)scene;
	common->ready = 2;
	pause();
}

/* The guardian mends the text of one that has not come by. */
static void test_guardian(void **state)
{
	struct scene scene;
	int status;
	pid_t tracer;
	(void)state;

	begin(&scene, be_still, 1, 0);
	tracer = fork_tracer(&scene, wait_for_ever);
	await(common->ready == 2);
	assert_true(has_breakpoint(scene.target, (uintptr_t)called));
	kill(tracer, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	await(!has_breakpoint(scene.target, (uintptr_t)called));
	await(!has_journal(&scene));
	common->births = 1;
	common->is_enough = true;
	assert_int_equal(waitpid(scene.target, &status, 0), scene.target);
	assert_int_equal(status, 7 << 8);
}

static void tell(void *arg, pid_t pid, size_t count, const struct gs_error *err)
{
	(void)pid;
	assert_null(err);
	*(size_t *)arg += count;
}

/* Nobody is left: the journal has it. */
static void begin_left_alone(struct scene *scene)
{
	pid_t tracer, guardian;

	begin(scene, be_still, 1, 0);
	tracer = fork_tracer(scene, wait_for_ever);
	await(common->ready == 2);
	guardian = child_of(tracer);
	kill(guardian, SIGSTOP); /* first: it is replaced only by a tracer that runs */
	kill(tracer, SIGKILL);
	kill(guardian, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	assert_true(has_breakpoint(scene->target, (uintptr_t)called));
	assert_true(has_journal(scene));
}

static void test_repair(void **state)
{
	struct scene scene;
	size_t count = 0;
	int status;
	(void)state;

	begin_left_alone(&scene);
	assert_ok(gs_hold_mend(unit_scratch, tell, &count));
	assert_int_equal(count, 1);
	assert_false(has_journal(&scene));
	assert_false(has_breakpoint(scene.target, (uintptr_t)called));
	common->births = 1;
	common->is_enough = true;
	assert_int_equal(waitpid(scene.target, &status, 0), scene.target);
	assert_int_equal(status, 7 << 8);
}

/* Its journal is written over: what is in it is mended before. */
static void test_another_after_it(void **state)
{
	struct scene scene;
	(void)state;

	begin_left_alone(&scene);
	assert_ok(gs_catcher_new(scene.target, GS_CATCH_INT3, unit_scratch, &counting, &scene,
				 &scene.catcher));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)stepped));
	assert_false(has_breakpoint(scene.target, (uintptr_t)called));
	assert_ok(gs_catcher_arm(scene.catcher, (uintptr_t)called));
	common->births = 1;
	run_until(&scene, scene.hits > 10);
	end_counting(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forked),
		cmocka_unit_test(test_vforked),
		cmocka_unit_test(test_spawned),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_leaves_a_guest),
		cmocka_unit_test(test_own_traps),
		cmocka_unit_test(test_interrupted_steps),
		cmocka_unit_test(test_many_steps),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_killed_while_kept),
		cmocka_unit_test(test_guardian),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_another_after_it),
	};

	mechanism = GS_CATCH_INT3;
	return cmocka_run_group_tests(tests, make_common, unit_leave_scratch);
}

#else

int main(void)
{
	return 0; /* int3 is x86-64's */
}

#endif
