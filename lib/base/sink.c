/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte sinks: a seekable file, a stream, and nowhere. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>

static const uint8_t zeros[65536];

struct file_sink {
	struct gs_sink sink;
	int fd;
	bool is_device;
	char *name;
	pthread_mutex_t lock; /* a device's cleared_end; the stream's pos needs none */
	uint64_t cleared_end; /* a device: all below was written or zeroed */
};

struct stream_sink {
	struct gs_sink sink;
	int fd;
	char *name;
	uint64_t pos;
};

struct null_sink {
	struct gs_sink sink;
	_Atomic uint64_t written_bytes;
};

/*
 * What a device held before would shine through the gaps that are holes in a regular file. So
 * everything between the furthest byte so far and @off is zeroed before anyone may write there;
 * *cleared_end moves to @end.
 */
static int clear_device_up_to(struct file_sink *file, uint64_t off, uint64_t end)
{
	int rc = 0;

	pthread_mutex_lock(&file->lock);
	while (rc == 0 && file->cleared_end < off) {
		uint64_t gap = off - file->cleared_end;
		size_t n = gap < sizeof(zeros) ? (size_t)gap : sizeof(zeros);

		rc = gs_pwrite_full(file->fd, zeros, n, file->cleared_end);
		if (rc == 0)
			file->cleared_end += n;
	}
	if (rc == 0 && file->cleared_end < end)
		file->cleared_end = end;
	pthread_mutex_unlock(&file->lock);
	return rc;
}

static struct gs_error *file_write(struct gs_sink *sink, uint64_t off, const void *data,
				   size_t size)
{
	struct file_sink *file = (struct file_sink *)sink;

	if (file->is_device && clear_device_up_to(file, off, off + size) < 0)
		return gs_error_os(errno, "%s", file->name);
	if (gs_pwrite_full(file->fd, data, size, off) < 0)
		return gs_error_os(errno, "%s", file->name);
	return NULL;
}

static struct gs_error *file_finish(struct gs_sink *sink, uint64_t size)
{
	struct file_sink *file = (struct file_sink *)sink;
	int rc = file->is_device ? clear_device_up_to(file, size, size)
				 : ftruncate(file->fd, (off_t)size);

	return rc < 0 ? gs_error_os(errno, "%s", file->name) : NULL;
}

static void file_destroy(struct gs_sink *sink)
{
	struct file_sink *file = (struct file_sink *)sink;

	pthread_mutex_destroy(&file->lock);
	free(file->name);
	free(file);
}

static const struct gs_sink_ops file_ops = {
	.write = file_write,
	.finish = file_finish,
	.destroy = file_destroy,
};

struct gs_error *gs_sink_file(int fd, const char *name, struct gs_sink **ret)
{
	struct file_sink *file;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return gs_error_os(errno, "%s", name);
	file = calloc(1, sizeof(*file));
	if (!file || !(file->name = strdup(name))) {
		free(file);
		return gs_error_nomem();
	}
	file->sink.ops = &file_ops;
	file->sink.positional = true;
	file->fd = fd;
	file->is_device = !S_ISREG(st.st_mode);
	pthread_mutex_init(&file->lock, NULL);
	*ret = &file->sink;
	return NULL;
}

static struct gs_error *stream_put(struct stream_sink *stream, const void *data, size_t size)
{
	if (gs_write_full(stream->fd, data, size) < 0)
		return gs_error_os(errno, "%s", stream->name);
	stream->pos += size;
	return NULL;
}

/* Fill up to @off with zeros. */
static struct gs_error *stream_advance(struct stream_sink *stream, uint64_t off)
{
	struct gs_error *err = NULL;

	if (off < stream->pos)
		return gs_error_create(
			GS_ERROR_INVALID, "%s: cannot go back from 0x%llx to 0x%llx in a stream",
			stream->name, (unsigned long long)stream->pos, (unsigned long long)off);
	while (!err && stream->pos < off) {
		uint64_t gap = off - stream->pos;

		err = stream_put(stream, zeros, gap < sizeof(zeros) ? (size_t)gap : sizeof(zeros));
	}
	return err;
}

static struct gs_error *stream_write(struct gs_sink *sink, uint64_t off, const void *data,
				     size_t size)
{
	struct stream_sink *stream = (struct stream_sink *)sink;
	struct gs_error *err = stream_advance(stream, off);

	return err ? err : stream_put(stream, data, size);
}

static struct gs_error *stream_finish(struct gs_sink *sink, uint64_t size)
{
	return stream_advance((struct stream_sink *)sink, size);
}

static void stream_destroy(struct gs_sink *sink)
{
	free(((struct stream_sink *)sink)->name);
	free(sink);
}

static const struct gs_sink_ops stream_ops = {
	.write = stream_write,
	.finish = stream_finish,
	.destroy = stream_destroy,
};

struct gs_error *gs_sink_stream(int fd, const char *name, struct gs_sink **ret)
{
	struct stream_sink *stream = calloc(1, sizeof(*stream));

	if (!stream || !(stream->name = strdup(name))) {
		free(stream);
		return gs_error_nomem();
	}
	stream->sink.ops = &stream_ops;
	stream->fd = fd;
	*ret = &stream->sink;
	return NULL;
}

static struct gs_error *null_write(struct gs_sink *sink, uint64_t off, const void *data,
				   size_t size)
{
	(void)off;
	(void)data;
	atomic_fetch_add(&((struct null_sink *)sink)->written_bytes, size);
	return NULL;
}

static struct gs_error *null_finish(struct gs_sink *sink, uint64_t size)
{
	(void)sink;
	(void)size;
	return NULL;
}

static void null_destroy(struct gs_sink *sink)
{
	free(sink);
}

static const struct gs_sink_ops null_ops = {
	.write = null_write,
	.finish = null_finish,
	.destroy = null_destroy,
};

struct gs_error *gs_sink_null(struct gs_sink **ret)
{
	struct null_sink *null = calloc(1, sizeof(*null));

	if (!null)
		return gs_error_nomem();
	null->sink.ops = &null_ops;
	null->sink.positional = true;
	*ret = &null->sink;
	return NULL;
}

uint64_t gs_sink_null_bytes(const struct gs_sink *sink)
{
	return atomic_load(&((const struct null_sink *)sink)->written_bytes);
}

struct gs_error *gs_sink_write(struct gs_sink *sink, uint64_t off, const void *data, size_t size)
{
	return size ? sink->ops->write(sink, off, data, size) : NULL;
}

struct gs_error *gs_sink_finish(struct gs_sink *sink, uint64_t size)
{
	return sink->ops->finish(sink, size);
}

void gs_sink_destroy(struct gs_sink *sink)
{
	if (sink)
		sink->ops->destroy(sink);
}
