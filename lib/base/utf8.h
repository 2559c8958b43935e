/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8: the one place that judges byte sequences, and the escaping of text for terminals. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/text.h>

/*
 * Bytes (1 to 4) of the well-formed sequence at @s, of which @left bytes can be read; 0 when there
 * is none: overlong forms, surrogates and values above U+10FFFF are not well-formed.
 */
size_t gs_utf8_sequence(const char *s, size_t left);
/* The code point of a well-formed sequence of @length bytes. */
uint32_t gs_utf8_decode(const char *s, size_t length);
/* Encodes @code (no surrogate, at most U+10FFFF) and returns the number of bytes. */
size_t gs_utf8_encode(uint32_t code, char to[4]);

/*
 * Append @s so that showing it cannot drive a terminal: control characters (C0 but tab, DEL, C1)
 * and ill-formed bytes become \xNN.
 */
void gs_utf8_printable(struct gs_text *t, const char *s, size_t size);

#endif
