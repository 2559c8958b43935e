/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which exec is held, and what /proc tells of a process. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>
#include <guestscope/hold/filter.h>
#include <guestscope/hold/proc.h>

#include "unit.h"

#define ARGS(text) .args = (char *)(text), .args_size = sizeof(text)

/* libvirt's probe, and the guest. */
static struct gs_proc probe_proc = {.known = GS_PROC_ALL,
				    .exe = (char *)"/usr/bin/qemu-system-x86_64",
				    ARGS("qemu\0-S\0-machine\0none"),
				    .uid = 64055,
				    .parent = 10};
static const struct gs_hold_candidate probe = {
	.proc = &probe_proc, .depth = 2, .parent_name = "libvirtd"};
static struct gs_proc guest_proc = {.known = GS_PROC_ALL,
				    .exe = (char *)"/usr/bin/qemu-system-x86_64",
				    ARGS("qemu\0-name\0guest=web one"),
				    .uid = 64055,
				    .parent = 1};
static const struct gs_hold_candidate guest = {
	.proc = &guest_proc, .depth = 3, .parent = 11, .parent_name = "systemd"};

static bool takes(struct gs_hold_wish wish, const struct gs_hold_candidate *candidate)
{
	GS_CLEANUP(gs_hold_filter_free) struct gs_hold_filter *filter = NULL;

	assert_ok(gs_hold_filter_new(&wish, &filter));
	return gs_hold_filter_take(filter, candidate);
}

static void test_each_wish(void **state)
{
	(void)state;
	assert_true(takes((struct gs_hold_wish){0}, &probe));
	assert_true(takes((struct gs_hold_wish){.exec = "qemu-system-*"}, &probe));
	assert_false(takes((struct gs_hold_wish){.exec = "qemu"}, &probe));
	assert_true(takes((struct gs_hold_wish){.exec = "/usr/bin/*"}, &probe));
	assert_false(takes((struct gs_hold_wish){.exec = "/bin/*"}, &probe));
	assert_false(takes((struct gs_hold_wish){.argv = "guest=web one$"}, &probe));
	assert_true(takes((struct gs_hold_wish){.argv = "guest=web one$"}, &guest));
	assert_true(takes((struct gs_hold_wish){.argv = "^qemu -name "}, &guest));
	assert_true(takes((struct gs_hold_wish){.has_uid = true, .uid = 64055}, &guest));
	assert_false(takes((struct gs_hold_wish){.has_uid = true, .uid = 0}, &guest));
	assert_true(takes((struct gs_hold_wish){.parent = "libvirtd"}, &probe));
	assert_false(takes((struct gs_hold_wish){.parent = "libvirtd"}, &guest));
	assert_true(takes((struct gs_hold_wish){.parent = "10"}, &probe));
	assert_false(takes((struct gs_hold_wish){.parent = "11"}, &probe));
	assert_true(takes((struct gs_hold_wish){.parent = "11"}, &guest)); /* who has forked it */
	assert_false(takes((struct gs_hold_wish){.parent = "1"}, &guest));
	assert_true(takes((struct gs_hold_wish){.has_depth = true, .depth = 2}, &probe));
	assert_false(takes((struct gs_hold_wish){.has_depth = true, .depth = 2}, &guest));
	/* All that are given. */
	assert_true(takes((struct gs_hold_wish){.exec = "qemu*", .argv = "none"}, &probe));
	assert_false(takes((struct gs_hold_wish){.exec = "qemu*", .argv = "none"}, &guest));
}

static void test_counting(void **state)
{
	struct gs_hold_wish third = {.argv = "guest", .nth = 3};
	struct gs_hold_wish from_second = {.argv = "guest", .nth = 2, .every = true};
	GS_CLEANUP(gs_hold_filter_free) struct gs_hold_filter *once = NULL, *every = NULL;
	(void)state;

	assert_ok(gs_hold_filter_new(&third, &once));
	for (int i = 1; i <= 5; i++) {
		assert_false(gs_hold_filter_take(once, &probe));
		assert_int_equal(gs_hold_filter_is_done(once), i > 3);
		assert_int_equal(gs_hold_filter_take(once, &guest), i == 3);
	}
	assert_ok(gs_hold_filter_new(&from_second, &every));
	for (int i = 1; i <= 5; i++) {
		assert_false(gs_hold_filter_take(every, &probe));
		assert_int_equal(gs_hold_filter_take(every, &guest), i >= 2);
		assert_false(gs_hold_filter_is_done(every));
	}
}

static void test_empty(void **state)
{
	struct gs_hold_wish wishes[] = {{.nth = 2, .every = true}, {.has_depth = true}};
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		GS_CLEANUP(gs_hold_filter_free) struct gs_hold_filter *filter = NULL;

		assert_ok(gs_hold_filter_new(&wishes[i], &filter));
		assert_int_equal(gs_hold_filter_is_empty(filter), i == 0);
	}
}

static void test_bad_wishes(void **state)
{
	static const struct {
		struct gs_hold_wish wish;
		const char *message;
	} bad[] = {
		{{.argv = "a("}, NULL},
		{{.parent = "0"}, "'0' is no process"},
		{{.parent = "99999999999"}, "'99999999999' is no process"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gs_hold_filter *filter = NULL;

		assert_error(gs_hold_filter_new(&bad[i].wish, &filter), GS_ERROR_INVALID,
			     bad[i].message);
		assert_null(filter);
	}
}

/* Until exec a child shows our arguments. */
static void await_exec(const struct gs_process *process, const char *first)
{
	for (int i = 0; i < 1000; i++) {
		struct gs_proc proc;
		bool is_there;

		assert_ok(gs_proc_read(process->pid, &proc));
		is_there = proc.args && strcmp(proc.args, first) == 0;
		gs_proc_deinit(&proc);
		if (is_there)
			return;
		usleep(1000);
	}
	fail_msg("no exec");
}

static void test_proc(void **state)
{
	const char *argv[] = {"cat", "/dev/zero", "", "a'b", "tab\there \\", NULL};
	struct gs_spawn spawn = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	gs_autofree char *line = NULL;
	struct gs_process process;
	struct gs_proc proc;
	(void)state;

	assert_ok(gs_process_spawn(&spawn, &process));
	await_exec(&process, "cat");
	assert_ok(gs_proc_read(process.pid, &proc));
	assert_int_equal(proc.parent, getpid());
	assert_int_equal(proc.uid, geteuid());
	assert_int_equal(proc.tracer, 0);
	assert_string_equal(proc.comm, "cat");
	assert_non_null(strstr(proc.exe, "cat"));
	assert_string_equal(gs_proc_argument(&proc, 0), "cat");
	assert_string_equal(gs_proc_argument(&proc, 2), "");
	assert_string_equal(gs_proc_argument(&proc, 4), "tab\there \\");
	assert_null(gs_proc_argument(&proc, 5));
	line = gs_proc_command_line(&proc);
	assert_string_equal(line, "cat /dev/zero '' 'a'\\''b' $'tab\\011here \\\\'");
	assert_true(gs_proc_is(&proc.id));
	assert_ok(gs_process_end(&process, NULL));
	assert_false(gs_proc_is(&proc.id));
	gs_proc_deinit(&proc);
	assert_error(gs_proc_read(INT_MAX, &proc), GS_ERROR_GONE, "there is no process 2147483647");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_wish), cmocka_unit_test(test_counting),
		cmocka_unit_test(test_empty),     cmocka_unit_test(test_bad_wishes),
		cmocka_unit_test(test_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
