/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: of the shell itself, and of commands and events by the schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas.h"
#include "shell.h"

#define COLUMNS 78
#define INDENT 26 /* where types stand */

static const char overview[] =
	"COMMAND key=text key:=json a.b=text   run a QMP command; =@FILE and :=@FILE read a file\n"
	"{\"execute\": ...}                      the same as JSON, over as many lines as it takes\n"
	"transaction(                          collects actions, one a line, until a line\n"
	")                                     sends them as one command\n"
	"help COMMAND|EVENT [tag=value]        what it takes; of variants, those of that value\n"
	"help COMMAND/MEMBER/..., COMMAND/ret  what is in a member, in what is returned\n"
	":TEXT, hmp TEXT                       run a command of the human monitor\n"
	".hmp                                  all lines are for the human monitor, and back\n"
	".events on|off                        show events as they come\n"
	".quit, Ctrl-D                         leave; the guest goes on (quit ends it)\n"
	"\n"
	"Tab completes commands, arguments, values, and the guest's names. Ctrl-C drops the line; "
	"while\na command runs, it is waited for no more, and its reply is shown when it comes.\n";

static const char *feature_text(const struct gs_schema_features *f)
{
	if (f->deprecated)
		return f->unstable ? " (deprecated, unstable)" : " (deprecated)";
	return f->unstable ? " (unstable)" : "";
}

/* @words go on in the next line where they would be too long. */
static void put_word(struct gs_text *to, const char *word, size_t *column)
{
	if (*column + 1 + strlen(word) > COLUMNS) {
		gs_text_printf(to, "\n%*s", INDENT + 2, "");
		*column = INDENT + 2;
	}
	gs_text_printf(to, " %s", word);
	*column += 1 + strlen(word);
}

static void put_values(struct gs_text *to, const struct gs_schema_entity *type)
{
	size_t column = INDENT + 5;

	gs_text_puts(to, ":");
	for (size_t i = 0; i < type->value_count; i++) {
		const struct gs_schema_value *v = &type->values[i];
		gs_autofree char *word = gs_strf("%s%s%s", v->name, feature_text(&v->features),
						 i + 1 < type->value_count ? "," : "");

		if (word)
			put_word(to, word, &column);
		else
			to->failed = true;
	}
}

/* "  [size:=]    int (unstable)" */
static void put_member(struct gs_text *to, const struct gs_schema_member *m)
{
	gs_autofree char *type = gs_schema_type_text(m->type);
	gs_autofree char *name =
		gs_strf("%s%s%s", m->optional ? "[" : "", m->name, m->optional ? "]" : "");

	if (!type || !name) {
		to->failed = true;
		return;
	}
	gs_text_printf(to, "  %-*s %s%s", INDENT - 3, name, type, feature_text(&m->features));
	if (m->type->meta == GS_SCHEMA_ENUM)
		put_values(to, m->type);
	gs_text_puts(to, "\n");
}

/* @choice: "tag=value", or "". */
static struct gs_error *put_members(struct gs_text *to, const struct gs_schema_entity *type,
				    const char *choice)
{
	size_t tag_size = type->tag ? strlen(type->tag->name) : 0;
	const struct gs_schema_entity *variant = NULL;

	for (size_t i = 0; i < type->member_count; i++)
		put_member(to, &type->members[i]);
	if (!type->tag && *choice)
		return gs_error_create(GS_ERROR_INVALID, "it has no variants");
	if (!type->tag)
		return NULL;
	if (!*choice) {
		gs_text_printf(to, "  and more by %s: help ... %s=VALUE\n", type->tag->name,
			       type->tag->name);
		return NULL;
	}
	if (strncmp(choice, type->tag->name, tag_size) == 0 && choice[tag_size] == '=')
		variant = gs_schema_variant(type, choice + tag_size + 1);
	if (!variant)
		return gs_error_create(GS_ERROR_INVALID, "'%s' is no value of %s", choice,
				       type->tag->name);
	gs_text_printf(to, "with %s:\n", choice);
	return put_members(to, variant, "");
}

static void put_features(struct gs_text *to, const struct gs_schema_features *f)
{
	for (size_t i = 0; f->names && f->names[i]; i++)
		gs_text_printf(to, "%s%s", i ? ", " : "features: ", f->names[i]);
	gs_text_puts(to, f->names ? "\n" : "");
}

static struct gs_error *describe(const struct gs_schema_entity *e, const char *choice,
				 struct gs_text *to)
{
	gs_autofree char *ret = NULL;
	struct gs_error *err;

	gs_text_printf(to, "%s%s%s\n", e->name, feature_text(&e->features),
		       e->arg->member_count ? "" : ": no arguments");
	err = put_members(to, e->arg, choice);
	if (err)
		return gs_error_wrap(err, "%s", e->name);
	if (e->meta == GS_SCHEMA_COMMAND) {
		ret = gs_schema_type_text(e->ret);
		to->failed |= !ret;
		gs_text_printf(to, "returns: %s\n", ret ? ret : "");
	}
	put_features(to, &e->features);
	return NULL;
}

/* NULL: there is none. */
static const struct gs_schema_entity *find(const struct gs_schema *schema, const char *name)
{
	const struct gs_schema_entity *e = gs_schema_find(schema, GS_SCHEMA_COMMAND, name);

	return e ? e : gs_schema_find(schema, GS_SCHEMA_EVENT, name);
}

/* As the command "schema" shows it. */
static struct gs_error *show_path(const struct shell *s, const char *path)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(s->args, false);
	struct gs_schema_place place;
	struct gs_error *err = gs_schema_resolve(s->schema, path, &place);

	if (err)
		return err;
	gs_emit_begin(e, NULL, NULL);
	schemas_emit_place(e, path, &place);
	gs_emit_end(e);
	return gs_emit_finish(e);
}

struct gs_error *shell_help(struct shell *s, const char *words)
{
	gs_autofree char *name = strndup(words, strcspn(words, " \t"));
	const struct gs_schema_entity *e;
	gs_autotext struct gs_text text = {0};
	struct gs_error *err;

	if (!name)
		return gs_error_nomem();
	if (!*name) {
		shell_show_text(s, overview);
		return NULL;
	}
	if (!s->schema)
		return gs_error_create(GS_ERROR_NODATA, "this QEMU gives no schema to read from");
	if (strchr(name, '/'))
		return show_path(s, words);
	e = find(s->schema, name);
	words += strlen(name);
	if (e)
		err = describe(e, words + strspn(words, " \t"), &text);
	else
		err = gs_schema_check(s->schema, name, NULL, NULL); /* knows what was meant */
	if (!err && text.failed)
		err = gs_error_nomem();
	if (!err)
		shell_show_text(s, text.data);
	return err;
}
