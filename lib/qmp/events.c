/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of events: always drained from the peer, bounded here, honest about what it lost. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/*
 * Not to read would make the peer's memory grow instead, so beyond these the oldest are dropped:
 * the newest tell how things stand.
 */
#define EVENTS_MAX 65536
#define EVENT_BYTES_MAX (64 * 1024 * 1024)

void gs_qmp_event_deinit(struct gs_qmp_event *event)
{
	gs_json_destroy(event->message);
	*event = (struct gs_qmp_event){0};
}

static size_t slot(const struct gs_qmp_events *e, size_t index)
{
	return (e->first + index) & (e->capacity - 1);
}

static void pop(struct gs_qmp_events *e, struct gs_qmp_event *ret)
{
	*ret = e->ring[e->first];
	e->bytes -= e->sizes[e->first];
	e->first = slot(e, 1);
	e->count--;
}

static void drop_oldest(struct gs_qmp_events *e)
{
	struct gs_qmp_event event;

	pop(e, &event);
	gs_qmp_event_deinit(&event);
	e->dropped++;
}

/* The capacity is a power of two; growing lays the ring out from slot 0. */
static bool grow(struct gs_qmp_events *e)
{
	size_t capacity = e->capacity ? e->capacity * 2 : 16;
	struct gs_qmp_event *ring = calloc(capacity, sizeof(*ring));
	size_t *sizes = calloc(capacity, sizeof(*sizes));

	if (!ring || !sizes) {
		free(ring);
		free(sizes);
		return false;
	}
	for (size_t i = 0; i < e->count; i++) {
		ring[i] = e->ring[slot(e, i)];
		sizes[i] = e->sizes[slot(e, i)];
	}
	free(e->ring);
	free(e->sizes);
	e->ring = ring;
	e->sizes = sizes;
	e->capacity = capacity;
	e->first = 0;
	return true;
}

/* A guest that was shut down but kept (-no-shutdown) may be reset and run again. */
static void note_shutdown(struct gs_qmp_events *e, const char *name)
{
	if (strcmp(name, "SHUTDOWN") == 0)
		e->shutdown_seen = true;
	else if (strcmp(name, "RESUME") == 0)
		e->shutdown_seen = false;
}

/* The peer's time of the event, in microseconds; 0: it does not say. */
static uint64_t stamp_us(const struct gs_json *message)
{
	const struct gs_json *stamp = gs_json_get(message, "timestamp");
	uint64_t seconds, us;

	if (!gs_json_u64(gs_json_get(stamp, "seconds"), &seconds) ||
	    !gs_json_u64(gs_json_get(stamp, "microseconds"), &us) || seconds > UINT32_MAX)
		return 0;
	return seconds * 1000000 + us;
}

static void note_run(struct gs_qmp_events *e, const struct gs_qmp_event *event)
{
	bool resumed = strcmp(event->name, "RESUME") == 0;

	if (!resumed && strcmp(event->name, "STOP") != 0)
		return;
	if (resumed) {
		uint64_t now_us = stamp_us(event->message);

		e->history.resumes++;
		if (e->stopped_us && now_us > e->stopped_us)
			e->history.stood_us += now_us - e->stopped_us;
	}
	e->stopped_us = resumed ? 0 : stamp_us(event->message);
}

struct gs_qmp_run_history gs_qmp_run_history(const struct gs_qmp *qmp)
{
	return qmp->events.history;
}

static struct gs_error *make_event(struct gs_json *message, bool synthetic,
				   struct gs_qmp_event *ret)
{
	*ret = (struct gs_qmp_event){
		.message = message,
		.name = gs_json_string(gs_json_get(message, "event")),
		.data = gs_json_get(message, "data"),
		.received_ms = gs_now_ms(),
		.synthetic = synthetic,
	};
	if (ret->name)
		return NULL;
	gs_json_destroy(message);
	return gs_error_create(GS_ERROR_PROTOCOL, "event without a name");
}

