/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When to dump: once the guest's QEMU says that something happened. */
#include <string.h>

#include <guestscope/base/time.h>
#include <guestscope/job.h>

#define STOP_MS 2000 /* between an event and the stop that it announces */

/* The next of the words in a list "A,B"; false at its end. Empty words are passed on. */
static bool next_word(const char **list, const char **word_ret, size_t *size_ret)
{
	if (!*list)
		return false;
	*word_ret = *list;
	*size_ret = strcspn(*list, ",");
	*list = (*list)[*size_ret] ? *list + *size_ret + 1 : NULL;
	return true;
}

static bool is_listed(const char *list, const char *name)
{
	const char *word;
	size_t size;

	while (next_word(&list, &word, &size)) {
		if (strlen(name) == size && memcmp(name, word, size) == 0)
			return true;
	}
	return false;
}

static bool has_event(const struct gs_json *schema, const char *name, size_t size)
{
	gs_json_for_each (entity, schema) {
		const char *kind = gs_json_string(gs_json_get(entity, "meta-type"));
		const char *known = gs_json_string(gs_json_get(entity, "name"));

		if (kind && known && strcmp(kind, "event") == 0 && strlen(known) == size &&
		    memcmp(known, name, size) == 0)
			return true;
	}
	return false;
}

struct gs_error *gs_dump_check_events(struct gs_qmp *qmp, const char *names)
{
	gs_autojson struct gs_json *schema = NULL;
	struct gs_error *err = gs_qmp_execute(qmp, "query-qmp-schema", NULL, 0, &schema);
	const char *word;
	size_t size;

	if (err)
		return err;
	while (next_word(&names, &word, &size)) {
		if (!has_event(schema, word, size))
			return gs_error_create(GS_ERROR_INVALID,
					       "%s: this QEMU has no event '%.*s'",
					       gs_qmp_name(qmp), (int)size, word);
	}
	return NULL;
}

/* Whether QEMU is about to stop the guest because of it. */
static bool announces_stop(const struct gs_qmp_event *event)
{
	static const char *const actions[] = {"pause", "stop", "poweroff"};
	const char *action = gs_json_string(gs_json_get(event->data, "action"));

	for (size_t i = 0; action && i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(action, actions[i]) == 0)
			return true;
	}
	return strcmp(event->name, "SHUTDOWN") == 0;
}

/*
 * A guest whose panic is announced still runs for a moment. To stop it now would make the dump
 * resume it later, and it would not be in the state that its QEMU wants to keep it in.
 */
static struct gs_error *await_stop(struct gs_qmp *qmp)
{
	uint64_t deadline = gs_deadline_in(STOP_MS);
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(qmp, &status);
	bool stopped = !err && !status.running;

	while (!err && !stopped) {
		struct gs_qmp_event event;

		err = gs_qmp_next_event(qmp, deadline, &event);
		if (err)
			break;
		stopped = strcmp(event.name, "STOP") == 0;
		gs_qmp_event_deinit(&event);
	}
	if (!err || err->code != GS_ERROR_TIMEOUT)
		return err;
	gs_error_destroy(err); /* then it goes on running */
	return NULL;
}

struct gs_error *gs_dump_await_event(struct gs_qmp *qmp, const char *names)
{
	bool found = false, stops = false;

	while (!found) {
		struct gs_qmp_event event;
		struct gs_error *err = gs_qmp_next_event(qmp, GS_NO_DEADLINE, &event);

		if (err)
			return err;
		found = !event.synthetic && is_listed(names, event.name);
		stops = announces_stop(&event);
		gs_qmp_event_deinit(&event);
	}
	return stops ? await_stop(qmp) : NULL;
}
