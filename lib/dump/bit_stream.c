/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bitmap on its way to a sink. */
#include <stdlib.h>
#include <string.h>

#include "bit_stream.h"

#define WINDOW_BITS (BIT_STREAM_BYTES * 8)

struct gs_error *gs_bit_stream_init(struct bit_stream *s, struct gs_sink *sink, uint64_t off)
{
	*s = (struct bit_stream){.sink = sink, .off = off};
	s->window = calloc(1, BIT_STREAM_BYTES);
	return s->window ? NULL : gs_error_nomem();
}

void gs_bit_stream_deinit(struct bit_stream *s)
{
	free(s->window);
	s->window = NULL;
}

struct gs_error *gs_bit_stream_flush(struct bit_stream *s)
{
	struct gs_error *err;

	err = gs_sink_write(s->sink, s->off + s->window_byte, s->window, s->used);
	memset(s->window, 0, s->used);
	s->used = 0;
	return err;
}

/* Set bits that all lie in the window. */
static void set_in_window(struct bit_stream *s, size_t bit, size_t count)
{
	size_t end = bit + count;

	for (; bit < end && bit % 8; bit++)
		s->window[bit / 8] |= (uint8_t)(1u << bit % 8);
	memset(s->window + bit / 8, 0xff, (end - bit) / 8);
	for (bit += (end - bit) / 8 * 8; bit < end; bit++)
		s->window[bit / 8] |= (uint8_t)(1u << bit % 8);
	s->used = (end + 7) / 8;
}

struct gs_error *gs_bit_stream_set(struct bit_stream *s, uint64_t first, uint64_t count)
{
	while (count) {
		uint64_t start_byte = first / WINDOW_BITS * BIT_STREAM_BYTES;
		uint64_t bit = first % WINDOW_BITS;
		uint64_t n = WINDOW_BITS - bit < count ? WINDOW_BITS - bit : count;

		if (start_byte != s->window_byte) {
			struct gs_error *err = gs_bit_stream_flush(s);

			if (err)
				return err;
			s->window_byte = start_byte;
		}
		set_in_window(s, (size_t)bit, (size_t)n);
		first += n;
		count -= n;
	}
	return NULL;
}