static struct gs_error *push(struct gs_qmp_events *e, const struct gs_qmp_event *event, size_t size)
{
	while (e->count && (e->count >= EVENTS_MAX || e->bytes + size > EVENT_BYTES_MAX))
		drop_oldest(e);
	if (e->count == e->capacity && !grow(e)) {
		gs_json_destroy(event->message);
		return gs_error_nomem();
	}
	e->ring[slot(e, e->count)] = *event;
	e->sizes[slot(e, e->count)] = size;
	e->bytes += size;
	e->count++;
	return NULL;
}

struct gs_error *gs_qmp_events_push(struct gs_qmp_events *e, struct gs_json *message, size_t size)
{
	struct gs_qmp_event event;
	struct gs_error *err = make_event(message, false, &event);

	if (err)
		return err;
	note_shutdown(e, event.name);
	note_run(e, &event);
	return push(e, &event, size);
}

/* {"event": @name, "data": @data}, made here. Takes @data. */
static struct gs_error *synthesise(const char *name, struct gs_json *data, struct gs_qmp_event *ret)
{
	gs_autojson struct gs_json *message = gs_json_new_object();
	bool ok = gs_json_set(message, "event", gs_json_new_string(name));

	ok = gs_json_set(message, "data", data) && ok;
	return ok ? make_event(gs_take(message), true, ret) : gs_error_nomem();
}

struct gs_error *gs_qmp_events_push_end(struct gs_qmp_events *e)
{
	struct gs_json *data;
	struct gs_qmp_event event;
	struct gs_error *err;
	bool ok;

	if (e->shutdown_seen)
		return NULL;
	data = gs_json_new_object();
	ok = gs_json_set(data, "guest", gs_json_new_bool(false));
	ok = gs_json_set(data, "reason", gs_json_new_string("disconnected")) && ok;
	if (!ok) {
		gs_json_destroy(data);
		return gs_error_nomem();
	}
	err = synthesise("SHUTDOWN", data, &event);
	return err ? err : push(e, &event, 0);
}

/* The report of a loss stands where the lost events would have. */
static struct gs_error *report_dropped(struct gs_qmp_events *e, struct gs_qmp_event *ret)
{
	gs_autojson struct gs_json *data = gs_json_new_object();
	struct gs_error *err;

	if (!gs_json_set(data, "count", gs_json_new_u64(e->dropped)))
		return gs_error_nomem();
	err = synthesise(GS_QMP_EVENTS_LOST, gs_take(data), ret);
	if (!err)
		e->dropped = 0;
	return err;
}

void gs_qmp_events_clear(struct gs_qmp_events *e)
{
	while (e->count)
		drop_oldest(e);
	e->dropped = 0;
}

void gs_qmp_events_deinit(struct gs_qmp_events *e)
{
	gs_qmp_events_clear(e);
	free(e->ring);
	free(e->sizes);
	*e = (struct gs_qmp_events){0};
}

void gs_qmp_drop_events(struct gs_qmp *qmp)
{
	struct gs_error *err = NULL;

	/* What has arrived but was not read yet is as old; a flood must not keep us here. */
	for (int i = 0; i < EVENTS_MAX && !err && !qmp->ended; i++)
		err = gs_qmp_pump(qmp, 0);
	gs_error_destroy(err);
	gs_qmp_events_clear(&qmp->events);
}

struct gs_error *gs_qmp_next_event(struct gs_qmp *qmp, uint64_t deadline_ms,
				   struct gs_qmp_event *ret)
{
	struct gs_qmp_events *e = &qmp->events;

	while (!e->count && !qmp->ended) {
		struct gs_error *err = gs_qmp_pump(qmp, deadline_ms);

		if (!err && !e->count && !qmp->ended && gs_qmp_is_over(qmp, deadline_ms))
			err = gs_error_create(GS_ERROR_TIMEOUT, "no event in time");
		if (err)
			return gs_error_wrap(err, "%s", qmp->name);
	}
	if (e->dropped)
		return report_dropped(e, ret);
	if (!e->count)
		return gs_error_create(qmp->ended->code, "%s: %s", qmp->name, qmp->ended->message);
	pop(e, ret);
	return NULL;
}
