/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening kdump files: ranges and page index from the bitmaps, the parts of a split set. */
#include <stdlib.h>
#include <string.h>

#include "kdump_memory.h"
#include "kdump_parse.h"

/* The ranges of RAM: the runs of the first bitmap. */
static struct gs_error *make_ranges(struct gs_kdump_memory *m, const struct gs_kdump_index *ram,
				    uint64_t max_mapnr)
{
	gs_autofree struct gs_range *ranges = NULL;
	size_t count = 0, capacity = 0;
	gs_pfn_t end;

	for (gs_pfn_t pfn = 0; pfn < max_mapnr; pfn = end) {
		if (!gs_kdump_index_run(ram, pfn, max_mapnr, &end))
			continue;
		if (count == GS_RANGES_MAX)
			return gs_error_create(GS_ERROR_CORRUPT,
					       "%s: more than %u ranges of memory",
					       m->dump.mem.name, GS_RANGES_MAX);
		if (count == capacity) {
			struct gs_range *more;

			capacity = capacity ? 2 * capacity : 64;
			more = reallocarray(ranges, capacity, sizeof(*ranges));
			if (!more)
				return gs_error_nomem();
			ranges = more;
		}
		ranges[count++] =
			(struct gs_range){pfn * m->block_size, (end - pfn) * m->block_size};
	}
	m->dump.mem.ranges = gs_take(ranges);
	m->dump.mem.range_count = count;
	return NULL;
}

static struct gs_error *load_bitmaps(struct gs_kdump_memory *m, struct gs_blob *blob,
				     const struct gs_kdump_headers *h)
{
	GS_CLEANUP(gs_kdump_index_destroy) struct gs_kdump_index *ram = NULL;
	struct gs_error *err =
		gs_kdump_index_load(blob, "bitmap", h->bitmap2_off, h->max_mapnr, &m->index);

	if (err)
		return err;
	if (h->bitmap1_off == h->bitmap2_off)
		return make_ranges(m, m->index, h->max_mapnr);
	err = gs_kdump_index_load(blob, "1st bitmap", h->bitmap1_off, h->max_mapnr, &ram);
	if (err)
		return err;
	return make_ranges(m, ram, h->max_mapnr);
}

/* Where the page data can start: behind the descriptors of the part's own pages. */
static void set_part(struct gs_kdump_memory *m, struct gs_kdump_part *part,
		     const struct gs_kdump_headers *h)
{
	uint64_t pages;

	part->big_endian = h->big_endian;
	part->block_size = h->block_size;
	part->start_pfn = h->start_pfn;
	part->end_pfn = h->end_pfn;
	part->first_rank = gs_kdump_index_rank(m->index, h->start_pfn);
	pages = gs_kdump_index_rank(m->index, h->end_pfn) - part->first_rank;
	part->table_off = h->table_off;
	part->data_off = h->table_off + pages * KDUMP_DESC_BYTES;
}

static int compare_parts(const void *a, const void *b)
{
	gs_pfn_t x = ((const struct gs_kdump_part *)a)->start_pfn;
	gs_pfn_t y = ((const struct gs_kdump_part *)b)->start_pfn;

	return (x > y) - (x < y);
}

/* Each page that has a descriptor must be in exactly one part. */
static struct gs_error *check_coverage(const struct gs_kdump_memory *m, uint64_t max_mapnr)
{
	gs_pfn_t pfn = 0;

	for (size_t i = 0; i <= m->part_count; i++) {
		gs_pfn_t start = i < m->part_count ? m->parts[i].start_pfn : max_mapnr;

		if (start < pfn)
			return gs_error_create(GS_ERROR_INVALID,
					       "%s and %s: parts of a split set overlap: page "
					       "0x%llx is in both",
					       m->parts[i - 1].blob->name, m->parts[i].blob->name,
					       (unsigned long long)start);
		if (gs_kdump_index_rank(m->index, pfn) != gs_kdump_index_rank(m->index, start))
			return gs_error_create(GS_ERROR_INVALID,
					       "%s: a part of a split set: the part with pages "
					       "0x%llx to 0x%llx is needed, too",
					       m->dump.mem.name, (unsigned long long)pfn,
					       (unsigned long long)start - 1);
		if (i < m->part_count)
			pfn = m->parts[i].end_pfn;
	}
	return NULL;
}

