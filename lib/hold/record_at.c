/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a thread is held, as JSON and back. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "record.h"

static const char *const mechanism_names[] = {
	[GS_CATCH_PERF] = "perf",
	[GS_CATCH_INT3] = "int3",
};

const char *gs_catch_mechanism_name(enum gs_catch_mechanism mechanism)
{
	return mechanism_names[mechanism];
}

void gs_hold_at_free(struct gs_hold_at *at)
{
	if (!at)
		return;
	gs_place_deinit(&at->place);
	for (size_t i = 0; i < GS_CALL_ARGS; i++)
		free(at->strings[i]);
	free(at->condition);
	free(at);
}

/* ---- to JSON ---- */

static struct gs_json *build_id_json(const struct gs_build_id *id)
{
	char text[2 * GS_BUILD_ID_MAX + 1];

	if (id->size == 0)
		return gs_json_new_null();
	gs_build_id_format(id, text);
	return gs_json_new_string(text);
}

static bool set_place(struct gs_json *json, const struct gs_place *place)
{
	return gs_json_set(json, "kind", gs_json_new_string(gs_place_kind_name(place->kind))) &&
	       gs_json_set(json, "symbol", gs_json_new_string(place->symbol)) &&
	       gs_json_set(json, "offset", gs_json_new_u64(place->offset)) &&
	       gs_json_set(json, "name", gs_json_new_string(place->name)) &&
	       gs_json_set(json, "module", gs_json_new_string(place->module)) &&
	       gs_json_set(json, "build-id", build_id_json(&place->build_id)) &&
	       gs_json_set(json, "file", gs_json_new_string(place->file)) &&
	       gs_json_set(json, "line",
			   place->file ? gs_json_new_u64(place->line) : gs_json_new_null()) &&
	       gs_json_set(json, "address", gs_json_new_hex(place->address));
}

struct gs_json *gs_hold_place_json(const struct gs_place *place)
{
	struct gs_json *json = gs_json_new_object();

	if (json && set_place(json, place))
		return json;
	gs_json_destroy(json);
	return NULL;
}

static bool set_args(struct gs_json *json, const struct gs_hold_at *at)
{
	struct gs_json *args = gs_json_new_array(), *strings = gs_json_new_array();
	bool ok = args && strings;

	for (size_t i = 0; ok && i < GS_CALL_ARGS; i++)
		ok = gs_json_append(args, gs_json_new_hex(at->args[i])) &&
		     gs_json_append(strings, gs_json_new_string(at->strings[i]));
	if (!ok) {
		gs_json_destroy(args);
		gs_json_destroy(strings);
		return false;
	}
	ok = gs_json_set(json, "args", args);
	return gs_json_set(json, "strings", strings) && ok;
}

struct gs_json *gs_hold_at_json(const struct gs_hold_at *at)
{
	struct gs_json *json;

	if (!at)
		return gs_json_new_null();
	json = gs_hold_place_json(&at->place);
	if (json && set_args(json, at) &&
	    gs_json_set(json, "mechanism", gs_json_new_string(mechanism_names[at->mechanism])) &&
	    gs_json_set(json, "thread", gs_json_new_string(at->thread)) &&
	    gs_json_set(json, "condition", gs_json_new_string(at->condition)))
		return json;
	gs_json_destroy(json);
	return NULL;
}

/* ---- from JSON ---- */

/* A string, or null: NULL; the caller frees. */
static struct gs_error *get_text(const struct gs_json *json, const char *key, char **ret)
{
	const struct gs_json *value = gs_json_get(json, key);
	const char *text = gs_json_string(value);

	if (!text)
		return value && gs_json_type(value) == GS_JSON_NULL ? NULL
								    : gs_hold_record_bad(key);
	*ret = strdup(text);
	return *ret ? NULL : gs_error_nomem();
}

static bool get_hex(const struct gs_json *value, uint64_t *ret)
{
	const char *text = gs_json_string(value);
	gs_autoerror struct gs_error *err = NULL;

	if (!text || strncmp(text, "0x", 2) != 0)
		return false;
	err = gs_parse_u64(text, ret);
	return !err;
}

static struct gs_error *get_kind(const struct gs_json *json, enum gs_place_kind *ret)
{
	const char *name = gs_json_string(gs_json_get(json, "kind"));

