/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text read once, from front to back, for what is large and of a shape that is known: no tree
 * is built, and nothing is copied. As strict as gs_json_parse(), but for duplicate keys: they are
 * the caller's to notice. And what lies behind an error was not looked at.
 *
 *	struct gs_json_slice key;
 *	bool more;
 *
 *	err = gs_json_reader_enter(r, GS_JSON_OBJECT);
 *	while (!err && !(err = gs_json_reader_member(r, &key, &more)) && more)
 *		err = gs_json_slice_is(key, "size") ? read_size(r) : gs_json_reader_skip(r);
 *
 * Errors are CORRUPT and name the byte offset. After one, nothing can be read any more. (INVALID is
 * what was asked for.)
 */
#ifndef GUESTSCOPE_BASE_JSON_READER_H
#define GUESTSCOPE_BASE_JSON_READER_H

#include <string.h>

#include <guestscope/base/json.h>

/* Not NUL-terminated, and without any NUL. Lives until something else is read. */
struct gs_json_slice {
	const char *text;
	size_t size;
};

/* How far the strict scanner is. */
struct gs_json_scan {
	const char *text; /* borrowed; need not be NUL-terminated */
	size_t size;
	size_t pos;
};

struct gs_json_reader {
	struct gs_json_scan scan;
	unsigned int depth; /* of containers that were entered */
	bool is_first;      /* of the innermost one, nothing was read yet */
	char *decoded;      /* a string that had escapes */
};

/* @text is borrowed. */
void gs_json_reader_init(struct gs_json_reader *r, const char *text, size_t size);
void gs_json_reader_deinit(struct gs_json_reader *r);
static inline void gs_json_reader_cleanup(struct gs_json_reader *r)
{
	gs_json_reader_deinit(r);
}
#define gs_autoreader __attribute__((cleanup(gs_json_reader_cleanup)))

/*
 * What the value to be read begins like; GS_JSON_NULL also if there is none, as reading it then
 * says. Reads nothing.
 */
enum gs_json_type gs_json_reader_type(struct gs_json_reader *r);
/* These read a value of the type that they say. INVALID: it is of another, and is still there. */
GS_MUST_CHECK struct gs_error *gs_json_reader_bool(struct gs_json_reader *r, bool *ret);
GS_MUST_CHECK struct gs_error *gs_json_reader_number(struct gs_json_reader *r,
						     struct gs_json_slice *text_ret);
GS_MUST_CHECK struct gs_error *gs_json_reader_string(struct gs_json_reader *r,
						     struct gs_json_slice *ret);
/* An array or an object, from now on its elements or members. */
GS_MUST_CHECK struct gs_error *gs_json_reader_enter(struct gs_json_reader *r,
						    enum gs_json_type type);
/* Go on to the next element of an array that was entered; !*more_ret: it has ended, and is left. */
GS_MUST_CHECK struct gs_error *gs_json_reader_element(struct gs_json_reader *r, bool *more_ret);
/* Go on to the value of the next member of an object that was entered; the same. */
GS_MUST_CHECK struct gs_error *gs_json_reader_member(struct gs_json_reader *r,
						     struct gs_json_slice *key_ret, bool *more_ret);
/*
 * The same for who knows what key it will probably be (ASCII, nothing to be escaped), which is
 * faster if that is right: *key_ret is then @likely itself.
 */
GS_MUST_CHECK struct gs_error *gs_json_reader_likely_member(struct gs_json_reader *r,
							    struct gs_json_slice likely,
							    struct gs_json_slice *key_ret,
							    bool *more_ret);
/* Past a value of any type; its text, which lives as long as all of it. @text_ret may be NULL. */
GS_MUST_CHECK struct gs_error *gs_json_reader_skip(struct gs_json_reader *r,
						   struct gs_json_slice *text_ret);
/* That there is nothing behind the value that was read. */
GS_MUST_CHECK struct gs_error *gs_json_reader_end(struct gs_json_reader *r);

static inline bool gs_json_slice_is(struct gs_json_slice slice, const char *string)
{
	return slice.size == strlen(string) && memcmp(slice.text, string, slice.size) == 0;
}
/* As gs_json_u64(), of the text of a number. */
bool gs_json_slice_u64(struct gs_json_slice number, uint64_t *ret);

#endif
