/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blobs: random-access input from a file or from a buffer. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <guestscope/base/io.h>

struct file_blob {
	struct gs_blob blob;
	int fd;
};

struct buffer_blob {
	struct gs_blob blob;
	const uint8_t *data;
};

/* pread, not a mapping: a file that shrinks under us must be an error, not a SIGBUS. */
static struct gs_error *file_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct file_blob *file = (struct file_blob *)blob;
	ssize_t n = gs_pread_full(file->fd, buf, size, off);

	if (n < 0)
		return gs_error_os(errno, "offset 0x%llx", (unsigned long long)off);
	if ((size_t)n < size)
		return gs_error_create(
			GS_ERROR_CORRUPT,
			"offset 0x%llx: got %zd of %zu bytes, the file became shorter",
			(unsigned long long)off, n, size);
	return NULL;
}

static uint64_t clamp(off_t off, uint64_t size)
{
	return (uint64_t)off < size ? (uint64_t)off : size;
}

/* Where the filesystem cannot tell, all the rest may be data. */
static struct gs_error *file_next_data(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
				       uint64_t *data_end_ret)
{
	struct file_blob *file = (struct file_blob *)blob;
	off_t data_off = lseek(file->fd, (off_t)off, SEEK_DATA);
	off_t data_end;

	if (data_off < 0) {
		*data_off_ret = errno == ENXIO ? blob->size : off;
		*data_end_ret = blob->size;
		return NULL;
	}
	data_end = lseek(file->fd, data_off, SEEK_HOLE);
	*data_off_ret = clamp(data_off, blob->size);
	*data_end_ret = data_end < 0 ? blob->size : clamp(data_end, blob->size);
	return NULL;
}

static void file_destroy(struct gs_blob *blob)
{
	struct file_blob *file = (struct file_blob *)blob;

	close(file->fd);
	free(file);
}

static const struct gs_blob_ops file_ops = {
	.read = file_read,
	.next_data = file_next_data,
	.destroy = file_destroy,
};

static struct gs_error *buffer_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	memcpy(buf, ((struct buffer_blob *)blob)->data + off, size);
	return NULL;
}

static void buffer_destroy(struct gs_blob *blob)
{
	free(blob);
}

static const struct gs_blob_ops buffer_ops = {
	.read = buffer_read,
	.destroy = buffer_destroy,
};

/* Bytes of a regular file or a block device. */
static struct gs_error *measure_file(const char *name, int fd, uint64_t *size_ret)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return gs_error_os(errno, "%s", name);
	if (S_ISDIR(st.st_mode))
		return gs_error_os(EISDIR, "%s", name);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return gs_error_create(GS_ERROR_INVALID, "%s: not a regular file or block device",
				       name);
	end = lseek(fd, 0, SEEK_END); /* st_size of a block device is 0 */
	if (end < 0)
		return gs_error_os(errno, "%s", name);
	*size_ret = (uint64_t)end;
	return NULL;
}

struct gs_error *gs_blob_from_fd(const char *name, int fd, struct gs_blob **ret)
{
	gs_autofree struct file_blob *file = calloc(1, sizeof(*file));
	struct gs_error *err;

	if (!file)
		return gs_error_nomem();
	err = measure_file(name, fd, &file->blob.size);
	if (err)
		return err;
	file->blob.name = strdup(name);
	if (!file->blob.name)
		return gs_error_nomem();
	file->blob.ops = &file_ops;
	file->fd = fd;
	*ret = &gs_take(file)->blob;
	return NULL;
}

struct gs_error *gs_blob_open(const char *path, struct gs_blob **ret)
{
	/* Without O_NONBLOCK, opening a fifo would hang instead of being refused. */
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct gs_error *err;

	if (fd < 0)
		return gs_error_os(errno, "%s", path);
	err = gs_blob_from_fd(path, fd, ret);
	if (!err)
		gs_take_fd(&fd);
	return err;
}

struct gs_error *gs_blob_from_buffer(const char *name, const void *data, size_t size,
				     struct gs_blob **ret)
{
	gs_autofree struct buffer_blob *buffer = calloc(1, sizeof(*buffer));

	if (!buffer)
		return gs_error_nomem();
	buffer->blob.name = strdup(name);
	if (!buffer->blob.name)
		return gs_error_nomem();
	buffer->blob.ops = &buffer_ops;
	buffer->blob.size = size;
	buffer->data = data;
	*ret = &gs_take(buffer)->blob;
	return NULL;
}

void gs_blob_destroy(struct gs_blob *blob)
{
	char *name;

	if (!blob)
		return;
	name = blob->name;
	blob->ops->destroy(blob);
	free(name);
}

struct gs_error *gs_blob_read(struct gs_blob *blob, const char *what, uint64_t off, void *buf,
			      size_t size)
{
	struct gs_error *err;

	if (off > blob->size || size > blob->size - off)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: %s: offset 0x%llx + %zu is past the end (0x%llx)",
				       blob->name, what, (unsigned long long)off, size,
				       (unsigned long long)blob->size);
	if (!size)
		return NULL;
	err = blob->ops->read(blob, off, buf, size);
	return err ? gs_error_wrap(err, "%s: %s", blob->name, what) : NULL;
}

struct gs_error *gs_blob_next_data(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
				   uint64_t *data_end_ret)
{
	if (off >= blob->size) {
		*data_off_ret = *data_end_ret = blob->size;
		return NULL;
	}
	if (blob->ops->next_data)
		return blob->ops->next_data(blob, off, data_off_ret, data_end_ret);
	*data_off_ret = off;
	*data_end_ret = blob->size;
	return NULL;
}
