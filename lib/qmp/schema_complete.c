/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may come next in a command that is being typed, by the schema and the guest's names. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/schema.h>

#include "schema_names.h"

#define WORDS_MAX 256   /* of a line; more are not looked at */
#define VARIANTS_DEEP 8 /* variants within variants */

struct word {
	const char *text;
	size_t size;
};

struct line {
	const struct gs_schema_completer *completer;
	struct word words[WORDS_MAX]; /* whole ones, before and behind the cursor */
	size_t count;
	const char *command;
	char *current;  /* the word at the cursor, up to it */
	bool is_first;  /* that word is the command */
	bool is_quoted; /* the cursor is within quotes or JSON */
	struct gs_schema_candidates found;
	bool failed; /* out of memory */
};

/* ---- the line's words ---- */

/* How far the word at @text goes: to a blank outside of quotes and brackets. */
static size_t word_size(const char *text, const char *end, bool *is_open_ret)
{
	const char *at = text;
	char quote = 0;
	int depth = 0;

	for (; at < end && (quote || depth || !isspace((unsigned char)*at)); at++) {
		if (quote && *at == '\\' && at + 1 < end)
			at++;
		else if (quote)
			quote = *at == quote ? 0 : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && depth)
			depth--;
	}
	*is_open_ret = quote || depth;
	return (size_t)(at - text);
}

static void add_words(struct line *l, const char *text, const char *end)
{
	while (text < end && l->count < WORDS_MAX) {
		bool is_open;
		size_t size;

		while (text < end && isspace((unsigned char)*text))
			text++;
		size = word_size(text, end, &is_open);
		if (size)
			l->words[l->count++] = (struct word){text, size};
		text += size;
	}
}

/* The word that ends at the cursor, maybe an empty one, is no whole word yet. */
static void find_current(struct line *l, const char *line, size_t cursor)
{
	const char *at = line, *end = line + cursor;
	size_t size = 0;

	for (; at < end; at += size) {
		while (at < end && isspace((unsigned char)*at))
			at++;
		size = word_size(at, end, &l->is_quoted);
		if (at + size == end)
			break;
	}
	add_words(l, line, at);
	l->is_first = l->count == 0;
	l->found.start = (size_t)(at - line);
	l->current = strndup(at, (size_t)(end - at));
	l->failed |= !l->current;
	end += word_size(end, end + strlen(end), &(bool){false});
	add_words(l, end, end + strlen(end));
}

/* The text behind "KEY=" or "KEY:=" of one of the words; false: there is none. */
static bool find_given(const struct line *l, const char *key, struct word *ret)
{
	size_t key_size = strlen(key);

	for (size_t i = 1; i < l->count; i++) {
		const struct word *w = &l->words[i];
		size_t at = key_size;

		if (w->size <= key_size || memcmp(w->text, key, key_size) != 0)
			continue;
		at += w->text[at] == ':';
		if (at < w->size && w->text[at] == '=') {
			*ret = (struct word){w->text + at + 1, w->size - at - 1};
			return true;
		}
	}
	return false;
}

/* The value of a member that selects a variant; NULL: not given. The caller frees. */
static char *given_value(const struct line *l, const char *path, const char *name)
{
	gs_autofree char *key = gs_strf("%s%s", path, name);
	struct word value;

	if (!key || !find_given(l, key, &value))
		return NULL;
	if (value.size >= 2 && strchr("\"'", value.text[0])) {
		value.text++;
		value.size -= 2;
	}
	return strndup(value.text, value.size);
}

/* ---- members ---- */

/* The object that a dotted path can step into, or NULL. */
static const struct gs_schema_entity *object_of(const struct gs_schema_entity *type)
{
	if (type && type->meta == GS_SCHEMA_ALTERNATE) {
		for (size_t i = 0; i < type->member_count; i++)
			if (type->members[i].type->meta == GS_SCHEMA_OBJECT)
				return type->members[i].type;
	}
	return type && type->meta == GS_SCHEMA_OBJECT ? type : NULL;
}

typedef bool (*member_fn)(struct line *l, const char *path, const struct gs_schema_member *m,
			  void *arg);

/*
 * Call @fn for the members that @type has by what the line says, until it returns true. @path: what
 * stands before their names, with its dot.
 */
static bool each_member(struct line *l, const char *path, const struct gs_schema_entity *type,
			member_fn fn, void *arg)
{
	for (int deep = 0; type && deep < VARIANTS_DEEP; deep++) {
		gs_autofree char *value = NULL;

		for (size_t i = 0; i < type->member_count; i++)
			if (fn(l, path, &type->members[i], arg))
				return true;
		value = type->tag ? given_value(l, path, type->tag->name) : NULL;
		type = value ? gs_schema_variant(type, value) : NULL;
	}
	return false;
}

struct search {
	const char *name;
	size_t size;
	const struct gs_schema_member *found;
};

static bool match_name(struct line *l, const char *path, const struct gs_schema_member *m,
		       void *arg)
{
	struct search *s = arg;

	(void)l;
	(void)path;
	if (strlen(m->name) != s->size || memcmp(m->name, s->name, s->size) != 0)
		return false;
	s->found = m;
	return true;
}

