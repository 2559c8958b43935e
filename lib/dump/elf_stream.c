/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF vmcore that arrives on a pipe.
 *
 * Behind the headers the stream is a memory that can be read once, in the order of its addresses.
 * The page source over that memory plans the chunks; here each one is filled as soon as it is
 * planned.
 */
#include <stdlib.h>
#include <string.h>

#include <guestscope/dump.h>

#include "elf_parse.h"
#include "stream_head.h"

struct stream_memory {
	struct gs_memory mem;
	struct gs_blob *head;
	struct gs_elf_map map;
};

struct elf_stream {
	struct gs_page_source src;
	struct gs_memory *mem;
	struct gs_page_source *chunks; /* over mem */
	bool drained;
};

static const struct gs_stretch *find_stretch(struct gs_memory *mem, gs_gpa_t gpa)
{
	size_t count;
	const struct gs_stretch *stretches =
		gs_elf_map_stretches(&((struct stream_memory *)mem)->map, &count);

	return &stretches[gs_stretch_find(stretches, count, gpa)];
}

static struct gs_error *stream_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct gs_blob *head = ((struct stream_memory *)mem)->head;
	struct gs_error *err = NULL;

	for (const struct gs_stretch *s = find_stretch(mem, gpa); size && !err; s++) {
		size_t n = size < s->end - gpa ? size : s->end - gpa;

		if (GS_SRC_IS_OFFSET(s->src))
			err = gs_stream_head_pass(head, s->src + (gpa - s->start), buf, n);
		else
			memset(buf, 0, n);
		buf = (uint8_t *)buf + n;
		gpa += n;
		size -= n;
	}
	return err;
}

static struct gs_error *stream_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
				      enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct gs_stretch *s = find_stretch(mem, gpa);

	*ret = GS_SRC_IS_OFFSET(s->src)    ? GS_EXTENT_DATA
	       : s->src == GS_SRC_EXCLUDED ? GS_EXTENT_EXCLUDED
					   : GS_EXTENT_ZERO;
	*end_ret = s->end < limit ? s->end : limit;
	return NULL;
}

static void stream_destroy(struct gs_memory *mem)
{
	struct stream_memory *m = (struct stream_memory *)mem;

	gs_elf_map_deinit(&m->map);
	gs_blob_destroy(m->head);
}

static const struct gs_memory_ops stream_memory_ops = {
	.format = "elf",
	.read = stream_read,
	.extent = stream_extent,
	.destroy = stream_destroy,
};

/* Bytes that are behind those of a higher address would have to be kept. */
static struct gs_error *check_order(const struct stream_memory *m)
{
	size_t count;
	const struct gs_stretch *s = gs_elf_map_stretches(&m->map, &count);
	uint64_t pos = 0;

	for (size_t i = 0; i < count; i++) {
		if (!GS_SRC_IS_OFFSET(s[i].src))
			continue;
		if (s[i].src < pos)
			return gs_error_create(GS_ERROR_UNSUPPORTED,
					       "%s: memory at 0x%llx comes before that of lower "
					       "addresses, which a stream does not allow",
					       m->mem.name, (unsigned long long)s[i].start);
		pos = s[i].src + (s[i].end - s[i].start);
	}
	return NULL;
}

static struct gs_error *parse_head(struct stream_memory *m, int fd, const char *name,
				   uint64_t silence_ms, struct gs_elf_headers *h)
{
	struct gs_error *err = gs_stream_head_open(fd, name, silence_ms, &m->head);

	if (!err)
		err = gs_elf_parse(m->head, h);
	if (!err)
		err = gs_elf_attributes(h, &m->mem.attrs);
	if (!err)
		err = gs_elf_map_init(&m->map, h, &m->mem.attrs, name);
	if (err)
		return err;
	m->mem.ranges = gs_take(m->map.ranges);
	m->mem.range_count = m->map.range_count;
	m->mem.name = strdup(name);
	return m->mem.name ? NULL : gs_error_nomem();
}

static struct gs_error *open_memory(int fd, const char *name, uint64_t silence_ms,
				    struct stream_memory **ret)
{
	struct stream_memory *m = calloc(1, sizeof(*m));
	struct gs_elf_headers h = {0};
	struct gs_error *err;

	if (!m)
		return gs_error_nomem();
	m->mem.ops = &stream_memory_ops;
	m->map.stretches.fd = -1;
	err = parse_head(m, fd, name, silence_ms, &h);
	gs_elf_headers_deinit(&h);
	if (err)
		gs_memory_destroy(&m->mem);
	else
		*ret = m;
	return err;
}

