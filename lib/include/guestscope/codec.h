/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compression: the page compressors of kdump-compressed dumps, as a table, one row each; and small
 * files that are compressed as a whole. Nothing else in the project names a compression library.
 */
#ifndef GUESTSCOPE_CODEC_H
#define GUESTSCOPE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

enum gs_codec {
	GS_CODEC_NONE, /* stored raw */
	GS_CODEC_ZLIB,
	GS_CODEC_LZO,
	GS_CODEC_SNAPPY,
	GS_CODEC_ZSTD,
	GS_CODEC_COUNT,
};

#define GS_CODEC_PAGE_MAX (1u << 18) /* the largest block_size that readers accept, bytes */

/* Scratch memory and library contexts of one thread for one codec. Not shared between threads. */
struct gs_codec_state;

struct gs_codec_info {
	const char *name;    /* "zlib" */
	uint32_t kdump_flag; /* DUMP_DH_COMPRESSED_*: page descriptor flags and header status */
	int level_min, level_default, level_max; /* what --level accepts; all equal: no levels */
	const char *levels_help;                 /* "1 fastest (igzip) ... 12 smallest" */
};

const struct gs_codec_info *gs_codec_info(enum gs_codec codec); /* never NULL */
bool gs_codec_from_name(const char *name, enum gs_codec *ret);
bool gs_codec_from_flag(uint32_t kdump_flag, enum gs_codec *ret); /* 0 is NONE */

/* @level 0: the default. INVALID outside the row's levels. */
GS_MUST_CHECK struct gs_error *gs_codec_state_create(enum gs_codec codec, int level,
						     struct gs_codec_state **ret);
void gs_codec_state_destroy(struct gs_codec_state *state);
GS_DEFINE_CLEANUP(struct gs_codec_state *, gs_codec_state_destroy)

/*
 * Compress one page of @size bytes into @out (room for @size bytes is enough). Returns the
 * compressed size, or 0 when the page is better stored raw: no gain, or a cheap probe of a few
 * samples says that it will not compress (encrypted, compressed, random). Deterministic: same page,
 * level and build, same bytes. Never fails.
 */
size_t gs_codec_compress(struct gs_codec_state *state, const uint8_t *page, size_t size,
			 uint8_t *out);

/*
 * Decompress @in to exactly @out_size bytes; anything else is CORRUPT ("zlib: got 4090 bytes,
 * expected 4096"), including trailing input. Hostile input writes nothing beyond @out_size.
 * @state may be NULL for codecs used rarely; passing one reuses contexts.
 */
GS_MUST_CHECK struct gs_error *gs_codec_decompress(enum gs_codec codec,
						   struct gs_codec_state *state, const uint8_t *in,
						   size_t in_size, uint8_t *out, size_t out_size);

/* ---- whole files: pack.c, unpack.c ---- */

/* As `xz` makes it. *ret is the caller's. */
GS_MUST_CHECK struct gs_error *gs_pack_xz(const void *data, size_t size, char **ret,
					  size_t *size_ret);
/*
 * The content of a file that xz, gzip or zstd made, with a NUL behind it that does not count; *ret
 * stays NULL if @data is nothing of the kind. CORRUPT if it is damaged, cut off, or holds more than
 * @max bytes, of which no more are made.
 */
GS_MUST_CHECK struct gs_error *gs_unpack(const void *data, size_t size, size_t max, char **ret,
					 size_t *size_ret);
/* As gs_read_file(), of a file that may be packed: @max holds for the content. */
GS_MUST_CHECK struct gs_error *gs_unpack_file(const char *path, size_t max, char **ret,
					      size_t *size_ret);

#endif
