/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of one process, caught where they come to a place: who of them is held. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "keeper.h"

/* ---- who stands at the loader's address ---- */

static struct gs_calls_loading *find_loading(struct gs_calls *calls, pid_t tid)
{
	for (size_t i = 0; i < GS_CALLS_LOADING_MAX; i++) {
		if (calls->loading[i].tid == tid)
			return &calls->loading[i];
	}
	return NULL;
}

/* He stands still while the front end looks for what is to be held in the new library. */
static bool keep_loading(struct gs_calls *calls, pid_t tid)
{
	struct gs_calls_loading *loading = find_loading(calls, 0);

	if (!loading || calls->done)
		return false;
	*loading = (struct gs_calls_loading){tid, gs_deadline_in(GS_KEEPER_LOADING_MS)};
	gs_holds_tell(calls->holds, GS_KEEPER_LOADING, tid, "");
	return true;
}

static void go_on(struct gs_calls *calls, struct gs_calls_loading *loading)
{
	gs_error_destroy(gs_catcher_release(calls->catcher, loading->tid));
	*loading = (struct gs_calls_loading){0};
}

static void hurry_loading(struct gs_calls *calls)
{
	for (size_t i = 0; i < GS_CALLS_LOADING_MAX; i++) {
		struct gs_calls_loading *loading = &calls->loading[i];

		if (!loading->tid || !gs_deadline_passed(loading->deadline_ms))
			continue;
		gs_holds_tell(calls->holds, GS_KEEPER_PASSED, loading->tid,
			      "the library that it has loaded was not looked at in time");
		go_on(calls, loading);
	}
}

/* ---- who comes ---- */

static const struct gs_place *find_place(const struct gs_calls *calls, uint64_t address)
{
	for (size_t i = 0; i < calls->places.count; i++) {
		if (calls->places.places[i].address == address)
			return &calls->places.places[i];
	}
	return NULL;
}

static bool is_meant(struct gs_calls *calls, const struct gs_call *call)
{
	unsigned int nth = calls->aim->nth ? calls->aim->nth : 1;

	if (calls->done || (calls->condition && !gs_condition_holds(calls->condition, call)))
		return false;
	calls->fitting += calls->fitting < nth;
	return calls->fitting >= nth;
}

static bool on_hit(void *arg, const struct gs_catch_hit *hit)
{
	struct gs_calls *calls = arg;
	const struct gs_place *place = find_place(calls, hit->address);
	struct gs_hold_record record;

	if (!place)
		return calls->aim->loader == hit->address && keep_loading(calls, hit->call.tid);
	if (!is_meant(calls, &hit->call))
		return false;
	if (!gs_call_describe(calls, place, &hit->call, &record)) {
		gs_hold_record_deinit(&record);
		return false;
	}
	if (!gs_holds_add(calls->holds, &calls->holder, &record, GS_KEEPER_HELD, ""))
		return false;
	calls->fresh = true;
	calls->done = !calls->aim->every;
	return true;
}

/* A new thread, and more may come: all for the same reason. */
static void on_unarmed(void *arg, pid_t tid, const struct gs_error *why)
{
	struct gs_calls *calls = arg;

	if (!calls->has_told_unarmed)
		gs_holds_tell(calls->holds, GS_KEEPER_PASSED, tid, why->message);
	calls->has_told_unarmed = true;
}

static void on_lost(void *arg, pid_t tid)
{
	struct gs_calls *calls = arg;
	struct gs_calls_loading *loading = find_loading(calls, tid);

	if (loading)
		*loading = (struct gs_calls_loading){0};
	gs_holds_ended(calls->holds, tid);
}

static void on_over(void *arg)
{
	struct gs_calls *calls = arg;

	calls->over = true;
}

static const struct gs_catch_ops catch_ops = {
	.hit = on_hit, .unarmed = on_unarmed, .lost = on_lost, .over = on_over};

/* ---- for the keeper ---- */

static void forget_loading(struct gs_calls *calls)
{
	for (size_t i = 0; i < GS_CALLS_LOADING_MAX; i++)
		calls->loading[i] = (struct gs_calls_loading){0};
}

