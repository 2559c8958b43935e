/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flattened file, judged record by record, and its payload as a blob.
 *
 *	4096 bytes     "makedumpfile", int64 type 1, int64 version 1, zeros
 *	record...      int64 offset, int64 size, size bytes          (all big-endian)
 *	end record     -1, -1
 *
 * Records come in any order; where two overlap the later one holds.
 */
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#define START_BLOCK_BYTES 4096
#define RECORD_HEADER_BYTES 16
#define RECORDS_MAX (UINT64_C(1) << 27) /* 5 GiB of index: nobody writes records that small */

struct record {
	uint64_t start, end; /* in the payload */
	uint64_t data_off;   /* in the file; its order is the order of writing */
};

struct flat {
	struct gs_blob blob;
	struct gs_blob *file;
	struct record *records; /* by start */
	uint64_t *reach;        /* reach[i]: the largest end of records[0..i] */
	size_t count, capacity;
};

static struct gs_error *add_record(struct flat *f, uint64_t start, uint64_t size, uint64_t data_off)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 1024;
		struct record *records = reallocarray(f->records, capacity, sizeof(*records));

		if (!records)
			return gs_error_nomem();
		f->records = records;
		f->capacity = capacity;
	}
	f->records[f->count++] = (struct record){start, start + size, data_off};
	return NULL;
}

static void judge_start(struct verify *v, const uint8_t *start)
{
	uint64_t type = gs_get_u64(start + 16, true), version = gs_get_u64(start + 24, true);

	if (type != 1)
		verify_find(v, GS_SEVERITY_ERROR, "flat-type", 16,
			    "type is %" PRId64 ", expected 1", (int64_t)type);
	if (version != 1)
		verify_find(v, GS_SEVERITY_ERROR, "flat-version", 24,
			    "version is %" PRId64 ", expected 1", (int64_t)version);
}

/* One record header; *next_ret 0 ends the walk. */
static struct gs_error *judge_record(struct verify *v, struct flat *f, uint64_t off,
				     uint64_t *next_ret)
{
	uint64_t left = f->file->size - off - RECORD_HEADER_BYTES, size;
	uint8_t header[RECORD_HEADER_BYTES];
	struct gs_error *err = gs_blob_read(f->file, "record", off, header, sizeof(header));
	int64_t start;

	*next_ret = 0;
	if (err)
		return err;
	start = (int64_t)gs_get_u64(header, true);
	size = gs_get_u64(header + 8, true);
	if (start == -1 && (int64_t)size == -1) {
		if (left)
			verify_find(v, GS_SEVERITY_WARNING, "flat-trailing", off,
				    "%" PRIu64 " bytes follow the end record", left);
		return NULL;
	}
	if (start < 0 || (int64_t)size <= 0 || size > (uint64_t)INT64_MAX - (uint64_t)start) {
		verify_find(v, GS_SEVERITY_ERROR, "flat-record", off,
			    "record of offset %" PRId64 ", size %" PRId64
			    ": neither data nor the end record",
			    start, (int64_t)size);
		return NULL;
	}
	if (size > left) {
		verify_find(v, GS_SEVERITY_ERROR, "flat-truncated", off,
			    "record of %" PRIu64 " bytes, but the file ends after %" PRIu64, size,
			    left);
		size = left;
	} else {
		*next_ret = off + RECORD_HEADER_BYTES + size;
	}
	return size ? add_record(f, (uint64_t)start, size, off + RECORD_HEADER_BYTES) : NULL;
}

static struct gs_error *walk_records(struct verify *v, struct flat *f)
{
	uint64_t off = START_BLOCK_BYTES;

	while (f->count < RECORDS_MAX) {
		struct gs_error *err;

		if (off >= f->file->size || f->file->size - off < RECORD_HEADER_BYTES) {
			verify_find(v, GS_SEVERITY_ERROR, "flat-no-end", off,
				    "the file ends without an end record");
			return NULL;
		}
		err = judge_record(v, f, off, &off);
		if (err || off == 0)
			return err;
	}
	return gs_error_create(GS_ERROR_CORRUPT, "%s: more than %" PRIu64 " records", f->file->name,
			       RECORDS_MAX);
}

static int by_start(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int by_age(const void *a, const void *b)
{
	const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;

	return x->data_off < y->data_off ? -1 : x->data_off > y->data_off;
}

static struct gs_error *build_index(struct flat *f)
{
	uint64_t reach = 0;

	qsort(f->records, f->count, sizeof(*f->records), by_start);
	f->reach = calloc(f->count ? f->count : 1, sizeof(*f->reach));
	if (!f->reach)
		return gs_error_nomem();
	for (size_t i = 0; i < f->count; i++) {
		if (f->records[i].end > reach)
			reach = f->records[i].end;
		f->reach[i] = reach;
	}
	f->blob.size = reach;
	return NULL;
}

/* The first record that reaches beyond @off. */
static size_t first_reaching(const struct flat *f, uint64_t off)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->reach[middle] <= off)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct gs_error *paint(struct flat *f, const struct record *r, uint64_t off, uint8_t *buf,
			      size_t size)
{
	uint64_t from = r->start > off ? r->start : off;
	uint64_t to = r->end < off + size ? r->end : off + size;

	return gs_blob_read(f->file, "record data", r->data_off + (from - r->start),
			    buf + (from - off), to - from);
}

/* Paint what intersects, oldest first, so that the later record holds. */
static struct gs_error *flat_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct flat *f = (struct flat *)blob;
	size_t first = first_reaching(f, off), last = first, count = 0;
	gs_autofree struct record **hits = NULL;
	struct gs_error *err = NULL;

	while (last < f->count && f->records[last].start < off + size)
		last++;
	hits = calloc(last - first + 1, sizeof(*hits));
	if (!hits)
		return gs_error_nomem();
	for (size_t i = first; i < last; i++)
		if (f->records[i].end > off)
			hits[count++] = &f->records[i];
	qsort(hits, count, sizeof(struct record *), by_age);
	memset(buf, 0, size);
	for (size_t i = 0; !err && i < count; i++)
		err = paint(f, hits[i], off, buf, size);
	return err;
}

static void flat_destroy(struct gs_blob *blob)
{
	struct flat *f = (struct flat *)blob;

	gs_blob_destroy(f->file);
	free(f->records);
	free(f->reach);
	free(f);
}

static const struct gs_blob_ops flat_ops = {.read = flat_read, .destroy = flat_destroy};

struct gs_error *verify_flat(struct verify *v, struct gs_blob *blob, struct gs_blob **ret)
{
	struct flat *f = calloc(1, sizeof(*f));
	uint8_t start[START_BLOCK_BYTES];
	struct gs_error *err;

	if (!f)
		return gs_error_nomem();
	f->blob.ops = &flat_ops;
	f->blob.name = strdup(blob->name);
	f->file = blob;
	err = f->blob.name ? gs_blob_read(blob, "start block", 0, start, sizeof(start))
			   : gs_error_nomem();
	if (!err) {
		judge_start(v, start);
		err = walk_records(v, f);
	}
	if (!err)
		err = build_index(f);
	if (err) {
		f->file = NULL; /* stays the caller's */
		gs_blob_destroy(&f->blob);
		return err;
	}
	*ret = &f->blob;
	return NULL;
}
