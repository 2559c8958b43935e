/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A front end: tells what its keeper tells, and ends with what it watches. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "tracehooks.h"

#define LOOK_MS 1000  /* at the keeper */
#define BEAT_MS 30000 /* on a terminal nobody is left to wonder */

struct gs_error *watch_begin_with(struct watch *watch, const struct gs_args *args,
				  struct gs_keeper_options *options)
{
	struct gs_error *err = NULL;

	*watch = (struct watch){.args = args, .signal_fd = -1, .dir = hold_dir()};
	options->dir = watch->dir;
	err = watch->dir ? gs_keeper_start(options, &watch->keeper) : gs_error_nomem();
	if (err)
		return err;
	watch->beat_ms = gs_deadline_in(BEAT_MS);
	return gs_signals_open(&watch->signal_fd);
}

struct gs_error *watch_begin(struct watch *watch, const struct gs_args *args)
{
	struct gs_keeper_options options = {0};
	struct gs_hold_wish wish;
	struct wrapper wrapper;
	struct gs_error *err = wrapper_init(&wrapper, args);

	*watch = (struct watch){.args = args, .signal_fd = -1};
	if (!err)
		err = wish_options(args, &wish, &options);
	options.wrap = wrapper.path ? &wrapper.wrap : NULL;
	if (!err)
		err = watch_begin_with(watch, args, &options);
	wrapper_deinit(&wrapper);
	return err;
}

void watch_end(struct watch *watch)
{
	if (watch->keeper)
		gs_keeper_stop(watch->keeper);
	if (watch->signal_fd >= 0)
		close(watch->signal_fd);
	free(watch->dir);
}

/* ---- what happens ---- */

static void count(struct watch *watch, enum gs_keeper_event_kind kind)
{
	if (kind == GS_KEEPER_HELD) {
		watch->held++;
		watch->has_held = true;
	}
	if ((kind == GS_KEEPER_RELEASED || kind == GS_KEEPER_ENDED) && watch->held)
		watch->held--;
	else if (kind == GS_KEEPER_BLIND)
		watch->blind = true;
	else if (kind == GS_KEEPER_OVER)
		watch->over = true;
}

/* What there is to say of it stands in its record. */
static void tell(struct watch *watch, const struct gs_keeper_event *event)
{
	struct gs_hold_record record = {0};
	gs_autoerror struct gs_error *none = gs_hold_record_read(watch->dir, event->id, &record);

	print_event(watch->args, event, none ? NULL : &record);
	gs_hold_record_deinit(&record);
	watch->beat_ms = gs_deadline_in(BEAT_MS);
}

static void take_events(struct watch *watch)
{
	struct gs_keeper_event event;
	struct gs_error *err;

	while (!(err = gs_keeper_next(watch->keeper, &event))) {
		watch->idle = event.kind == GS_KEEPER_IDLE;
		if (watch->idle)
			continue;
		if (gs_keeper_seek_main(watch->keeper, &event))
			continue;
		if (event.kind == GS_KEEPER_LOADING) {
			watch->on_loading(watch, event.id);
			continue;
		}
		count(watch, event.kind);
		tell(watch, &event);
	}
	if (err->code == GS_ERROR_GONE) {
		gs_args_note(watch->args, "%s", err->message);
		watch->lost = watch->idle = true;
		watch->held = 0;
	}
	gs_error_destroy(err);
}

static void take_signals(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (read(watch->signal_fd, &info, sizeof(info)) > 0) {
		gs_autoerror struct gs_error *err = NULL;

		if (watch->signals == 0)
			watch->signal = (int)info.ssi_signo;
		if (watch->signals++ == 0 && !watch->lost)
			err = gs_keeper_release_all(watch->keeper);
	}
}

static void beat(struct watch *watch)
{
	if (!watch->held || !gs_deadline_passed(watch->beat_ms) || !isatty(STDERR_FILENO) ||
	    gs_args_quiet(watch->args))
		return;
	fprintf(stderr, "tracehooks: %zu held; see tracehooks list\n", watch->held);
	watch->beat_ms = gs_deadline_in(BEAT_MS);
}

static bool has_left(const struct watch *watch)
{
	return watch->is_brief ? watch->signals || watch->lost : watch->signals > 1;
}

void watch_until_end(struct watch *watch, int pidfd)
{
	bool ended = pidfd < 0;

	while ((!ended || !watch->idle) && !has_left(watch)) {
		struct pollfd fds[] = {
			{.fd = ended ? -1 : pidfd, .events = POLLIN},
			{.fd = watch->lost ? -1 : gs_keeper_fd(watch->keeper), .events = POLLIN},
			{.fd = watch->signal_fd, .events = POLLIN}};

		if (poll(fds, 3, watch->lost ? -1 : LOOK_MS) < 0 && errno != EINTR)
			return;
		if (!watch->lost)
			gs_keeper_look(watch->keeper);
		ended |= fds[0].revents != 0;
		if (fds[1].revents)
			take_events(watch);
		if (fds[2].revents)
			take_signals(watch);
		beat(watch);
	}
	if (!watch->lost)
		take_events(watch); /* what the signal has done */
}
