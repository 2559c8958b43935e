/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a line of the shell means, by itself and after the lines before it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

#define HELD_MAX (16u << 20) /* bytes of one command over many lines */

void shell_request_deinit(struct shell_request *r)
{
	call_deinit(&r->call);
	free(r->text);
	*r = (struct shell_request){0};
}

bool shell_input_drop(struct shell_input *in)
{
	bool was_begun = in->held.size || in->actions;

	gs_text_deinit(&in->held);
	gs_json_destroy(in->actions);
	*in = (struct shell_input){.is_hmp = in->is_hmp};
	return was_begun;
}

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* What stands behind @word at the begin of @line; NULL: something else is there. */
static const char *behind_word(const char *line, const char *word)
{
	size_t size = strlen(word);

	if (strncmp(line, word, size) != 0 || (line[size] && !isspace((unsigned char)line[size])))
		return NULL;
	return skip_blanks(line + size);
}

static struct gs_error *make_text(enum shell_what what, const char *text, struct shell_request *ret)
{
	size_t size = strlen(text);

	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	ret->what = what;
	ret->text = strndup(text, size);
	return ret->text ? NULL : gs_error_nomem();
}

/* ---- the shell's own ---- */

const char *const shell_dot_commands[] = {".events", ".help", ".hmp", ".quit", NULL};

static struct gs_error *parse_events(const char *word, struct shell_request *ret)
{
	ret->what = SHELL_EVENTS;
	ret->on = behind_word(word, "on") != NULL;
	if (!ret->on && !behind_word(word, "off"))
		return gs_error_create(GS_ERROR_INVALID, "usage: .events on|off");
	return NULL;
}

static struct gs_error *parse_dot(const char *line, struct shell_request *ret)
{
	gs_autofree char *word = strndup(line, strcspn(line, " \t"));
	const char *rest = skip_blanks(line + (word ? strlen(word) : 0)), *near;

	if (!word)
		return gs_error_nomem();
	if (strcmp(word, ".events") == 0)
		return parse_events(rest, ret);
	if (strcmp(word, ".help") == 0)
		return make_text(SHELL_HELP, rest, ret);
	if (*rest)
		return gs_error_create(GS_ERROR_INVALID, "%s takes no arguments", word);
	if (strcmp(word, ".hmp") == 0)
		ret->what = SHELL_TOGGLE_HMP;
	else if (strcmp(word, ".quit") == 0)
		ret->what = SHELL_LEAVE;
	else if ((near = gs_did_you_mean(word, shell_dot_commands)))
		return gs_error_create(GS_ERROR_INVALID, "there is no '%s'; did you mean '%s'?",
				       word, near);
	else
		return gs_error_create(GS_ERROR_INVALID, "there is no '%s': try help", word);
	return NULL;
}

/* ---- commands ---- */

/* Words of a line within "transaction(" and ")". */
static struct gs_error *parse_action(struct shell_input *in, const char *const *words, size_t count,
				     struct shell_request *ret)
{
	struct gs_error *err = NULL;

	ret->what = SHELL_ACTION;
	if (count && strcmp(words[count - 1], ")") == 0) {
		ret->closes = true;
		count--;
	}
	if (count)
		err = call_parse(words, count, &ret->call);
	in->is_spoiled |= err != NULL;
	return err;
}

static struct gs_error *parse_words(struct shell_input *in, const char *const *words, size_t count,
				    struct shell_request *ret)
{
	bool begins = strcmp(words[0], "transaction(") == 0;

	if (begins && in->actions) {
		in->is_spoiled = true;
		return gs_error_create(GS_ERROR_INVALID, "a transaction holds no other one");
	}
	if (begins) {
		in->is_spoiled = false;
		in->actions = gs_json_new_array();
		if (!in->actions)
			return gs_error_nomem();
		if (count == 1)
			return NULL;
	}
	if (in->actions)
		return parse_action(in, words + begins, count - begins, ret);
	ret->what = SHELL_CALL;
	return call_parse(words, count, &ret->call);
}

/*
 * Whether @text, to which @line was added, surely goes on. An object is not looked through again
 * for each of its lines.
 */
static bool goes_on(struct shell_input *in, const char *text, const char *line)
{
	size_t used;

	return *text == '{' &&
	       gs_json_framer_feed(&in->framer, line, strlen(line), &used) == GS_JSON_FRAME_MORE;
}

/* Hands over what is held. */
static struct gs_text take_held(struct shell_input *in)
{
	struct gs_text text = in->held;

	in->held = (struct gs_text){0};
	return text;
}

/* Takes what was held; puts it back if it goes on. */
static struct gs_error *parse_command(struct shell_input *in, const char *line,
				      struct shell_request *ret)
{
	auto_words struct words words = {0};
	gs_autotext struct gs_text text = take_held(in);
	struct gs_error *err = NULL;
	bool is_open;

	gs_text_printf(&text, "%s%s", text.size ? "\n" : "", line);
	if (text.failed)
		return gs_error_nomem();
	if (text.size > HELD_MAX) {
		in->is_spoiled = true; /* if it was an action */
		return gs_error_create(GS_ERROR_INVALID, "a command of more than %u MiB",
				       HELD_MAX >> 20);
	}
	is_open = goes_on(in, text.data, line);
	if (!is_open)
		err = words_split(text.data, &words);
	if (is_open || (err && err->code == GS_ERROR_NODATA)) {
		gs_error_destroy(err);
		in->held = text;
		text = (struct gs_text){0};
		ret->what = SHELL_MORE;
		return NULL;
	}
	in->framer = (struct gs_json_framer){0};
	return err ? err : parse_words(in, words_all(&words), words.count, ret);
}

/* ---- all of it ---- */

static struct gs_error *parse_fresh(struct shell_input *in, const char *line,
				    struct shell_request *ret)
{
	const char *rest;

	if (!*line || *line == '#')
		return NULL;
	if (*line == '.')
		return parse_dot(line, ret);
	if (!in->actions && *line == ':')
		return make_text(SHELL_HMP, skip_blanks(line + 1), ret);
	if (!in->actions && in->is_hmp)
		return make_text(SHELL_HMP, line, ret);
	if (!in->actions && (rest = behind_word(line, "hmp")))
		return make_text(SHELL_HMP, rest, ret);
	if ((rest = behind_word(line, "help")))
		return make_text(SHELL_HELP, rest, ret);
	return parse_command(in, line, ret);
}

struct gs_error *shell_line(struct shell_input *in, const char *line, struct shell_request *ret)
{
	struct shell_request request = {.what = SHELL_NOTHING};
	struct gs_error *err = in->held.size ? parse_command(in, line, &request)
					     : parse_fresh(in, skip_blanks(line), &request);

	if (err) {
		in->framer = (struct gs_json_framer){0};
		shell_request_deinit(&request);
		return err;
	}
	*ret = request;
	return NULL;
}
