/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over a memory that says of each page what it is. Threads take chunks of a page source;
 * what they find is counted per chunk and added up under a lock.
 */
#include "survey.h"

#include <pthread.h>

#include <guestscope/base/bytes.h>

#include "classes.h"
#include "sweep.h"

/* Pages of a run without data that are classified together. */
#define RUN_PAGES 4096u

struct job {
	struct gs_memory *mem;
	const struct gs_survey_options *options;
	struct gs_page_source *src;
	uint32_t page_size;
	struct class_cache classes;
	pthread_mutex_t lock; /* the tallies of survey */
	struct gs_survey *survey;
};

/* The pages of one chunk of data. */
struct look {
	gs_gpa_t first; /* start of the first page */
	size_t count;
	uint8_t state[GS_CHUNK_PAGES_MAX], class[GS_CHUNK_PAGES_MAX];
	struct gs_stored_page stored[GS_CHUNK_PAGES_MAX];
};

static const enum gs_page_state state_of_extent[] = {
	[GS_EXTENT_DATA] = GS_PAGE_STATE_DATA,
	[GS_EXTENT_ZERO] = GS_PAGE_STATE_ZERO,
	[GS_EXTENT_EXCLUDED] = GS_PAGE_STATE_EXCLUDED,
	[GS_EXTENT_HOLE] = GS_PAGE_STATE_EXCLUDED,
};

/* The part of page @i that is in the chunk. */
static struct gs_range part_of_page(const struct job *job, const struct gs_chunk *chunk,
				    const struct look *look, size_t i)
{
	gs_gpa_t start = look->first + i * job->page_size, end = start + job->page_size;
	gs_gpa_t from = start < chunk->gpa ? chunk->gpa : start;
	gs_gpa_t to = end > chunk->gpa + chunk->size ? chunk->gpa + chunk->size : end;

	return (struct gs_range){from, to - from};
}

/* One by one, to see which of them it is that cannot be read. */
static struct gs_error *read_each_page(const struct job *job, const struct gs_chunk *chunk,
				       struct look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		struct gs_range part = part_of_page(job, chunk, look, i);
		uint8_t *bytes = chunk->buffer + (part.start - chunk->gpa);
		struct gs_error *err;

		if (look->state[i] != GS_PAGE_STATE_DATA)
			continue;
		err = gs_memory_read(job->mem, part.start, bytes, part.size);
		if (err && !gs_error_is_answer(err))
			return err;
		if (err)
			look->state[i] = GS_PAGE_STATE_UNREADABLE;
		gs_error_destroy(err);
	}
	return NULL;
}

static struct gs_error *read_pages(const struct job *job, struct gs_chunk *chunk, struct look *look)
{
	struct gs_error *err = gs_page_source_load(job->src, chunk);

	if (err && gs_error_is_answer(err)) {
		gs_error_destroy(err);
		err = read_each_page(job, chunk, look);
	}
	for (size_t i = 0; i < look->count && !err; i++) {
		struct gs_range part = part_of_page(job, chunk, look, i);

		if (look->state[i] == GS_PAGE_STATE_DATA &&
		    gs_is_zero(chunk->buffer + (part.start - chunk->gpa), part.size))
			look->state[i] = GS_PAGE_STATE_ZERO;
	}
	return err;
}

/* The descriptors of a kdump tell more than the extents of its memory, which leave details out. */
static struct gs_error *look_at_storage(const struct job *job, struct look *look)
{
	struct gs_error *err =
		gs_dump_stored_pages(job->mem, look->first, look->count, look->stored);

	for (size_t i = 0; i < look->count && !err; i++) {
		uint8_t *state = &look->state[i];

		if (*state == GS_PAGE_STATE_UNREADABLE)
			continue;
		if (look->stored[i].storage == GS_STORAGE_NONE)
			*state = GS_PAGE_STATE_EXCLUDED;
		else if (look->stored[i].storage == GS_STORAGE_ZERO)
			*state = GS_PAGE_STATE_ZERO;
		else if (look->stored[i].storage == GS_STORAGE_DAMAGED)
			*state = GS_PAGE_STATE_UNREADABLE;
	}
	return err;
}

static void add(struct job *job, gs_gpa_t gpa, const struct gs_page_tally *tally)
{
	pthread_mutex_lock(&job->lock);
	gs_page_tally_merge(&job->survey->total, tally);
	if (job->survey->bucket_count)
		gs_page_tally_merge(&gs_survey_find_bucket(job->survey, gpa)->tally, tally);
	pthread_mutex_unlock(&job->lock);
}

static gs_gpa_t bucket_end(const struct job *job, gs_gpa_t gpa)
{
	uint64_t bytes = job->survey->bucket_bytes;

	return bytes ? (gpa | (bytes - 1)) + 1 : UINT64_MAX;
}

static void count_page(struct gs_page_tally *tally, const struct job *job, const struct look *look,
		       size_t i)
{
	tally->pages[look->state[i]][look->class[i]]++;
	if (job->survey->has_storage && look->state[i] == GS_PAGE_STATE_DATA) {
		tally->codec_pages[look->stored[i].codec]++;
		tally->codec_bytes[look->stored[i].codec] += look->stored[i].bytes;
	}
}

