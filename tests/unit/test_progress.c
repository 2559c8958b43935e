/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The progress bar on a terminal of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/progress.h>

#define OUTPUT_MAX 4096

struct terminal {
	int master, stderr_before;
	char output[OUTPUT_MAX];
	size_t size;
};

/* stderr becomes a terminal of @columns until terminal_end(). */
static void terminal_begin(struct terminal *t, unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int slave;

	*t = (struct terminal){.master = posix_openpt(O_RDWR | O_NOCTTY)};
	assert_true(t->master >= 0);
	assert_int_equal(grantpt(t->master), 0);
	assert_int_equal(unlockpt(t->master), 0);
	slave = open(ptsname(t->master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	t->stderr_before = dup(STDERR_FILENO);
	dup2(slave, STDERR_FILENO);
	close(slave);
}

/* Reads until @wanted was drawn. */
static void terminal_await(struct terminal *t, const char *wanted)
{
	ssize_t size;

	while (!strstr(t->output, wanted)) {
		size = read(t->master, t->output + t->size, OUTPUT_MAX - 1 - t->size);
		assert_true(size > 0);
		t->size += (size_t)size;
	}
}

static void terminal_end(struct terminal *t)
{
	dup2(t->stderr_before, STDERR_FILENO);
	close(t->stderr_before);
	close(t->master);
}

static void test_draws_and_erases(void **state)
{
	struct gs_progress progress = {.done = 1 << 20, .total = 4 << 20};
	struct gs_progress_bar *bar;
	struct terminal t;

	(void)state;
	terminal_begin(&t, 100);
	bar = gs_progress_bar_start(&progress, "vm\033.elf", 0);
	atomic_store(&progress.done, 3 << 20);
	terminal_await(&t, "ETA");
	atomic_store(&progress.done, 9 << 20);
	terminal_await(&t, "100%  4 MiB of 4 MiB");
	gs_progress_bar_stop(bar);
	terminal_await(&t, "\r\033[K");
	terminal_end(&t);
	assert_non_null(strstr(t.output, "\rvm\\x1b.elf   75%  3 MiB of 4 MiB  "));
	assert_string_equal(t.output + t.size - 4, "\r\033[K");
}

static void test_narrow_terminal(void **state)
{
	struct gs_progress progress = {.total = 0};
	struct gs_progress_bar *bar;
	struct terminal t;

	(void)state;
	terminal_begin(&t, 10);
	bar = gs_progress_bar_start(&progress,
				    "12345678\xc3\xa9"
				    "1",
				    0);
	terminal_await(&t, "\r12345678\033[K");
	gs_progress_bar_stop(bar);
	terminal_end(&t);
}

static void test_stays_away(void **state)
{
	struct gs_progress progress = {.total = 1};
	struct terminal t;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	terminal_begin(&t, 80);
	assert_null(gs_progress_bar_start(&progress, "quiet", 1));
	setenv("TERM", "dumb", 1);
	assert_null(gs_progress_bar_start(&progress, "dumb", 0));
	setenv("TERM", "xterm", 1);
	dup2(null, STDERR_FILENO);
	assert_null(gs_progress_bar_start(&progress, "no terminal", 0));
	terminal_end(&t);
	close(null);
	gs_progress_bar_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_and_erases),
		cmocka_unit_test(test_narrow_terminal),
		cmocka_unit_test(test_stays_away),
	};

	setenv("TERM", "xterm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
