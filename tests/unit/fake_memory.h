/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest memory made up by a rule, and a sink that keeps everything in a buffer. */
#ifndef TESTS_UNIT_FAKE_MEMORY_H
#define TESTS_UNIT_FAKE_MEMORY_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <guestscope/base/io.h>
#include <guestscope/memory.h>

#include "unit.h"

#define FAKE_RANGES_MAX 8

/*
 * Every page number decides what its page holds: 0 zeros, 1 random bytes, else text that
 * compresses. Bytes of [excluded, excluded_end) are EXCLUDED, [hollow, hollow_end) is known to be
 * ZERO; these two are page aligned.
 */
struct fake_memory {
	struct gs_memory mem;
	struct gs_range ranges[FAKE_RANGES_MAX];
	gs_gpa_t excluded, excluded_end;
	gs_gpa_t hollow, hollow_end;
	gs_gpa_t bad; /* reading it fails; 0: none */
	_Atomic unsigned int reads;
};

static inline uint32_t fake_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline void fake_page(const struct fake_memory *f, gs_pfn_t pfn, uint8_t *page)
{
	uint32_t size = f->mem.attrs.page_size, seed = (uint32_t)pfn * 2654435761u + 1;
	gs_gpa_t gpa = pfn * size;

	memset(page, 0, size);
	if (pfn % 4 == 0 || (gpa >= f->hollow && gpa < f->hollow_end))
		return;
	for (uint32_t i = 0; i < size; i += 4) {
		uint32_t word = pfn % 4 == 1 ? fake_random(&seed) : (uint32_t)pfn + i / 512;

		memcpy(page + i, &word, 4);
	}
}

static inline struct gs_error *fake_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf,
					 size_t size)
{
	struct fake_memory *f = (struct fake_memory *)mem;
	uint32_t page_size = mem->attrs.page_size;
	gs_autofree uint8_t *page = malloc(page_size);
	uint8_t *to = buf;

	f->reads++;
	if (f->bad && f->bad >= gpa && f->bad - gpa < size)
		return gs_error_create(GS_ERROR_CORRUPT, "bad page");
	while (size) {
		size_t skip = gpa % page_size;
		size_t n = page_size - skip < size ? page_size - skip : size;

		fake_page(f, gpa / page_size, page);
		memcpy(to, page + skip, n);
		gpa += n;
		to += n;
		size -= n;
	}
	return NULL;
}

static inline struct gs_error *fake_extent(struct gs_memory *mem, gs_gpa_t gpa, gs_gpa_t limit,
					   enum gs_extent *ret, gs_gpa_t *end_ret)
{
	const struct fake_memory *f = (const struct fake_memory *)mem;
	const gs_gpa_t borders[] = {f->excluded, f->excluded_end, f->hollow, f->hollow_end};

	*ret = GS_EXTENT_DATA;
	if (gpa >= f->excluded && gpa < f->excluded_end)
		*ret = GS_EXTENT_EXCLUDED;
	else if (gpa >= f->hollow && gpa < f->hollow_end)
		*ret = GS_EXTENT_ZERO;
	*end_ret = limit;
	for (size_t i = 0; i < 4; i++) {
		if (borders[i] > gpa && borders[i] < *end_ret)
			*end_ret = borders[i];
	}
	return NULL;
}

static const struct gs_memory_ops fake_ops = {
	.format = "fake", .read = fake_read, .extent = fake_extent};

/* An x86_64 guest with the given ranges; nothing in it needs freeing. */
static inline void fake_init(struct fake_memory *f, const struct gs_range *ranges, size_t count)
{
	memset(f, 0, sizeof(*f));
	assert_true(count <= FAKE_RANGES_MAX);
	memcpy(f->ranges, ranges, count * sizeof(*ranges));
	f->mem.ops = &fake_ops;
	f->mem.name = (char *)"fake";
	f->mem.ranges = f->ranges;
	f->mem.range_count = count;
	f->mem.attrs = (struct gs_attributes){
		.arch = GS_ARCH_X86_64, .is_64bit = true, .page_size = 4096, .cpu_count = 2};
}

/* A sink that can be looked into. Gaps are zero; it can be told to fail at its Nth write. */
struct buffer_sink {
	struct gs_sink sink;
	pthread_mutex_t lock;
	uint8_t *data;
	size_t size, capacity;
	unsigned int writes, fail_at; /* fail_at 0: never */
	bool finished;
};

static inline struct gs_error *buffer_write(struct gs_sink *sink, uint64_t off, const void *data,
					    size_t size)
{
	struct buffer_sink *b = (struct buffer_sink *)sink;
	struct gs_error *err = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->fail_at && ++b->writes >= b->fail_at)
		err = gs_error_os(ENOSPC, "buffer");
	else if (off + size > b->capacity)
		err = gs_error_os(EFBIG, "buffer");
	else
		memcpy(b->data + off, data, size);
	if (off + size > b->size)
		b->size = off + size;
	pthread_mutex_unlock(&b->lock);
	return err;
}

static inline struct gs_error *buffer_finish(struct gs_sink *sink, uint64_t size)
{
	struct buffer_sink *b = (struct buffer_sink *)sink;

	assert_true(b->size <= size && size <= b->capacity);
	b->size = size;
	b->finished = true;
	return NULL;
}

static inline void buffer_destroy(struct gs_sink *sink)
{
	(void)sink;
}

static const struct gs_sink_ops buffer_ops = {buffer_write, buffer_finish, buffer_destroy};

static inline void buffer_init(struct buffer_sink *b, size_t capacity)
{
	*b = (struct buffer_sink){.sink = {.ops = &buffer_ops, .positional = true},
				  .lock = PTHREAD_MUTEX_INITIALIZER,
				  .data = calloc(1, capacity),
				  .capacity = capacity};
	assert_non_null(b->data);
}

static inline void buffer_deinit(struct buffer_sink *b)
{
	free(b->data);
}

#endif
