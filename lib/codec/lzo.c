/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LZO1X pages. */
#include <stdlib.h>
#include <string.h>

#include <lzo/lzo1x.h>

#include "codec_ops.h"

/* The compressor writes this much for input that it cannot make smaller. */
#define ROOM (GS_CODEC_PAGE_MAX + GS_CODEC_PAGE_MAX / 16 + 64 + 3)

struct context {
	_Alignas(16) uint8_t work[LZO1X_1_MEM_COMPRESS];
	uint8_t out[ROOM];
};

static void *create(int level)
{
	(void)level;
	/* A check of the library's build, without side effects: fine in any thread. */
	if (lzo_init() != LZO_E_OK)
		return NULL;
	return malloc(sizeof(struct context));
}

static size_t compress(void *context, const uint8_t *page, size_t size, uint8_t *out)
{
	struct context *c = context;
	lzo_uint n = ROOM;

	if (lzo1x_1_compress(page, size, c->out, &n, c->work) != LZO_E_OK || n >= size)
		return 0;
	memcpy(out, c->out, n);
	return n;
}

static const char *decompress(void *context, const uint8_t *in, size_t in_size, uint8_t *out,
			      size_t out_size, size_t *got_ret)
{
	lzo_uint got = out_size;
	int result = lzo1x_decompress_safe(in, in_size, out, &got, NULL);

	(void)context;
	*got_ret = got;
	switch (result) {
	case LZO_E_OK:
		return NULL;
	case LZO_E_OUTPUT_OVERRUN:
		return GS_CODEC_TOO_LONG;
	case LZO_E_INPUT_NOT_CONSUMED:
		return GS_CODEC_TRAILING;
	default:
		return GS_CODEC_DAMAGED;
	}
}

const struct gs_codec_ops gs_codec_lzo = {
	.info = {.name = "lzo", .kdump_flag = 0x2, .levels_help = "none"},
	.create = create,
	.destroy = free,
	.compress = compress,
	.decompress = decompress,
};
