/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sum of a memory, by several threads over one page source. */
#include "sum.h"

#include <pthread.h>
#include <xxhash.h>

#include <guestscope/base/bytes.h>

#include "sweep.h"

static void add_128(struct gs_memory_sum *sum, uint64_t hi, uint64_t lo)
{
	sum->hash_lo += lo;
	sum->hash_hi += hi + (sum->hash_lo < lo);
}

void gs_sum_add(struct gs_memory_sum *sum, gs_gpa_t gpa, const uint8_t *data, uint64_t size)
{
	uint64_t skip = -gpa % SUM_UNIT_BYTES;

	for (uint64_t off = skip; off < size && size - off >= SUM_UNIT_BYTES;
	     off += SUM_UNIT_BYTES) {
		XXH128_hash_t hash;

		if (gs_is_zero(data + off, SUM_UNIT_BYTES))
			continue;
		hash = XXH3_128bits_withSeed(data + off, SUM_UNIT_BYTES, gpa + off);
		add_128(sum, hash.high64, hash.low64);
		sum->units++;
	}
}

void gs_sum_merge(struct gs_memory_sum *sum, const struct gs_memory_sum *other)
{
	add_128(sum, other->hash_hi, other->hash_lo);
	sum->units += other->units;
	sum->excluded_pages += other->excluded_pages;
}

struct sum_job {
	uint32_t page_size;
	struct gs_progress *progress;
	pthread_mutex_t lock; /* total */
	struct gs_memory_sum total;
};

static void add_chunk(struct gs_memory_sum *sum, const struct gs_chunk *chunk, uint32_t page_size)
{
	gs_gpa_t gpa = chunk->gpa, end = chunk->gpa + chunk->size;
	gs_gpa_t first_page = gpa & ~((gs_gpa_t)page_size - 1);

	if (chunk->kind != GS_EXTENT_DATA) {
		if (chunk->kind == GS_EXTENT_EXCLUDED)
			sum->excluded_pages += (end - first_page + page_size - 1) / page_size;
		return;
	}
	for (gs_gpa_t page = first_page; page < end; page += page_size) {
		gs_gpa_t from = page < gpa ? gpa : page;
		gs_gpa_t to = end - page < page_size ? end : page + page_size;
		uint8_t kind = chunk->page[(page - first_page) / page_size];

		if (kind == GS_EXTENT_DATA)
			gs_sum_add(sum, from, chunk->data + (from - gpa), to - from);
		else if (kind == GS_EXTENT_EXCLUDED)
			sum->excluded_pages++;
	}
}

static struct gs_error *sum_chunk(void *arg, struct gs_chunk *chunk)
{
	struct sum_job *job = arg;
	struct gs_memory_sum sum = {0};

	add_chunk(&sum, chunk, job->page_size);
	pthread_mutex_lock(&job->lock);
	gs_sum_merge(&job->total, &sum);
	pthread_mutex_unlock(&job->lock);
	if (job->progress)
		job->progress->done += chunk->size;
	return NULL;
}

struct gs_error *gs_sum_memory(struct gs_memory *mem, unsigned int threads,
			       struct gs_progress *progress, struct gs_memory_sum *ret)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct sum_job job = {.page_size = mem->attrs.page_size,
			      .progress = progress,
			      .lock = PTHREAD_MUTEX_INITIALIZER};
	struct sweep sweep = {.progress = progress, .load = true, .chunk = sum_chunk, .arg = &job};
	struct gs_error *err = gs_memory_source(mem, NULL, 0, &src);

	if (err)
		return err;
	if (progress)
		progress->total = gs_ranges_total_bytes(mem->ranges, mem->range_count);
	sweep.src = src;
	err = gs_sweep_run(&sweep, threads);
	if (err)
		return err;
	*ret = job.total;
	return NULL;
}
