/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line split into words: a shell's quoting, and JSON as it stands. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "qmpctl.h"

static const char blanks[] = " \t\r\n";

void words_deinit(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->at[i]);
	free(words->at);
	*words = (struct words){0};
}

static struct gs_error *add_word(struct words *words, struct gs_text *word)
{
	char **at = reallocarray(words->at, words->count + 1, sizeof(*at));
	struct gs_error *err;

	if (!at)
		return gs_error_nomem();
	words->at = at;
	err = gs_text_finish(word, &at[words->count]);
	words->count += !err;
	return err;
}

static struct gs_error *unfinished(const char *what)
{
	return gs_error_create(GS_ERROR_NODATA, "the line ends within %s", what);
}

/* From the quote at @at to its fellow; within "", a backslash keeps '"' and itself from meaning. */
static struct gs_error *take_quoted(const char **at, struct gs_text *word)
{
	char quote = *(*at)++;

	for (; **at && **at != quote; (*at)++) {
		if (quote == '"' && **at == '\\' && ((*at)[1] == '"' || (*at)[1] == '\\'))
			(*at)++;
		gs_text_append(word, *at, 1);
	}
	if (!**at)
		return unfinished("quotes");
	(*at)++;
	return NULL;
}

/* JSON that begins at @at, to its end, with all its own quotes. */
static struct gs_error *take_json(const char **at, struct gs_text *word)
{
	struct gs_json_framer framer = {0};
	size_t used;

	if (gs_json_framer_feed(&framer, *at, strlen(*at), &used) == GS_JSON_FRAME_MORE)
		return unfinished("JSON");
	gs_text_append(word, *at, used);
	*at += used;
	return NULL;
}

/* A word that is an object, or behind ":=" what a shell's quoting would spoil. */
static bool begins_json(const char *at, const struct gs_text *word)
{
	if (!word->size)
		return *at == '{';
	return word->size > 2 && memcmp(word->data + word->size - 2, ":=", 2) == 0 &&
	       strchr("{[\"", *at);
}

static struct gs_error *take_word(const char **at, struct gs_text *word)
{
	while (**at && !strchr(blanks, **at)) {
		struct gs_error *err = NULL;

		if (begins_json(*at, word)) {
			err = take_json(at, word);
		} else if (**at == '\'' || **at == '"') {
			err = take_quoted(at, word);
		} else {
			*at += **at == '\\' && (*at)[1];
			gs_text_append(word, (*at)++, 1);
		}
		if (err)
			return err;
	}
	return NULL;
}

struct gs_error *words_split(const char *line, struct words *ret)
{
	gs_autotext struct gs_text word = {0};
	struct words words = {0};
	struct gs_error *err = NULL;

	for (line += strspn(line, blanks); !err && *line; line += strspn(line, blanks)) {
		err = take_word(&line, &word);
		if (!err)
			err = add_word(&words, &word);
	}
	if (err)
		words_deinit(&words);
	else
		*ret = words;
	return err;
}
