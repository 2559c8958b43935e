/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON without a tree: values in the order in which the caller asks for them. */
#include <guestscope/base/json_reader.h>

#include <stdlib.h>

#include "json_scan.h"

void gs_json_reader_init(struct gs_json_reader *r, const char *text, size_t size)
{
	*r = (struct gs_json_reader){.scan = {.text = text, .size = size}};
}

void gs_json_reader_deinit(struct gs_json_reader *r)
{
	free(gs_take(r->decoded));
}

/* The first byte past white space, or NUL (which begins no value) at the end. */
static char look(struct gs_json_reader *r)
{
	gs_json_scan_space(&r->scan);
	return r->scan.pos < r->scan.size ? r->scan.text[r->scan.pos] : '\0';
}

static struct gs_error *wrong(const struct gs_json_reader *r, const char *what)
{
	return gs_json_scan_error(r->scan.pos,
				  r->scan.pos < r->scan.size ? what : "the text ends too early");
}

enum gs_json_type gs_json_reader_type(struct gs_json_reader *r)
{
	switch (look(r)) {
	case '{':
		return GS_JSON_OBJECT;
	case '[':
		return GS_JSON_ARRAY;
	case '"':
		return GS_JSON_STRING;
	case 't':
	case 'f':
		return GS_JSON_BOOL;
	case '-':
	case '0' ... '9':
		return GS_JSON_NUMBER;
	default:
		return GS_JSON_NULL;
	}
}

/* ---- values ---- */

static struct gs_error *other_type(struct gs_json_reader *r, enum gs_json_type wanted)
{
	enum gs_json_type type = gs_json_reader_type(r);

	if (type == GS_JSON_NULL && look(r) != 'n')
		return wrong(r, "expected a value");
	return gs_error_create(GS_ERROR_INVALID, "json offset %zu: expected %s, found %s",
			       r->scan.pos, gs_json_type_name(wanted), gs_json_type_name(type));
}

static struct gs_error *expect(struct gs_json_reader *r, enum gs_json_type type)
{
	if (gs_json_reader_type(r) != type)
		return other_type(r, type);
	r->is_first = false;
	return NULL;
}

/* What follows it is judged by who reads on. */
static bool read_word(struct gs_json_reader *r, const char *word, size_t size)
{
	const struct gs_json_scan *scan = &r->scan;

	if (scan->size - scan->pos < size || memcmp(scan->text + scan->pos, word, size) != 0)
		return false;
	r->scan.pos += size;
	return true;
}

struct gs_error *gs_json_reader_bool(struct gs_json_reader *r, bool *ret)
{
	struct gs_error *err = expect(r, GS_JSON_BOOL);
	bool value;

	if (err)
		return err;
	value = read_word(r, "true", 4);
	if (!value && !read_word(r, "false", 5))
		return gs_json_scan_error(r->scan.pos, "unknown word");
	*ret = value;
	return NULL;
}

struct gs_error *gs_json_reader_number(struct gs_json_reader *r, struct gs_json_slice *text_ret)
{
	struct gs_error *err = expect(r, GS_JSON_NUMBER);
	size_t start = r->scan.pos;

	if (!err)
		err = gs_json_scan_number(&r->scan);
	if (!err)
		*text_ret = (struct gs_json_slice){r->scan.text + start, r->scan.pos - start};
	return err;
}

static struct gs_error *decode(struct gs_json_reader *r, const struct gs_json_token *token,
			       struct gs_json_slice *ret)
{
	gs_json_reader_deinit(r);
	r->decoded = malloc(token->decoded_size);
	if (!r->decoded)
		return gs_error_nomem();
	gs_json_scan_decode(&r->scan, token, r->decoded);
	*ret = (struct gs_json_slice){r->decoded, token->decoded_size};
	return NULL;
}

static struct gs_error *read_string(struct gs_json_reader *r, struct gs_json_slice *ret)
{
	struct gs_json_token token = {.type = GS_JSON_TOKEN_STRING, .off = r->scan.pos};
	struct gs_error *err = gs_json_scan_string(&r->scan, &token.decoded_size);

	if (err)
		return err;
	token.size = r->scan.pos - token.off;
	if (token.decoded_size != token.size - 2)
		return decode(r, &token, ret);
	*ret = (struct gs_json_slice){r->scan.text + token.off + 1, token.decoded_size};
	return NULL;
}

struct gs_error *gs_json_reader_string(struct gs_json_reader *r, struct gs_json_slice *ret)
{
	struct gs_error *err = expect(r, GS_JSON_STRING);

	return err ? err : read_string(r, ret);
}

/* ---- containers ---- */

struct gs_error *gs_json_reader_enter(struct gs_json_reader *r, enum gs_json_type type)
{
	struct gs_error *err = expect(r, type);

