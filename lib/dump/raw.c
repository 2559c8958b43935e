/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw images: the bytes of one range and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "formats.h"

struct raw_memory {
	struct gs_dump_memory dump;
	struct gs_blob *blob;
};

static struct gs_error *raw_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	return gs_blob_read(((struct raw_memory *)mem)->blob, "memory", gpa - mem->ranges[0].start,
			    buf, size);
}

static struct gs_error *raw_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				   enum gs_extent *ret, gs_gpa_t *end_ret)
{
	gs_gpa_t base = mem->ranges[0].start;
	uint64_t data_off, data_end;
	struct gs_error *err = gs_blob_next_data(((struct raw_memory *)mem)->blob, gpa - base,
						 &data_off, &data_end);
	bool is_zero = data_off > gpa - base;
	gs_gpa_t end = base + (is_zero ? data_off : data_end);

	if (err)
		return err;
	*ret = is_zero ? GS_EXTENT_ZERO : GS_EXTENT_DATA;
	*end_ret = end < limit ? end : limit;
	return NULL;
}

static void raw_destroy(struct gs_memory *mem)
{
	gs_blob_destroy(((struct raw_memory *)mem)->blob);
}

const struct gs_memory_ops gs_raw_memory_ops = {
	.format = "raw",
	.read = raw_read,
	.extent = raw_extent,
	.destroy = raw_destroy,
};

static struct gs_error *check(const struct gs_blob *blob, gs_gpa_t base, uint32_t page_size)
{
	if (!blob->size)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: an empty file", blob->name);
	if (base >= GS_GPA_MAX || blob->size > GS_GPA_MAX - base)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s: a base of 0x%llx puts memory beyond 2^52", blob->name,
				       (unsigned long long)base);
	if (page_size < 4096 || page_size > GS_CODEC_PAGE_MAX || (page_size & (page_size - 1)))
		return gs_error_create(GS_ERROR_INVALID,
				       "page size %u, expected a power of two from 4096 to %u",
				       page_size, GS_CODEC_PAGE_MAX);
	return NULL;
}

struct gs_error *gs_raw_open(struct gs_blob *blob, const struct gs_dump_open *options,
			     struct gs_dump_memory **ret)
{
	uint32_t page_size = options->raw_page_size ? options->raw_page_size : 4096;
	gs_autofree struct raw_memory *m = NULL;
	gs_autofree struct gs_range *range = NULL;
	gs_autofree char *name = NULL;
	struct gs_error *err = check(blob, options->raw_base, page_size);

	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	range = calloc(1, sizeof(*range));
	name = strdup(blob->name);
	if (!m || !range || !name)
		return gs_error_nomem();
	*range = (struct gs_range){options->raw_base, blob->size};
	m->dump.mem = (struct gs_memory){
		.ops = &gs_raw_memory_ops,
		.name = gs_take(name),
		.attrs = {.is_64bit = true, .page_size = page_size},
		.ranges = gs_take(range),
		.range_count = 1,
	};
	m->dump.facts = (struct gs_dump_facts){
		.format = "raw",
		.parts = 1,
		.file_bytes = blob->size,
	};
	m->blob = blob;
	*ret = &gs_take(m)->dump;
	return NULL;
}
