/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper holds: written down, told of, looked at, and let go. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <guestscope/base/process.h>

#include "keeper.h"

#define LOOK_MS 50 /* at those that were handed over: nobody tells us when a debugger comes */

struct gs_hold {
	struct gs_hold_record record;
	const struct gs_holder *holder;
	struct gs_guard guard; /* of one that was handed over, if it has one */
	bool resume;           /* when a debugger has come */
	struct gs_hold *next;
};

/* ---- telling ---- */

/* A front end that does not read for so long that no packet fits misses some. */
void gs_holds_tell(struct gs_holds *holds, enum gs_keeper_event_kind kind, pid_t id,
		   const char *reason)
{
	struct gs_keeper_event event = {.kind = kind, .id = id};

	snprintf(event.reason, sizeof(event.reason), "%s", reason);
	(void)!send(holds->event_fd, &event, sizeof(event), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* That it cannot be written down is told, and no reason to let it go. */
static void change(struct gs_holds *holds, struct gs_hold *hold, enum gs_hold_state state,
		   enum gs_keeper_event_kind kind, const char *reason)
{
	gs_autoerror struct gs_error *err = NULL;

	hold->record.state = state;
	err = gs_hold_record_write(holds->dir, &hold->record);
	gs_holds_tell(holds, kind, hold->record.id.pid, err ? err->message : reason);
}

static void forget(struct gs_holds *holds, struct gs_hold *hold)
{
	struct gs_hold **link = &holds->first;

	while (*link != hold)
		link = &(*link)->next;
	*link = hold->next;
	gs_guard_stop(&hold->guard);
	gs_hold_record_remove(holds->dir, hold->record.id.pid);
	gs_hold_record_deinit(&hold->record);
	free(hold);
}

static void drop(struct gs_holds *holds, struct gs_hold *hold, enum gs_keeper_event_kind kind,
		 const char *reason)
{
	pid_t id = hold->record.id.pid;

	forget(holds, hold);
	gs_holds_tell(holds, kind, id, reason);
}

static struct gs_hold *find(const struct gs_holds *holds, pid_t id)
{
	struct gs_hold *hold = holds->first;

	while (hold && hold->record.id.pid != id)
		hold = hold->next;
	return hold;
}

bool gs_holds_add(struct gs_holds *holds, const struct gs_holder *holder,
		  struct gs_hold_record *record, enum gs_keeper_event_kind kind, const char *reason)
{
	struct gs_hold *hold = calloc(1, sizeof(*hold));

	if (!hold) {
		gs_hold_record_deinit(record);
		return false;
	}
	*hold = (struct gs_hold){
		.record = *record, .holder = holder, .guard = GS_GUARD_NONE, .next = holds->first};
	*record = (struct gs_hold_record){0};
	holds->first = hold;
	change(holds, hold, GS_HOLD_HELD, kind, reason);
	return true;
}

/* ---- letting go ---- */

/* Whatever state it is in, it runs afterwards, or its debugger decides. */
static void let_go(struct gs_holds *holds, struct gs_hold *hold, const char *reason)
{
	const struct gs_proc_id *id = &hold->record.id;
	struct gs_proc_stat stat;

	if (hold->record.state == GS_HOLD_HELD) {
		hold->holder->ops->release(hold->holder->arg, id->pid);
	} else if (gs_proc_is(id) && gs_proc_stat(id->pid, &stat) && stat.state == 'T') {
		kill(hold->record.pid, SIGCONT);
	}
	drop(holds, hold, GS_KEEPER_RELEASED, reason);
}

/* One that was handed over: it waits for a debugger, has one, or had one. */
static void look_at(struct gs_holds *holds, struct gs_hold *hold)
{
	enum gs_hold_state state = hold->record.state;
	struct gs_proc proc = {0};
	gs_autoerror struct gs_error *gone = gs_proc_read(hold->record.id.pid, &proc);
	bool is_there = !gone && proc.id.start == hold->record.id.start && proc.state != 'Z';
	pid_t tracer = proc.tracer;
	char now = proc.state;

	gs_proc_deinit(&proc);
	if (!is_there) {
		drop(holds, hold, GS_KEEPER_ENDED, "");
	} else if (state == GS_HOLD_HANDED_OVER && tracer) {
		hold->record.debugger = tracer;
		if (hold->resume)
			kill(hold->record.pid, SIGCONT);
		change(holds, hold, GS_HOLD_DEBUGGED, GS_KEEPER_DEBUGGED, "");
	} else if (state == GS_HOLD_DEBUGGED && !tracer) {
		let_go(holds, hold, "its debugger has left");
	} else if (state == GS_HOLD_HANDED_OVER && now != 'T') {
		let_go(holds, hold, "somebody continued it");
	}
}

void gs_holds_look(struct gs_holds *holds)
{
	int64_t now = time(NULL);
	struct gs_hold *next;

	for (struct gs_hold *hold = holds->first; hold; hold = next) {
		next = hold->next;
		gs_guardian_look(&hold->guard.guardian);
		if (hold->record.state != GS_HOLD_DEBUGGED && hold->record.until &&
		    now >= hold->record.until)
			let_go(holds, hold, "held for too long");
		else if (hold->record.state != GS_HOLD_HELD)
			look_at(holds, hold);
	}
}

/* ---- for the keeper ---- */

void gs_holds_forget(struct gs_holds *holds, pid_t id)
{
	struct gs_hold *hold = find(holds, id);

	if (hold)
		forget(holds, hold);
}

void gs_holds_ended(struct gs_holds *holds, pid_t id)
{
	struct gs_hold *hold = find(holds, id);

	if (hold)
		drop(holds, hold, GS_KEEPER_ENDED, "");
}

void gs_holds_ended_all(struct gs_holds *holds, const struct gs_holder *holder)
{
	struct gs_hold *next;

	for (struct gs_hold *hold = holds->first; hold; hold = next) {
		next = hold->next;
		if (hold->holder == holder && hold->record.state == GS_HOLD_HELD)
			drop(holds, hold, GS_KEEPER_ENDED, "");
	}
}

static struct gs_error *find_hold(const struct gs_holds *holds, pid_t id, struct gs_hold **ret)
{
	*ret = find(holds, id);
	return *ret ? NULL : gs_error_create(GS_ERROR_NODATA, "%d is not held", (int)id);
}

struct gs_error *gs_holds_release(struct gs_holds *holds, pid_t id)
{
	struct gs_hold *hold;
	struct gs_error *err = find_hold(holds, id, &hold);

	if (!err)
		let_go(holds, hold, "asked to");
	return err;
}

void gs_holds_release_all(struct gs_holds *holds)
{
	while (holds->first)
		let_go(holds, holds->first, "asked to");
}

/* All that are held of a process are stopped with it. That there is no guardian is no reason not to
 * hand it over. */
static void hand_over_all(struct gs_holds *holds, pid_t pid)
{
	for (struct gs_hold *hold = holds->first; hold; hold = hold->next) {
		if (hold->record.pid != pid || hold->record.state != GS_HOLD_HELD)
			continue;
		if (hold->holder->wants_guard)
			gs_error_destroy(gs_guard_start(&hold->guard, pid));
		change(holds, hold, GS_HOLD_HANDED_OVER, GS_KEEPER_HANDED_OVER, "");
	}
}

struct gs_error *gs_holds_hand_over(struct gs_holds *holds, pid_t id, bool resume)
{
	struct gs_hold *hold;
	struct gs_error *err = find_hold(holds, id, &hold);

	if (err)
		return err;
	if (hold->record.state == GS_HOLD_DEBUGGED)
		return gs_error_create(GS_ERROR_BUSY, "%d is traced by %d", (int)id,
				       (int)hold->record.debugger);
	hold->resume = resume;
	if (hold->record.state == GS_HOLD_HANDED_OVER)
		return NULL;
	err = hold->holder->ops->hand_over(hold->holder->arg, id);
	if (!err)
		hand_over_all(holds, hold->record.pid);
	return err;
}

int gs_holds_timeout_ms(const struct gs_holds *holds)
{
	int ms = -1;

	for (const struct gs_hold *hold = holds->first; hold; hold = hold->next) {
		if (hold->record.state != GS_HOLD_HELD)
			return LOOK_MS;
		if (hold->record.until)
			ms = 1000;
	}
	return ms;
}
