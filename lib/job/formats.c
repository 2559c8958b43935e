/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output formats by the names that users know. */
#include <string.h>

#include <guestscope/job.h>

const struct gs_format gs_formats[] = {
	{"elf", GS_DUMP_ELF, GS_CODEC_NONE},
	{"kdump-zlib", GS_DUMP_KDUMP, GS_CODEC_ZLIB},
	{"kdump-lzo", GS_DUMP_KDUMP, GS_CODEC_LZO},
	{"kdump-snappy", GS_DUMP_KDUMP, GS_CODEC_SNAPPY},
	{"kdump-zstd", GS_DUMP_KDUMP, GS_CODEC_ZSTD},
	{"kdump-raw", GS_DUMP_KDUMP, GS_CODEC_NONE},
	{NULL, GS_DUMP_ELF, GS_CODEC_NONE},
};

const struct gs_format *gs_format_find(const char *name)
{
	for (const struct gs_format *f = gs_formats; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}
