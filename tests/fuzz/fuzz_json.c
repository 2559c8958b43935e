/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON: what parses prints to the same value, in both layouts; and the framer finds the same ends
 * whether it is fed all at once or byte by byte, and the end of what parses; and the reader refuses
 * what the parser does, no later, but for duplicate keys.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <guestscope/base/json_reader.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_json *parse(const char *text, size_t size)
{
	struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err = gs_json_parse(text, size, &value);

	assert(!err == !!value);
	assert(!err || err->code == GS_ERROR_CORRUPT);
	return value;
}

static void check_round_trip(const struct gs_json *value, enum gs_json_layout layout)
{
	gs_autofree char *text = gs_json_print(value, layout), *again = NULL;
	gs_autojson struct gs_json *reparsed = NULL, *copy = NULL;

	assert(text);
	for (const char *c = text; *c; c++)
		assert((*c >= ' ' && *c < 0x7f) || (*c == '\n' && layout == GS_JSON_PRETTY));
	reparsed = parse(text, strlen(text));
	assert(reparsed && gs_json_equal(value, reparsed));
	copy = gs_json_copy(reparsed);
	again = gs_json_print(copy, layout);
	assert(again && strcmp(text, again) == 0);
}

/* The framer sees the end of a value no later than the parser; a bare scalar wants a blank. */
static void check_frame(const char *text, size_t size)
{
	struct gs_json_framer framer = {0};
	enum gs_json_frame frame;
	size_t used, blank_used;

	frame = gs_json_framer_feed(&framer, text, size, &used);
	if (frame == GS_JSON_FRAME_MORE)
		frame = gs_json_framer_feed(&framer, " ", 1, &blank_used);
	assert(frame == GS_JSON_FRAME_DONE);
	for (; used < size; used++)
		assert(strchr(" \t\r\n", text[used]));
}

/* A byte at a time, the frames end where they end in one piece. */
static void check_splits(const char *text, size_t size)
{
	struct gs_json_framer whole = {0}, split = {0};
	enum gs_json_frame a, b;
	size_t pos = 0, at = 0, used;

	while (pos < size) {
		a = gs_json_framer_feed(&whole, text + pos, size - pos, &used);
		pos += used;
		for (b = GS_JSON_FRAME_MORE; b == GS_JSON_FRAME_MORE && at < size; at += used)
			b = gs_json_framer_feed(&split, text + at, 1, &used);
		assert(a == b && pos == at);
	}
}

static size_t offset_of(const struct gs_error *err)
{
	size_t off;

	assert(err && sscanf(err->message, "json offset %zu: ", &off) == 1);
	return off;
}

/* Of all there is in the text, by passing over it. */
static void check_reader(const char *text, size_t size)
{
	gs_autojson struct gs_json *value = NULL;
	gs_autoerror struct gs_error *parsed = gs_json_parse(text, size, &value), *read = NULL;
	gs_autoreader struct gs_json_reader reader;

	gs_json_reader_init(&reader, text, size);
	read = gs_json_reader_skip(&reader, NULL);
	if (!read)
		read = gs_json_reader_end(&reader);
	if (parsed && strstr(parsed->message, "duplicate key"))
		assert(!read || offset_of(read) > offset_of(parsed));
	else if (parsed)
		assert(offset_of(read) <= offset_of(parsed));
	else
		assert(!read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	gs_autojson struct gs_json *value = parse(text, size);

	check_reader(text, size);
	check_splits(text, size);
	if (value) {
		check_round_trip(value, GS_JSON_COMPACT);
		check_round_trip(value, GS_JSON_SPACED);
		check_round_trip(value, GS_JSON_PRETTY);
		check_frame(text, size);
	}
	return 0;
}
