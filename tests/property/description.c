// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptions: their memory, their copies, and their two forms of text. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "description.h"

/* ---- memory ---- */

#define POOL_SIZE ((size_t)64 << 20)

static char *pool;
static size_t pool_used;

void *pool_take(size_t size)
{
	char *start;

	if (!pool)
		pool = malloc(POOL_SIZE);
	size = (size + 15) & ~(size_t)15;
	if (!pool || size > POOL_SIZE - pool_used) {
		fprintf(stderr, "no memory left for a pair\n");
		exit(2);
	}
	start = pool + pool_used;
	pool_used += size;
	return memset(start, 0, size);
}

char *pool_printf(const char *fmt, ...)
{
	char buf[1024], *copy;
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(buf))
		size = sizeof(buf) - 1;
	copy = pool_take((size_t)size + 1);
	memcpy(copy, buf, (size_t)size);
	return copy;
}

size_t pool_mark(void)
{
	return pool_used;
}

void pool_release(size_t mark)
{
	pool_used = mark;
}

/* ---- values ---- */

struct description *description_new(const char *name, unsigned int version, unsigned int minimum)
{
	struct description *description = pool_take(sizeof(*description));

	snprintf(description->name, NAME_SIZE, "%s", name);
	description->version = version;
	description->minimum = minimum;
	return description;
}

struct description *description_copy(const struct description *description)
{
	struct description *copy;

	if (!description)
		return NULL;
	copy = pool_take(sizeof(*copy));
	*copy = *description;
	for (size_t i = 0; i < copy->field_count; i++)
		copy->fields[i].description = description_copy(copy->fields[i].description);
	for (size_t i = 0; i < copy->subsection_count; i++)
		copy->subsections[i] = description_copy(copy->subsections[i]);
	return copy;
}

struct export export_copy(const struct export *export)
{
	struct export copy = *export;

	copy.description = description_copy(export->description);
	return copy;
}

void field_insert(struct description *description, size_t at, const struct field *field)
{
	struct field copy = *field; /* it may be one of those that move */

	if (description->field_count == FIELDS_MAX) {
		fprintf(stderr, "%s: more than %d fields\n", description->name, FIELDS_MAX);
		exit(2);
	}
	memmove(description->fields + at + 1, description->fields + at,
		(description->field_count - at) * sizeof(copy));
	description->fields[at] = copy;
	description->field_count++;
	description->no_fields = false;
}

void field_remove(struct description *description, size_t at)
{
	description->field_count--;
	memmove(description->fields + at, description->fields + at + 1,
		(description->field_count - at) * sizeof(*description->fields));
}

void subsection_remove(struct description *description, size_t at)
{
	description->subsection_count--;
	memmove(description->subsections + at, description->subsections + at + 1,
		(description->subsection_count - at) * sizeof(*description->subsections));
}

bool field_is_unused(const struct field *field)
{
	return strcmp(field->name, "unused") == 0;
}

unsigned int field_occurrence(const struct description *description, size_t at)
{
	unsigned int count = 0;

	for (size_t i = 0; i < at; i++)
		count += strcmp(description->fields[i].name, description->fields[at].name) == 0;
	return count;
}

/* ---- from text ---- */

static struct description *parse_description(const char **text);

static void expected(const char *what, const char *text)
{
	fprintf(stderr, "expected %s, not \"%s\"\n", what, text);
	exit(2);
}

static bool skip(const char **text, char c)
{
	while (**text == ' ')
		++*text;
	if (**text != c)
		return false;
	++*text;
	return true;
}

static void need(const char **text, char c)
{
	char what[] = {c, '\0'};

	if (!skip(text, c))
		expected(what, *text);
}

static unsigned int parse_number(const char **text)
{
	char *end;
	unsigned long value = strtoul(*text, &end, 10);

	if (end == *text)
		expected("a number", *text);
	*text = end;
	return (unsigned int)value;
}

static void parse_name(const char **text, const char *ends, char *ret)
{
	size_t size;

	*text += strspn(*text, " ");
	size = strcspn(*text, ends);
	if (size == 0 || size >= NAME_SIZE)
		expected("a name", *text);
	memcpy(ret, *text, size);
	ret[size] = '\0';
	*text += size;
}

/* "2x4", "4", "*", "2x(...)", "(...)" */
static void parse_shape(const char **text, struct field *field)
{
	const char *digits = *text + strspn(*text, "0123456789");

	if (*digits == 'x' && digits > *text) {
		field->num = parse_number(text);
		++*text;
	}
	if (**text == '(')
		field->description = parse_description(text);
	else if (!skip(text, '*'))
		field->size = parse_number(text);
}

static void parse_field(const char **text, struct description *description)
{
	struct field field = {0};

	parse_name(text, " :()", field.name);
	need(text, ':');
	parse_shape(text, &field);
	if (**text == '@') {
		++*text;
		field.version = parse_number(text);
	}
	if (**text == '?') {
		++*text;
		field.conditional = true;
	}
	field_insert(description, description->field_count, &field);
}

static struct description *parse_description(const char **text)
{
	struct description *description = description_new("", 0, 0);

