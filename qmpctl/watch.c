/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of several guests: connected at the same time, awaited by one poll(), told in turn. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <guestscope/base/thread.h>
#include <guestscope/base/time.h>

#include "qmpctl.h"

#define CONNECTING_MAX 16 /* at a time */

/* ---- connecting ---- */

static struct gs_error *name_launched(struct watch *watch)
{
	gs_autofree char *run_dir = qmpctl_run_dir();
	struct gs_error *err =
		run_dir ? gs_registry_list(run_dir, &watch->launched, &watch->launched_count)
			: gs_error_nomem();

	if (!err && !watch->launched_count)
		err = gs_error_create(GS_ERROR_UNREACHABLE, "no launched guest is running in %s",
				      run_dir);
	watch->count = watch->launched_count;
	return err;
}

/* One guest twice would take both its monitors, to tell everything twice. */
static struct gs_error *check_names(const struct gs_args *args, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			const char *name = gs_args_guest_nth(args, i);

			if (strcmp(name, gs_args_guest_nth(args, j)) == 0)
				return gs_error_create(GS_ERROR_INVALID,
						       "--guest: '%s' is given twice", name);
		}
	}
	return NULL;
}

static struct gs_error *name_given(const struct gs_args *args, struct watch *watch)
{
	for (watch->count = 1; gs_args_guest_nth(args, watch->count);)
		watch->count++;
	return check_names(args, watch->count);
}

static struct gs_error *name_all(const struct gs_args *args, bool all, struct watch *watch)
{
	struct gs_error *err = all ? name_launched(watch) : name_given(args, watch);

	if (err)
		return err;
	watch->guests = calloc(watch->count, sizeof(*watch->guests));
	if (!watch->guests)
		return gs_error_nomem();
	for (size_t i = 0; i < watch->count; i++) {
		watch->guests[i].target.pidfd = -1;
		watch->guests[i].guest = all ? watch->launched[i].name : gs_args_guest_nth(args, i);
	}
	return NULL;
}

struct connecting {
	const struct gs_args *args;
	struct watch *watch;
};

/* Every CONNECTING_MAX-th guest: one that hangs keeps few others waiting. */
static struct gs_error *connect_some(void *arg, unsigned int index)
{
	const struct connecting *c = arg;

	for (size_t i = index; i < c->watch->count; i += CONNECTING_MAX) {
		struct watched *w = &c->watch->guests[i];

		w->failure = target_connect(c->args, w->guest, 0, &w->target);
	}
	return NULL;
}

/* Tells of those that failed. Where all did, the first one's error is the caller's to tell. */
static struct gs_error *judge_connections(const struct gs_args *args, struct watch *watch)
{
	struct gs_error *first = watch->guests[0].failure;
	size_t failed = 0;

	for (size_t i = 0; i < watch->count; i++)
		failed += watch->guests[i].failure != NULL;
	if (failed == watch->count)
		watch->guests[0].failure = NULL;
	for (size_t i = 0; i < watch->count; i++) {
		struct watched *w = &watch->guests[i];

		w->ended = w->failure != NULL;
		w->status = gs_args_fail(args, gs_take(w->failure));
	}
	return failed == watch->count ? first : NULL;
}

struct gs_error *watch_open(const struct gs_args *args, bool all, struct watch *ret)
{
	struct connecting connecting = {args, ret};
	struct gs_error *err;

	*ret = (struct watch){0};
	err = name_all(args, all, ret);
	if (!err)
		err = gs_threads_run(ret->count < CONNECTING_MAX ? (unsigned int)ret->count
								 : CONNECTING_MAX,
				     connect_some, &connecting);
	if (!err)
		err = judge_connections(args, ret);
	if (err)
		watch_close(ret);
	return err;
}

void watch_close(struct watch *watch)
{
	for (size_t i = 0; watch->guests && i < watch->count; i++)
		target_close(&watch->guests[i].target);
	free(watch->guests);
	gs_registry_free(watch->launched, watch->launched_count);
	*watch = (struct watch){0};
}

int watch_status(const struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->guests[i].status)
			return watch->guests[i].status;
	}
	return GS_EXIT_OK;
}

/* ---- waiting ---- */

/* Takes @err: that nothing came (more) is no failure. */
static void note_end(const struct gs_args *args, struct watched *w, struct gs_error *err)
{
	bool natural = err->code == GS_ERROR_TIMEOUT || err->code == GS_ERROR_GONE;

	w->ended = err->code != GS_ERROR_TIMEOUT;
	if (natural)
		gs_error_destroy(err);
	else
		w->status = gs_args_fail(args, err);
}

/* An event that is there already, from whoever's turn it is; false: there is none. */
static bool take(const struct gs_args *args, struct watch *watch, const struct watched **guest_ret,
		 struct gs_qmp_event *ret)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct watched *w = &watch->guests[(watch->turn + i) % watch->count];
		struct gs_error *err = w->ended ? NULL : gs_qmp_next_event(w->target.qmp, 0, ret);

		if (w->ended)
			continue;
		if (err) {
			note_end(args, w, err);
			continue;
		}
		watch->turn = (size_t)(w - watch->guests) + 1;
		*guest_ret = w;
		return true;
	}
	return false;
}

/* Sleeps until there is something to take. GONE: nobody is left to wait for. */
static struct gs_error *await(const struct watch *watch, uint64_t deadline_ms)
{
	gs_autofree struct pollfd *fds = calloc(watch->count, sizeof(*fds));
	nfds_t count = 0;

	if (!fds)
		return gs_error_nomem();
	for (size_t i = 0; i < watch->count; i++) {
		if (!watch->guests[i].ended)
			fds[count++] = (struct pollfd){.fd = gs_qmp_fd(watch->guests[i].target.qmp),
						       .events = POLLIN};
	}
	if (!count)
		return gs_error_create(GS_ERROR_GONE, "%s",
				       watch->count > 1 ? "all guests have ended"
							: "the guest has ended");
	if (poll(fds, count, gs_deadline_poll_ms(deadline_ms)) < 0 && errno != EINTR)
		return gs_error_os(errno, "poll");
	return NULL;
}

struct gs_error *watch_next(const struct gs_args *args, struct watch *watch, uint64_t deadline_ms,
			    const struct watched **guest_ret, struct gs_qmp_event *ret)
{
	for (;;) {
		bool late = gs_deadline_passed(deadline_ms);
		struct gs_error *err;

		if (take(args, watch, guest_ret, ret)) {
			if (ret->received_ms <= deadline_ms)
				return NULL;
			gs_qmp_event_deinit(ret); /* a flood must not keep us for ever */
			late = true;
		}
		if (late)
			return gs_error_create(GS_ERROR_TIMEOUT, "no event in time");
		err = await(watch, deadline_ms);
		if (err)
			return err;
	}
}
