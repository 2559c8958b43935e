/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages as one zstd frame each. */
#include <stdlib.h>

#include <zstd.h>

#include "codec_ops.h"

struct context {
	ZSTD_CCtx *compressor;
	ZSTD_DCtx *decompressor;
	int level;
};

static void destroy(void *context)
{
	struct context *c = context;

	ZSTD_freeCCtx(c->compressor);
	ZSTD_freeDCtx(c->decompressor);
	free(c);
}

static void *create(int level)
{
	struct context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->level = level;
	c->compressor = ZSTD_createCCtx();
	c->decompressor = ZSTD_createDCtx();
	if (!c->compressor || !c->decompressor) {
		destroy(c);
		return NULL;
	}
	return c;
}

static size_t compress(void *context, const uint8_t *page, size_t size, uint8_t *out)
{
	struct context *c = context;
	size_t n = ZSTD_compressCCtx(c->compressor, out, size - 1, page, size, c->level);

	return ZSTD_isError(n) ? 0 : n;
}

/* The whole page is the window, so nothing is allocated whatever the frame asks for. */
static const char *decompress(void *context, const uint8_t *in, size_t in_size, uint8_t *out,
			      size_t out_size, size_t *got_ret)
{
	struct context *c = context;
	unsigned long long declared = ZSTD_getFrameContentSize(in, in_size);
	size_t used = ZSTD_findFrameCompressedSize(in, in_size);
	size_t got;

	if (declared == ZSTD_CONTENTSIZE_ERROR || ZSTD_isError(used))
		return GS_CODEC_DAMAGED;
	if (used < in_size)
		return GS_CODEC_TRAILING;
	if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared > out_size)
		return GS_CODEC_TOO_LONG;
	got = ZSTD_decompressDCtx(c->decompressor, out, out_size, in, in_size);
	if (ZSTD_isError(got))
		return GS_CODEC_DAMAGED;
	*got_ret = got;
	return NULL;
}

const struct gs_codec_ops gs_codec_zstd = {
	.info = {.name = "zstd",
		 .kdump_flag = 0x20,
		 .level_min = -7,
		 .level_default = 1,
		 .level_max = 19,
		 .levels_help = "-7 fastest ... 19 smallest"},
	.create = create,
	.destroy = destroy,
	.compress = compress,
	.decompress = decompress,
};
