/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Old and new bytes of a dump, safe beside it while it is changed. */
#include "repair_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include <guestscope/base/bytes.h>
#include <guestscope/base/text.h>

#define MAGIC "GSJOURNL"
#define MAGIC_BYTES 8
#define VERSION 1
#define HEAD_BYTES 32
#define EDIT_BYTES 24
#define SUM_BYTES 8
#define CHUNK_BYTES ((size_t)1 << 18)

char *gs_journal_path(const char *path)
{
	return gs_strf("%s.guestscope-journal", path);
}

bool gs_journal_exists(const char *journal_path)
{
	struct stat st;

	return lstat(journal_path, &st) == 0;
}

/* ---- writing ---- */

struct writer {
	struct gs_outfile *out;
	XXH3_state_t *hash;
	struct gs_mend *m;
	const char *path;
	int fd; /* the dump */
	uint64_t size;
	uint8_t *buffer; /* CHUNK_BYTES */
};

static struct gs_error *put(struct writer *w, const void *data, size_t size)
{
	XXH3_64bits_update(w->hash, data, size);
	if (gs_write_full(gs_outfile_fd(w->out), data, size) < 0)
		return gs_error_os(errno, "%s", w->path);
	return NULL;
}

static struct gs_error *put_head(struct writer *w)
{
	uint8_t head[HEAD_BYTES] = MAGIC;

	gs_put_u32(head + 8, VERSION, false);
	gs_put_u32(head + 12, (uint32_t)gs_mend_edit_count(w->m), false);
	gs_put_u64(head + 16, w->size, false);
	gs_put_u64(head + 24, gs_mend_file_size(w->m), false);
	return put(w, head, sizeof(head));
}

static struct gs_error *put_old(struct writer *w, uint64_t off, uint64_t size)
{
	struct gs_error *err = NULL;

	while (size && !err) {
		size_t n = size < CHUNK_BYTES ? (size_t)size : CHUNK_BYTES;
		ssize_t got = gs_pread_full(w->fd, w->buffer, n, off);

		if (got != (ssize_t)n)
			return gs_error_os(got < 0 ? errno : EIO, "%s", gs_mend_memory(w->m)->name);
		err = put(w, w->buffer, n);
		off += n;
		size -= n;
	}
	return err;
}

static struct gs_error *put_new(struct writer *w, size_t i, uint64_t size)
{
	struct gs_error *err = NULL;

	for (uint64_t pos = 0; pos < size && !err;) {
		size_t n = size - pos < CHUNK_BYTES ? (size_t)(size - pos) : CHUNK_BYTES;

		err = gs_mend_edit_read(w->m, i, pos, w->buffer, n);
		if (!err)
			err = put(w, w->buffer, n);
		pos += n;
	}
	return err;
}

static struct gs_error *put_edit(struct writer *w, size_t i)
{
	uint8_t head[EDIT_BYTES];
	uint64_t off, size, there;
	struct gs_error *err;

	gs_mend_edit(w->m, i, &off, &size);
	there = off < w->size ? w->size - off : 0;
	if (there > size)
		there = size;
	gs_put_u64(head, off, false);
	gs_put_u64(head + 8, size, false);
	gs_put_u64(head + 16, there, false);
	err = put(w, head, sizeof(head));
	if (!err)
		err = put_old(w, off, there);
	return err ? err : put_new(w, i, size);
}

static struct gs_error *put_all(struct writer *w)
{
	uint8_t sum[SUM_BYTES];
	struct gs_error *err = put_head(w);

	for (size_t i = 0; i < gs_mend_edit_count(w->m) && !err; i++)
		err = put_edit(w, i);
	gs_put_u64(sum, XXH3_64bits_digest(w->hash), false);
	return err ? err : put(w, sum, sizeof(sum));
}