	need(text, '(');
	parse_name(text, " ()", description->name);
	description->version = parse_number(text);
	description->minimum = parse_number(text);
	while (!skip(text, ')')) {
		if (skip(text, '-'))
			description->no_fields = true;
		else if (!skip(text, '+'))
			parse_field(text, description);
		else if (description->subsection_count < SUBSECTIONS_MAX)
			description->subsections[description->subsection_count++] =
				parse_description(text);
		else
			expected("fewer subsections", *text);
	}
	return description;
}

struct export export_parse(const char *text)
{
	const char *rest = text;
	struct export export = {.tells_num = !skip(&rest, '~')};

	if (skip(&rest, '-'))
		return export;
	if (*rest != '(') {
		parse_name(&rest, " =", export.type);
		need(&rest, '=');
	}
	export.description = parse_description(&rest);
	if (!*export.type)
		memcpy(export.type, export.description->name, NAME_SIZE);
	return export;
}

/* ---- to text ---- */

static void put_description(struct gs_text *text, const struct description *description)
{
	gs_text_printf(text, "(%s %u %u", description->name, description->version,
		       description->minimum);
	if (description->no_fields)
		gs_text_puts(text, " -");
	for (size_t i = 0; i < description->field_count; i++) {
		const struct field *field = &description->fields[i];

		gs_text_printf(text, " %s:", field->name);
		if (field->num)
			gs_text_printf(text, "%ux", field->num);
		if (field->description)
			put_description(text, field->description);
		else if (field->size)
			gs_text_printf(text, "%u", field->size);
		else
			gs_text_puts(text, "*");
		if (field->version)
			gs_text_printf(text, "@%u", field->version);
		gs_text_puts(text, field->conditional ? "?" : "");
	}
	for (size_t i = 0; i < description->subsection_count; i++) {
		gs_text_puts(text, " +");
		put_description(text, description->subsections[i]);
	}
	gs_text_puts(text, ")");
}

static char *text_into_pool(const struct gs_text *text)
{
	char *copy = pool_take(text->size + 1);

	memcpy(copy, text->data, text->size);
	return copy;
}

char *export_text(const struct export *export)
{
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, export->tells_num ? "" : "~");
	if (!export->description) {
		gs_text_puts(&text, "-");
		return text_into_pool(&text);
	}
	if (strcmp(export->type, export->description->name) != 0)
		gs_text_printf(&text, "%s=", export->type);
	put_description(&text, export->description);
	return text_into_pool(&text);
}

/* ---- to JSON ---- */

static void put_json(struct gs_text *text, const struct export *export,
		     const struct description *description);

/* The size of a struct in C is any number: here one that another export does not have. */
static void put_json_field(struct gs_text *text, const struct export *export,
			   const struct field *field)
{
	gs_text_printf(text,
		       "{\"field\": \"%s\", \"version_id\": %u, \"field_exists\": %s, "
		       "\"size\": %u",
		       field->name, field->version, field->conditional ? "true" : "false",
		       field->description ? (unsigned int)text->size : field->size);
	if (field->num && export->tells_num)
		gs_text_printf(text, ", \"num\": %u", field->num);
	if (field->description) {
		gs_text_puts(text, ", \"Description\": ");
		put_json(text, export, field->description);
	}
	gs_text_puts(text, "}");
}

static void put_json(struct gs_text *text, const struct export *export,
		     const struct description *description)
{
	gs_text_printf(text, "{\"name\": \"%s\", \"version_id\": %u, \"minimum_version_id\": %u",
		       description->name, description->version, description->minimum);
	if (!description->no_fields) {
		gs_text_puts(text, ", \"Fields\": [");
		for (size_t i = 0; i < description->field_count; i++) {
			gs_text_puts(text, i ? ", " : "");
			put_json_field(text, export, &description->fields[i]);
		}
		gs_text_puts(text, "]");
	}
	if (description->subsection_count) {
		gs_text_puts(text, ", \"Subsections\": [");
		for (size_t i = 0; i < description->subsection_count; i++) {
			gs_text_puts(text, i ? ", " : "");
			put_json(text, export, description->subsections[i]);
		}
		gs_text_puts(text, "]");
	}
	gs_text_puts(text, "}");
}

static void put_json_device(struct gs_text *text, const struct export *export)
{
	gs_text_printf(
		text,
		", \"%s\": {\"Name\": \"%s\", \"version_id\": %u, \"minimum_version_id\": %u, "
		"\"Description\": ",
		export->type, export->type, export->description->version,
		export->description->minimum);
	put_json(text, export, export->description);
	gs_text_puts(text, "}");
}

char *export_json(const struct export *export, const char *machine)
{
	gs_autotext struct gs_text text = {0};
	struct export other = export_parse("(zz-lengths 1 1 n:1x1)");

	other.tells_num = export->tells_num;
	gs_text_printf(&text, "{\"vmschkmachine\": {\"Name\": \"%s\"}", machine);
	if (export->description)
		put_json_device(&text, export);
	put_json_device(&text, &other);
	gs_text_puts(&text, "}");
	return text_into_pool(&text);
}
