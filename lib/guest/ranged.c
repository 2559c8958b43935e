/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live guest as a memory, through QMP alone: QEMU's program headers say where RAM is, small
 * ranged dumps bring pages. Small reads come in blocks that are kept for a while, since page tables
 * and struct arrays are read in small neighbouring pieces; large ones are a dump each.
 */
#include <guestscope/guest.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/dump.h>

#include "pipe_dump.h"
#include "ranged.h"
#include "xp.h"

#define BLOCK_BYTES (UINT64_C(64) << 10)
#define BLOCK_COUNT 64
#define BULK_BYTES (UINT64_C(256) << 10) /* from here on a read is a dump of its own */

struct block {
	gs_gpa_t gpa;
	uint64_t size; /* 0: empty */
	uint64_t last_used;
	uint8_t *bytes; /* BLOCK_BYTES */
};

struct ranged {
	struct gs_memory mem;
	struct gs_qmp *qmp;
	pthread_mutex_t lock; /* one session, one dump at a time */
	uint64_t clock;
	struct block blocks[BLOCK_COUNT];
};

/* Concatenate the chunks of a small stream into @buf; they must be just [gpa, gpa + size). */
static struct gs_error *drain(struct gs_page_source *src, gs_gpa_t gpa, uint8_t *buf, uint64_t size)
{
	gs_autofree uint8_t *room = aligned_alloc(4096, GS_CHUNK_BYTES);
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	uint64_t done = 0;

	if (!room || !chunk)
		return gs_error_nomem();
	chunk->buffer = room;
	for (;;) {
		bool end = false;
		struct gs_error *err = gs_page_source_next(src, chunk, &end);

		if (!err && !end && chunk->kind == GS_EXTENT_DATA)
			err = gs_page_source_load(src, chunk);
		if (err)
			return err;
		if (end)
			break;
		if (chunk->gpa != gpa + done || chunk->size > size - done)
			return gs_error_create(GS_ERROR_PROTOCOL,
					       "asked QEMU for 0x%" PRIx64 "+0x%" PRIx64
					       ", got 0x%" PRIx64 "+0x%" PRIx64,
					       gpa, size, chunk->gpa, chunk->size);
		if (chunk->kind == GS_EXTENT_DATA)
			memcpy(buf + done, chunk->data, chunk->size);
		else
			memset(buf + done, 0, chunk->size);
		done += chunk->size;
	}
	if (done == size)
		return NULL;
	return gs_error_create(GS_ERROR_PROTOCOL,
			       "asked QEMU for 0x%" PRIx64 " bytes at 0x%" PRIx64
			       ", got 0x%" PRIx64,
			       size, gpa, done);
}

static struct gs_error *fetch_by_dump(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf, uint64_t size)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	const struct gs_elf_stream_options options = {.silence_ms = GS_PIPE_SILENCE_MS};
	struct pipe_dump dump;
	struct gs_error *err = gs_pipe_dump_start_brief(qmp, gpa, size, &dump);

	if (err)
		return err;
	err = gs_elf_stream_open(dump.fd, gs_qmp_name(qmp), &options, NULL, &src);
	if (!err)
		err = drain(src, gpa, buf, size);
	if (err) {
		gs_pipe_dump_cancel(&dump);
		return err;
	}
	return gs_pipe_dump_finish(&dump);
}

struct gs_error *gs_guest_fetch(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf, uint64_t size)
{
	return gs_qmp_is_libvirt(qmp) ? gs_guest_read_xp(qmp, gpa, buf, size)
				      : fetch_by_dump(qmp, gpa, buf, size);
}

static struct block *pick_block(struct ranged *r, gs_gpa_t gpa)
{
	struct block *oldest = &r->blocks[0];

	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		struct block *b = &r->blocks[i];

		if (gpa >= b->gpa && gpa - b->gpa < b->size)
			return b;
		if (b->last_used < oldest->last_used)
			oldest = b;
	}
	oldest->size = 0;
	return oldest;
}

