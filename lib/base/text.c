/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings that grow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "utf8.h"

#define TEXT_CAPACITY_MIN 64

/* Room for @extra more bytes and the final NUL. */
static bool text_reserve(struct gs_text *t, size_t extra)
{
	size_t need, capacity;
	char *data;

	if (t->failed)
		return false;
	if (__builtin_add_overflow(t->size, extra, &need) || need == SIZE_MAX)
		goto failed;
	need++;
	if (need <= t->capacity)
		return true;
	capacity = t->capacity ? t->capacity : TEXT_CAPACITY_MIN;
	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	data = realloc(t->data, capacity);
	if (!data)
		goto failed;
	t->data = data;
	t->capacity = capacity;
	return true;
failed:
	t->failed = true;
	return false;
}

void gs_text_append(struct gs_text *t, const void *data, size_t size)
{
	if (!text_reserve(t, size))
		return;
	if (size)
		memcpy(t->data + t->size, data, size);
	t->size += size;
	t->data[t->size] = '\0';
}

void gs_text_puts(struct gs_text *t, const char *string)
{
	gs_text_append(t, string, strlen(string));
}

/* Most often it fits where there is room already. */
void gs_text_vprintf(struct gs_text *t, const char *fmt, va_list ap)
{
	va_list again;
	int size;

	if (!text_reserve(t, 0))
		return;
	va_copy(again, ap);
	size = vsnprintf(t->data + t->size, t->capacity - t->size, fmt, again);
	va_end(again);
	if (size < 0) {
		t->data[t->size] = '\0';
		t->failed = true;
		return;
	}
	if ((size_t)size >= t->capacity - t->size) {
		t->data[t->size] = '\0';
		if (!text_reserve(t, (size_t)size))
			return;
		vsnprintf(t->data + t->size, (size_t)size + 1, fmt, ap);
	}
	t->size += (size_t)size;
}

void gs_text_printf(struct gs_text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	gs_text_vprintf(t, fmt, ap);
	va_end(ap);
}

void gs_text_puts_printable(struct gs_text *t, const char *string)
{
	gs_utf8_printable(t, string, strlen(string));
}

void gs_text_append_printable_lines(struct gs_text *t, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		bool has_cr = newline && stop > text && stop[-1] == '\r';

		gs_utf8_printable(t, text, (size_t)(stop - text) - has_cr);
		if (newline)
			gs_text_puts(t, "\n");
		text = newline ? newline + 1 : end;
	}
}

static const char *entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

static bool is_no_character(const char *s)
{
	return strncmp(s, "\xef\xbf\xbe", 3) == 0 || strncmp(s, "\xef\xbf\xbf", 3) == 0;
}

void gs_text_puts_markup(struct gs_text *t, const char *string)
{
	gs_autotext struct gs_text printable = {0};

	gs_text_puts_printable(&printable, string);
	t->failed |= printable.failed;
	for (const char *c = printable.data ? printable.data : ""; *c; c++) {
		if (entity(*c)) {
			gs_text_puts(t, entity(*c));
		} else if (is_no_character(c)) {
			gs_text_puts(t, "?"); /* U+FFFE and U+FFFF are none of XML's */
			c += 2;
		} else {
			gs_text_append(t, c, 1);
		}
	}
}

/* One for each character, as if none was wide. */
static unsigned int columns_of(const char *s, size_t size)
{
	unsigned int columns = 0;

	for (size_t i = 0; i < size; i++)
		columns += ((unsigned char)s[i] & 0xc0) != 0x80;
	return columns;
}

void gs_text_puts_wrapped(struct gs_text *t, const char *string, struct gs_wrap *wrap)
{
	for (size_t size; string += strspn(string, " "), *string; string += size) {
		unsigned int columns;

		size = strcspn(string, " ");
		columns = columns_of(string, size);
		if (wrap->has_words && wrap->column + 1 + columns > wrap->width) {
			gs_text_printf(t, "\n%*s", (int)wrap->indent, "");
			wrap->column = wrap->indent;
		} else if (wrap->has_words) {
			gs_text_puts(t, " ");
			wrap->column++;
		}
		gs_text_append(t, string, size);
		wrap->column += columns;
		wrap->has_words = true;
	}
}

void gs_text_clear(struct gs_text *t)
{
	t->size = 0;
	t->failed = false;
	if (t->data)
		t->data[0] = '\0';
}

void gs_text_deinit(struct gs_text *t)
{
	free(t->data);
	*t = (struct gs_text){0};
}

struct gs_error *gs_text_finish(struct gs_text *t, char **ret)
{
	if (!text_reserve(t, 0)) {
		gs_text_deinit(t);
		return gs_error_nomem();
	}
	t->data[t->size] = '\0';
	*ret = t->data;
	*t = (struct gs_text){0};
	return NULL;
}

char *gs_strf(const char *fmt, ...)
{
	va_list ap;
	char *string;
	int size;

	va_start(ap, fmt);
	size = vasprintf(&string, fmt, ap);
	va_end(ap);
	return size < 0 ? NULL : string;
}
