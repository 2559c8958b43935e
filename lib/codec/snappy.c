/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages as raw snappy blocks. */
#include <stdlib.h>
#include <string.h>

#include <snappy-c.h>

#include "codec_ops.h"

/* snappy_max_compressed_length(GS_CODEC_PAGE_MAX), as its contract has it. */
#define ROOM (32 + GS_CODEC_PAGE_MAX + GS_CODEC_PAGE_MAX / 6)

static void *create(int level)
{
	(void)level;
	return malloc(ROOM);
}

static size_t compress(void *context, const uint8_t *page, size_t size, uint8_t *out)
{
	size_t n = ROOM;

	if (snappy_compress((const char *)page, size, context, &n) != SNAPPY_OK || n >= size)
		return 0;
	memcpy(out, context, n);
	return n;
}

static const char *decompress(void *context, const uint8_t *in, size_t in_size, uint8_t *out,
			      size_t out_size, size_t *got_ret)
{
	const char *from = (const char *)in;
	size_t declared;

	(void)context;
	if (snappy_uncompressed_length(from, in_size, &declared) != SNAPPY_OK)
		return GS_CODEC_DAMAGED;
	*got_ret = declared;
	if (declared != out_size) /* the caller says so */
		return NULL;
	if (snappy_uncompress(from, in_size, (char *)out, got_ret) != SNAPPY_OK)
		return GS_CODEC_DAMAGED;
	return NULL;
}

const struct gs_codec_ops gs_codec_snappy = {
	.info = {.name = "snappy", .kdump_flag = 0x4, .levels_help = "none"},
	.create = create,
	.destroy = free,
	.compress = compress,
	.decompress = decompress,
};