/* The block around @gpa, cut to the range that holds it. */
static struct gs_error *get_block(struct ranged *r, gs_gpa_t gpa, struct block **ret)
{
	size_t i = gs_ranges_find(r->mem.ranges, r->mem.range_count, gpa);
	const struct gs_range *range = &r->mem.ranges[i];
	struct block *b = pick_block(r, gpa);
	gs_gpa_t start = gpa & ~(BLOCK_BYTES - 1);
	uint64_t size = BLOCK_BYTES;
	struct gs_error *err;

	b->last_used = ++r->clock;
	*ret = b;
	if (b->size)
		return NULL;
	if (!b->bytes)
		b->bytes = malloc(BLOCK_BYTES);
	if (!b->bytes)
		return gs_error_nomem();
	if (start < range->start) {
		size -= range->start - start;
		start = range->start;
	}
	if (size > range->size - (start - range->start))
		size = range->size - (start - range->start);
	err = gs_guest_fetch(r->qmp, start, b->bytes, size);
	if (!err) {
		b->gpa = start;
		b->size = size;
	}
	return err;
}

static struct gs_error *ranged_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	struct ranged *r = (struct ranged *)mem;
	struct gs_error *err = NULL;
	uint8_t *to = buf;

	pthread_mutex_lock(&r->lock);
	if (size >= BULK_BYTES) {
		err = gs_guest_fetch(r->qmp, gpa, buf, size);
		size = 0;
	}
	while (size > 0) {
		struct block *b = NULL;
		size_t part;

		err = get_block(r, gpa, &b);
		if (err)
			break;
		part = b->size - (gpa - b->gpa);
		if (part > size)
			part = size;
		memcpy(to, b->bytes + (gpa - b->gpa), part);
		gpa += part;
		to += part;
		size -= part;
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

static void ranged_destroy(struct gs_memory *mem)
{
	struct ranged *r = (struct ranged *)mem;

	for (size_t i = 0; i < BLOCK_COUNT; i++)
		free(r->blocks[i].bytes);
	pthread_mutex_destroy(&r->lock);
}

static const struct gs_memory_ops ranged_ops = {
	.format = "guest",
	.read = ranged_read,
	.destroy = ranged_destroy,
};

struct gs_error *gs_guest_headers(struct gs_qmp *qmp, struct gs_attributes *attrs_ret,
				  struct gs_range **segments_ret, size_t *count_ret)
{
	struct pipe_dump dump;
	struct gs_error *err = gs_pipe_dump_start_brief(qmp, 0, 0, &dump);

	if (err)
		return err;
	err = gs_elf_stream_headers(dump.fd, gs_qmp_name(qmp), GS_PIPE_SILENCE_MS, attrs_ret,
				    segments_ret, count_ret);
	gs_pipe_dump_cancel(&dump);
	return err;
}

static struct gs_error *read_headers(struct gs_qmp *qmp, struct gs_memory *mem)
{
	size_t count;
	struct gs_error *err = gs_guest_headers(qmp, &mem->attrs, &mem->ranges, &count);

	if (!err)
		mem->range_count = gs_ranges_normalize(mem->ranges, count);
	return err;
}

struct gs_error *gs_guest_memory_open(struct gs_qmp *qmp, struct gs_memory **ret)
{
	struct ranged *r = calloc(1, sizeof(*r));
	struct gs_error *err;

	if (!r)
		return gs_error_nomem();
	r->mem.ops = &ranged_ops;
	r->qmp = qmp;
	pthread_mutex_init(&r->lock, NULL);
	r->mem.name = strdup(gs_qmp_name(qmp));
	err = r->mem.name ? read_headers(qmp, &r->mem) : gs_error_nomem();
	if (err) {
		gs_memory_destroy(&r->mem);
		return err;
	}
	*ret = &r->mem;
	return NULL;
}