	for (int kind = GS_PLACE_FUNCTION; name && kind <= GS_PLACE_ADDRESS; kind++) {
		if (strcmp(name, gs_place_kind_name((enum gs_place_kind)kind)) == 0) {
			*ret = (enum gs_place_kind)kind;
			return NULL;
		}
	}
	return gs_hold_record_bad("kind");
}

static struct gs_error *get_build_id(const struct gs_json *json, struct gs_build_id *ret)
{
	const struct gs_json *value = gs_json_get(json, "build-id");
	const char *text = gs_json_string(value);

	if (text ? gs_build_id_parse(text, ret) : value && gs_json_type(value) == GS_JSON_NULL)
		return NULL;
	return gs_hold_record_bad("build-id");
}

static struct gs_error *get_source(const struct gs_json *json, struct gs_place *place)
{
	struct gs_error *err = get_text(json, "file", &place->file);
	uint64_t line = 0;

	if (!err && place->file &&
	    (!gs_json_u64(gs_json_get(json, "line"), &line) || line > UINT_MAX))
		err = gs_hold_record_bad("line");
	place->line = (unsigned int)line;
	return err;
}

struct gs_error *gs_hold_place_parse(const struct gs_json *json, struct gs_place *ret)
{
	struct gs_place place = {0};
	struct gs_error *err = get_kind(json, &place.kind);

	if (!err && !get_hex(gs_json_get(json, "address"), &place.address))
		err = gs_hold_record_bad("address");
	if (!err && !gs_json_u64(gs_json_get(json, "offset"), &place.offset))
		err = gs_hold_record_bad("offset");
	if (!err)
		err = get_text(json, "symbol", &place.symbol);
	if (!err)
		err = get_text(json, "name", &place.name);
	if (!err)
		err = get_text(json, "module", &place.module);
	if (!err)
		err = get_build_id(json, &place.build_id);
	if (!err)
		err = get_source(json, &place);
	if (err)
		gs_place_deinit(&place);
	else
		*ret = place;
	return err;
}

static struct gs_error *get_mechanism(const struct gs_json *json, enum gs_catch_mechanism *ret)
{
	const char *name = gs_json_string(gs_json_get(json, "mechanism"));

	for (size_t i = 0; name && i < sizeof(mechanism_names) / sizeof(*mechanism_names); i++) {
		if (strcmp(name, mechanism_names[i]) == 0) {
			*ret = (enum gs_catch_mechanism)i;
			return NULL;
		}
	}
	return gs_hold_record_bad("mechanism");
}

static struct gs_error *get_args(const struct gs_json *json, struct gs_hold_at *at)
{
	const struct gs_json *args = gs_json_get(json, "args");
	const struct gs_json *strings = gs_json_get(json, "strings");

	if (gs_json_count(args) != GS_CALL_ARGS || gs_json_count(strings) != GS_CALL_ARGS)
		return gs_hold_record_bad("args");
	for (size_t i = 0; i < GS_CALL_ARGS; i++) {
		const struct gs_json *string = gs_json_at(strings, i);

		if (!get_hex(gs_json_at(args, i), &at->args[i]))
			return gs_hold_record_bad("args");
		if (gs_json_type(string) == GS_JSON_NULL)
			continue;
		if (gs_json_type(string) != GS_JSON_STRING)
			return gs_hold_record_bad("strings");
		at->strings[i] = strdup(gs_json_string(string));
		if (!at->strings[i])
			return gs_error_nomem();
	}
	return NULL;
}

static struct gs_error *get_thread(const struct gs_json *json, struct gs_hold_at *at)
{
	const char *name = gs_json_string(gs_json_get(json, "thread"));

	if (!name)
		return gs_hold_record_bad("thread");
	strncpy(at->thread, name, sizeof(at->thread) - 1);
	return NULL;
}

struct gs_error *gs_hold_at_parse(const struct gs_json *json, struct gs_hold_at **ret)
{
	struct gs_hold_at *at;
	struct gs_error *err;

	if (json && gs_json_type(json) == GS_JSON_NULL)
		return NULL;
	at = calloc(1, sizeof(*at));
	if (!at)
		return gs_error_nomem();
	err = gs_hold_place_parse(json, &at->place);
	if (!err)
		err = get_mechanism(json, &at->mechanism);
	if (!err)
		err = get_args(json, at);
	if (!err)
		err = get_thread(json, at);
	if (!err)
		err = get_text(json, "condition", &at->condition);
	if (err)
		gs_hold_at_free(at);
	else
		*ret = at;
	return err;
}
