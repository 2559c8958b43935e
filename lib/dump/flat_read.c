/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flattened files seen through.
 *
 *	0      "makedumpfile", type 1, version 1; zeros up to 4096
 *	4096   offset, size, then size bytes that belong at offset of the real file
 *	       ... records in any order, later ones overwrite earlier ones ...
 *	       -1, -1
 *
 * All numbers are signed 64-bit big endian. Gaps between records read as zero.
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/bytes.h>

#include "formats.h"
#include "pieces.h"

#define SIGNATURE "makedumpfile\0\0\0" /* and the final NUL */
#define SIGNATURE_SIZE 16
#define START_SIZE 4096
#define START_TYPE 1
#define START_VERSION 1
#define RECORD_SIZE 16
#define WINDOW_SIZE 4096
#define NEIGHBOURS_MAX 64 /* stretches that are looked at for one of data */

struct flat_blob {
	struct gs_blob blob;
	struct gs_blob *container;
	struct gs_spool stretches; /* where each stretch of the file is in the container */
};

/* Headers of small records lie close together: read several at once. */
struct scan {
	struct gs_blob *container;
	struct gs_spool pieces;
	uint64_t pos, index; /* of the next record */
	uint64_t end;        /* of the file in the container, so far */
	uint8_t window[WINDOW_SIZE];
	uint64_t window_off;
	size_t window_size;
	struct gs_flat_end *cut; /* what is there of a file that was cut will do; or NULL */
};

bool gs_flat_probe(struct gs_blob *blob)
{
	uint8_t magic[SIGNATURE_SIZE];
	gs_autoerror struct gs_error *err =
		gs_blob_read(blob, "signature", 0, magic, sizeof(magic));

	return !err && !memcmp(magic, SIGNATURE, SIGNATURE_SIZE);
}

static struct gs_error *check_start(struct gs_blob *container)
{
	uint8_t start[SIGNATURE_SIZE + 16];
	struct gs_error *err = gs_blob_read(container, "flattened header", 0, start, sizeof(start));
	uint64_t type, version;

	if (err)
		return err;
	type = gs_get_u64(start + SIGNATURE_SIZE, true);
	version = gs_get_u64(start + SIGNATURE_SIZE + 8, true);
	if (type != START_TYPE || version != START_VERSION)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: flattened header: type %llu version %llu, expected 1 "
				       "and 1",
				       container->name, (unsigned long long)type,
				       (unsigned long long)version);
	return NULL;
}

static struct gs_error *bad_record(const struct scan *s, uint64_t off, uint64_t size,
				   const char *problem)
{
	return gs_error_create(
		GS_ERROR_CORRUPT, "%s: record %llu at 0x%llx: offset %lld, size %lld: %s",
		s->container->name, (unsigned long long)s->index, (unsigned long long)s->pos,
		(long long)off, (long long)size, problem);
}

static struct gs_error *read_record_header(struct scan *s, uint64_t *off_ret, uint64_t *size_ret)
{
	const uint8_t *header;
	struct gs_error *err;

	if (s->pos > s->container->size || s->container->size - s->pos < RECORD_SIZE)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "%s: record %llu at 0x%llx: the file ends here, without an "
				       "end record: it was cut",
				       s->container->name, (unsigned long long)s->index,
				       (unsigned long long)s->pos);
	if (s->pos < s->window_off || s->pos + RECORD_SIZE > s->window_off + s->window_size) {
		uint64_t left = s->container->size - s->pos;

		s->window_off = s->pos;
		s->window_size = left < WINDOW_SIZE ? left : WINDOW_SIZE;
		err = gs_blob_read(s->container, "flattened records", s->pos, s->window,
				   s->window_size);
		if (err)
			return err;
	}
	header = s->window + (s->pos - s->window_off);
	*off_ret = gs_get_u64(header, true);
	*size_ret = gs_get_u64(header + 8, true);
	return NULL;
}

/* Of a record that the file ends in, what is there. */
static uint64_t shorten_record(struct scan *s, uint64_t size)
{
	uint64_t there = s->container->size - s->pos - RECORD_SIZE;

	if (!s->cut || size <= there)
		return size;
	s->cut->record_pos = s->pos;
	s->cut->there = there;
	return there;
}

static struct gs_error *add_record(struct scan *s, uint64_t off, uint64_t size)
{
	uint64_t data = s->pos + RECORD_SIZE;
	struct gs_error *err;
	void *room;

	if (off > INT64_MAX || size > INT64_MAX || !size || size > INT64_MAX - off)
		return bad_record(s, off, size, "no such place in a file");
	if (size > s->container->size - data)
		return bad_record(s, off, size, "the file ends within the record: it was cut");
	err = gs_spool_extend(&s->pieces, sizeof(struct gs_piece), &room);
	if (err)
		return err;
	/* Later records win over earlier ones, and are further behind. */
	*(struct gs_piece *)room = (struct gs_piece){off, off + size, data, ~data};
	s->pos = data + size;
	s->index++;
	if (off + size > s->end)
		s->end = off + size;
	return NULL;
}

