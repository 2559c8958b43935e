/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start of a stream as a blob: reading at an offset reads the stream up to there and keeps it.
 * What comes behind is handed out once, by gs_stream_head_pass().
 */
#ifndef GUESTSCOPE_DUMP_STREAM_HEAD_H
#define GUESTSCOPE_DUMP_STREAM_HEAD_H

#include <guestscope/base/io.h>

/* Headers and notes of the largest dumps, and then some. */
#define GS_STREAM_HEAD_MAX (256u << 20)

/* @fd is borrowed. TIMEOUT when no byte came for @silence_ms; 0: waits for ever. */
GS_MUST_CHECK struct gs_error *gs_stream_head_open(int fd, const char *name, uint64_t silence_ms,
						   struct gs_blob **ret);
/*
 * The @size bytes at @off, which is not before the end of the last pass. The head itself can be
 * passed, too.
 */
GS_MUST_CHECK struct gs_error *gs_stream_head_pass(struct gs_blob *head, uint64_t off, void *buf,
						   size_t size);
/* Read and forget all the rest. */
GS_MUST_CHECK struct gs_error *gs_stream_head_drain(struct gs_blob *head);

#endif