struct gs_error *gs_journal_write(const char *journal_path, struct gs_mend *m, int fd)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	gs_autofree uint8_t *buffer = malloc(CHUNK_BYTES);
	struct writer w = {.m = m, .path = journal_path, .fd = fd, .buffer = buffer};
	struct gs_error *err;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return gs_error_os(errno, "%s", gs_mend_memory(m)->name);
	w.size = (uint64_t)st.st_size;
	err = buffer ? gs_outfile_open(journal_path, 0, &out) : gs_error_nomem();
	if (err)
		return err;
	w.out = out;
	w.hash = XXH3_createState();
	if (!w.hash)
		return gs_error_nomem();
	XXH3_64bits_reset(w.hash);
	err = put_all(&w);
	XXH3_freeState(w.hash);
	return err ? err : gs_outfile_commit(out);
}

/* ---- applying ---- */

struct reader {
	struct gs_blob *journal;
	const char *path; /* of the dump */
	int fd;
	const struct gs_repair_spec *spec;
	uint64_t size_before, size_after;
	uint32_t edit_count;
	uint8_t *old_bytes, *new_bytes, *now; /* CHUNK_BYTES each */
};

struct edit {
	uint64_t off, size, there;
	uint64_t old_at, new_at; /* in the journal */
};

static struct gs_error *damaged(const struct reader *r, const char *problem)
{
	return gs_error_create(GS_ERROR_CORRUPT, "%s: a journal of %s that cannot be used: %s",
			       r->journal->name, r->path, problem);
}

static struct gs_error *check_sum(struct reader *r)
{
	XXH3_state_t *hash = XXH3_createState();
	uint64_t end = r->journal->size - SUM_BYTES;
	struct gs_error *err = hash ? NULL : gs_error_nomem();
	uint8_t sum[SUM_BYTES];

	if (hash)
		XXH3_64bits_reset(hash);
	for (uint64_t off = 0; off < end && !err;) {
		size_t n = end - off < CHUNK_BYTES ? (size_t)(end - off) : CHUNK_BYTES;

		err = gs_blob_read(r->journal, "journal", off, r->now, n);
		if (!err)
			XXH3_64bits_update(hash, r->now, n);
		off += n;
	}
	if (!err)
		err = gs_blob_read(r->journal, "journal", end, sum, sizeof(sum));
	if (!err && gs_get_u64(sum, false) != XXH3_64bits_digest(hash))
		err = damaged(r, "its checksum is wrong");
	XXH3_freeState(hash);
	return err;
}

static struct gs_error *read_head(struct reader *r)
{
	uint8_t head[HEAD_BYTES];
	struct gs_error *err;

	if (r->journal->size < HEAD_BYTES + SUM_BYTES)
		return damaged(r, "it is too short");
	err = gs_blob_read(r->journal, "journal", 0, head, sizeof(head));
	if (err)
		return err;
	if (memcmp(head, MAGIC, MAGIC_BYTES) != 0 || gs_get_u32(head + 8, false) != VERSION)
		return damaged(r, "it is none that this version writes");
	r->edit_count = gs_get_u32(head + 12, false);
	r->size_before = gs_get_u64(head + 16, false);
	r->size_after = gs_get_u64(head + 24, false);
	return NULL;
}

/* The edit at *at of the journal, which is moved behind it. */
static struct gs_error *read_edit(struct reader *r, uint64_t *at, struct edit *ret)
{
	uint64_t end = r->journal->size - SUM_BYTES;
	uint8_t head[EDIT_BYTES];
	struct gs_error *err;

	if (end - *at < EDIT_BYTES)
		return damaged(r, "it ends within an edit");
	err = gs_blob_read(r->journal, "journal", *at, head, sizeof(head));
	if (err)
		return err;
	ret->off = gs_get_u64(head, false);
	ret->size = gs_get_u64(head + 8, false);
	ret->there = gs_get_u64(head + 16, false);
	*at += EDIT_BYTES;
	if (ret->there > ret->size || ret->there > end - *at ||
	    ret->size > end - *at - ret->there || ret->off > r->size_after ||
	    ret->size > r->size_after - ret->off)
		return damaged(r, "an edit has no such place");
	ret->old_at = *at;
	ret->new_at = *at + ret->there;
	*at += ret->there + ret->size;
	return NULL;
}

