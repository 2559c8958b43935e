/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of a QMP command, as people type them. */
#include <string.h>

#include <guestscope/base/io.h>

#include "qmpctl.h"

#define FILE_SIZE_MAX (64u << 20) /* what QEMU takes in one command */

/* "path.to.key=value", "path.to.key:=value" */
struct argument {
	char *path; /* owned */
	const char *value;
	bool is_json;
};

/* ---- values ---- */

/* Wrong JSON was typed by the user, who is wrong, and not a file. */
static struct gs_error *parse_json(const char *text, size_t size, struct gs_json **ret)
{
	struct gs_error *err = gs_json_parse(text, size, ret);

	if (err && err->code == GS_ERROR_CORRUPT)
		err->code = GS_ERROR_INVALID;
	return err;
}

/* @size guards against a NUL within: what came behind it would be lost without a word. */
static struct gs_error *make_string(const char *text, size_t size, struct gs_json **ret)
{
	gs_autojson struct gs_json *value = gs_json_new_string(text);

	if (!value)
		return gs_error_nomem();
	if (strlen(text) != size || strcmp(gs_json_string(value), text) != 0)
		return gs_error_create(GS_ERROR_INVALID, "not UTF-8 text");
	*ret = gs_take(value);
	return NULL;
}

static struct gs_error *make_value(const struct argument *a, struct gs_json **ret)
{
	gs_autofree char *content = NULL;
	const char *text = a->value;
	size_t size = strlen(text);
	struct gs_error *err = NULL;

	if (text[0] == '@') {
		err = gs_read_file(text + 1, FILE_SIZE_MAX, &content, &size);
		text = content;
	}
	if (err)
		return err;
	return a->is_json ? parse_json(text, size, ret) : make_string(text, size, ret);
}

/* ---- places ---- */

/*
 * The object that "a.b" of "a.b.c" names, made where it is missing. *rest_ret is "c".
 */
static struct gs_error *descend(struct gs_json *object, char *path, struct gs_json **ret,
				const char **rest_ret)
{
	char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1) {
		*dot = '\0';
		if (!*path)
			return gs_error_create(GS_ERROR_INVALID, "a name is empty");
		if (!gs_json_get(object, path) && !gs_json_set(object, path, gs_json_new_object()))
			return gs_error_nomem();
		object = gs_json_get_mutable(object, path);
		if (gs_json_type(object) != GS_JSON_OBJECT)
			return gs_error_create(GS_ERROR_INVALID, "'%s' is given as %s already",
					       path, gs_json_type_name(gs_json_type(object)));
	}
	if (!*path)
		return gs_error_create(GS_ERROR_INVALID, "a name is empty");
	if (gs_json_get(object, path))
		return gs_error_create(GS_ERROR_INVALID, "given twice");
	*ret = object;
	*rest_ret = path;
	return NULL;
}

static struct gs_error *place(struct gs_json *object, const struct argument *a)
{
	struct gs_json *value = NULL;
	const char *key = NULL;
	struct gs_error *err = descend(object, a->path, &object, &key);

	if (!err)
		err = make_value(a, &value);
	if (err)
		return err;
	return gs_json_set(object, key, value) ? NULL : gs_error_nomem();
}

/*
 * "key=text" is always a string, "key:=json" anything: nothing is guessed, so that a name that
 * looks like a number stays a name.
 */
static struct gs_error *add_argument(struct gs_json *object, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t size = equals ? (size_t)(equals - word) : 0;
	bool is_json = size && equals[-1] == ':';
	gs_autofree char *path = NULL;
	struct gs_error *err;

	size -= is_json;
	if (!size)
		return gs_error_create(GS_ERROR_INVALID,
				       "'%s' is neither key=value, key:=json nor {json}", word);
	path = strndup(word, size);
	if (!path)
		return gs_error_nomem();
	err = place(object, &(const struct argument){path, equals + 1, is_json});
	return gs_error_wrap(err, "argument '%.*s'", (int)size, word);
}

/* ---- all of them ---- */

static struct gs_error *parse_object(const char *text, struct gs_json **ret)
{
	gs_autojson struct gs_json *object = NULL;
	struct gs_error *err = parse_json(text, strlen(text), &object);

	if (err)
		return err;
	if (gs_json_type(object) != GS_JSON_OBJECT)
		return gs_error_create(GS_ERROR_INVALID, "not a JSON object");
	*ret = gs_take(object);
	return NULL;
}

struct gs_error *arguments_parse(const char *const *words, size_t count, struct gs_json **ret)
{
	gs_autojson struct gs_json *object = NULL;

	if (!count)
		return NULL;
	if (words[0][0] == '{' && count == 1)
		return gs_error_wrap(parse_object(words[0], ret), "arguments");
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

/* ---- calls ---- */

void call_deinit(struct call *call)
{
	free(call->command);
	gs_json_destroy(call->arguments);
	*call = (struct call){0};
}

/* {"execute": ..., "arguments": {...}}; an "id" is ours to give. */
static struct gs_error *parse_whole(const char *text, struct call *ret)
{
	gs_autojson struct gs_json *object = NULL;
	const char *command;
	struct gs_error *err = parse_object(text, &object);

	if (err)
		return err;
	gs_json_for_each (member, object) {
		const char *key = gs_json_key(member);

		if (strcmp(key, "execute") && strcmp(key, "arguments") && strcmp(key, "id"))
			return gs_error_create(GS_ERROR_INVALID, "'%s' is no part of a command",
					       key);
	}
	command = gs_json_string(gs_json_get(object, "execute"));
	if (!command)
		return gs_error_create(GS_ERROR_INVALID, "no name of a command in 'execute'");
	ret->command = strdup(command);
	ret->arguments = gs_json_detach(object, "arguments");
	return ret->command ? NULL : gs_error_nomem();
}

struct gs_error *call_parse(const char *const *words, size_t count, struct call *ret)
{
	auto_call struct call call = {0};
	struct gs_error *err;

	if (!count)
		return gs_error_create(GS_ERROR_INVALID, "no command");
	if (words[0][0] == '{' && count == 1) {
		err = gs_error_wrap(parse_whole(words[0], &call), "command");
	} else {
		call.command = strdup(words[0]);
		err = arguments_parse(words + 1, count - 1, &call.arguments);
		if (!err && !call.command)
			err = gs_error_nomem();
	}
	if (err)
		return err;
	*ret = call;
	call = (struct call){0};
	return NULL;
}
