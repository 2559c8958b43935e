/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pace of what is shown again and again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <guestscope/base/time.h>

#include "live.h"

#define INTERVAL_MS 1000

static int signalled = -1;

static void note_signal(int number)
{
	const uint64_t one = 1;
	int before = errno;

	(void)number;
	if (write(signalled, &one, sizeof(one)) < 0)
		errno = before;
}

struct gs_error *pace_init(const struct gs_args *args, struct pace *ret)
{
	uint64_t interval_ms;
	struct gs_error *err = gs_args_duration(args, "watch", INTERVAL_MS, &interval_ms);

	if (err)
		return err;
	if (!interval_ms)
		return gs_error_create(GS_ERROR_INVALID, "--watch: no time at all");
	*ret = (struct pace){.interval_ms = interval_ms, .interrupt_fd = -1};
	return NULL;
}

struct gs_error *pace_start(struct pace *pace)
{
	const struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESETHAND};

	signalled = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (signalled < 0)
		return gs_error_os(errno, "eventfd");
	sigaction(SIGINT, &action, NULL);
	pace->interrupt_fd = signalled;
	pace->next_ms = gs_now_ms();
	return NULL;
}

void pace_deinit(struct pace *pace)
{
	if (pace->interrupt_fd < 0)
		return;
	signal(SIGINT, SIG_DFL);
	close(pace->interrupt_fd);
	pace->interrupt_fd = -1;
}

/* Beats that passed while we were busy are left out. */
static void advance(struct pace *pace)
{
	uint64_t now_ms = gs_now_ms(), late;

	if (__builtin_add_overflow(pace->next_ms, pace->interval_ms, &pace->next_ms)) {
		pace->next_ms = GS_NO_DEADLINE;
	} else if (pace->next_ms < now_ms) {
		late = (now_ms - pace->next_ms) / pace->interval_ms;
		pace->next_ms += late * pace->interval_ms;
	}
}

/* What has arrived by now, so that it does not pile up in QEMU. *done_ret: @seen has had enough. */
static struct gs_error *take_events(const struct pace *pace, struct gs_qmp *qmp,
				    bool (*seen)(void *arg, const struct gs_qmp_event *event),
				    void *arg, bool *done_ret)
{
	struct gs_qmp_event event;
	struct gs_error *err;

	while (!(err = gs_qmp_next_event(qmp, 0, &event))) {
		*done_ret = seen && seen(arg, &event);
		gs_qmp_event_deinit(&event);
		if (*done_ret || gs_deadline_passed(pace->next_ms))
			return NULL;
	}
	if (err->code != GS_ERROR_TIMEOUT)
		return err;
	gs_error_destroy(err);
	return NULL;
}

struct gs_error *pace_wait(struct pace *pace, struct gs_qmp *qmp,
			   bool (*seen)(void *arg, const struct gs_qmp_event *event), void *arg)
{
	struct pollfd fds[] = {{.fd = gs_qmp_fd(qmp), .events = POLLIN},
			       {.fd = pace->interrupt_fd, .events = POLLIN}};
	bool done = false;

	if (gs_deadline_passed(pace->next_ms))
		advance(pace);
	for (;;) {
		struct gs_error *err = take_events(pace, qmp, seen, arg, &done);

		if (err || done || gs_deadline_passed(pace->next_ms))
			return err;
		if (poll(fds, 2, gs_deadline_poll_ms(pace->next_ms)) < 0 && errno != EINTR)
			return gs_error_os(errno, "poll");
		pace->interrupted = fds[1].revents;
		if (pace->interrupted)
			return NULL;
	}
}

struct gs_error *live_end(struct gs_error *err)
{
	struct gs_error *ended;

	if (!err || err->code != GS_ERROR_LOST)
		return err;
	ended = gs_error_create(GS_ERROR_GONE, "%s", err->message);
	gs_error_destroy(err);
	return ended;
}
