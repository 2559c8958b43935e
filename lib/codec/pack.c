/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small file, packed as a whole. */
#include <lzma.h>
#include <stdlib.h>

#include <guestscope/codec.h>

struct gs_error *gs_pack_xz(const void *data, size_t size, char **ret, size_t *size_ret)
{
	size_t bound = lzma_stream_buffer_bound(size), packed_size = 0;
	gs_autofree uint8_t *packed = bound ? malloc(bound) : NULL;
	lzma_ret code;

	if (!packed)
		return gs_error_nomem();
	code = lzma_easy_buffer_encode(LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, NULL, data, size,
				       packed, &packed_size, bound);
	if (code == LZMA_MEM_ERROR)
		return gs_error_nomem();
	if (code != LZMA_OK)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "xz: error %d of liblzma", (int)code);
	*ret = (char *)gs_take(packed);
	*size_ret = packed_size;
	return NULL;
}
