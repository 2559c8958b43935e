/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a survey counts into: tallies, and the buckets of an address space. */
#include "survey.h"

#include <stdlib.h>

static const enum gs_page_kind kind_of_class[GS_PAGE_CLASS_UNKNOWN + 1] = {
	[GS_PAGE_UNMAPPED] = GS_PAGE_KIND_UNMAPPED,
	[GS_PAGE_KERNEL] = GS_PAGE_KIND_KERNEL,
	[GS_PAGE_CACHE] = GS_PAGE_KIND_CACHE,
	[GS_PAGE_CACHE_PRIVATE] = GS_PAGE_KIND_CACHE_PRIVATE,
	[GS_PAGE_USER] = GS_PAGE_KIND_USER,
	[GS_PAGE_FREE] = GS_PAGE_KIND_FREE,
	[GS_PAGE_HWPOISON] = GS_PAGE_KIND_HWPOISON,
	[GS_PAGE_OFFLINE] = GS_PAGE_KIND_OFFLINE,
	[GS_PAGE_CLASS_UNKNOWN] = GS_PAGE_KIND_DATA,
};

static const enum gs_page_kind kind_of_state[GS_PAGE_STATE_COUNT] = {
	[GS_PAGE_STATE_ZERO] = GS_PAGE_KIND_ZERO,
	[GS_PAGE_STATE_EXCLUDED] = GS_PAGE_KIND_EXCLUDED,
	[GS_PAGE_STATE_UNREADABLE] = GS_PAGE_KIND_UNREADABLE,
};

const char *gs_page_kind_name(enum gs_page_kind kind)
{
	static const char *const names[GS_PAGE_KIND_COUNT] = {
		[GS_PAGE_KIND_DATA] = "data",
		[GS_PAGE_KIND_KERNEL] = "kernel",
		[GS_PAGE_KIND_USER] = "user",
		[GS_PAGE_KIND_CACHE] = "cache",
		[GS_PAGE_KIND_CACHE_PRIVATE] = "cache-private",
		[GS_PAGE_KIND_UNMAPPED] = "unmapped",
		[GS_PAGE_KIND_FREE] = "free",
		[GS_PAGE_KIND_OFFLINE] = "offline",
		[GS_PAGE_KIND_HWPOISON] = "hwpoison",
		[GS_PAGE_KIND_ZERO] = "zero",
		[GS_PAGE_KIND_EXCLUDED] = "excluded",
		[GS_PAGE_KIND_UNREADABLE] = "unreadable",
	};

	return names[kind];
}

uint64_t gs_page_tally_state(const struct gs_page_tally *t, enum gs_page_state state)
{
	uint64_t pages = 0;

	for (int class = 0; class <= GS_PAGE_CLASS_UNKNOWN; class ++)
		pages += t->pages[state][class];
	return pages;
}

void gs_page_tally_kinds(const struct gs_page_tally *t, uint64_t ret[GS_PAGE_KIND_COUNT])
{
	for (int kind = 0; kind < GS_PAGE_KIND_COUNT; kind++)
		ret[kind] = 0;
	for (int class = 0; class <= GS_PAGE_CLASS_UNKNOWN; class ++)
		ret[kind_of_class[class]] += t->pages[GS_PAGE_STATE_DATA][class];
	for (int state = GS_PAGE_STATE_DATA + 1; state < GS_PAGE_STATE_COUNT; state++)
		ret[kind_of_state[state]] = gs_page_tally_state(t, (enum gs_page_state)state);
}

void gs_page_tally_stored(const struct gs_page_tally *t, uint64_t *pages_ret, uint64_t *bytes_ret)
{
	*pages_ret = *bytes_ret = 0;
	for (int codec = 0; codec < GS_CODEC_COUNT; codec++) {
		*pages_ret += t->codec_pages[codec];
		*bytes_ret += t->codec_bytes[codec];
	}
}

void gs_page_tally_merge(struct gs_page_tally *t, const struct gs_page_tally *other)
{
	for (int state = 0; state < GS_PAGE_STATE_COUNT; state++) {
		for (int class = 0; class <= GS_PAGE_CLASS_UNKNOWN; class ++)
			t->pages[state][class] += other->pages[state][class];
	}
	for (int codec = 0; codec < GS_CODEC_COUNT; codec++) {
		t->codec_pages[codec] += other->codec_pages[codec];
		t->codec_bytes[codec] += other->codec_bytes[codec];
	}
}

/* How many buckets the ranges touch. A bucket that two ranges share counts once. */
static uint64_t count_buckets(const struct gs_memory *mem, uint64_t bucket_bytes)
{
	uint64_t count = 0, next = 0; /* the first number that was not counted yet */

	for (size_t i = 0; i < mem->range_count; i++) {
		const struct gs_range *range = &mem->ranges[i];
		uint64_t first = range->start / bucket_bytes;
		uint64_t last = (range->start + (range->size - 1)) / bucket_bytes;

		if (first < next)
			first = next;
		count += last + 1 - first;
		next = last + 1;
	}
	return count;
}

uint64_t gs_survey_bucket_bytes(const struct gs_memory *mem, size_t count)
{
	uint64_t bytes = mem->attrs.page_size;

	while (bytes < GS_GPA_MAX && count_buckets(mem, bytes) > count)
		bytes *= 2;
	return bytes;
}

struct gs_error *gs_survey_make_buckets(const struct gs_memory *mem, uint64_t bucket_bytes,
					struct gs_survey *s)
{
	uint64_t count;

	if (bucket_bytes < mem->attrs.page_size || bucket_bytes > GS_GPA_MAX ||
	    bucket_bytes & (bucket_bytes - 1))
		return gs_error_create(GS_ERROR_INVALID,
				       "a bucket of %llu bytes: not a power of two, less than a "
				       "page, or more than any memory",
				       (unsigned long long)bucket_bytes);
	count = count_buckets(mem, bucket_bytes);
	if (count > GS_BUCKETS_MAX)
		return gs_error_create(GS_ERROR_INVALID,
				       "buckets of %llu bytes: %llu of them, at most %u",
				       (unsigned long long)bucket_bytes, (unsigned long long)count,
				       GS_BUCKETS_MAX);
	s->buckets = calloc(count + 1, sizeof(*s->buckets));
	if (!s->buckets)
		return gs_error_nomem();
	s->bucket_bytes = bucket_bytes;
	for (size_t i = 0; i < mem->range_count; i++) {
		const struct gs_range *range = &mem->ranges[i];
		gs_gpa_t last = range->start + (range->size - 1);
		gs_gpa_t at = range->start & ~(bucket_bytes - 1);

		if (s->bucket_count && at == s->buckets[s->bucket_count - 1].start)
			at += bucket_bytes;
		for (; at <= last; at += bucket_bytes)
			s->buckets[s->bucket_count++].start = at;
	}
	return NULL;
}

struct gs_bucket *gs_survey_find_bucket(const struct gs_survey *s, gs_gpa_t gpa)
{
	size_t low = 0, high = s->bucket_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->buckets[middle].start <= gpa)
			low = middle;
		else
			high = middle;
	}
	return &s->buckets[low];
}

void gs_survey_deinit(struct gs_survey *s)
{
	free(s->buckets);
	*s = (struct gs_survey){0};
}
