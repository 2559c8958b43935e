/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hold as values and as JSON. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "record.h"

static const char *const state_names[] = {
	[GS_HOLD_HELD] = "held",
	[GS_HOLD_HANDED_OVER] = "handed-over",
	[GS_HOLD_DEBUGGED] = "debugged",
};

const char *gs_hold_state_name(enum gs_hold_state state)
{
	return state_names[state];
}

void gs_hold_record_deinit(struct gs_hold_record *record)
{
	for (char **argument = record->argv; argument && *argument; argument++)
		free(*argument);
	free(record->argv);
	free(record->program);
	free(record->cwd);
	free(record->lineage);
	gs_hold_at_free(record->at);
	*record = (struct gs_hold_record){0};
}

bool gs_hold_is_stale(const struct gs_hold_record *record)
{
	return !gs_proc_is(&record->keeper);
}

char *gs_hold_record_command(const struct gs_hold_record *record)
{
	gs_autotext struct gs_text text = {0};
	gs_autoerror struct gs_error *err = NULL;
	char *line = NULL;

	for (size_t i = 0; record->argv[i]; i++) {
		gs_text_puts(&text, i ? " " : "");
		gs_proc_put_argument(&text, record->argv[i]);
	}
	err = gs_text_finish(&text, &line);
	return line;
}

/* ---- to JSON ---- */

static struct gs_json *argv_json(const struct gs_hold_record *record)
{
	struct gs_json *array = gs_json_new_array();
	bool ok = array;

	for (size_t i = 0; ok && record->argv[i]; i++)
		ok = gs_json_append(array, gs_json_new_string(record->argv[i]));
	if (ok)
		return array;
	gs_json_destroy(array);
	return NULL;
}

static struct gs_json *ancestor_json(const struct gs_hold_ancestor *ancestor)
{
	struct gs_json *object = gs_json_new_object();

