/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Printing a tree as ASCII. Recursion goes as deep as the tree: at most GS_JSON_DEPTH_MAX for what
 * was parsed.
 */
#include <string.h>

#include <guestscope/base/text.h>

#include "json_node.h"
#include "utf8.h"

struct printer {
	struct gs_text text;
	enum gs_json_layout layout;
};

static void print_unit(struct gs_text *t, uint32_t unit)
{
	gs_text_printf(t, "\\u%04x", unit);
}

/* DEL is legal in JSON text, but the text may be shown on a terminal. */
static void print_code(struct gs_text *t, uint32_t code)
{
	if (code >= 0x10000) {
		print_unit(t, 0xd800 + ((code - 0x10000) >> 10));
		print_unit(t, 0xdc00 + ((code - 0x10000) & 0x3ff));
	} else {
		print_unit(t, code);
	}
}

static void print_escape(struct gs_text *t, const char *s, size_t length)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = strchr(from, *s);

	if (found)
		gs_text_append(t, (char[]){'\\', to[found - from]}, 2);
	else
		print_code(t, gs_utf8_decode(s, length));
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void print_string(struct gs_text *t, const char *s)
{
	size_t plain, length;

	gs_text_puts(t, "\"");
	while (*s) {
		for (plain = 0; is_plain(s[plain]);)
			plain++;
		gs_text_append(t, s, plain);
		s += plain;
		if (*s) {
			length = gs_utf8_sequence(s, strnlen(s, 4));
			print_escape(t, s, length);
			s += length;
		}
	}
	gs_text_puts(t, "\"");
}

static void print_break(struct printer *p, int depth)
{
	if (p->layout == GS_JSON_PRETTY)
		gs_text_printf(&p->text, "\n%*s", 2 * depth, "");
}

static void print_value(struct printer *p, const struct gs_json *value, int depth);

static void print_items(struct printer *p, const struct gs_json *container, int depth)
{
	bool object = gs_json_type(container) == GS_JSON_OBJECT;

	gs_json_for_each (item, container) {
		if (item != gs_json_first(container))
			gs_text_puts(&p->text, p->layout == GS_JSON_SPACED ? ", " : ",");
		print_break(p, depth + 1);
		if (object) {
			print_string(&p->text, gs_json_key(item));
			gs_text_puts(&p->text, p->layout == GS_JSON_COMPACT ? ":" : ": ");
		}
		print_value(p, item, depth + 1);
	}
	if (gs_json_first(container))
		print_break(p, depth);
}

static void print_value(struct printer *p, const struct gs_json *value, int depth)
{
	switch (gs_json_type(value)) {
	case GS_JSON_NULL:
		gs_text_puts(&p->text, "null");
		break;
	case GS_JSON_BOOL:
		gs_text_puts(&p->text, gs_json_is_true(value) ? "true" : "false");
		break;
	case GS_JSON_NUMBER:
		gs_text_puts(&p->text, gs_json_number_text(value));
		break;
	case GS_JSON_STRING:
		print_string(&p->text, gs_json_string(value));
		break;
	case GS_JSON_ARRAY:
		gs_text_puts(&p->text, "[");
		print_items(p, value, depth);
		gs_text_puts(&p->text, "]");
		break;
	case GS_JSON_OBJECT:
		gs_text_puts(&p->text, "{");
		print_items(p, value, depth);
		gs_text_puts(&p->text, "}");
		break;
	}
}

char *gs_json_print(const struct gs_json *value, enum gs_json_layout layout)
{
	struct printer p = {.layout = layout};
	gs_autoerror struct gs_error *err = NULL;
	char *text = NULL;

	print_value(&p, value, 0);
	err = gs_text_finish(&p.text, &text);
	return err ? NULL : text;
}
