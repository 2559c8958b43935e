/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON: one strict scanner that frames and validates, and a tree with exact numbers.
 *
 * Numbers keep their source text, so 2^64-1 and 1.10 come out as they went in. Strings are valid
 * UTF-8 without NUL: a \u0000 is refused with its offset. Nothing else in the project parses or
 * prints JSON; the tree is a cJSON tree, which only lib/base/json*.c knows.
 */
#ifndef GUESTSCOPE_BASE_JSON_H
#define GUESTSCOPE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

enum gs_json_type {
	GS_JSON_NULL,
	GS_JSON_BOOL,
	GS_JSON_NUMBER,
	GS_JSON_STRING,
	GS_JSON_ARRAY,
	GS_JSON_OBJECT,
};

struct gs_json; /* one value with all below it; the root owns the rest */

#define GS_JSON_DEPTH_MAX 1024        /* nesting, as QEMU's own limit */
#define GS_JSON_VALUES_MAX (8u << 20) /* in one text; each costs about 100 bytes in a tree */

/*
 * Parse exactly one value with nothing but white space around it. Refused: duplicate keys, trailing
 * commas, lone surrogates, invalid UTF-8, control characters, NUL, leading zeros, depth above
 * GS_JSON_DEPTH_MAX, more than GS_JSON_VALUES_MAX values. GS_ERROR_CORRUPT names the byte offset.
 * @ret stays untouched on failure.
 */
GS_MUST_CHECK struct gs_error *gs_json_parse(const char *text, size_t size, struct gs_json **ret);
void gs_json_destroy(struct gs_json *value);
GS_DEFINE_CLEANUP(struct gs_json *, gs_json_destroy)
#define gs_autojson GS_CLEANUP(gs_json_destroy)

/* Reading. All take NULL and wrong types gracefully, so that lookups chain: the result is then
 * NULL, 0 or false. Borrowed pointers live as long as the tree. */
enum gs_json_type gs_json_type(const struct gs_json *value);
const char *gs_json_type_name(enum gs_json_type type);
const struct gs_json *gs_json_get(const struct gs_json *object, const char *key);
/* Walk down: gs_json_path(reply, "return", "status", NULL). */
__attribute__((sentinel)) const struct gs_json *gs_json_path(const struct gs_json *value, ...);
const struct gs_json *gs_json_at(const struct gs_json *array, size_t index);
size_t gs_json_count(const struct gs_json *container);
const struct gs_json *gs_json_first(const struct gs_json *container);
const struct gs_json *gs_json_next(const struct gs_json *item);
const char *gs_json_key(const struct gs_json *item);          /* member's name, else NULL */
const char *gs_json_string(const struct gs_json *value);      /* NULL unless a string */
const char *gs_json_number_text(const struct gs_json *value); /* exact source text, else NULL */
bool gs_json_is_true(const struct gs_json *value);
bool gs_json_u64(const struct gs_json *value, uint64_t *ret); /* an integer that fits, else false */
bool gs_json_i64(const struct gs_json *value, int64_t *ret);
bool gs_json_double(const struct gs_json *value, double *ret);
/* Member order is ignored; numbers are equal when their texts are: 1 is not 1.0. */
bool gs_json_equal(const struct gs_json *a, const struct gs_json *b);

#define gs_json_for_each(item, container) \
	for (const struct gs_json *item = gs_json_first(container); item; item = gs_json_next(item))

/*
 * Building. A NULL return is out of memory; gs_json_set() and gs_json_append() take @value even on
 * failure, and take NULL as "out of memory" too, so a chain of them needs one check at the end.
 */
struct gs_json *gs_json_new_object(void);
struct gs_json *gs_json_new_array(void);
struct gs_json *gs_json_new_null(void);
struct gs_json *gs_json_new_bool(bool v);
struct gs_json *gs_json_new_u64(uint64_t v);
struct gs_json *gs_json_new_i64(int64_t v);
struct gs_json *gs_json_new_double(double v);
struct gs_json *gs_json_new_string(
	const char *v); /* NULL @v gives null; bad UTF-8 is replaced by U+FFFD */
struct gs_json *gs_json_new_hex(uint64_t v); /* "0x1f": addresses are strings */
struct gs_json *gs_json_copy(const struct gs_json *value);
/* Append to @array, in constant time. false: out of memory. */
bool gs_json_append(struct gs_json *array, struct gs_json *value);
/* Member @key of @object, replacing one of that name; walks @object. false: out of memory. */
bool gs_json_set(struct gs_json *object, const char *key, struct gs_json *value);
/* As gs_json_get(), for a tree of one's own: what is set below the result is set in @object. */
struct gs_json *gs_json_get_mutable(struct gs_json *object, const char *key);
/* Take member @key out of @object, for the caller to own; NULL when there is none. */
struct gs_json *gs_json_detach(struct gs_json *object, const char *key);

enum gs_json_layout {
	GS_JSON_COMPACT, /* {"a":1,"b":[1,2]} */
	GS_JSON_SPACED,  /* {"a": 1, "b": [1, 2]}, as QEMU does it */
	GS_JSON_PRETTY,  /* two spaces, one member a line */
};
/* ASCII only (\uXXXX beyond), members in the order received. NULL when out of memory. */
char *gs_json_print(const struct gs_json *value, enum gs_json_layout layout);

/*
 * The framer finds the end of top-level values in a byte stream without building a tree: string
 * aware, depth counting, indifferent to line ends. Feed it whatever arrived. It judges no more than
 * it must, so that a malformed value is refused once, and whole, by gs_json_parse(). {0} is ready.
 */
struct gs_json_framer {
	int depth;
	bool in_string, escaped, started, scalar;
};

enum gs_json_frame {
	GS_JSON_FRAME_MORE, /* all consumed, the value (or the space before it) goes on */
	/* A value ended after @used bytes; the framer is ready for the next one. @used is 0 when
	 * the first byte ends a bare number or word of the feed before, and starts something else.
	 */
	GS_JSON_FRAME_DONE,
	/* Byte @used - 1 can start no value (a stray bracket, say), or is 0xFF or, outside strings,
	 * a control character, which no value holds; the framer is reset. */
	GS_JSON_FRAME_BAD,
};
/* Leading white space counts as used and does not start a value; so does the white space that ends
 * a bare number or word. */
enum gs_json_frame gs_json_framer_feed(struct gs_json_framer *f, const char *data, size_t size,
				       size_t *used);

#endif
