/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes, random-access input (blob), safe output files and byte sinks. */
#ifndef GUESTSCOPE_BASE_IO_H
#define GUESTSCOPE_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>

/*
 * Shaped like libc: -1 and errno. EINTR is handled, and a non-blocking fd is waited for. Reads stop
 * short only at end of file. Writing to a socket raises no SIGPIPE; writing to a pipe does, unless
 * the program ignores it, as the tools do: then the error is EPIPE.
 */
ssize_t gs_read_full(int fd, void *buf, size_t size);
/* As gs_read_full(), but ETIMEDOUT once nothing has come for @silence_ms; 0: waits for ever. */
ssize_t gs_read_steady(int fd, void *buf, size_t size, uint64_t silence_ms);
ssize_t gs_pread_full(int fd, void *buf, size_t size, uint64_t off);
int gs_write_full(int fd, const void *buf, size_t size);
int gs_pwrite_full(int fd, const void *buf, size_t size, uint64_t off);

/*
 * A whole small file (a /proc text, a description), with a NUL behind it that does not count;
 * GS_ERROR_CORRUPT beyond @max bytes. @size_ret may be NULL.
 */
GS_MUST_CHECK struct gs_error *gs_read_file(const char *path, size_t max, char **ret,
					    size_t *size_ret);

/*
 * A blob: bytes that can be read at any offset from several threads at once. A file, a buffer, or a
 * view made by another room (the flattened format lays one over another).
 */
struct gs_blob {
	const struct gs_blob_ops *ops;
	char *name;    /* for messages: the path as the user gave it */
	uint64_t size; /* bytes; reads beyond it are CORRUPT */
};

struct gs_blob_ops {
	/*
	 * Exactly @size bytes at @off; the range was checked against blob->size. Thread-safe.
	 * Errors need not say which blob: gs_blob_read() puts "<name>: <what>: " before them.
	 */
	struct gs_error *(*read)(struct gs_blob *blob, uint64_t off, void *buf, size_t size);
	/*
	 * Optional. The next stretch at or after @off that may hold data: everything in
	 * [@off, *data_off_ret) reads as zero without I/O; *data_end_ret ends the stretch.
	 * At the end of data, *data_off_ret = *data_end_ret = size.
	 */
	struct gs_error *(*next_data)(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
				      uint64_t *data_end_ret);
	/* Frees the struct that embeds @blob and all it owns; blob->name is freed elsewhere. */
	void (*destroy)(struct gs_blob *blob);
};

/* A regular file or block device, opened read-only; others are INVALID. Errors carry the path. */
GS_MUST_CHECK struct gs_error *gs_blob_open(const char *path, struct gs_blob **ret);
/* Borrowed bytes; they outlive the blob. */
GS_MUST_CHECK struct gs_error *gs_blob_from_buffer(const char *name, const void *data, size_t size,
						   struct gs_blob **ret);
/* Takes @fd (a spool, a memfd, an unlinked file) on success. */
GS_MUST_CHECK struct gs_error *gs_blob_from_fd(const char *name, int fd, struct gs_blob **ret);
void gs_blob_destroy(struct gs_blob *blob);
GS_DEFINE_CLEANUP(struct gs_blob *, gs_blob_destroy)

/* Exactly @size bytes or CORRUPT "<name>: <what>: offset 0x.. + N is past the end (0x..)". */
GS_MUST_CHECK struct gs_error *gs_blob_read(struct gs_blob *blob, const char *what, uint64_t off,
					    void *buf, size_t size);
GS_MUST_CHECK struct gs_error *gs_blob_next_data(struct gs_blob *blob, uint64_t off,
						 uint64_t *data_off_ret, uint64_t *data_end_ret);

/*
 * An output file that costs no data. A regular file is made with O_TMPFILE (or a temporary name
 * beside where the filesystem lacks that), mode 0600, and appears under its name, complete and
 * synced, only at commit. A symlink stays: what it points at is made or replaced. Devices, fifos
 * and symlinks to them are written through; "-" is stdout, a stream even if redirected to a file.
 */
struct gs_outfile;

enum gs_outfile_flags {
	GS_OUTFILE_FORCE = 1, /* replace an existing file (at commit, atomically) */
};

/* INVALID when @path exists and FORCE is not given. */
GS_MUST_CHECK struct gs_error *gs_outfile_open(const char *path, unsigned int flags,
					       struct gs_outfile **ret);
int gs_outfile_fd(const struct gs_outfile *f);
const char *gs_outfile_path(const struct gs_outfile *f); /* for messages: "stdout" for "-" */
bool gs_outfile_is_seekable(const struct gs_outfile *f); /* a regular file or block device */
/* Bytes that may be written before the filesystem is full; UINT64_MAX where unknown. */
uint64_t gs_outfile_free_bytes(const struct gs_outfile *f);
/* Sync and make visible. On failure nothing is left behind. @f still wants destroying. */
GS_MUST_CHECK struct gs_error *gs_outfile_commit(struct gs_outfile *f);
/* Without a commit before it, nothing remains of the file. */
void gs_outfile_destroy(struct gs_outfile *f);
GS_DEFINE_CLEANUP(struct gs_outfile *, gs_outfile_destroy)
/* The file has these bytes, whatever it had: written as above. */
GS_MUST_CHECK struct gs_error *gs_file_replace(const char *path, const void *data, size_t size);

/*
 * A sink: where a format's writer puts bytes at offsets. Positional sinks (a seekable file) may be
 * written from several threads at once; sequential ones (flattened, a pipe) from one at a time.
 * Offsets that were never written read as zero.
 */
struct gs_sink {
	const struct gs_sink_ops *ops;
	bool positional; /* any offset, any thread */
	bool flattened;  /* any offset, one thread: offsets are part of the stream */
};

struct gs_sink_ops {
	struct gs_error *(*write)(struct gs_sink *sink, uint64_t off, const void *data,
				  size_t size);
	/* Trailing structures (the flattened end record), final size. Called once, at the end. */
	struct gs_error *(*finish)(struct gs_sink *sink, uint64_t size);
	void (*destroy)(struct gs_sink *sink);
};

/*
 * Over a borrowed seekable fd, empty if a regular file: pwrite; gaps stay holes; finish() sets the
 * size. On a block device gaps are written as zeros.
 */
GS_MUST_CHECK struct gs_error *gs_sink_file(int fd, const char *name, struct gs_sink **ret);
/* Over a borrowed pipe-like fd: offsets must not go backwards; gaps are written as zeros. */
GS_MUST_CHECK struct gs_error *gs_sink_stream(int fd, const char *name, struct gs_sink **ret);
/* Discards and counts: what a dry run writes to. */
GS_MUST_CHECK struct gs_error *gs_sink_null(struct gs_sink **ret);
uint64_t gs_sink_null_bytes(const struct gs_sink *sink); /* written so far, without gaps */
GS_MUST_CHECK struct gs_error *gs_sink_write(struct gs_sink *sink, uint64_t off, const void *data,
					     size_t size);
GS_MUST_CHECK struct gs_error *gs_sink_finish(struct gs_sink *sink, uint64_t size);
void gs_sink_destroy(struct gs_sink *sink);
GS_DEFINE_CLEANUP(struct gs_sink *, gs_sink_destroy)

#endif
