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
#define START_FIELDS_BYTES 32
#define RECORD_HEADER_BYTES 16
#define RECORDS_MAX (UINT64_C(1) << 26) /* QEMU takes that many for 4 TiB of memory */
#define NEIGHBOURS_MAX 64               /* layers looked at for one stretch of data */

struct flat {
	struct gs_blob blob;
	struct gs_blob *file; /* borrowed */
	struct layers layers; /* of the payload; src is the place in the file */
};

static struct gs_error *judge_start(struct verify *v, struct gs_blob *file)
{
	uint8_t start[START_FIELDS_BYTES] = {0};
	size_t size = file->size < sizeof(start) ? file->size : sizeof(start);
	struct gs_error *err = gs_blob_read(file, "start block", 0, start, size);
	uint64_t type = gs_get_u64(start + 16, true), version = gs_get_u64(start + 24, true);

	if (err)
		return err;
	if (type != 1)
		gs_verify_find(v, GS_SEVERITY_ERROR, "flat-type", 16,
			       "type is %" PRId64 ", expected 1", (int64_t)type);
	if (version != 1)
		gs_verify_find(v, GS_SEVERITY_ERROR, "flat-version", 24,
			       "version is %" PRId64 ", expected 1", (int64_t)version);
	return NULL;
}

/* How many bytes of the record can be used; 0 if it ends the walk at once. */
static uint64_t judge_record(struct verify *v, int64_t start, int64_t size, uint64_t off,
			     uint64_t left)
{
	if (start == -1 && size == -1) {
		if (left)
			gs_verify_find(v, GS_SEVERITY_WARNING, "flat-trailing", off,
				       "%" PRIu64 " bytes follow the end record", left);
		return 0;
	}
	if (start < 0 || size <= 0 || size > INT64_MAX - start) {
		gs_verify_find(v, GS_SEVERITY_ERROR, "flat-record", off,
			       "record of offset %" PRId64 ", size %" PRId64
			       ": neither data nor the end record",
			       start, size);
		return 0;
	}
	if ((uint64_t)size > left) {
		gs_verify_find(v, GS_SEVERITY_ERROR, "flat-truncated", off,
			       "record of %" PRId64 " bytes, but the file ends after %" PRIu64,
			       size, left);
		return left;
	}
	return (uint64_t)size;
}

/* The record at @off; *next_ret 0 ends the walk. */
static struct gs_error *take_record(struct verify *v, struct flat *f, uint64_t off,
				    uint64_t *next_ret)
{
	uint64_t data_off = off + RECORD_HEADER_BYTES, left = f->file->size - data_off;
	uint8_t header[RECORD_HEADER_BYTES];
	struct gs_error *err = gs_blob_read(f->file, "record", off, header, sizeof(header));
	struct layer layer = {.src = data_off, .rank = ~data_off}; /* the later one holds */
	uint64_t declared, size;

	*next_ret = 0;
	if (err)
		return err;
	layer.start = gs_get_u64(header, true);
	declared = gs_get_u64(header + 8, true);
	size = judge_record(v, (int64_t)layer.start, (int64_t)declared, off, left);
	if (size == 0)
		return NULL;
	if (size == declared)
		*next_ret = data_off + size;
	layer.end = layer.start + size;
	if (layer.end > f->blob.size)
		f->blob.size = layer.end;
	return gs_layers_add(&f->layers, &layer);
}

static struct gs_error *walk_records(struct verify *v, struct flat *f)
{
	uint64_t off = START_BLOCK_BYTES;

	while (f->layers.count < RECORDS_MAX) {
		struct gs_error *err;

		if (off >= f->file->size || f->file->size - off < RECORD_HEADER_BYTES) {
			gs_verify_find(v, GS_SEVERITY_ERROR, "flat-no-end", off,
				       "the file ends without an end record");
			return NULL;
		}
		err = take_record(v, f, off, &off);
		if (err || off == 0)
			return err;
	}
	return gs_error_create(GS_ERROR_UNSUPPORTED, "%s: more than %" PRIu64 " records",
			       f->file->name, RECORDS_MAX);
}

/* What no record brought reads as zero. */
static struct gs_error *flat_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct flat *f = (struct flat *)blob;
	struct gs_error *err = NULL;
	uint64_t end = off + size;

	memset(buf, 0, size);
	for (size_t i = gs_layers_find(&f->layers, off); !err && i < f->layers.count; i++) {
		const struct layer *l = &f->layers.items[i];
		uint64_t from = l->start > off ? l->start : off;
		uint64_t to = l->end < end ? l->end : end;

		if (from >= to)
			break;
		err = gs_blob_read(f->file, "record data", l->src + (from - l->start),
				   (uint8_t *)buf + (from - off), to - from);
	}
	return err;
}

static struct gs_error *flat_next_data(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
				       uint64_t *data_end_ret)
{
	const struct layers *l = &((struct flat *)blob)->layers;
	size_t i = gs_layers_find(l, off), last = i + NEIGHBOURS_MAX;

	if (i == l->count) {
		*data_off_ret = *data_end_ret = blob->size;
		return NULL;
	}
	*data_off_ret = l->items[i].start > off ? l->items[i].start : off;
	while (i < last && i + 1 < l->count && l->items[i + 1].start == l->items[i].end)
		i++;
	*data_end_ret = l->items[i].end;
	return NULL;
}

static void flat_destroy(struct gs_blob *blob)
{
	struct flat *f = (struct flat *)blob;

	gs_layers_deinit(&f->layers);
	free(f);
}

static const struct gs_blob_ops flat_ops = {
	.read = flat_read,
	.next_data = flat_next_data,
	.destroy = flat_destroy,
};

struct gs_error *gs_verify_flat(struct verify *v, struct gs_blob *file, struct gs_blob **ret)
{
	struct flat *f = calloc(1, sizeof(*f));
	struct gs_error *err;

	if (!f)
		return gs_error_nomem();
	f->blob.ops = &flat_ops;
	f->blob.name = strdup(file->name);
	f->file = file;
	err = f->blob.name ? judge_start(v, file) : gs_error_nomem();
	if (!err)
		err = walk_records(v, f);
	if (!err)
		err = gs_layers_resolve(&f->layers);
	if (err)
		gs_blob_destroy(&f->blob);
	else
		*ret = &f->blob;
	return err;
}
