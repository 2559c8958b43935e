/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The start of a stream as a blob. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream_head.h"

#define DISCARD_BYTES ((size_t)64 << 10)

struct stream_head {
	struct gs_blob blob;
	int fd;
	uint64_t silence_ms;
	uint8_t *data; /* the first size bytes of the stream */
	size_t size, capacity;
	uint64_t pos; /* of fd in the stream */
};

static struct gs_error *describe_errno(const struct stream_head *h)
{
	if (errno == ETIMEDOUT)
		return gs_error_create(GS_ERROR_TIMEOUT, "offset 0x%llx: nothing came for %llu s",
				       (unsigned long long)h->pos,
				       (unsigned long long)h->silence_ms / 1000);
	return gs_error_os(errno, "offset 0x%llx", (unsigned long long)h->pos);
}

static struct gs_error *read_stream(struct stream_head *h, void *buf, size_t size)
{
	ssize_t n = gs_read_steady(h->fd, buf, size, h->silence_ms);

	if (n < 0)
		return describe_errno(h);
	h->pos += (uint64_t)n;
	if ((size_t)n < size)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "the stream ended at offset 0x%llx, %zu bytes too early",
				       (unsigned long long)h->pos, size - (size_t)n);
	return NULL;
}

/* Room grows with what has arrived, not with what a header promises. */
static struct gs_error *reserve(struct stream_head *h, size_t size)
{
	size_t capacity = h->capacity ? h->capacity : DISCARD_BYTES;
	uint8_t *data;

	while (capacity < size)
		capacity *= 2;
	if (capacity == h->capacity)
		return NULL;
	data = realloc(h->data, capacity);
	if (!data)
		return gs_error_nomem();
	h->data = data;
	h->capacity = capacity;
	return NULL;
}

static struct gs_error *fetch(struct stream_head *h, uint64_t end)
{
	if (end > GS_STREAM_HEAD_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "offset 0x%llx is too far into a stream for a header",
				       (unsigned long long)end);
	while (h->size < end) {
		size_t left = end - h->size;
		size_t n = left < (size_t)1 << 20 ? left : (size_t)1 << 20;
		struct gs_error *err = reserve(h, h->size + n);

		if (!err)
			err = read_stream(h, h->data + h->size, n);
		if (err)
			return err;
		h->size += n;
	}
	return NULL;
}

static struct gs_error *head_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct stream_head *h = (struct stream_head *)blob;
	struct gs_error *err = fetch(h, off + size);

	if (!err)
		memcpy(buf, h->data + off, size);
	return err;
}

static void head_destroy(struct gs_blob *blob)
{
	free(((struct stream_head *)blob)->data);
	free(blob);
}

static const struct gs_blob_ops head_ops = {.read = head_read, .destroy = head_destroy};

struct gs_error *gs_stream_head_open(int fd, const char *name, uint64_t silence_ms,
				     struct gs_blob **ret)
{
	gs_autofree struct stream_head *h = calloc(1, sizeof(*h));

	if (!h)
		return gs_error_nomem();
	h->blob.name = strdup(name);
	if (!h->blob.name)
		return gs_error_nomem();
	h->blob.ops = &head_ops;
	h->blob.size = INT64_MAX; /* only its end will tell */
	h->fd = fd;
	h->silence_ms = silence_ms;
	*ret = &gs_take(h)->blob;
	return NULL;
}

static struct gs_error *skip_to(struct stream_head *h, uint64_t off)
{
	uint8_t discarded[DISCARD_BYTES];
	struct gs_error *err = NULL;

	while (!err && h->pos < off) {
		uint64_t left = off - h->pos;

		err = read_stream(h, discarded,
				  left < sizeof(discarded) ? left : sizeof(discarded));
	}
	return err;
}

struct gs_error *gs_stream_head_pass(struct gs_blob *head, uint64_t off, void *buf, size_t size)
{
	struct stream_head *h = (struct stream_head *)head;
	struct gs_error *err;

	if (off < h->size) {
		size_t n = size < h->size - off ? size : h->size - off;

		memcpy(buf, h->data + off, n);
		buf = (uint8_t *)buf + n;
		off += n;
		size -= n;
	}
	if (!size)
		return NULL;
	err = skip_to(h, off);
	if (!err)
		err = read_stream(h, buf, size);
	return err ? gs_error_wrap(err, "%s", head->name) : NULL;
}

struct gs_error *gs_stream_head_drain(struct gs_blob *head)
{
	struct stream_head *h = (struct stream_head *)head;
	uint8_t discarded[DISCARD_BYTES];
	ssize_t n;

	do {
		n = gs_read_steady(h->fd, discarded, sizeof(discarded), h->silence_ms);
	} while (n == sizeof(discarded));
	return n < 0 ? gs_error_wrap(describe_errno(h), "%s", head->name) : NULL;
}