static void count_pages(struct job *job, const struct look *look)
{
	for (size_t i = 0; i < look->count;) {
		struct gs_page_tally tally = {0};
		gs_gpa_t start = look->first + i * job->page_size, end = bucket_end(job, start);

		for (; i < look->count && look->first + i * job->page_size < end; i++)
			count_page(&tally, job, look, i);
		add(job, start, &tally);
	}
}

static struct gs_error *survey_data(struct job *job, struct gs_chunk *chunk)
{
	gs_gpa_t first = chunk->gpa & ~((gs_gpa_t)job->page_size - 1);
	struct look look = {.first = first,
			    .count = (chunk->gpa + chunk->size - 1 - first) / job->page_size + 1};
	struct gs_error *err = NULL;

	for (size_t i = 0; i < look.count; i++)
		look.state[i] = state_of_extent[chunk->page[i]];
	if (job->options->read_pages)
		err = read_pages(job, chunk, &look);
	if (!err && job->survey->has_storage)
		err = look_at_storage(job, &look);
	if (!err)
		err = gs_class_cache_get(&job->classes, look.first / job->page_size, look.count,
					 look.class);
	if (!err)
		count_pages(job, &look);
	return err;
}

/* How many bytes from @gpa on have one class without a look at each page; 0: none. */
static uint64_t find_uniform(const struct job *job, gs_gpa_t gpa, enum gs_page_class *class_ret)
{
	const struct gs_classifier *classes = job->options->classes;
	uint64_t pages = UINT64_MAX;

	*class_ret = classes ? GS_PAGE_UNMAPPED : GS_PAGE_CLASS_UNKNOWN;
	if (classes)
		pages = classes->unmapped ? classes->unmapped(classes->arg, gpa / job->page_size)
					  : 0;
	return pages < UINT64_MAX / job->page_size ? pages * job->page_size : UINT64_MAX;
}

/* A part of a run that lies in one bucket; @uniform: all of it is @of_all. */
static struct gs_error *count_run(struct job *job, enum gs_page_state state,
				  const struct gs_range *part, bool uniform,
				  enum gs_page_class of_all)
{
	uint64_t pages = (part->size + job->page_size - 1) / job->page_size;
	struct gs_page_tally tally = {0};
	gs_gpa_t gpa = part->start;
	uint8_t class[RUN_PAGES];
	struct gs_error *err;

	if (uniform) {
		tally.pages[state][of_all] = pages;
	} else {
		err = gs_class_cache_get(&job->classes, gpa / job->page_size, pages, class);
		if (err)
			return err;
		for (uint64_t i = 0; i < pages; i++)
			tally.pages[state][class[i]]++;
	}
	add(job, gpa, &tally);
	return NULL;
}

static struct gs_error *survey_run(struct job *job, const struct gs_chunk *chunk)
{
	gs_gpa_t at = chunk->gpa & ~((gs_gpa_t)job->page_size - 1), end = chunk->gpa + chunk->size;
	uint64_t step_bytes = RUN_PAGES * (uint64_t)job->page_size;
	struct gs_error *err = NULL;

	while (at < end && !err) {
		enum gs_page_class class;
		uint64_t uniform = find_uniform(job, at, &class);
		uint64_t left = uniform ? uniform : step_bytes - at % step_bytes;
		gs_gpa_t stop = bucket_end(job, at);

		if (job->options->progress && job->options->progress->cancelled)
			return NULL; /* the sweep sees it, too */
		if (stop > end)
			stop = end;
		if (left < stop - at)
			stop = at + left;
		err = count_run(job, state_of_extent[chunk->kind],
				&(struct gs_range){at, stop - at}, uniform, class);
		at = stop;
	}
	return err;
}

static struct gs_error *survey_chunk(void *arg, struct gs_chunk *chunk)
{
	struct job *job = arg;
	struct gs_error *err =
		chunk->kind == GS_EXTENT_DATA ? survey_data(job, chunk) : survey_run(job, chunk);

	if (job->options->progress)
		job->options->progress->done += chunk->size;
	return err;
}

static struct gs_error *run(struct gs_memory *mem, const struct gs_survey_options *options,
			    struct gs_survey *survey)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct job job = {.mem = mem,
			  .options = options,
			  .page_size = mem->attrs.page_size,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .survey = survey};
	struct sweep sweep = {.progress = options->progress, .chunk = survey_chunk, .arg = &job};
	struct gs_error *err = gs_memory_source(mem, NULL, 0, &src);

	if (err)
		return err;
	if (options->progress)
		options->progress->total = gs_ranges_total_bytes(mem->ranges, mem->range_count);
	gs_class_cache_init(&job.classes, options->classes);
	job.src = sweep.src = src;
	err = gs_sweep_run(&sweep, options->threads);
	gs_class_cache_deinit(&job.classes);
	return err;
}

struct gs_error *gs_survey(struct gs_memory *mem, const struct gs_survey_options *options,
			   struct gs_survey *ret)
{
	gs_autosurvey struct gs_survey survey = {.page_size = mem->attrs.page_size,
						 .has_storage = gs_dump_stores_pages(mem)};
	struct gs_error *err = NULL;

	if (options->bucket_bytes)
		err = gs_survey_make_buckets(mem, options->bucket_bytes, &survey);
	if (!err)
		err = run(mem, options, &survey);
	if (err)
		return err;
	*ret = survey;
	survey.buckets = NULL;
	return NULL;
}
