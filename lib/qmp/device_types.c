/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of types of devices, and lists of them. */
#include <guestscope/qmp/device_types.h>

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define NAME_MAX_SIZE 255 /* of a type in a list; real: 42 */

void gs_device_types_deinit(struct gs_device_types *types)
{
	for (size_t i = 0; i < types->count; i++)
		free(types->names[i]);
	free(types->names);
	*types = (struct gs_device_types){0};
}

/* Where @name is, or would be. */
static size_t place_of(const struct gs_device_types *types, const char *name)
{
	size_t low = 0, high = types->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(types->names[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool gs_device_types_has(const struct gs_device_types *types, const char *name)
{
	size_t i = place_of(types, name);

	return i < types->count && strcmp(types->names[i], name) == 0;
}

static bool make_room(struct gs_device_types *types)
{
	size_t capacity = types->capacity ? 2 * types->capacity : 64;
	char **names;

	if (types->count < types->capacity)
		return true;
	names = reallocarray(types->names, capacity, sizeof(*names));
	if (!names)
		return false;
	types->names = names;
	types->capacity = capacity;
	return true;
}

struct gs_error *gs_device_types_add(struct gs_device_types *types, const char *name)
{
	size_t i = place_of(types, name);
	char *copy;

	if (i < types->count && strcmp(types->names[i], name) == 0)
		return NULL;
	if (types->count == GS_DEVICE_TYPES_MAX)
		return gs_error_create(GS_ERROR_INVALID, "more than %d types of devices",
				       GS_DEVICE_TYPES_MAX);
	copy = make_room(types) ? strdup(name) : NULL;
	if (!copy)
		return gs_error_nomem();
	memmove(types->names + i + 1, types->names + i, (types->count - i) * sizeof(*types->names));
	types->names[i] = copy;
	types->count++;
	return NULL;
}

/* ---- lists ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What QOM lets a type be called, and no more: lists are easily mistaken for something else. */
bool gs_device_types_is_name(const char *text, size_t size)
{
	static const char others[] = "-_.,+";

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    (!c || !strchr(others, c)))
			return false;
	}
	return size && size <= NAME_MAX_SIZE;
}

static struct gs_error *parse_line(const char *line, size_t size, struct gs_device_types *types)
{
	const char *comment = memchr(line, '#', size);
	char name[NAME_MAX_SIZE + 1];

	if (comment)
		size = (size_t)(comment - line);
	for (; size && is_blank(*line); size--)
		line++;
	while (size && is_blank(line[size - 1]))
		size--;
	if (!size)
		return NULL;
	if (!gs_device_types_is_name(line, size))
		return gs_error_create(GS_ERROR_CORRUPT, "expected a type of devices and no more");
	memcpy(name, line, size);
	name[size] = '\0';
	return gs_device_types_add(types, name);
}

struct gs_error *gs_device_types_parse_list(const char *text, size_t size,
					    struct gs_device_types *types)
{
	const char *end = text + size;
	struct gs_error *err = NULL;

	for (size_t number = 1; !err && text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		err = gs_error_wrap(parse_line(text, (size_t)(line_end - text), types), "line %zu",
				    number);
		text = newline ? newline + 1 : end;
	}
	return err;
}

struct gs_error *gs_device_types_parse(const char *text, size_t size, struct gs_device_types *types)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, before some XML */
	size_t at = 0;

	if (size >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0)
		at = strlen(mark);
	while (at < size && (is_blank(text[at]) || text[at] == '\n'))
		at++;
	if (at < size && text[at] == '<')
		return gs_device_types_parse_domain(text + at, size - at, types);
	return gs_device_types_parse_list(text, size, types);
}
