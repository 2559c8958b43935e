/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The framer: where top-level values end in a stream, one byte at a time. */
#include <limits.h>
#include <string.h>

#include <guestscope/base/json.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* No JSON text holds these outside strings; peers send them to force a parser back to its start. */
static bool is_reset(char c)
{
	return (uint8_t)c == 0xff || ((uint8_t)c < 0x20 && !is_space(c));
}

static bool starts_scalar(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-';
}

static bool ends_scalar(char c)
{
	return is_reset(c) || is_space(c) || strchr("{}[],:\"", c);
}

static enum gs_json_frame feed_start(struct gs_json_framer *f, char c)
{
	if (is_space(c))
		return GS_JSON_FRAME_MORE;
	f->started = true;
	if (c == '{' || c == '[')
		f->depth = 1;
	else if (c == '"')
		f->in_string = true;
	else if (starts_scalar(c))
		f->scalar = true;
	else
		return GS_JSON_FRAME_BAD;
	return GS_JSON_FRAME_MORE;
}

static enum gs_json_frame feed_string(struct gs_json_framer *f, char c)
{
	if ((uint8_t)c == 0xff)
		return GS_JSON_FRAME_BAD;
	if (f->escaped) {
		f->escaped = false;
	} else if (c == '\\') {
		f->escaped = true;
	} else if (c == '"') {
		f->in_string = false;
		return f->depth ? GS_JSON_FRAME_MORE : GS_JSON_FRAME_DONE;
	}
	return GS_JSON_FRAME_MORE;
}

/* Which bracket closes which is the parser's to judge: it refuses the value as a whole. */
static enum gs_json_frame feed_container(struct gs_json_framer *f, char c)
{
	if (is_reset(c))
		return GS_JSON_FRAME_BAD;
	if (c == '"') {
		f->in_string = true;
	} else if (c == '{' || c == '[') {
		if (f->depth == INT_MAX)
			return GS_JSON_FRAME_BAD;
		f->depth++;
	} else if (c == '}' || c == ']') {
		f->depth--;
		return f->depth ? GS_JSON_FRAME_MORE : GS_JSON_FRAME_DONE;
	}
	return GS_JSON_FRAME_MORE;
}

static enum gs_json_frame feed_byte(struct gs_json_framer *f, char c)
{
	if (!f->started)
		return feed_start(f, c);
	if (f->in_string)
		return feed_string(f, c);
	if (f->scalar)
		return ends_scalar(c) ? GS_JSON_FRAME_DONE : GS_JSON_FRAME_MORE;
	return feed_container(f, c);
}

enum gs_json_frame gs_json_framer_feed(struct gs_json_framer *f, const char *data, size_t size,
				       size_t *used)
{
	enum gs_json_frame frame = GS_JSON_FRAME_MORE;
	size_t pos = 0;

	while (frame == GS_JSON_FRAME_MORE && pos < size)
		frame = feed_byte(f, data[pos++]);
	/* What ended a scalar may be the start of the next value, or be bad by itself. */
	if (frame == GS_JSON_FRAME_DONE && f->scalar && !is_space(data[pos - 1]))
		pos--;
	if (frame != GS_JSON_FRAME_MORE)
		*f = (struct gs_json_framer){0};
	*used = pos;
	return frame;
}
