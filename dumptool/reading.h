/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How dumptool read shows bytes of memory, and what keeps others from being shown. */
#ifndef DUMPTOOL_READING_H
#define DUMPTOOL_READING_H

#include <guestscope/linux.h>

#include "dumptool.h"

#define DUMPTOOL_LINE_BYTES 16

struct dumptool_reading {
	struct gs_view view;
	uint64_t address, size; /* size > 0; the last byte is at most at 2^64 - 1 */
	struct gs_emit *e;      /* NULL: bytes, as they are, on stdout */
	struct gs_json *runs;   /* an array to be filled instead of text; or NULL */
	uint64_t bytes_read;
	char why_not[96]; /* of the first bytes that could not be read */
	/* text: the line before, which "*" stands for */
	bool has_line, starred;
	uint8_t line[DUMPTOOL_LINE_BYTES];
};

/*
 * NODATA if nothing could be read, or, of bytes as they are, not everything: those end where the
 * first is missing.
 */
GS_MUST_CHECK struct gs_error *dumptool_put_memory(struct dumptool_reading *r);

#endif
