/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are compressed as a whole: told by how they begin, unpacked into a bounded buffer. */
#include <libdeflate.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/codec.h>

#define XZ_MEMORY_MAX (128u << 20) /* what `xz -9` asks of those who read it is half of that */

/* Appends the content to @out. More than @max bytes are an error that says so. */
typedef struct gs_error *unpack_fn(const uint8_t *data, size_t size, size_t max,
				   struct gs_text *out);

static struct gs_error *too_long(size_t max)
{
	return gs_error_create(GS_ERROR_CORRUPT, "holds more than %zu bytes", max);
}

static const char *xz_reason(lzma_ret code)
{
	switch (code) {
	case LZMA_BUF_ERROR:
		return "it is cut off";
	case LZMA_MEMLIMIT_ERROR:
		return "it takes too much memory to unpack";
	case LZMA_OPTIONS_ERROR:
		return "it uses options that are not known here";
	default:
		return "damaged data";
	}
}

static struct gs_error *unpack_xz(const uint8_t *data, size_t size, size_t max, struct gs_text *out)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	struct gs_error *err = NULL;
	uint8_t chunk[16384];
	lzma_ret code;

	if (lzma_stream_decoder(&stream, XZ_MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK)
		return gs_error_nomem();
	stream.next_in = data;
	stream.avail_in = size;
	do {
		size_t got;

		stream.next_out = chunk;
		stream.avail_out = sizeof(chunk);
		code = lzma_code(&stream, LZMA_FINISH);
		got = sizeof(chunk) - stream.avail_out;
		if (got > max - out->size)
			err = too_long(max);
		else
			gs_text_append(out, chunk, got);
	} while (!err && code == LZMA_OK);
	lzma_end(&stream);
	if (err || code == LZMA_STREAM_END)
		return err;
	if (code == LZMA_MEM_ERROR)
		return gs_error_nomem();
	return gs_error_create(GS_ERROR_CORRUPT, "xz: %s", xz_reason(code));
}

/* libdeflate wants room for all of a member at once, and does not say how much that is. */
struct gunzip {
	struct libdeflate_decompressor *state;
	uint8_t *room;
	size_t capacity;
};

#define GUNZIP_ROOM 65536

static struct gs_error *grow(struct gunzip *gunzip, size_t max)
{
	size_t capacity = gunzip->capacity < max / 2 ? gunzip->capacity * 2 : max;
	uint8_t *room;

	if (capacity < GUNZIP_ROOM)
		capacity = GUNZIP_ROOM;
	if (capacity <= gunzip->capacity)
		return too_long(max);
	room = realloc(gunzip->room, capacity);
	if (!room)
		return gs_error_nomem();
	gunzip->room = room;
	gunzip->capacity = capacity;
	return NULL;
}

/* One of the members of a file; *used_ret: of @size. */
static struct gs_error *unpack_member(struct gunzip *gunzip, const uint8_t *data, size_t size,
				      size_t max, struct gs_text *out, size_t *used_ret)
{
	enum libdeflate_result result;
	struct gs_error *err = NULL;
	size_t got = 0;

	do {
		result = libdeflate_gzip_decompress_ex(gunzip->state, data, size, gunzip->room,
						       gunzip->capacity, used_ret, &got);
		if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
			err = grow(gunzip, max);
	} while (!err && result == LIBDEFLATE_INSUFFICIENT_SPACE);
	if (err)
		return err;
	if (result != LIBDEFLATE_SUCCESS)
		return gs_error_create(GS_ERROR_CORRUPT, "gzip: damaged data, or cut off");
	if (got > max - out->size)
		return too_long(max);
	gs_text_append(out, gunzip->room, got);
	return NULL;
}

static struct gs_error *unpack_gzip(const uint8_t *data, size_t size, size_t max,
				    struct gs_text *out)
{
	struct gunzip gunzip = {.state = libdeflate_alloc_decompressor()};
	struct gs_error *err = gunzip.state ? grow(&gunzip, max) : gs_error_nomem();

	while (!err && size > 0) {
		size_t used = 0;

		err = unpack_member(&gunzip, data, size, max, out, &used);
		data += used;
		size -= used;
	}
	libdeflate_free_decompressor(gunzip.state);
	free(gunzip.room);
	return err;
}

static struct gs_error *unpack_frames(ZSTD_DCtx *zstd, const uint8_t *data, size_t size, size_t max,
				      struct gs_text *out)
{
	ZSTD_inBuffer in = {data, size, 0};
	size_t left = 1;

	do {
		uint8_t chunk[16384];
		ZSTD_outBuffer to = {chunk, sizeof(chunk), 0};
		size_t before = in.pos;

		left = ZSTD_decompressStream(zstd, &to, &in);
		if (ZSTD_isError(left))
			return gs_error_create(GS_ERROR_CORRUPT, "zstd: %s",
					       ZSTD_getErrorName(left));
		if (to.pos > max - out->size)
			return too_long(max);
		gs_text_append(out, chunk, to.pos);
		if (to.pos == 0 && in.pos == before)
			break;
	} while (left > 0 || in.pos < in.size);
	return left == 0 ? NULL : gs_error_create(GS_ERROR_CORRUPT, "zstd: it is cut off");
}

static struct gs_error *unpack_zstd(const uint8_t *data, size_t size, size_t max,
				    struct gs_text *out)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	struct gs_error *err = zstd ? unpack_frames(zstd, data, size, max, out) : gs_error_nomem();

	ZSTD_freeDCtx(zstd);
	return err;
}

static const struct {
	const char *magic;
	size_t magic_size;
	unpack_fn *unpack;
} kinds[] = {
	{"\xfd"
	 "7zXZ\0",
	 6, unpack_xz},
	{"\x1f\x8b", 2, unpack_gzip},
	{"\x28\xb5\x2f\xfd", 4, unpack_zstd},
};

struct gs_error *gs_unpack(const void *data, size_t size, size_t max, char **ret, size_t *size_ret)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		gs_autotext struct gs_text text = {0};
		struct gs_error *err;

		if (size < kinds[i].magic_size ||
		    memcmp(data, kinds[i].magic, kinds[i].magic_size) != 0)
			continue;
		err = kinds[i].unpack(data, size, max, &text);
		if (err)
			return err;
		*size_ret = text.size;
		return gs_text_finish(&text, ret);
	}
	return NULL;
}

struct gs_error *gs_unpack_file(const char *path, size_t max, char **ret, size_t *size_ret)
{
	gs_autofree char *packed = NULL, *unpacked = NULL;
	size_t packed_size = 0;
	struct gs_error *err = gs_read_file(path, max, &packed, &packed_size);

	*size_ret = packed_size;
	if (!err)
		err = gs_error_wrap(gs_unpack(packed, packed_size, max, &unpacked, size_ret), "%s",
				    path);
	if (!err)
		*ret = unpacked ? gs_take(unpacked) : gs_take(packed);
	return err;
}