static void let_go(struct gs_calls *calls)
{
	if (calls->catcher)
		gs_catcher_free(calls->catcher);
	calls->catcher = NULL;
	forget_loading(calls);
}

static void end(struct gs_calls *calls)
{
	gs_holds_ended_all(calls->holds, &calls->holder);
	let_go(calls);
	gs_holds_tell(calls->holds, GS_KEEPER_OVER, calls->process.pid,
		      gs_proc_is(&calls->process) ? "it is another program now" : "it has ended");
}

static void get_fds(const void *arg, int ret[GS_HOLDER_FDS])
{
	const struct gs_calls *calls = arg;

	ret[0] = calls->catcher ? gs_catcher_fd(calls->catcher) : -1;
	ret[1] = -1;
}

/* What a callback has decided is done here, when the catcher is not in the midst of something. */
static void dispatch(void *arg)
{
	struct gs_calls *calls = arg;

	if (!calls->catcher)
		return;
	gs_catcher_dispatch(calls->catcher);
	if (calls->over) {
		end(calls);
		return;
	}
	if (calls->fresh && calls->aim->whole)
		gs_catcher_stop_others(calls->catcher);
	if (calls->fresh && calls->done)
		gs_catcher_disarm(calls->catcher);
	calls->fresh = false;
	hurry_loading(calls);
}

static int timeout_ms(const void *arg)
{
	const struct gs_calls *calls = arg;
	int ms = calls->catcher ? gs_catcher_timeout_ms(calls->catcher) : -1;

	for (size_t i = 0; i < GS_CALLS_LOADING_MAX; i++) {
		int left = calls->loading[i].tid
				   ? gs_deadline_poll_ms(calls->loading[i].deadline_ms)
				   : -1;

		if (left >= 0 && (ms < 0 || left < ms))
			ms = left;
	}
	return ms;
}

static bool is_waiting(const void *arg)
{
	const struct gs_calls *calls = arg;

	return calls->catcher && !calls->done;
}

static void release(void *arg, pid_t id)
{
	struct gs_calls *calls = arg;

	if (calls->catcher)
		gs_error_destroy(gs_catcher_release(calls->catcher, id));
}

/*
 * The catcher stays: those that could not be handed over now are held as before; and if we are
 * killed before a debugger comes, its guardian continues who would stay stopped.
 */
static struct gs_error *hand_over(void *arg, pid_t id)
{
	struct gs_calls *calls = arg;
	struct gs_error *err;
	(void)id;

	if (!calls->catcher)
		return gs_error_create(GS_ERROR_GONE, "process %d has ended",
				       (int)calls->process.pid);
	err = gs_catcher_hand_over(calls->catcher);
	if (err)
		return err;
	calls->done = true;
	forget_loading(calls);
	return NULL;
}

/* Nothing is traced any more, nor changed. */
static void settle(void *arg)
{
	let_go(arg);
}

static const struct gs_holder_ops holder_ops = {
	.fds = get_fds,
	.dispatch = dispatch,
	.timeout_ms = timeout_ms,
	.is_waiting = is_waiting,
	.release = release,
	.hand_over = hand_over,
	.settle = settle,
};

void gs_calls_init(struct gs_calls *calls, struct gs_holds *holds, const struct gs_hold_aim *aim,
		   const struct gs_condition *condition)
{
	*calls = (struct gs_calls){.holder = {.ops = &holder_ops, .arg = calls},
				   .holds = holds,
				   .aim = aim,
				   .condition = condition,
				   .process.pid = aim->pid};
}

/* ---- arming ---- */

static struct gs_error *add_place(struct gs_calls *calls, const struct gs_place *place)
{
	struct gs_places *places = &calls->places;
	struct gs_place *more =
		reallocarray(places->places, places->count + 1, sizeof(*places->places));

	if (!more)
		return gs_error_nomem();
	places->places = more;
	if (!gs_place_copy(place, &more[places->count]))
		return gs_error_nomem();
	places->count++;
	return NULL;
}

struct gs_error *gs_calls_arm(struct gs_calls *calls, const struct gs_place *place)
{
	struct gs_error *err;

