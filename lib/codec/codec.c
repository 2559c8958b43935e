/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of codecs, and what all of them have in common. */
#include <stdlib.h>
#include <string.h>

#include "codec_ops.h"

struct gs_codec_state {
	const struct gs_codec_ops *ops;
	void *context; /* NULL for NONE */
};

static const struct gs_codec_ops codec_none = {
	.info = {.name = "raw", .levels_help = "none"},
};

static const struct gs_codec_ops *const codecs[GS_CODEC_COUNT] = {
	[GS_CODEC_NONE] = &codec_none,    [GS_CODEC_ZLIB] = &gs_codec_zlib,
	[GS_CODEC_LZO] = &gs_codec_lzo,   [GS_CODEC_SNAPPY] = &gs_codec_snappy,
	[GS_CODEC_ZSTD] = &gs_codec_zstd,
};

static const struct gs_codec_ops *ops_of(enum gs_codec codec)
{
	return codecs[(unsigned int)codec < GS_CODEC_COUNT ? codec : GS_CODEC_NONE];
}

const struct gs_codec_info *gs_codec_info(enum gs_codec codec)
{
	return &ops_of(codec)->info;
}

bool gs_codec_from_name(const char *name, enum gs_codec *ret)
{
	for (int i = 0; i < GS_CODEC_COUNT; i++) {
		if (!strcmp(codecs[i]->info.name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

bool gs_codec_from_flag(uint32_t kdump_flag, enum gs_codec *ret)
{
	for (int i = 0; i < GS_CODEC_COUNT; i++) {
		if (codecs[i]->info.kdump_flag == kdump_flag) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static struct gs_error *check_level(const struct gs_codec_info *info, int level)
{
	if (level >= info->level_min && level <= info->level_max)
		return NULL;
	if (info->level_min == info->level_max)
		return gs_error_create(GS_ERROR_INVALID, "%s has no levels", info->name);
	return gs_error_create(GS_ERROR_INVALID, "%s has no level %d, only %d to %d", info->name,
			       level, info->level_min, info->level_max);
}

struct gs_error *gs_codec_state_create(enum gs_codec codec, int level, struct gs_codec_state **ret)
{
	const struct gs_codec_ops *ops = ops_of(codec);
	GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *state = NULL;
	struct gs_error *err = level ? check_level(&ops->info, level) : NULL;

	if (err)
		return err;
	state = calloc(1, sizeof(*state));
	if (!state)
		return gs_error_nomem();
	state->ops = ops;
	if (ops->create) {
		state->context = ops->create(level ? level : ops->info.level_default);
		if (!state->context)
			return gs_error_nomem();
	}
	*ret = gs_take(state);
	return NULL;
}

void gs_codec_state_destroy(struct gs_codec_state *state)
{
	if (!state)
		return;
	if (state->context)
		state->ops->destroy(state->context);
	free(state);
}

size_t gs_codec_compress(struct gs_codec_state *state, const uint8_t *page, size_t size,
			 uint8_t *out)
{
	if (!state->context || !size || size > GS_CODEC_PAGE_MAX ||
	    gs_codec_looks_random(page, size))
		return 0;
	return state->ops->compress(state->context, page, size, out);
}

static struct gs_error *copy_raw(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	if (in_size != out_size)
		return gs_error_create(GS_ERROR_CORRUPT, "raw: got %zu bytes, expected %zu",
				       in_size, out_size);
	memcpy(out, in, out_size);
	return NULL;
}

struct gs_error *gs_codec_decompress(enum gs_codec codec, struct gs_codec_state *state,
				     const uint8_t *in, size_t in_size, uint8_t *out,
				     size_t out_size)
{
	GS_CLEANUP(gs_codec_state_destroy) struct gs_codec_state *own = NULL;
	const struct gs_codec_ops *ops = ops_of(codec);
	const char *reason;
	size_t got = 0;

	if (!ops->decompress)
		return copy_raw(in, in_size, out, out_size);
	if (!state) {
		struct gs_error *err = gs_codec_state_create(codec, 0, &own);

		if (err)
			return err;
		state = own;
	}
	reason = ops->decompress(state->context, in, in_size, out, out_size, &got);
	if (reason)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: %s", ops->info.name, reason);
	if (got != out_size)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: got %zu bytes, expected %zu",
				       ops->info.name, got, out_size);
	return NULL;
}
