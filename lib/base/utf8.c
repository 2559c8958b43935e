/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 sequences, judged as RFC 3629 has them. */
#include "utf8.h"

#include <stdbool.h>

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The second byte carries what makes a sequence overlong, a surrogate or too large. */
static bool is_second(uint8_t lead, uint8_t byte)
{
	switch (lead) {
	case 0xe0:
		return byte >= 0xa0 && byte <= 0xbf;
	case 0xed:
		return byte >= 0x80 && byte <= 0x9f;
	case 0xf0:
		return byte >= 0x90 && byte <= 0xbf;
	case 0xf4:
		return byte >= 0x80 && byte <= 0x8f;
	default:
		return is_continuation(byte);
	}
}

static size_t length_of(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

size_t gs_utf8_sequence(const char *s, size_t left)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t length = left ? length_of(p[0]) : 0;

	if (length > left)
		return 0;
	if (length > 1 && !is_second(p[0], p[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_continuation(p[i]))
			return 0;
	}
	return length;
}

uint32_t gs_utf8_decode(const char *s, size_t length)
{
	static const uint8_t lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const uint8_t *p = (const uint8_t *)s;
	uint32_t code = p[0] & lead_mask[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

size_t gs_utf8_encode(uint32_t code, char to[4])
{
	static const uint8_t lead_bits[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; code >>= 6)
		to[i] = (char)(0x80 | (code & 0x3f));
	to[0] = (char)(lead_bits[length] | code);
	return length;
}

/* C1 controls are well-formed, but some terminals obey them as they obey ESC. */
static bool is_control(uint32_t code)
{
	return (code < 0x20 && code != '\t') || (code >= 0x7f && code <= 0x9f);
}

/* What makes text look like other text: line ends, and marks that turn its direction round. */
static bool is_deceptive(uint32_t code)
{
	return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void gs_utf8_printable(struct gs_text *t, const char *s, size_t size)
{
	size_t length, start = 0, pos = 0;

	while (pos < size) {
		uint32_t code;

		length = gs_utf8_sequence(s + pos, size - pos);
		code = length ? gs_utf8_decode(s + pos, length) : 0;
		if (!is_control(code) && !is_deceptive(code)) {
			pos += length;
			continue;
		}
		gs_text_append(t, s + start, pos - start);
		for (size_t end = pos + (length ? length : 1); pos < end; pos++)
			gs_text_printf(t, "\\x%02x", (uint8_t)s[pos]);
		start = pos;
	}
	gs_text_append(t, s + start, pos - start);
}