	if (err)
		return err;
	if (r->depth == GS_JSON_DEPTH_MAX)
		return wrong(r, "nested too deeply");
	r->depth++;
	r->scan.pos++;
	r->is_first = true;
	return NULL;
}

/* To what follows in a container: past the comma, or past @end. */
static struct gs_error *go_on(struct gs_json_reader *r, char end, const char *what, bool *more_ret)
{
	char c = look(r);
	bool more = c != end;

	if (more && !r->is_first && c != ',')
		return wrong(r, what);
	if (!more || !r->is_first)
		r->scan.pos++;
	r->depth -= !more;
	r->is_first = false;
	*more_ret = more;
	return NULL;
}

struct gs_error *gs_json_reader_element(struct gs_json_reader *r, bool *more_ret)
{
	return go_on(r, ']', "expected ',' or ']'", more_ret);
}

static bool read_likely(struct gs_json_reader *r, struct gs_json_slice likely)
{
	const struct gs_json_scan *scan = &r->scan;
	const char *key = scan->text + scan->pos + 1;

	if (scan->size - scan->pos < likely.size + 2 || key[likely.size] != '"' ||
	    memcmp(key, likely.text, likely.size) != 0)
		return false;
	r->scan.pos += likely.size + 2;
	return true;
}

static struct gs_error *read_key(struct gs_json_reader *r, struct gs_json_slice likely,
				 struct gs_json_slice *ret)
{
	if (look(r) != '"')
		return wrong(r, "expected a key");
	if (likely.size == 0 || !read_likely(r, likely))
		return read_string(r, ret);
	*ret = likely;
	return NULL;
}

struct gs_error *gs_json_reader_likely_member(struct gs_json_reader *r, struct gs_json_slice likely,
					      struct gs_json_slice *key_ret, bool *more_ret)
{
	struct gs_error *err = go_on(r, '}', "expected ',' or '}'", more_ret);

	if (err || !*more_ret)
		return err;
	err = read_key(r, likely, key_ret);
	if (err)
		return err;
	if (look(r) != ':')
		return wrong(r, "expected ':'");
	r->scan.pos++;
	return NULL;
}

struct gs_error *gs_json_reader_member(struct gs_json_reader *r, struct gs_json_slice *key_ret,
				       bool *more_ret)
{
	return gs_json_reader_likely_member(r, (struct gs_json_slice){0}, key_ret, more_ret);
}

/* ---- what is passed over ---- */

static struct gs_error *skip_null(struct gs_json_reader *r)
{
	r->is_first = false;
	if (look(r) != 'n')
		return wrong(r, "expected a value");
	return read_word(r, "null", 4) ? NULL : gs_json_scan_error(r->scan.pos, "unknown word");
}

/* A value, or as far into it as to its first element. */
static struct gs_error *skip_into(struct gs_json_reader *r, bool *is_object)
{
	enum gs_json_type type = gs_json_reader_type(r);
	struct gs_json_slice text;
	struct gs_error *err;
	bool value;

	switch (type) {
	case GS_JSON_BOOL:
		return gs_json_reader_bool(r, &value);
	case GS_JSON_NUMBER:
		return gs_json_reader_number(r, &text);
	case GS_JSON_STRING:
		return gs_json_reader_string(r, &text);
	case GS_JSON_NULL:
		return skip_null(r);
	default:
		err = gs_json_reader_enter(r, type);
		if (!err)
			is_object[r->depth - 1] = type == GS_JSON_OBJECT;
		return err;
	}
}

struct gs_error *gs_json_reader_skip(struct gs_json_reader *r, struct gs_json_slice *text_ret)
{
	bool is_object[GS_JSON_DEPTH_MAX], more;
	unsigned int depth = r->depth;
	struct gs_json_slice key;
	struct gs_error *err;
	size_t start;

	look(r);
	start = r->scan.pos;
	err = skip_into(r, is_object);
	while (!err && r->depth > depth) {
		err = is_object[r->depth - 1] ? gs_json_reader_member(r, &key, &more)
					      : gs_json_reader_element(r, &more);
		if (!err && more)
			err = skip_into(r, is_object);
	}
	if (!err && text_ret)
		*text_ret = (struct gs_json_slice){r->scan.text + start, r->scan.pos - start};
	return err;
}

struct gs_error *gs_json_reader_end(struct gs_json_reader *r)
{
	look(r);
	return r->scan.pos == r->scan.size ? NULL : wrong(r, "more text after the value");
}

bool gs_json_slice_u64(struct gs_json_slice number, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < number.size; i++) {
		char c = number.text[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	*ret = value;
	return number.size > 0;
}
