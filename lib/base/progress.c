/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The progress bar: a thread that looks at the counters five times a second. */
#include <guestscope/base/progress.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "utf8.h"

#define TICK_MS 200
/* The rate follows the last few seconds: each tick closes a tenth of the gap to what it saw. */
#define RATE_WEIGHT 0.1

struct gs_progress_bar {
	const struct gs_progress *progress;
	char *what;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
	/* The thread's own: */
	bool drawn;
	uint64_t seen_bytes, seen_ms;
	double rate; /* bytes a second */
};

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* "1:02:03", "4:05" */
static void add_duration(struct gs_text *t, uint64_t seconds)
{
	if (seconds >= 3600)
		gs_text_printf(t, "%llu:%02llu:%02llu", (unsigned long long)seconds / 3600,
			       (unsigned long long)seconds / 60 % 60,
			       (unsigned long long)seconds % 60);
	else
		gs_text_printf(t, "%llu:%02llu", (unsigned long long)seconds / 60,
			       (unsigned long long)seconds % 60);
}

/* "45%  1.2 GiB of 2.6 GiB  310 MiB/s  ETA 0:05" */
static void add_numbers(struct gs_text *t, const struct gs_progress_bar *bar, uint64_t done,
			uint64_t total)
{
	char size[GS_SIZE_TEXT];

	if (total)
		gs_text_printf(t, "%3.0f%%  ", 100.0 * (double)done / (double)total);
	gs_text_puts(t, gs_format_size(done, size));
	if (total)
		gs_text_printf(t, " of %s", gs_format_size(total, size));
	if (bar->rate < 1)
		return;
	gs_text_printf(t, "  %s/s", gs_format_size((uint64_t)bar->rate, size));
	if (total > done) {
		gs_text_puts(t, "  ETA ");
		add_duration(t, (uint64_t)((double)(total - done) / bar->rate + 0.5));
	}
}

static void measure(struct gs_progress_bar *bar, uint64_t done)
{
	uint64_t now = gs_now_ms(), elapsed = now - bar->seen_ms;
	double rate;

	if (!elapsed || done < bar->seen_bytes)
		return;
	rate = (double)(done - bar->seen_bytes) * 1000 / (double)elapsed;
	bar->rate = bar->drawn ? bar->rate + RATE_WEIGHT * (rate - bar->rate) : rate;
	bar->seen_bytes = done;
	bar->seen_ms = now;
}

static void draw(struct gs_progress_bar *bar)
{
	uint64_t done = atomic_load(&bar->progress->done);
	uint64_t total = atomic_load(&bar->progress->total);
	gs_autotext struct gs_text line = {0};
	size_t width = terminal_width() - 1;

	measure(bar, done);
	gs_text_printf(&line, "%s  ", bar->what);
	add_numbers(&line, bar, done < total || !total ? done : total, total);
	if (line.failed)
		return;
	/* A line that wraps could not be erased; no character is cut in two. */
	width = width < line.size ? width : line.size;
	while (width && (line.data[width] & 0xc0) == 0x80)
		width--;
	fprintf(stderr, "\r%.*s\033[K", (int)width, line.data);
	fflush(stderr);
	bar->drawn = true;
}

/* Sleeps until the next tick, or until the bar is stopped: false. */
static bool wait_for_tick(struct gs_progress_bar *bar)
{
	struct timespec tick;

	clock_gettime(CLOCK_MONOTONIC, &tick);
	tick.tv_nsec += TICK_MS * 1000000L;
	tick.tv_sec += tick.tv_nsec / 1000000000L;
	tick.tv_nsec %= 1000000000L;
	while (!bar->stop && pthread_cond_timedwait(&bar->stopped, &bar->lock, &tick) == 0)
		;
	return !bar->stop;
}

static void *run(void *arg)
{
	struct gs_progress_bar *bar = arg;

	pthread_mutex_lock(&bar->lock);
	while (wait_for_tick(bar))
		draw(bar);
	pthread_mutex_unlock(&bar->lock);
	if (bar->drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	return NULL;
}

static void bar_destroy(struct gs_progress_bar *bar)
{
	free(bar->what);
	free(bar);
}
GS_DEFINE_CLEANUP(struct gs_progress_bar *, bar_destroy)

/* 0, or an errno. Signals stay with the threads that the program made for itself. */
static int start_thread(struct gs_progress_bar *bar)
{
	sigset_t all, before;
	pthread_condattr_t attr;
	int failed;

	pthread_mutex_init(&bar->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bar->stopped, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&bar->thread, NULL, run, bar);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

struct gs_progress_bar *gs_progress_bar_start(const struct gs_progress *progress, const char *what,
					      int quiet)
{
	GS_CLEANUP(bar_destroy) struct gs_progress_bar *bar = NULL;
	gs_autotext struct gs_text shown = {0};

	if (quiet || !is_terminal())
		return NULL;
	bar = calloc(1, sizeof(*bar));
	if (!bar)
		return NULL;
	gs_utf8_printable(&shown, what, strlen(what));
	gs_error_destroy(gs_text_finish(&shown, &bar->what));
	bar->progress = progress;
	bar->seen_ms = gs_now_ms();
	bar->seen_bytes = atomic_load(&progress->done);
	if (!bar->what || start_thread(bar) != 0)
		return NULL;
	return gs_take(bar);
}

void gs_progress_bar_stop(struct gs_progress_bar *bar)
{
	if (!bar)
		return;
	pthread_mutex_lock(&bar->lock);
	bar->stop = true;
	pthread_cond_signal(&bar->stopped);
	pthread_mutex_unlock(&bar->lock);
	pthread_join(bar->thread, NULL);
	pthread_cond_destroy(&bar->stopped);
	pthread_mutex_destroy(&bar->lock);
	bar_destroy(bar);
}
