/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bitmap written to a sink in ascending order through a small window. */
#ifndef GUESTSCOPE_DUMP_BIT_STREAM_H
#define GUESTSCOPE_DUMP_BIT_STREAM_H

#include <guestscope/base/io.h>

#define BIT_STREAM_BYTES (UINT64_C(1) << 18)

/* Bits are numbered LSB first. Stretches without any set bit are left as gaps of the sink. */
struct bit_stream {
	struct gs_sink *sink; /* borrowed */
	uint64_t off;         /* where bit 0 goes */
	uint8_t *window;      /* BIT_STREAM_BYTES, owned */
	uint64_t window_byte; /* which byte of the bitmap window[0] is */
	size_t used;          /* bytes of the window up to the last set bit */
};

GS_MUST_CHECK struct gs_error *gs_bit_stream_init(struct bit_stream *s, struct gs_sink *sink,
						  uint64_t off);
void gs_bit_stream_deinit(struct bit_stream *s);
/* Set [first, first + count); @first is not below what was set before. */
GS_MUST_CHECK struct gs_error *gs_bit_stream_set(struct bit_stream *s, uint64_t first,
						 uint64_t count);
/* Write what is still in the window. */
GS_MUST_CHECK struct gs_error *gs_bit_stream_flush(struct bit_stream *s);

#endif
