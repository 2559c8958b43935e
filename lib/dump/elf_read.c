/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory in an ELF file. */
#include <stdlib.h>
#include <string.h>

#include "elf_parse.h"
#include "formats.h"

struct elf_memory {
	struct gs_dump_memory dump;
	struct gs_blob *blob;
	struct gs_elf_map map;
};

bool gs_elf_probe(const uint8_t magic[GS_DUMP_MAGIC_BYTES])
{
	return !memcmp(magic, "\177ELF", 4);
}

static const struct gs_stretch *find_stretch(struct gs_memory *mem, gs_gpa_t gpa)
{
	size_t count;
	const struct gs_stretch *stretches =
		gs_elf_map_stretches(&((struct elf_memory *)mem)->map, &count);

	return &stretches[gs_stretch_find(stretches, count, gpa)];
}

static struct gs_error *elf_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct gs_blob *blob = ((struct elf_memory *)mem)->blob;
	struct gs_error *err = NULL;

	/* The stretches of a range follow each other without gaps. */
	for (const struct gs_stretch *s = find_stretch(mem, gpa); size && !err; s++) {
		size_t n = size < s->end - gpa ? size : s->end - gpa;

		if (s->src == GS_SRC_EXCLUDED)
			err = gs_error_create(GS_ERROR_NODATA, "%s: 0x%llx: excluded from the dump",
					      mem->name, (unsigned long long)gpa);
		else if (s->src == GS_SRC_ZERO)
			memset(buf, 0, n);
		else
			err = gs_blob_read(blob, "PT_LOAD", s->src + (gpa - s->start), buf, n);
		buf = (uint8_t *)buf + n;
		gpa += n;
		size -= n;
	}
	return err;
}

/* Holes of a sparse file read as zero; what the file lacks at its end is still to be missed. */
static struct gs_error *look_into_file(struct gs_blob *blob, uint64_t off, uint64_t size,
				       enum gs_extent *ret, uint64_t *size_ret)
{
	uint64_t data_off, data_end;
	struct gs_error *err;

	*ret = GS_EXTENT_DATA;
	*size_ret = size;
	if (off >= blob->size)
		return NULL;
	err = gs_blob_next_data(blob, off, &data_off, &data_end);
	if (err)
		return err;
	*ret = data_off > off ? GS_EXTENT_ZERO : GS_EXTENT_DATA;
	if (data_off > off)
		data_end = data_off;
	if (data_end - off < size)
		*size_ret = data_end - off;
	return NULL;
}

static struct gs_error *elf_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				   enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct gs_stretch *s = find_stretch(mem, gpa);
	uint64_t size = (s->end < limit ? s->end : limit) - gpa;
	struct gs_error *err = NULL;

	if (GS_SRC_IS_OFFSET(s->src))
		err = look_into_file(((struct elf_memory *)mem)->blob, s->src + (gpa - s->start),
				     size, ret, &size);
	else
		*ret = s->src == GS_SRC_ZERO ? GS_EXTENT_ZERO : GS_EXTENT_EXCLUDED;
	*end_ret = gpa + size;
	return err;
}

static void elf_destroy(struct gs_memory *mem)
{
	struct elf_memory *m = (struct elf_memory *)mem;

	gs_elf_map_deinit(&m->map);
	gs_blob_destroy(m->blob);
}

const struct gs_memory_ops gs_elf_memory_ops = {
	.format = "elf",
	.read = elf_read,
	.extent = elf_extent,
	.destroy = elf_destroy,
};

static struct gs_error *fill(struct elf_memory *m, struct gs_blob *blob, struct gs_elf_headers *h)
{
	struct gs_memory *mem = &m->dump.mem;
	struct gs_error *err = gs_elf_parse(blob, h);

	if (!err)
		err = gs_elf_attributes(h, &mem->attrs);
	if (!err)
		err = gs_elf_map_init(&m->map, h, &mem->attrs, blob->name);
	if (err)
		return err;
	mem->name = strdup(blob->name);
	if (!mem->name)
		return gs_error_nomem();
	mem->ranges = gs_take(m->map.ranges);
	mem->range_count = m->map.range_count;
	m->dump.facts = (struct gs_dump_facts){
		.format = "elf",
		.parts = 1,
		.load_count = (uint32_t)h->load_count,
		.has_vaddrs = h->has_vaddrs,
		.file_bytes = blob->size,
	};
	return NULL;
}

struct gs_error *gs_elf_open(struct gs_blob *blob, struct gs_dump_memory **ret)
{
	struct elf_memory *m = calloc(1, sizeof(*m));
	struct gs_elf_headers h = {0};
	struct gs_error *err;

	if (!m)
		return gs_error_nomem();
	m->dump.mem.ops = &gs_elf_memory_ops;
	m->map.stretches.fd = -1;
	err = fill(m, blob, &h);
	gs_elf_headers_deinit(&h);
	if (err) {
		gs_memory_destroy(&m->dump.mem);
		return err;
	}
	m->blob = blob;
	*ret = &m->dump;
	return NULL;
}
