/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flattened format's writing half: positioned writes become records of a stream.
 *
 *	4096 bytes     "makedumpfile", int64 type 1, int64 version 1, zeros
 *	record ...     int64 offset, int64 size, data
 *	end record     -1, -1
 *
 * All integers are big-endian. Readers keep an index entry per record and some sort them badly, so
 * writes that follow each other are joined: few records, and few steps backwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>
#include <guestscope/dump.h>

#define START_BLOCK_BYTES 4096
#define SIGNATURE "makedumpfile"
#define SIGNATURE_BYTES 16
#define RECORD_HEADER_BYTES 16
#define BUFFER_BYTES ((size_t)4 << 20)

struct flat_sink {
	struct gs_sink sink;
	int fd; /* borrowed */
	char *name;
	bool started;
	uint64_t end; /* of the furthest byte so far */
	uint64_t off; /* where the buffered data goes */
	size_t used;
	uint8_t buffer[RECORD_HEADER_BYTES + BUFFER_BYTES]; /* a record: header, data */
};

static struct gs_error *put(struct flat_sink *flat, const void *data, size_t size)
{
	if (gs_write_full(flat->fd, data, size) < 0)
		return gs_error_os(errno, "%s", flat->name);
	return NULL;
}

static void put_record_header(uint8_t to[RECORD_HEADER_BYTES], uint64_t off, uint64_t size)
{
	gs_put_u64(to, off, true);
	gs_put_u64(to + 8, size, true);
}

static struct gs_error *start(struct flat_sink *flat)
{
	uint8_t block[START_BLOCK_BYTES] = SIGNATURE;

	gs_put_u64(block + SIGNATURE_BYTES, 1, true);
	gs_put_u64(block + SIGNATURE_BYTES + 8, 1, true);
	flat->started = true;
	return put(flat, block, sizeof(block));
}

static struct gs_error *flush(struct flat_sink *flat)
{
	size_t used = flat->used;

	if (!used)
		return NULL;
	put_record_header(flat->buffer, flat->off, used);
	flat->used = 0;
	return put(flat, flat->buffer, RECORD_HEADER_BYTES + used);
}

static struct gs_error *append(struct flat_sink *flat, uint64_t off, const uint8_t *data,
			       size_t size)
{
	struct gs_error *err = NULL;

	if (off != flat->off + flat->used)
		err = flush(flat);
	while (size && !err) {
		size_t n = BUFFER_BYTES - flat->used < size ? BUFFER_BYTES - flat->used : size;

		if (!flat->used)
			flat->off = off;
		memcpy(flat->buffer + RECORD_HEADER_BYTES + flat->used, data, n);
		flat->used += n;
		off += n;
		data += n;
		size -= n;
		if (flat->used == BUFFER_BYTES)
			err = flush(flat);
	}
	return err;
}

static struct gs_error *flat_write(struct gs_sink *sink, uint64_t off, const void *data,
				   size_t size)
{
	struct flat_sink *flat = (struct flat_sink *)sink;
	struct gs_error *err = flat->started ? NULL : start(flat);

	if (off + size > flat->end)
		flat->end = off + size;
	return err ? err : append(flat, off, data, size);
}

/* The records decide how long the rearranged file is: a gap at its end needs its last byte. */
static struct gs_error *flat_finish(struct gs_sink *sink, uint64_t size)
{
	struct flat_sink *flat = (struct flat_sink *)sink;
	uint8_t end[RECORD_HEADER_BYTES];
	struct gs_error *err = flat->started ? NULL : start(flat);

	if (!err && size > flat->end)
		err = append(flat, size - 1, (const uint8_t[]){0}, 1);
	if (!err)
		err = flush(flat);
	put_record_header(end, UINT64_MAX, UINT64_MAX);
	return err ? err : put(flat, end, sizeof(end));
}

static void flat_destroy(struct gs_sink *sink)
{
	struct flat_sink *flat = (struct flat_sink *)sink;

	free(flat->name);
	free(flat);
}

static const struct gs_sink_ops flat_ops = {
	.write = flat_write,
	.finish = flat_finish,
	.destroy = flat_destroy,
};

struct gs_error *gs_flat_sink(int fd, const char *name, struct gs_sink **ret)
{
	struct flat_sink *flat = calloc(1, sizeof(*flat));

	if (!flat || !(flat->name = strdup(name))) {
		free(flat);
		return gs_error_nomem();
	}
	flat->sink.ops = &flat_ops;
	flat->sink.flattened = true;
	flat->fd = fd;
	*ret = &flat->sink;
	return NULL;
}