/* Whether each byte of the dump is the old one or the new one. */
static struct gs_error *check_chunk(struct reader *r, const struct edit *edit, uint64_t pos,
				    size_t size)
{
	uint64_t there = edit->there > pos ? edit->there - pos : 0;
	size_t old_size = there < size ? (size_t)there : size;
	struct gs_error *err;
	ssize_t now_size;

	memset(r->old_bytes, 0, size);
	err = gs_blob_read(r->journal, "journal", edit->old_at + pos, r->old_bytes, old_size);
	if (!err)
		err = gs_blob_read(r->journal, "journal", edit->new_at + pos, r->new_bytes, size);
	if (err)
		return err;
	now_size = gs_pread_full(r->fd, r->now, size, edit->off + pos);
	if (now_size < 0)
		return gs_error_os(errno, "%s", r->path);
	if ((size_t)now_size < old_size)
		return damaged(r, "the dump is shorter than it was");
	for (size_t i = 0; i < (size_t)now_size; i++) {
		if (r->now[i] != r->old_bytes[i] && r->now[i] != r->new_bytes[i])
			return damaged(r, "the dump is another one, or was changed meanwhile");
	}
	return NULL;
}

static void step(const struct reader *r)
{
	if (r->spec->step)
		r->spec->step(r->spec->step_arg);
}

static struct gs_error *write_chunk(struct reader *r, const struct edit *edit, uint64_t pos,
				    size_t size)
{
	struct gs_error *err =
		gs_blob_read(r->journal, "journal", edit->new_at + pos, r->new_bytes, size);

	if (err)
		return err;
	step(r);
	if (gs_pwrite_full(r->fd, r->new_bytes, size, edit->off + pos) < 0)
		return gs_error_os(errno, "%s", r->path);
	return NULL;
}

typedef struct gs_error *(*chunk_fn)(struct reader *r, const struct edit *edit, uint64_t pos,
				     size_t size);

static struct gs_error *for_each_chunk(struct reader *r, chunk_fn fn)
{
	uint64_t at = HEAD_BYTES;
	struct gs_error *err = NULL;

	for (uint32_t i = 0; i < r->edit_count && !err; i++) {
		struct edit edit;

		err = read_edit(r, &at, &edit);
		for (uint64_t pos = 0; !err && pos < edit.size; pos += CHUNK_BYTES) {
			uint64_t left = edit.size - pos;

			err = fn(r, &edit, pos, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
		}
	}
	return err;
}

static struct gs_error *check_size(struct reader *r)
{
	struct stat st;

	if (fstat(r->fd, &st) < 0)
		return gs_error_os(errno, "%s", r->path);
	if (r->size_after < r->size_before || (uint64_t)st.st_size < r->size_before ||
	    (uint64_t)st.st_size > r->size_after)
		return damaged(r, "the dump has another size");
	return NULL;
}

static struct gs_error *finish(struct reader *r)
{
	struct gs_error *err = for_each_chunk(r, write_chunk);

	if (err)
		return err;
	step(r);
	if (ftruncate(r->fd, (off_t)r->size_after) < 0 || fsync(r->fd) < 0)
		return gs_error_os(errno, "%s", r->path);
	step(r);
	if (unlink(r->journal->name) < 0)
		return gs_error_os(errno, "%s", r->journal->name);
	return NULL;
}

struct gs_error *gs_journal_apply(const char *journal_path, const char *path, int fd,
				  const struct gs_repair_spec *spec)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *journal = NULL;
	gs_autofree uint8_t *buffers = malloc(3 * CHUNK_BYTES);
	struct reader r = {.path = path, .fd = fd, .spec = spec};
	struct gs_error *err = buffers ? gs_blob_open(journal_path, &journal) : gs_error_nomem();

	if (err)
		return err;
	r.journal = journal;
	r.old_bytes = buffers;
	r.new_bytes = buffers + CHUNK_BYTES;
	r.now = buffers + 2 * CHUNK_BYTES;
	err = read_head(&r);
	if (!err)
		err = check_sum(&r);
	if (!err)
		err = check_size(&r);
	if (!err)
		err = for_each_chunk(&r, check_chunk);
	return err ? err : finish(&r);
}
