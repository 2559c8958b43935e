/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: any QMP command. */
#include <stdio.h>
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

/* *ret stays NULL when there are no arguments. */
static struct gs_error *parse_arguments(const struct gs_args *args, struct gs_json **ret)
{
	gs_autojson struct gs_json *object = NULL;
	const char *first = gs_args_at(args, 1);

	if (!first)
		return NULL;
	if (first[0] == '{' && gs_args_count(args) == 2)
		return parse_object(first, ret);
	object = gs_json_new_object();
	if (!object)
		return gs_error_nomem();
	for (size_t i = 1; i < gs_args_count(args); i++) {
		struct gs_error *err = add_argument(object, gs_args_at(args, i));

		if (err)
			return err;
	}
	*ret = gs_take(object);
	return NULL;
}

/* Wrong JSON from the user is misuse, not a corrupt file. */
static int misuse(const struct gs_args *args, struct gs_error *err)
{
	bool wrong = err->code == GS_ERROR_CORRUPT;
	int status = gs_args_fail(args, err);

	return wrong ? GS_EXIT_USAGE : status;
}

/* Takes @err; a refusal with its class, which scripts look for. */
static int refused(const struct gs_args *args, const struct gs_qmp *qmp, struct gs_error *err)
{
	if (err->code == GS_ERROR_REFUSED)
		err = gs_error_wrap(err, "%s", gs_qmp_error_class(qmp));
	return gs_args_fail(args, gs_error_wrap(err, "%s", gs_args_at(args, 0)));
}

int cmd_exec(struct gs_args *args)
{
	auto_target struct target target = {.pidfd = -1};
	gs_autojson struct gs_json *answer = NULL;
	struct gs_json *arguments = NULL;
	gs_autofree char *text = NULL;
	uint64_t timeout_ms;
	struct gs_error *err = parse_arguments(args, &arguments);

	if (err)
		return misuse(args, err);
	err = gs_args_duration(args, "timeout", 0, &timeout_ms);
	if (!err)
		err = target_open(args, timeout_ms, &target);
	if (err) {
		gs_json_destroy(arguments);
		return gs_args_fail(args, err);
	}
	err = gs_qmp_execute(target.qmp, gs_args_at(args, 0), arguments, 0, &answer);
	if (err)
		return refused(args, target.qmp, err);
	text = gs_json_print(answer, GS_JSON_PRETTY);
	if (!text)
		return gs_args_fail(args, gs_error_nomem());
	puts(text);
	return GS_EXIT_OK;
}
