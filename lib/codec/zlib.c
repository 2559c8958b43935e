/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zlib pages, made and read by libdeflate: the same format, several times as fast as zlib itself.
 * The fastest level is ISA-L's igzip where that is built in, with larger pages.
 */
#include <stdlib.h>

#include <libdeflate.h>
#ifdef GS_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "codec_ops.h"

#define LEVEL_IGZIP 1
#define LEVEL_DEFAULT 2 /* what others call level 1 */

struct context {
	struct libdeflate_compressor *compressor;
	struct libdeflate_decompressor *decompressor;
#ifdef GS_HAVE_ISAL
	struct isal_zstream *igzip; /* instead of the compressor */
#endif
};

static void destroy(void *context)
{
	struct context *c = context;

	libdeflate_free_compressor(c->compressor);
	libdeflate_free_decompressor(c->decompressor);
#ifdef GS_HAVE_ISAL
	free(c->igzip);
#endif
	free(c);
}

static bool create_compressor(struct context *c, int level)
{
#ifdef GS_HAVE_ISAL
	if (level == LEVEL_IGZIP) {
		c->igzip = malloc(sizeof(*c->igzip));
		return c->igzip;
	}
#endif
	c->compressor = libdeflate_alloc_compressor(level <= LEVEL_DEFAULT ? 1 : level);
	return c->compressor;
}

static void *create(int level)
{
	struct context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->decompressor = libdeflate_alloc_decompressor();
	if (!c->decompressor || !create_compressor(c, level)) {
		destroy(c);
		return NULL;
	}
	return c;
}

#ifdef GS_HAVE_ISAL
static size_t compress_igzip(struct isal_zstream *stream, const uint8_t *page, size_t size,
			     uint8_t *out)
{
	isal_deflate_stateless_init(stream);
	stream->gzip_flag = IGZIP_ZLIB;
	stream->end_of_stream = 1;
	stream->next_in = (uint8_t *)page; /* not written to */
	stream->avail_in = (uint32_t)size;
	stream->next_out = out;
	stream->avail_out = (uint32_t)size;
	if (isal_deflate_stateless(stream) != COMP_OK || stream->avail_in)
		return 0;
	return stream->total_out < size ? stream->total_out : 0;
}
#endif

static size_t compress(void *context, const uint8_t *page, size_t size, uint8_t *out)
{
	struct context *c = context;

#ifdef GS_HAVE_ISAL
	if (c->igzip)
		return compress_igzip(c->igzip, page, size, out);
#endif
	return libdeflate_zlib_compress(c->compressor, page, size, out, size - 1);
}

static const char *decompress(void *context, const uint8_t *in, size_t in_size, uint8_t *out,
			      size_t out_size, size_t *got_ret)
{
	struct context *c = context;
	size_t used;
	enum libdeflate_result result = libdeflate_zlib_decompress_ex(
		c->decompressor, in, in_size, out, out_size, &used, got_ret);

	if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
		return GS_CODEC_TOO_LONG;
	if (result != LIBDEFLATE_SUCCESS)
		return GS_CODEC_DAMAGED;
	return used < in_size ? GS_CODEC_TRAILING : NULL;
}

const struct gs_codec_ops gs_codec_zlib = {
	.info = {.name = "zlib",
		 .kdump_flag = 0x1,
		 .level_min = 1,
		 .level_default = LEVEL_DEFAULT,
		 .level_max = 12,
#ifdef GS_HAVE_ISAL
		 .levels_help = "1 fastest (igzip), 2 the size of zlib's level 1, ... 12 smallest"},
#else
		 .levels_help = "1 and 2 the size of zlib's level 1, ... 12 smallest"},
#endif
	.create = create,
	.destroy = destroy,
	.compress = compress,
	.decompress = decompress,
};