/* The member that @key, of @size bytes with dots in it, leads to from @type; NULL: nowhere. */
static const struct gs_schema_member *walk(struct line *l, const struct gs_schema_entity *type,
					   const char *key, size_t size)
{
	struct search s = {.name = key};

	for (;;) {
		const char *dot = memchr(s.name, '.', size - (size_t)(s.name - key));
		gs_autofree char *path = strndup(key, (size_t)(s.name - key));

		s.size = (size_t)((dot ? dot : key + size) - s.name);
		s.found = NULL;
		if (!path || !each_member(l, path, type, match_name, &s) || !dot)
			return s.found;
		type = object_of(s.found->type);
		s.name = dot + 1;
	}
}

/* Whether "key=text", "key:=json" and "key.member=" can give a value of this type. */
static void ways_to_give(const struct gs_schema_entity *type, bool *text, bool *json, bool *dotted)
{
	switch (type->meta) {
	case GS_SCHEMA_ENUM:
		*text = true;
		break;
	case GS_SCHEMA_ALTERNATE:
		for (size_t i = 0; i < type->member_count; i++)
			if (type->members[i].type->meta != GS_SCHEMA_ALTERNATE)
				ways_to_give(type->members[i].type, text, json, dotted);
		break;
	case GS_SCHEMA_OBJECT:
		*dotted = true;
		break;
	case GS_SCHEMA_BUILTIN:
		*text |= type->json == GS_SCHEMA_JSON_STRING || type->json == GS_SCHEMA_JSON_ANY;
		*json |= type->json != GS_SCHEMA_JSON_STRING;
		break;
	default:
		*json = true;
	}
}

static void offer(struct line *l, const char *path, const char *name, const char *behind)
{
	gs_autofree char *word = gs_strf("%s%s%s", path, name, behind);

	l->failed |= !word || !gs_schema_candidates_add(&l->found, l->current, word);
}

/* Part of @key, or all of it, is in the line already. */
static bool is_given(const struct line *l, const char *path, const char *name, bool *in_parts_ret)
{
	gs_autofree char *key = gs_strf("%s%s", path, name);
	size_t size = key ? strlen(key) : 0;
	struct word value;

	*in_parts_ret = false;
	for (size_t i = 1; key && i < l->count; i++)
		*in_parts_ret |= l->words[i].size > size && l->words[i].text[size] == '.' &&
				 memcmp(l->words[i].text, key, size) == 0;
	return key && find_given(l, key, &value);
}

static bool offer_member(struct line *l, const char *path, const struct gs_schema_member *m,
			 void *arg)
{
	bool text = false, json = false, dotted = false, in_parts;

	(void)arg;
	if (is_given(l, path, m->name, &in_parts))
		return false;
	ways_to_give(m->type, &text, &json, &dotted);
	if (dotted)
		offer(l, path, m->name, ".");
	if (text && !in_parts)
		offer(l, path, m->name, "=");
	if (json && !in_parts)
		offer(l, path, m->name, ":=");
	return false;
}

/* device_add takes what the device takes, of which the schema does not tell. */
static bool takes_properties(const struct line *l)
{
	return strcmp(l->command, "device_add") == 0;
}

static void offer_properties(struct line *l)
{
	const struct gs_schema_completer *c = l->completer;
	gs_autofree char *driver = takes_properties(l) ? given_value(l, "", "driver") : NULL;
	gs_autojson struct gs_json *names = NULL;
	struct word value;

	if (!driver || !c->names)
		return;
	gs_error_destroy(c->names(c->names_arg, GS_SCHEMA_NAMES_DEVICE_PROPERTY, driver, &names));
	gs_json_for_each (item, names) {
		const char *name = gs_json_string(item);
		gs_autofree char *key = name ? strndup(name, strcspn(name, ":=")) : NULL;

		if (key && !find_given(l, key, &value))
			offer(l, "", name, "");
	}
}

static void complete_member(struct line *l, const struct gs_schema_entity *type)
{
	const char *dot = strrchr(l->current, '.');
	size_t size = dot ? (size_t)(dot - l->current) : 0;
	gs_autofree char *path = strndup(l->current, dot ? size + 1 : 0);

	if (dot) {
		const struct gs_schema_member *m = walk(l, type, l->current, size);

		type = m ? object_of(m->type) : NULL;
	}
	if (path)
		each_member(l, path, type, offer_member, NULL);
	if (!dot)
		offer_properties(l);
	l->failed |= !path;
}

/* ---- values ---- */

static void offer_names(struct line *l, const char *name, const char *typed)
{
	const struct gs_schema_completer *c = l->completer;
	enum gs_schema_names kind = gs_schema_names_kind(l->command, name);
	gs_autojson struct gs_json *names = NULL;

	if (kind == GS_SCHEMA_NAMES_NONE || !c->names)
		return;
	gs_error_destroy(c->names(c->names_arg, kind, typed, &names));
	gs_json_for_each (item, names) {
		const char *word = gs_json_string(item);

		/* What would have to be quoted cannot be just put into the line. */
		if (word && *word && !strpbrk(word, " \t\n\"'\\"))
			l->failed |= !gs_schema_candidates_add(&l->found, typed, word);
	}
}

