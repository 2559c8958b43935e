/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one page compressor brings to the table. */
#ifndef GUESTSCOPE_CODEC_CODEC_OPS_H
#define GUESTSCOPE_CODEC_CODEC_OPS_H

#include <guestscope/codec.h>

struct gs_codec_ops {
	struct gs_codec_info info;
	/* A context for both directions; NULL when there is no memory. @level is a valid one. */
	void *(*create)(int level);
	void (*destroy)(void *context);
	/* Compressed size, or 0 if it would be @size or more. */
	size_t (*compress)(void *context, const uint8_t *page, size_t size, uint8_t *out);
	/*
	 * Writes at most @out_size bytes and says how many. NULL, or what is wrong with the input.
	 * The caller finds out by itself when there were too few bytes.
	 */
	const char *(*decompress)(void *context, const uint8_t *in, size_t in_size, uint8_t *out,
				  size_t out_size, size_t *got_ret);
};

extern const struct gs_codec_ops gs_codec_zlib, gs_codec_lzo, gs_codec_snappy, gs_codec_zstd;

#define GS_CODEC_DAMAGED "damaged data"
#define GS_CODEC_TOO_LONG "the data goes on behind the end of the page"
#define GS_CODEC_TRAILING "bytes left over behind the data"

/* Whether a few samples look as if nothing will make the page smaller. */
bool gs_codec_looks_random(const uint8_t *page, size_t size);

#endif