static struct gs_error *source_next(struct gs_page_source *src, struct gs_chunk *chunk,
				    bool *end_ret)
{
	struct elf_stream *s = (struct elf_stream *)src;
	struct gs_error *err = gs_page_source_next(s->chunks, chunk, end_ret);

	if (err)
		return err;
	if (!*end_ret)
		return gs_page_source_load(s->chunks, chunk);
	/* QEMU has more to say behind the memory, and fails if nobody listens. */
	if (s->drained)
		return NULL;
	s->drained = true;
	return gs_stream_head_drain(((struct stream_memory *)s->mem)->head);
}

static struct gs_error *source_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	(void)src;
	(void)chunk;
	return NULL;
}

static void source_destroy(struct gs_page_source *src)
{
	struct elf_stream *s = (struct elf_stream *)src;

	gs_page_source_destroy(s->chunks);
	gs_memory_destroy(s->mem);
	free(s);
}

static const struct gs_page_source_ops stream_source_ops = {
	.next = source_next,
	.load = source_load,
	.destroy = source_destroy,
};

/* What is asked for must all come: the caller has planned its output for it. */
static struct gs_error *check_ranges(const struct gs_memory *mem,
				     const struct gs_elf_stream_options *options)
{
	gs_autofree struct gs_range *common = NULL;
	size_t count;
	struct gs_error *err = gs_ranges_intersect(mem->ranges, mem->range_count, options->ranges,
						   options->range_count, &common, &count);

	if (err || gs_ranges_total_bytes(common, count) ==
			   gs_ranges_total_bytes(options->ranges, options->range_count))
		return err;
	return gs_error_create(GS_ERROR_UNSUPPORTED,
			       "%s: the stream does not hold all memory that was asked for",
			       mem->name);
}

struct gs_error *gs_elf_stream_open(int fd, const char *name,
				    const struct gs_elf_stream_options *options,
				    struct gs_attributes *attrs_ret, struct gs_page_source **ret)
{
	static const struct gs_elf_stream_options defaults;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct elf_stream *s = calloc(1, sizeof(*s));
	struct stream_memory *m = NULL;
	struct gs_error *err;

	if (!s)
		return gs_error_nomem();
	s->src.ops = &stream_source_ops;
	src = &s->src;
	if (!options)
		options = &defaults;
	err = open_memory(fd, name, options->silence_ms, &m);
	if (err)
		return err;
	s->mem = &m->mem;
	err = check_order(m);
	if (!err && options->ranges)
		err = check_ranges(s->mem, options);
	if (!err)
		err = gs_memory_source(s->mem, options->ranges, options->range_count, &s->chunks);
	if (!err && attrs_ret)
		err = gs_attributes_copy(&m->mem.attrs, attrs_ret);
	if (err)
		return err;
	s->src.ranges = s->chunks->ranges;
	s->src.range_count = s->chunks->range_count;
	s->src.page_size = s->chunks->page_size;
	*ret = gs_take(src);
	return NULL;
}

static int compare_segments(const void *a, const void *b)
{
	gs_gpa_t x = ((const struct gs_range *)a)->start, y = ((const struct gs_range *)b)->start;

	return (x > y) - (x < y);
}

static struct gs_error *list_segments(const struct gs_elf_headers *h, struct gs_range **ret)
{
	struct gs_range *segments = calloc(h->load_count + 1, sizeof(*segments));

	if (!segments)
		return gs_error_nomem();
	for (size_t i = 0; i < h->load_count; i++)
		segments[i] = (struct gs_range){h->loads[i].gpa, h->loads[i].memsz};
	qsort(segments, h->load_count, sizeof(*segments), compare_segments);
	*ret = segments;
	return NULL;
}

struct gs_error *gs_elf_stream_headers(int fd, const char *name, uint64_t silence_ms,
				       struct gs_attributes *attrs_ret,
				       struct gs_range **segments_ret, size_t *count_ret)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *head = NULL;
	struct gs_attributes attrs = {0};
	struct gs_elf_headers h = {0};
	struct gs_error *err = gs_stream_head_open(fd, name, silence_ms, &head);

	if (!err)
		err = gs_elf_parse(head, &h);
	if (!err)
		err = gs_elf_attributes(&h, &attrs);
	if (!err)
		err = list_segments(&h, segments_ret);
	if (err) {
		gs_attributes_deinit(&attrs);
	} else {
		*attrs_ret = attrs;
		*count_ret = h.load_count;
	}
	gs_elf_headers_deinit(&h);
	return err;
}
