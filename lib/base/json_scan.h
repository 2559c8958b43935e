/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strict JSON scanner: bytes to tokens, each judged by RFC 8259 before anybody sees it. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stddef.h>

#include <guestscope/base/error.h>
#include <guestscope/base/json_reader.h>

enum gs_json_token_type {
	GS_JSON_TOKEN_END, /* of the text */
	GS_JSON_TOKEN_NULL,
	GS_JSON_TOKEN_FALSE,
	GS_JSON_TOKEN_TRUE,
	GS_JSON_TOKEN_NUMBER,
	GS_JSON_TOKEN_STRING,
	GS_JSON_TOKEN_COMMA,
	GS_JSON_TOKEN_COLON,
	GS_JSON_TOKEN_ARRAY,      /* [ */
	GS_JSON_TOKEN_ARRAY_END,  /* ] */
	GS_JSON_TOKEN_OBJECT,     /* { */
	GS_JSON_TOKEN_OBJECT_END, /* } */
};

struct gs_json_token {
	enum gs_json_token_type type;
	size_t off;          /* of its first byte in the text */
	size_t size;         /* in the text, with the quotes of a string */
	size_t decoded_size; /* of a string, in UTF-8 */
};

/* The next token, past white space. CORRUPT names the offset. */
GS_MUST_CHECK struct gs_error *gs_json_scan_next(struct gs_json_scan *s, struct gs_json_token *ret);
/* Past white space, where there is some. */
void gs_json_scan_blanks(struct gs_json_scan *s);
static inline void gs_json_scan_space(struct gs_json_scan *s)
{
	if (s->pos >= s->size || s->text[s->pos] > ' ')
		return;
	if (s->text[s->pos] == ' ' && s->size - s->pos > 1 && s->text[s->pos + 1] > ' ')
		s->pos++; /* the one behind a colon */
	else
		gs_json_scan_blanks(s);
}
/* Past a number or a string that begins here. */
GS_MUST_CHECK struct gs_error *gs_json_scan_number(struct gs_json_scan *s);
GS_MUST_CHECK struct gs_error *gs_json_scan_string(struct gs_json_scan *s,
						   size_t *decoded_size_ret);
/* Writes the decoded_size bytes of a string token, and no NUL. */
void gs_json_scan_decode(const struct gs_json_scan *s, const struct gs_json_token *token, char *to);
/* CORRUPT "json offset <off>: <what>". */
GS_MUST_CHECK struct gs_error *gs_json_scan_error(size_t off, const char *what);

#endif
