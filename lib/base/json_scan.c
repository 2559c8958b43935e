/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strict scanner: every byte of a JSON text is judged here and nowhere else. */
#include "json_scan.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

struct gs_error *gs_json_scan_error(size_t off, const char *what)
{
	return gs_error_create(GS_ERROR_CORRUPT, "json offset %zu: %s", off, what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The byte at @pos, or a NUL (which no token holds) at the end. */
static char byte_at(const struct gs_json_scan *s, size_t pos)
{
	return pos < s->size ? s->text[pos] : '\0';
}

/* Texts are long: eight bytes at a time go by where that is possible, the first one lowest. */
static bool load8(const struct gs_json_scan *s, uint64_t *ret)
{
	if (s->size - s->pos < sizeof(*ret))
		return false;
	memcpy(ret, s->text + s->pos, sizeof(*ret));
	*ret = le64toh(*ret);
	return true;
}

#define EIGHT(byte) (0x0101010101010101 * (uint64_t)(byte))

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void gs_json_scan_blanks(struct gs_json_scan *s)
{
	uint64_t bytes;

	while (s->pos < s->size && is_space(s->text[s->pos])) {
		s->pos++;
		while (load8(s, &bytes)) {
			uint64_t others = bytes ^ EIGHT(' ');

			if (others) {
				s->pos += (size_t)__builtin_ctzll(others) / 8;
				break;
			}
			s->pos += sizeof(bytes);
		}
	}
}

/* Digits, at least one. */
static struct gs_error *scan_digits(struct gs_json_scan *s)
{
	if (!is_digit(byte_at(s, s->pos)))
		return gs_json_scan_error(s->pos, "expected a digit");
	while (is_digit(byte_at(s, s->pos)))
		s->pos++;
	return NULL;
}

static struct gs_error *scan_integer(struct gs_json_scan *s)
{
	if (byte_at(s, s->pos) == '-')
		s->pos++;
	if (byte_at(s, s->pos) == '0' && is_digit(byte_at(s, s->pos + 1)))
		return gs_json_scan_error(s->pos, "number with a leading zero");
	return scan_digits(s);
}

/* Counts are most of them. */
static bool skip_count(struct gs_json_scan *s)
{
	size_t end = s->pos;
	char after;

	while (end < s->size && is_digit(s->text[end]))
		end++;
	after = byte_at(s, end);
	if (end == s->pos || after == '.' || (after | 0x20) == 'e' ||
	    (s->text[s->pos] == '0' && end - s->pos > 1))
		return false;
	s->pos = end;
	return true;
}

struct gs_error *gs_json_scan_number(struct gs_json_scan *s)
{
	struct gs_error *err;

	if (skip_count(s))
		return NULL;
	err = scan_integer(s);
	if (!err && byte_at(s, s->pos) == '.') {
		s->pos++;
		err = scan_digits(s);
	}
	if (!err && (byte_at(s, s->pos) | 0x20) == 'e') {
		s->pos++;
		if (byte_at(s, s->pos) == '+' || byte_at(s, s->pos) == '-')
			s->pos++;
		err = scan_digits(s);
	}
	return err;
}

/* Value of the hex digit @c, or -1. */
static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hex digits at @pos, or -1. */
static int32_t hex4_at(const struct gs_json_scan *s, size_t pos)
{
	int32_t value = 0;
	int digit;

	for (size_t i = 0; i < 4; i++) {
		digit = hex_digit(byte_at(s, pos + i));
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static bool is_high_surrogate(int32_t unit)
{
	return (unit & 0xfc00) == 0xd800 && unit >= 0;
}

static bool is_low_surrogate(int32_t unit)
{
	return (unit & 0xfc00) == 0xdc00 && unit >= 0;
}

/* The code unit of the \uXXXX at @pos, or -1 if there is none. */
static int32_t unit_at(const struct gs_json_scan *s, size_t pos)
{
	return byte_at(s, pos) == '\\' && byte_at(s, pos + 1) == 'u' ? hex4_at(s, pos + 2) : -1;
}

/* The code point of the valid \uXXXX (or pair of them) at @pos. */
static uint32_t decode_units(const struct gs_json_scan *s, size_t pos, size_t *size_ret)
{
	int32_t high = unit_at(s, pos);

	*size_ret = is_high_surrogate(high) ? 12 : 6;
	if (!is_high_surrogate(high))
		return high;
	return 0x10000 + ((high & 0x3ff) << 10) + (unit_at(s, pos + 6) & 0x3ff);
}

static struct gs_error *scan_unicode_escape(struct gs_json_scan *s, size_t *decoded_size)
{
	int32_t unit = unit_at(s, s->pos);
	char encoded[4];
	size_t size;

	if (unit < 0)
		return gs_json_scan_error(s->pos, "\\u without four hex digits");
	if (unit == 0)
		return gs_json_scan_error(s->pos, "\\u0000 in a string");
	if (is_low_surrogate(unit) ||
	    (is_high_surrogate(unit) && !is_low_surrogate(unit_at(s, s->pos + 6))))
		return gs_json_scan_error(s->pos, "lone surrogate");
	*decoded_size += gs_utf8_encode(decode_units(s, s->pos, &size), encoded);
	s->pos += size;
	return NULL;
}

/* What a backslash makes of @c, or NUL if nothing (\u is not for here). */
static char short_escape(char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? to[found - from] : '\0';
}

static struct gs_error *scan_escape(struct gs_json_scan *s, size_t *decoded_size)
{
	if (byte_at(s, s->pos + 1) == 'u')
		return scan_unicode_escape(s, decoded_size);
	if (!short_escape(byte_at(s, s->pos + 1)))
		return gs_json_scan_error(s->pos, "unknown escape");
	s->pos += 2;
	*decoded_size += 1;
	return NULL;
}

/* ASCII that stands for itself and ends nothing. */
static bool is_plain(char c)
{
	return (uint8_t)c >= 0x20 && (uint8_t)c < 0x80 && c != '"' && c != '\\';
}

/*
 * The same of eight bytes: the highest bit of the first that is not plain is set, none below it.
 * (Subtracting borrows from the byte above, but the first to do so is one that is not plain.)
 */
static uint64_t not_plain(uint64_t bytes)
{
	uint64_t quotes = bytes ^ EIGHT('"'), backslashes = bytes ^ EIGHT('\\');

	return (bytes | (bytes - EIGHT(0x20)) | (quotes - EIGHT(1)) | (backslashes - EIGHT(1))) &
	       EIGHT(0x80);
}

static void skip_plain(struct gs_json_scan *s)
{
	uint64_t bytes, found;

	while (load8(s, &bytes)) {
		found = not_plain(bytes);
		if (found) {
			s->pos += (size_t)__builtin_ctzll(found) / 8;
			return;
		}
		s->pos += sizeof(bytes);
	}
	while (s->pos < s->size && is_plain(s->text[s->pos]))
		s->pos++;
}

/* What else stands for itself. */
static struct gs_error *scan_sequence(struct gs_json_scan *s, size_t *decoded_size)
{
	size_t length = gs_utf8_sequence(s->text + s->pos, s->size - s->pos);

	if (!length)
		return gs_json_scan_error(s->pos, "invalid UTF-8");
	if ((uint8_t)s->text[s->pos] < 0x20)
		return gs_json_scan_error(s->pos, "control character in a string");
	s->pos += length;
	*decoded_size += length;
	return NULL;
}

struct gs_error *gs_json_scan_string(struct gs_json_scan *s, size_t *decoded_size_ret)
{
	struct gs_error *err = NULL;
	size_t decoded_size = 0;

	s->pos++;
	while (!err) {
		size_t start = s->pos;

		skip_plain(s);
		decoded_size += s->pos - start;
		if (s->pos == s->size)
			return gs_json_scan_error(s->pos, "the text ends inside a string");
		if (s->text[s->pos] == '"')
			break;
		err = s->text[s->pos] == '\\' ? scan_escape(s, &decoded_size)
					      : scan_sequence(s, &decoded_size);
	}
	s->pos++;
	*decoded_size_ret = decoded_size;
	return err;
}

static struct gs_error *scan_word(struct gs_json_scan *s, const char *word)
{
	size_t size = strlen(word);

	if (s->size - s->pos < size || memcmp(s->text + s->pos, word, size) != 0)
		return gs_json_scan_error(s->pos, "unknown word");
	s->pos += size;
	return NULL;
}

static enum gs_json_token_type type_of(char first)
{
	switch (first) {
	case '{':
		return GS_JSON_TOKEN_OBJECT;
	case '}':
		return GS_JSON_TOKEN_OBJECT_END;
	case '[':
		return GS_JSON_TOKEN_ARRAY;
	case ']':
		return GS_JSON_TOKEN_ARRAY_END;
	case ',':
		return GS_JSON_TOKEN_COMMA;
	case ':':
		return GS_JSON_TOKEN_COLON;
	case '"':
		return GS_JSON_TOKEN_STRING;
	case 'n':
		return GS_JSON_TOKEN_NULL;
	case 'f':
		return GS_JSON_TOKEN_FALSE;
	case 't':
		return GS_JSON_TOKEN_TRUE;
	default:
		return is_digit(first) || first == '-' ? GS_JSON_TOKEN_NUMBER : GS_JSON_TOKEN_END;
	}
}

static struct gs_error *scan_token(struct gs_json_scan *s, struct gs_json_token *token)
{
	switch (token->type) {
	case GS_JSON_TOKEN_END:
		return gs_json_scan_error(s->pos, "unexpected byte");
	case GS_JSON_TOKEN_NUMBER:
		return gs_json_scan_number(s);
	case GS_JSON_TOKEN_STRING:
		return gs_json_scan_string(s, &token->decoded_size);
	case GS_JSON_TOKEN_NULL:
		return scan_word(s, "null");
	case GS_JSON_TOKEN_FALSE:
		return scan_word(s, "false");
	case GS_JSON_TOKEN_TRUE:
		return scan_word(s, "true");
	default:
		s->pos++;
		return NULL;
	}
}

struct gs_error *gs_json_scan_next(struct gs_json_scan *s, struct gs_json_token *ret)
{
	struct gs_json_token token = {.type = GS_JSON_TOKEN_END};
	struct gs_error *err = NULL;

	gs_json_scan_space(s);
	token.off = s->pos;
	if (s->pos < s->size) {
		token.type = type_of(s->text[s->pos]);
		err = scan_token(s, &token);
	}
	if (err)
		return err;
	token.size = s->pos - token.off;
	*ret = token;
	return NULL;
}

void gs_json_scan_decode(const struct gs_json_scan *s, const struct gs_json_token *token, char *to)
{
	size_t pos = token->off + 1, end = token->off + token->size - 1, size;

	if (token->decoded_size == end - pos) {
		memcpy(to, s->text + pos, end - pos);
		return;
	}
	while (pos < end) {
		if (s->text[pos] != '\\') {
			*to++ = s->text[pos++];
		} else if (s->text[pos + 1] != 'u') {
			*to++ = short_escape(s->text[pos + 1]);
			pos += 2;
		} else {
			to += gs_utf8_encode(decode_units(s, pos, &size), to);
			pos += size;
		}
	}
}
