/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings that grow, and numbers and sizes to and from text. */
#ifndef GUESTSCOPE_BASE_TEXT_H
#define GUESTSCOPE_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

/*
 * A growing byte string. {0} is empty and valid. data is always NUL-terminated once anything was
 * appended. Running out of memory is sticky: later appends do nothing and gs_text_finish() reports
 * it, so that builders need one check at the end.
 */
struct gs_text {
	char *data;
	size_t size; /* bytes without the final NUL */
	size_t capacity;
	bool failed;
};

void gs_text_append(struct gs_text *t, const void *data, size_t size);
void gs_text_puts(struct gs_text *t, const char *string);
GS_PRINTF(2, 3) void gs_text_printf(struct gs_text *t, const char *fmt, ...);
GS_PRINTF(2, 0) void gs_text_vprintf(struct gs_text *t, const char *fmt, va_list ap);
/* Hostile text for people: control characters and bytes that are not UTF-8 come out as \xNN. */
void gs_text_puts_printable(struct gs_text *t, const char *string);
/* The same for text of many lines, which stay lines; CR LF ends one, too. */
void gs_text_append_printable_lines(struct gs_text *t, const char *text, size_t size);
/* The same for HTML and XML, between tags and in quoted attributes. */
void gs_text_puts_markup(struct gs_text *t, const char *string);
/*
 * The words of @string (printable already), with one blank between, in lines of at most @width
 * columns, of which the later ones are indented by @indent; from @column on, which is then where
 * the next call goes on. A word that is longer than a line is left whole. No newline at the end.
 */
struct gs_wrap {
	unsigned int column, indent, width;
	bool has_words; /* before: a blank goes between, or a new line */
};
void gs_text_puts_wrapped(struct gs_text *t, const char *string, struct gs_wrap *wrap);
void gs_text_clear(struct gs_text *t); /* keeps the room */
void gs_text_deinit(struct gs_text *t);
/* The string, owned by the caller ("" if nothing was appended); @t is empty afterwards. */
GS_MUST_CHECK struct gs_error *gs_text_finish(struct gs_text *t, char **ret);

static inline void gs_text_cleanup(struct gs_text *t)
{
	gs_text_deinit(t);
}
#define gs_autotext __attribute__((cleanup(gs_text_cleanup)))

/* printf into a string that the caller frees; NULL when out of memory. */
GS_PRINTF(1, 2) char *gs_strf(const char *fmt, ...);

/* Whole-string unsigned numbers: decimal or 0x hex; no sign, no spaces. INVALID says what is wrong.
 */
GS_MUST_CHECK struct gs_error *gs_parse_u64(const char *text, uint64_t *ret);
/* As gs_parse_u64() with an optional K, M, G, T (powers of 1024; also KiB, KB...), in any case. */
GS_MUST_CHECK struct gs_error *gs_parse_size(const char *text, uint64_t *bytes_ret);
/* Seconds as a decimal fraction ("2.5"), or with ms, s, m, h; result in milliseconds. */
GS_MUST_CHECK struct gs_error *gs_parse_duration(const char *text, uint64_t *ms_ret);

/* "500ns", "1.5us", "20ms", "1s": the unit must be told; result in nanoseconds. */
GS_MUST_CHECK struct gs_error *gs_parse_time_ns(const char *text, uint64_t *ns_ret);

/* "850 ns", "12.3 us", "4.56 s": for people. @buf takes GS_TIME_TEXT bytes; returns buf. */
#define GS_TIME_TEXT 24
char *gs_format_time_ns(uint64_t ns, char buf[GS_TIME_TEXT]);
/* "1.5 GiB", "0 B", "4 KiB": for people. @buf takes GS_SIZE_TEXT bytes; returns buf. */
#define GS_SIZE_TEXT 24
char *gs_format_size(uint64_t bytes, char buf[GS_SIZE_TEXT]);

/* The nearest of @names (NULL-terminated) to @word by edit distance, or NULL if none is near. */
const char *gs_did_you_mean(const char *word, const char *const names[]);

#endif
