/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catcher on real processes, by each mechanism. */
#include <dirent.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "catch_scene.h"

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
	run_until(&scene, state_of(scene.kept[0]) != 't'); /* it is for a moment as it comes by */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY(perf, test_passes),    BY(perf, test_keeps_one), BY(perf, test_born_while_armed),
		BY(perf, test_hand_over), BY(perf, test_lets_go),
#ifdef __x86_64__
		BY(int3, test_passes),    BY(int3, test_keeps_one), BY(int3, test_born_while_armed),
		BY(int3, test_hand_over), BY(int3, test_lets_go),
#endif
	};

	return cmocka_run_group_tests_name("hold catch", tests, make_common, unit_leave_scratch);
}
