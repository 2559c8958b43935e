/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Tab offers: the shell's own words, the human monitor's, and the schema's. */
#include <ctype.h>
#include <string.h>

#include "shell.h"

/* The line up to the cursor, from @at on. */
struct typed {
	struct shell *shell;
	const char *line;
	size_t at, cursor;
	struct gs_schema_candidates *found;
};

static void skip_blanks(struct typed *t)
{
	while (t->at < t->cursor && isspace((unsigned char)t->line[t->at]))
		t->at++;
}

/* Step over @word and the blanks behind it, if it is there and whole. */
static bool step_over(struct typed *t, const char *word)
{
	size_t size = strlen(word), left = t->cursor - t->at;

	if (left <= size || memcmp(t->line + t->at, word, size) != 0 ||
	    !isspace((unsigned char)t->line[t->at + size]))
		return false;
	t->at += size;
	skip_blanks(t);
	return true;
}

/* Whether the cursor is in the word at @at. */
static bool is_in_word(const struct typed *t)
{
	for (size_t i = t->at; i < t->cursor; i++)
		if (isspace((unsigned char)t->line[i]))
			return false;
	return true;
}

static struct gs_error *offer(struct typed *t, const char *word)
{
	gs_autofree char *prefix = strndup(t->line + t->at, t->cursor - t->at);

	t->found->start = t->at;
	if (!prefix || !gs_schema_candidates_add(t->found, prefix, word))
		return gs_error_nomem();
	return NULL;
}

static struct gs_error *offer_all(struct typed *t, const char *const words[])
{
	struct gs_error *err = NULL;

	for (; !err && is_in_word(t) && *words; words++)
		err = offer(t, *words);
	return err;
}

/* Commands that take the name of one, too. */
static struct gs_error *complete_hmp(struct typed *t)
{
	gs_autojson struct gs_json *names = NULL;
	struct gs_error *err;
	bool info;

	skip_blanks(t);
	step_over(t, "help");
	info = step_over(t, "info");
	if (!is_in_word(t))
		return NULL;
	err = shell_hmp_names(t->shell, info, &names);
	gs_json_for_each (name, names)
		if (!err)
			err = offer(t, gs_json_string(name));
	return err;
}

static struct gs_error *complete_dot(struct typed *t)
{
	if (step_over(t, ".events"))
		return offer_all(t, (const char *const[]){"off", "on", NULL});
	return offer_all(t, shell_dot_commands);
}

/* "tag=", or behind that its values. */
static struct gs_error *complete_choice(struct typed *t, const struct gs_schema_member *tag)
{
	gs_autofree char *word = gs_strf("%s=", tag->name);
	size_t size = word ? strlen(word) : 0;
	struct gs_error *err = NULL;

	if (!word)
		return gs_error_nomem();
	if (t->cursor - t->at < size || memcmp(t->line + t->at, word, size) != 0)
		return offer(t, word);
	t->at += size;
	for (size_t i = 0; !err && i < tag->type->value_count; i++)
		err = offer(t, tag->type->values[i].name);
	return err;
}

/* Behind the name of a command with variants. */
static struct gs_error *complete_help_on(struct typed *t)
{
	size_t size = strcspn(t->line + t->at, " \t");
	gs_autofree char *name = strndup(t->line + t->at, size);
	const struct gs_schema_entity *e;

	if (!name)
		return gs_error_nomem();
	e = gs_schema_find(t->shell->schema, GS_SCHEMA_COMMAND, name);
	step_over(t, name);
	return e && e->arg->tag && is_in_word(t) ? complete_choice(t, e->arg->tag) : NULL;
}

/* Commands, and events in capitals. */
static struct gs_error *complete_help(struct typed *t)
{
	static const enum gs_schema_meta metas[] = {GS_SCHEMA_COMMAND, GS_SCHEMA_EVENT};
	const struct gs_schema *schema = t->shell->schema;
	const struct gs_schema_entity *e;
	struct gs_error *err = NULL;

	if (!schema || !is_in_word(t))
		return schema ? complete_help_on(t) : NULL;
	for (size_t m = 0; m < 2; m++)
		for (size_t i = 0; !err && (e = gs_schema_at(schema, metas[m], i)); i++)
			err = offer(t, e->name);
	return err;
}

static struct gs_error *complete_command(struct typed *t, bool is_action)
{
	const struct gs_schema_completer completer = {
		.schema = t->shell->schema,
		.is_action = is_action,
		.names = shell_names,
		.names_arg = t->shell,
	};
	struct gs_error *err;

	if (!completer.schema)
		return NULL;
	err = gs_schema_complete(&completer, t->line + t->at, t->cursor - t->at, t->found);
	t->found->start += t->at;
	if (err || is_action)
		return err;
	return offer_all(t, (const char *const[]){"help", "hmp", "transaction(", NULL});
}

static struct gs_error *complete_line(struct typed *t)
{
	const struct shell_input *in = &t->shell->input;
	char first;

	skip_blanks(t);
	first = t->at < t->cursor ? t->line[t->at] : '\0';
	if (first == '.')
		return step_over(t, ".help") ? complete_help(t) : complete_dot(t);
	if (in->actions)
		return complete_command(t, true);
	if (first == ':')
		t->at++;
	if (first == ':' || in->is_hmp || step_over(t, "hmp"))
		return complete_hmp(t);
	if (step_over(t, "help"))
		return complete_help(t);
	return complete_command(t, step_over(t, "transaction("));
}

struct gs_error *shell_complete(struct shell *s, const char *line, size_t cursor,
				struct gs_schema_candidates *ret)
{
	struct gs_schema_candidates found = {0};
	struct typed t = {.shell = s, .line = line, .cursor = cursor, .found = &found};
	struct gs_error *err = s->input.held.size ? NULL : complete_line(&t);

	if (err) {
		gs_schema_candidates_deinit(&found);
		return err;
	}
	gs_schema_candidates_sort(&found);
	*ret = found;
	return NULL;
}