/* Whether a part has the same bitmaps as the first one. */
static struct gs_error *compare_bitmaps(struct gs_blob *first, struct gs_blob *other,
					const struct gs_kdump_headers *h)
{
	uint8_t a[16384], b[16384];

	for (uint64_t off = h->bitmap1_off; off < h->table_off; off += sizeof(a)) {
		size_t n = h->table_off - off < sizeof(a) ? h->table_off - off : sizeof(a);
		struct gs_error *err = gs_blob_read(first, "bitmap", off, a, n);

		if (!err)
			err = gs_blob_read(other, "bitmap", off, b, n);
		if (err)
			return err;
		if (memcmp(a, b, n) != 0)
			return gs_error_create(GS_ERROR_INVALID,
					       "%s: not of the same set as %s: the bitmaps differ",
					       other->name, first->name);
	}
	return NULL;
}

static struct gs_error *add_part(struct gs_kdump_memory *m, struct gs_blob *const *blobs, size_t i,
				 const struct gs_kdump_headers *first)
{
	struct gs_kdump_headers h;
	struct gs_error *err = gs_kdump_parse(blobs[i], &h);

	if (err)
		return err;
	if (!h.split)
		return gs_error_create(GS_ERROR_INVALID, "%s: not a part of a split set",
				       blobs[i]->name);
	if (memcmp(h.raw, first->raw, gs_kdump_header_bytes(first->shape)) != 0 ||
	    h.max_mapnr != first->max_mapnr || h.table_off != first->table_off)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: not of the same set as %s: the headers differ",
				       blobs[i]->name, blobs[0]->name);
	err = compare_bitmaps(blobs[0], blobs[i], &h);
	if (!err)
		set_part(m, &m->parts[i], &h);
	m->dump.facts.file_bytes += blobs[i]->size;
	return err;
}

static struct gs_error *add_parts(struct gs_kdump_memory *m, struct gs_blob *const *blobs,
				  size_t count, const struct gs_kdump_headers *first)
{
	struct gs_error *err = NULL;

	if (count > 1 && !first->split)
		return gs_error_create(GS_ERROR_INVALID, "%s: not a part of a split set",
				       blobs[0]->name);
	m->parts = calloc(count, sizeof(*m->parts));
	if (!m->parts)
		return gs_error_nomem();
	set_part(m, &m->parts[0], first);
	for (size_t i = 1; i < count && !err; i++)
		err = add_part(m, blobs, i, first);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		m->parts[i].blob = blobs[i];
	m->part_count = count;
	qsort(m->parts, count, sizeof(*m->parts), compare_parts);
	err = check_coverage(m, first->max_mapnr);
	if (err)
		m->part_count = 0; /* the blobs stay the caller's */
	return err;
}

static struct gs_error *fill(struct gs_kdump_memory *m, struct gs_blob *const *blobs, size_t count)
{
	struct gs_memory *mem = &m->dump.mem;
	struct gs_kdump_headers h;
	struct gs_error *err = gs_kdump_parse(blobs[0], &h);

	if (err)
		return err;
	m->block_size = h.block_size;
	m->dump.facts = (struct gs_dump_facts){
		.format = "kdump",
		.kdump_version = (int)h.header[KDUMP_HEADER_VERSION],
		.status = (uint32_t)h.header[KDUMP_STATUS],
		.parts = (unsigned int)count,
		.file_bytes = blobs[0]->size,
	};
	mem->name = strdup(blobs[0]->name);
	if (!mem->name)
		return gs_error_nomem();
	err = gs_kdump_attributes(blobs[0], &h, &mem->attrs);
	if (!err)
		err = load_bitmaps(m, blobs[0], &h);
	return err ? err : add_parts(m, blobs, count, &h);
}

struct gs_error *gs_kdump_open(struct gs_blob *const *blobs, size_t count,
			       struct gs_dump_memory **ret)
{
	struct gs_kdump_memory *m = calloc(1, sizeof(*m));
	struct gs_error *err;

	if (!m)
		return gs_error_nomem();
	m->dump.mem.ops = &gs_kdump_memory_ops;
	err = fill(m, blobs, count);
	if (err)
		gs_memory_destroy(&m->dump.mem);
	else
		*ret = &m->dump;
	return err;
}