	if (!calls->catcher)
		return gs_error_create(GS_ERROR_GONE, "nothing is caught any more");
	if (find_place(calls, place->address))
		return NULL;
	err = gs_catcher_arm(calls->catcher, place->address);
	return err ? err : add_place(calls, place);
}

/* *armed_ret: so many addresses were, before there was an error. */
static struct gs_error *arm_all(struct gs_calls *calls, size_t *armed_ret)
{
	const struct gs_hold_aim *aim = calls->aim;
	struct gs_error *err = NULL;

	*armed_ret = 0;
	if (aim->loader)
		err = gs_catcher_arm(calls->catcher, aim->loader);
	*armed_ret += aim->loader && !err;
	for (size_t i = 0; !err && i < aim->place_count; i++) {
		err = gs_calls_arm(calls, &aim->places[i]);
		*armed_ret += !err;
	}
	return err;
}

static struct gs_error *too_many(const struct gs_calls *calls, size_t armed)
{
	const struct gs_hold_aim *aim = calls->aim;
	size_t count = aim->place_count + (aim->loader != 0);

	return gs_error_create(GS_ERROR_BUSY,
			       "%zu addresses are to be watched%s, and threads of process %d have "
			       "hardware breakpoints for %zu; int3 has no such limit",
			       count, aim->loader ? ", the dynamic loader's among them" : "",
			       (int)aim->pid, armed);
}

/* Whether another mechanism may do it. */
static bool is_refused(const struct gs_error *err, size_t armed)
{
	return err->code == GS_ERROR_UNSUPPORTED || (err->code == GS_ERROR_BUSY && armed == 0) ||
	       (err->code == GS_ERROR_OS && (err->os_errno == EACCES || err->os_errno == EPERM));
}

static struct gs_error *arm_by_int3(struct gs_calls *calls)
{
	struct gs_error *err;
	size_t armed;

	gs_catcher_disarm(calls->catcher);
	gs_places_deinit(&calls->places);
	err = gs_catcher_change(calls->catcher, GS_CATCH_INT3);
	calls->mechanism = GS_CATCH_INT3;
	return err ? err : arm_all(calls, &armed);
}

/* *why_ret: why not by the first mechanism that was tried. */
static struct gs_error *arm(struct gs_calls *calls, char **why_ret)
{
	size_t armed;
	struct gs_error *err = arm_all(calls, &armed);

	if (!err)
		return NULL;
	if (!calls->aim->has_mechanism && is_refused(err, armed)) {
		*why_ret = strdup(err->message);
		gs_error_destroy(err);
		return *why_ret ? arm_by_int3(calls) : gs_error_nomem();
	}
	if (err->code != GS_ERROR_BUSY || armed == 0)
		return err;
	gs_error_destroy(err);
	return too_many(calls, armed);
}

/* A hardware breakpoint is a descriptor for each thread. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct gs_error *gs_calls_catch(struct gs_calls *calls, char **why_ret)
{
	const struct gs_hold_aim *aim = calls->aim;
	struct gs_proc_stat stat;
	struct gs_error *err;

	if (calls->catcher || calls->over || calls->places.count)
		return gs_error_create(GS_ERROR_BUSY, "that was asked for before");
	if (!gs_proc_stat(aim->pid, &stat))
		return gs_error_create(GS_ERROR_GONE, "there is no process %d", (int)aim->pid);
	calls->process.start = stat.start;
	allow_descriptors();
	calls->mechanism = aim->has_mechanism ? aim->mechanism : GS_CATCH_PERF;
	err = gs_catcher_new(aim->pid, calls->mechanism, calls->holds->dir, &catch_ops, calls,
			     &calls->catcher);
	if (err)
		return err;
	err = arm(calls, why_ret);
	if (err) {
		let_go(calls);
		gs_places_deinit(&calls->places);
	}
	return err;
}

struct gs_error *gs_calls_go_on(struct gs_calls *calls, pid_t tid)
{
	struct gs_calls_loading *loading = find_loading(calls, tid);

	if (!loading)
		return gs_error_create(GS_ERROR_NODATA, "%d has gone on by itself", (int)tid);
	go_on(calls, loading);
	return NULL;
}