	if (object && gs_json_set(object, "pid", gs_json_new_i64(ancestor->pid)) &&
	    gs_json_set(object, "name", gs_json_new_string(ancestor->name)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *lineage_json(const struct gs_hold_record *record)
{
	struct gs_json *array = gs_json_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < record->lineage_count; i++)
		ok = gs_json_append(array, ancestor_json(&record->lineage[i]));
	if (ok)
		return array;
	gs_json_destroy(array);
	return NULL;
}

static struct gs_json *keeper_json(const struct gs_proc_id *keeper)
{
	struct gs_json *object = gs_json_new_object();

	if (object && gs_json_set(object, "pid", gs_json_new_i64(keeper->pid)) &&
	    gs_json_set(object, "start", gs_json_new_u64(keeper->start)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *optional_json(int64_t number)
{
	return number ? gs_json_new_i64(number) : gs_json_new_null();
}

struct gs_json *gs_hold_record_json(const struct gs_hold_record *record)
{
	struct gs_json *json = gs_json_new_object();

	if (json && gs_json_set(json, "id", gs_json_new_i64(record->id.pid)) &&
	    gs_json_set(json, "start", gs_json_new_u64(record->id.start)) &&
	    gs_json_set(json, "pid", gs_json_new_i64(record->pid)) &&
	    gs_json_set(json, "state", gs_json_new_string(state_names[record->state])) &&
	    gs_json_set(json, "program", gs_json_new_string(record->program)) &&
	    gs_json_set(json, "argv", argv_json(record)) &&
	    gs_json_set(json, "cwd", gs_json_new_string(record->cwd)) &&
	    gs_json_set(json, "lineage", lineage_json(record)) &&
	    gs_json_set(json, "at", gs_hold_at_json(record->at)) &&
	    gs_json_set(json, "keeper", keeper_json(&record->keeper)) &&
	    gs_json_set(json, "debugger", optional_json(record->debugger)) &&
	    gs_json_set(json, "since", gs_json_new_i64(record->since)) &&
	    gs_json_set(json, "until", optional_json(record->until)))
		return json;
	gs_json_destroy(json);
	return NULL;
}

/* ---- from JSON ---- */

struct gs_error *gs_hold_record_bad(const char *key)
{
	return gs_error_create(GS_ERROR_CORRUPT, "the record of a hold has no right '%s'", key);
}

static struct gs_error *get_pid(const struct gs_json *json, const char *key, pid_t *ret)
{
	uint64_t number;

	if (!gs_json_u64(gs_json_get(json, key), &number) || number == 0 || number > INT_MAX)
		return gs_hold_record_bad(key);
	*ret = (pid_t)number;
	return NULL;
}

static struct gs_error *get_id(const struct gs_json *json, const char *pid_key,
			       struct gs_proc_id *ret)
{
	struct gs_error *err = get_pid(json, pid_key, &ret->pid);

	if (!err && !gs_json_u64(gs_json_get(json, "start"), &ret->start))
		err = gs_hold_record_bad("start");
	return err;
}

static struct gs_error *get_state(const struct gs_json *json, enum gs_hold_state *ret)
{
	const char *name = gs_json_string(gs_json_get(json, "state"));

	for (size_t i = 0; name && i < sizeof(state_names) / sizeof(*state_names); i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret = (enum gs_hold_state)i;
			return NULL;
		}
	}
	return gs_hold_record_bad("state");
}

static struct gs_error *get_argv(const struct gs_json *json, struct gs_hold_record *record)
{
	const struct gs_json *array = gs_json_get(json, "argv");
	size_t count = 0;

	if (gs_json_type(array) != GS_JSON_ARRAY)
		return gs_hold_record_bad("argv");
	record->argv = calloc(gs_json_count(array) + 1, sizeof(*record->argv));
	if (!record->argv)
		return gs_error_nomem();
	gs_json_for_each (argument, array) {
		const char *text = gs_json_string(argument);

		if (!text)
			return gs_hold_record_bad("argv");
		record->argv[count] = strdup(text);
		if (!record->argv[count++])
			return gs_error_nomem();
	}
	return NULL;
}

static struct gs_error *get_lineage(const struct gs_json *json, struct gs_hold_record *record)
{
	const struct gs_json *array = gs_json_get(json, "lineage");
	struct gs_error *err = NULL;

	if (gs_json_type(array) != GS_JSON_ARRAY)
		return gs_hold_record_bad("lineage");
	record->lineage = calloc(gs_json_count(array) + 1, sizeof(*record->lineage));
	if (!record->lineage)
		return gs_error_nomem();
	gs_json_for_each (item, array) {
		struct gs_hold_ancestor *ancestor = &record->lineage[record->lineage_count++];
		const char *name = gs_json_string(gs_json_get(item, "name"));

		err = name ? get_pid(item, "pid", &ancestor->pid) : gs_hold_record_bad("lineage");
		if (err)
			return err;
		strncpy(ancestor->name, name, sizeof(ancestor->name) - 1);
	}
	return NULL;
}

/* null leaves @ret as it is. */
static struct gs_error *get_optional(const struct gs_json *json, const char *key, int64_t *ret)
{
	const struct gs_json *value = gs_json_get(json, key);

	if (!value || (gs_json_type(value) != GS_JSON_NULL && !gs_json_i64(value, ret)))
		return gs_hold_record_bad(key);
	return NULL;
}

static struct gs_error *get_times(const struct gs_json *json, struct gs_hold_record *record)
{
	if (!gs_json_i64(gs_json_get(json, "since"), &record->since))
		return gs_hold_record_bad("since");
	return get_optional(json, "until", &record->until);
}

static struct gs_error *get_debugger(const struct gs_json *json, struct gs_hold_record *record)
{
	const struct gs_json *value = gs_json_get(json, "debugger");

	if (value && gs_json_type(value) == GS_JSON_NULL)
		return NULL;
	return get_pid(json, "debugger", &record->debugger);
}

static struct gs_error *get_text(const struct gs_json *json, const char *key, char **ret)
{
	const char *text = gs_json_string(gs_json_get(json, key));

	if (!text)
		return gs_hold_record_bad(key);
	*ret = strdup(text);
	return *ret ? NULL : gs_error_nomem();
}

struct gs_error *gs_hold_record_parse(const struct gs_json *json, struct gs_hold_record *ret)
{
	struct gs_hold_record record = {0};
	struct gs_error *err = get_id(json, "id", &record.id);

	if (!err)
		err = get_pid(json, "pid", &record.pid);
	if (!err)
		err = get_id(gs_json_get(json, "keeper"), "pid", &record.keeper);
	if (!err)
		err = get_state(json, &record.state);
	if (!err)
		err = get_debugger(json, &record);
	if (!err)
		err = get_text(json, "program", &record.program);
	if (!err)
		err = get_text(json, "cwd", &record.cwd);
	if (!err)
		err = get_argv(json, &record);
	if (!err)
		err = get_lineage(json, &record);
	if (!err)
		err = gs_hold_at_parse(gs_json_get(json, "at"), &record.at);
	if (!err)
		err = get_times(json, &record);
	if (err)
		gs_hold_record_deinit(&record);
	else
		*ret = record;
	return err;
}