static void offer_words(struct line *l, const char *typed, const char *const words[])
{
	for (; *words; words++)
		l->failed |= !gs_schema_candidates_add(&l->found, typed, *words);
}

static void offer_json(struct line *l, const struct gs_schema_entity *type, const char *typed)
{
	if (type->json == GS_SCHEMA_JSON_BOOLEAN)
		offer_words(l, typed, (const char *const[]){"false", "true", NULL});
	else if (type->json == GS_SCHEMA_JSON_NULL)
		offer_words(l, typed, (const char *const[]){"null", NULL});
}

/* @is_json: it stands behind ":=". */
static void offer_values(struct line *l, const char *name, const struct gs_schema_entity *type,
			 const char *typed, bool is_json)
{
	if (type->meta == GS_SCHEMA_ALTERNATE) {
		for (size_t i = 0; i < type->member_count; i++)
			if (type->members[i].type->meta != GS_SCHEMA_ALTERNATE)
				offer_values(l, name, type->members[i].type, typed, is_json);
	} else if (type->meta == GS_SCHEMA_ENUM && !is_json) {
		for (size_t i = 0; i < type->value_count; i++)
			l->failed |=
				!gs_schema_candidates_add(&l->found, typed, type->values[i].name);
	} else if (type->meta == GS_SCHEMA_BUILTIN && is_json) {
		offer_json(l, type, typed);
	} else if (type->meta == GS_SCHEMA_BUILTIN && type->json == GS_SCHEMA_JSON_STRING) {
		offer_names(l, name, typed);
	}
}

static void complete_value(struct line *l, const struct gs_schema_entity *type, const char *equals)
{
	bool is_json = equals > l->current && equals[-1] == ':';
	size_t size = (size_t)(equals - l->current) - is_json;
	const struct gs_schema_member *m = walk(l, type, l->current, size);

	l->found.start += (size_t)(equals + 1 - l->current);
	if (m) {
		offer_values(l, m->name, m->type, equals + 1, is_json);
	} else if (takes_properties(l) && !is_json) {
		gs_autofree char *name = strndup(l->current, size);

		offer_names(l, name ? name : "", equals + 1);
	}
}

/* ---- the whole ---- */

/* What the elements of transaction's "actions" are; NULL: this QEMU has none. */
static const struct gs_schema_entity *action_type(const struct gs_schema *schema)
{
	const struct gs_schema_entity *command =
		gs_schema_find(schema, GS_SCHEMA_COMMAND, "transaction");
	const struct gs_schema_member *actions =
		command ? gs_schema_member(command->arg, "actions", NULL) : NULL;
	const struct gs_schema_entity *type = actions ? actions->type->element : NULL;

	return type && type->tag ? type : NULL;
}

static void complete_command(struct line *l)
{
	const struct gs_schema *schema = l->completer->schema;
	const struct gs_schema_entity *e = action_type(schema);

	if (l->completer->is_action && e) {
		offer_values(l, e->tag->name, e->tag->type, l->current, false);
		return;
	}
	for (size_t i = 0; (e = gs_schema_at(schema, GS_SCHEMA_COMMAND, i)); i++)
		l->failed |= !gs_schema_candidates_add(&l->found, l->current, e->name);
}

static const struct gs_schema_entity *argument_type(const struct line *l)
{
	const struct gs_schema *schema = l->completer->schema;
	const struct gs_schema_entity *e;
	const struct gs_schema_member *data;

	if (!l->completer->is_action) {
		e = gs_schema_find(schema, GS_SCHEMA_COMMAND, l->command);
		return e ? e->arg : NULL;
	}
	e = action_type(schema);
	e = e ? gs_schema_variant(e, l->command) : NULL;
	data = e ? gs_schema_member(e, "data", NULL) : NULL;
	return data ? object_of(data->type) : NULL;
}

static void complete_argument(struct line *l)
{
	gs_autofree char *command = strndup(l->words[0].text, l->words[0].size);
	const char *equals = strchr(l->current, '=');
	const struct gs_schema_entity *type;

	if (!command) {
		l->failed = true;
		return;
	}
	l->command = command;
	type = argument_type(l);
	if (type && equals)
		complete_value(l, type, equals);
	else if (type)
		complete_member(l, type);
	l->command = "";
}

struct gs_error *gs_schema_complete(const struct gs_schema_completer *completer, const char *line,
				    size_t cursor, struct gs_schema_candidates *ret)
{
	struct line l = {.completer = completer, .command = ""};

	find_current(&l, line, strnlen(line, cursor));
	if (!l.failed && l.is_first)
		complete_command(&l);
	else if (!l.failed && !l.is_quoted)
		complete_argument(&l);
	free(l.current);
	if (l.failed) {
		gs_schema_candidates_deinit(&l.found);
		return gs_error_nomem();
	}
	gs_schema_candidates_sort(&l.found);
	*ret = l.found;
	return NULL;
}
