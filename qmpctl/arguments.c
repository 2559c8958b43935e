/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of a QMP command, as people type them. */
#include <string.h>

#include "qmpctl.h"

/* A whole object of arguments. */
static struct gs_error *parse_object(const char *text, struct gs_json **ret)
{
	gs_autojson struct gs_json *object = NULL;
	struct gs_error *err = gs_json_parse(text, strlen(text), &object);

	if (err)
		return gs_error_wrap(err, "arguments");
	if (gs_json_type(object) != GS_JSON_OBJECT)
		return gs_error_create(GS_ERROR_INVALID, "arguments: not a JSON object");
	*ret = gs_take(object);
	return NULL;
}

/*
 * "key=text" is always a string, "key:=json" anything: nothing is guessed, so that a name that
 * looks like a number stays a name.
 */
static struct gs_error *add_argument(struct gs_json *object, const char *word)
{
	const char *equals = strchr(word, '=');
	bool typed = equals && equals > word && equals[-1] == ':';
	gs_autofree char *key = NULL;
	struct gs_json *value = NULL;
	struct gs_error *err = NULL;

	if (!equals || equals - typed == word)
		return gs_error_create(GS_ERROR_INVALID,
				       "'%s' is neither key=value, key:=json nor {json}", word);
	key = strndup(word, (size_t)(equals - word) - typed);
	if (!key)
		return gs_error_nomem();
	if (gs_json_get(object, key))
		return gs_error_create(GS_ERROR_INVALID, "argument '%s' is given twice", key);
	if (typed)
		err = gs_json_parse(equals + 1, strlen(equals + 1), &value);
	else
		value = gs_json_new_string(equals + 1);
	if (err)
		return gs_error_wrap(err, "argument '%s'", key);
	return gs_json_set(object, key, value) ? NULL : gs_error_nomem();
}

struct gs_error *arguments_parse(const char *const *words, size_t count, struct gs_json **ret)
{
	gs_autojson struct gs_json *object = NULL;

	if (!count)
		return NULL;
	if (words[0][0] == '{' && count == 1)
		return parse_object(words[0], ret);
	object = gs_json_new_object();
	if (!object)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		struct gs_error *err = add_argument(object, words[i]);

		if (err)
			return err;
	}
	*ret = gs_take(object);
	return NULL;
}