/* Whether the scan of a file that may be cut is at its end. */
static bool at_cut(struct scan *s)
{
	if (!s->cut)
		return false;
	s->cut->pos = s->pos;
	s->cut->cut = s->container->size - s->pos < RECORD_SIZE;
	return s->cut->cut;
}

static struct gs_error *scan_records(struct scan *s)
{
	uint64_t off = 0, size = 0;
	struct gs_error *err;

	for (;;) {
		if (at_cut(s))
			return NULL;
		err = read_record_header(s, &off, &size);
		if (err)
			return err;
		if (off == UINT64_MAX && size == UINT64_MAX)
			return NULL;
		if (off <= INT64_MAX && size)
			size = shorten_record(s, size);
		if (s->cut && !size) { /* its header is the last there is */
			s->cut->cut = true;
			return NULL;
		}
		err = add_record(s, off, size);
		if (err)
			return err;
	}
}

static const struct gs_stretch *stretches_of(const struct gs_blob *blob, size_t *count_ret)
{
	const struct gs_spool *spool = &((const struct flat_blob *)blob)->stretches;

	*count_ret = spool->size / sizeof(struct gs_stretch);
	return spool->data;
}

static struct gs_error *flat_read(struct gs_blob *blob, uint64_t off, void *buf, size_t size)
{
	struct gs_blob *container = ((struct flat_blob *)blob)->container;
	size_t count;
	const struct gs_stretch *stretches = stretches_of(blob, &count);
	struct gs_error *err = NULL;

	for (size_t i = gs_stretch_find(stretches, count, off); size && !err;) {
		const struct gs_stretch *s = i < count ? &stretches[i] : NULL;
		size_t n;

		if (s && s->start <= off) {
			n = size < s->end - off ? size : s->end - off;
			err = container->ops->read(container, s->src + (off - s->start), buf, n);
			i++;
		} else {
			uint64_t gap = (s ? s->start : blob->size) - off;

			n = size < gap ? size : gap;
			memset(buf, 0, n);
		}
		buf = (uint8_t *)buf + n;
		off += n;
		size -= n;
	}
	return err;
}

static struct gs_error *flat_next_data(struct gs_blob *blob, uint64_t off, uint64_t *data_off_ret,
				       uint64_t *data_end_ret)
{
	size_t count;
	const struct gs_stretch *s = stretches_of(blob, &count);
	size_t i = gs_stretch_find(s, count, off);

	if (i == count) {
		*data_off_ret = *data_end_ret = blob->size;
		return NULL;
	}
	*data_off_ret = s[i].start > off ? s[i].start : off;
	for (int more = NEIGHBOURS_MAX; more && i + 1 < count && s[i + 1].start == s[i].end; more--)
		i++;
	*data_end_ret = s[i].end;
	return NULL;
}

static void flat_destroy(struct gs_blob *blob)
{
	struct flat_blob *flat = (struct flat_blob *)blob;

	gs_blob_destroy(flat->container);
	gs_spool_deinit(&flat->stretches);
	free(flat);
}

static const struct gs_blob_ops flat_ops = {
	.read = flat_read,
	.next_data = flat_next_data,
	.destroy = flat_destroy,
};

struct gs_blob *gs_flat_close(struct gs_blob *flat)
{
	struct gs_blob *container = gs_take(((struct flat_blob *)flat)->container);

	gs_blob_destroy(flat);
	return container;
}

static struct gs_error *build_index(struct gs_blob *container, const char *spool_dir,
				    struct gs_flat_end *cut, struct flat_blob *flat)
{
	struct scan s = {
		.container = container,
		.pieces = GS_SPOOL_INIT(spool_dir),
		.pos = START_SIZE,
		.cut = cut,
	};
	struct gs_error *err = check_start(container);

	if (!err)
		err = scan_records(&s);
	if (!err)
		err = gs_pieces_resolve(&s.pieces, &flat->stretches);
	gs_spool_deinit(&s.pieces);
	flat->blob.size = s.end;
	return err;
}

static struct gs_error *flat_open(struct gs_blob *blob, const char *spool_dir,
				  struct gs_flat_end *cut, struct gs_blob **ret)
{
	struct flat_blob *flat = calloc(1, sizeof(*flat));
	struct gs_error *err;

	if (!flat)
		return gs_error_nomem();
	flat->blob.ops = &flat_ops;
	flat->stretches = (struct gs_spool)GS_SPOOL_INIT(spool_dir);
	flat->blob.name = strdup(blob->name);
	err = flat->blob.name ? build_index(blob, spool_dir, cut, flat) : gs_error_nomem();
	if (err) {
		gs_blob_destroy(&flat->blob);
		return err;
	}
	flat->container = blob;
	*ret = &flat->blob;
	return NULL;
}

struct gs_error *gs_flat_open(struct gs_blob *blob, const char *spool_dir, struct gs_blob **ret)
{
	return flat_open(blob, spool_dir, NULL, ret);
}

struct gs_error *gs_flat_open_cut(struct gs_blob *blob, const char *spool_dir,
				  struct gs_flat_end *end_ret, struct gs_blob **ret)
{
	*end_ret = (struct gs_flat_end){0};
	return flat_open(blob, spool_dir, end_ret, ret);
}
