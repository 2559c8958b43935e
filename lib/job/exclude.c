/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaving out pages by what the guest's kernel uses them for. */
#include "exclude.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/thread.h>

/* Each classifier holds a section of mem_map, a few MiB: more of them would not be faster. */
#define THREADS_MAX 8u

static const struct {
	const char *name;
	unsigned int bit;
} names[] = {
	{"zero", GS_EXCLUDE_ZERO}, {"cache", GS_EXCLUDE_CACHE}, {"private", GS_EXCLUDE_PRIVATE},
	{"user", GS_EXCLUDE_USER}, {"free", GS_EXCLUDE_FREE},
};

static unsigned int find_bit(const char *word, size_t size)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) == size && memcmp(names[i].name, word, size) == 0)
			return names[i].bit;
	}
	return 0;
}

struct gs_error *gs_exclude_parse(const char *text, unsigned int *ret)
{
	unsigned int result = 0;

	for (const char *word = text;; word++) {
		size_t size = strcspn(word, ",");
		unsigned int bit = find_bit(word, size);

		if (!bit)
			return gs_error_create(GS_ERROR_INVALID,
					       "'%.*s' is no class of pages: zero, cache, private, "
					       "user or free",
					       (int)size, word);
		result |= bit;
		word += size;
		if (!*word)
			break;
	}
	*ret = result;
	return NULL;
}

/* The ranges are walked section by section, each by one thread. */
struct classifier {
	struct gs_page_map *map;
	const struct gs_range *ranges;
	size_t range_count;
	uint32_t page_size;
	bool dropped[GS_PAGE_CLASS_COUNT];
	struct gs_progress *progress; /* or NULL */
	pthread_mutex_t lock;         /* guards all below */
	struct gs_selection *sel;
	size_t range; /* the one that next_pfn may be in */
	gs_pfn_t next_pfn;
	bool stop;
};

/* What is broken or offline holds nothing worth having, and may not even be readable. */
static void choose_classes(unsigned int exclude, bool dropped[GS_PAGE_CLASS_COUNT])
{
	dropped[GS_PAGE_CACHE] = exclude & (GS_EXCLUDE_CACHE | GS_EXCLUDE_PRIVATE);
	dropped[GS_PAGE_CACHE_PRIVATE] = exclude & GS_EXCLUDE_PRIVATE;
	dropped[GS_PAGE_USER] = exclude & GS_EXCLUDE_USER;
	dropped[GS_PAGE_FREE] = exclude & GS_EXCLUDE_FREE;
	dropped[GS_PAGE_HWPOISON] = true;
	dropped[GS_PAGE_OFFLINE] = true;
}

/* The first page of the next section that any range touches; the lock is held. */
static bool next_section(struct classifier *c, gs_pfn_t *first_ret)
{
	uint64_t stride = gs_page_map_stride(c->map);

	while (c->range < c->range_count) {
		const struct gs_range *range = &c->ranges[c->range];
		gs_pfn_t first = range->start / c->page_size;
		gs_pfn_t last = (range->start + (range->size - 1)) / c->page_size;
		uint64_t unmapped;

		if (last < c->next_pfn) {
			c->range++;
			continue;
		}
		if (first < c->next_pfn)
			first = c->next_pfn;
		unmapped = gs_page_map_unmapped(c->map, first);
		if (unmapped) {
			c->next_pfn = first + unmapped;
			continue;
		}
		*first_ret = first / stride * stride;
		c->next_pfn = *first_ret + stride;
		return true;
	}
	return false;
}

static struct gs_error *drop_section(struct classifier *c, gs_pfn_t first, uint64_t count,
				     const uint8_t *class)
{
	struct gs_error *err = NULL;
	uint64_t i = 0;

	while (i < count && !err) {
		uint64_t start = i;

		while (i < count && c->dropped[class[i]])
			i++;
		if (i > start)
			err = gs_selection_drop(c->sel, first + start, i - start);
		while (i < count && !c->dropped[class[i]])
			i++;
	}
	return err;
}

static struct gs_error *classify(void *arg, unsigned int index)
{
	struct classifier *c = arg;
	uint64_t stride = gs_page_map_stride(c->map);
	gs_autofree uint8_t *class = malloc(stride);
	struct gs_error *err = class ? NULL : gs_error_nomem();
	gs_pfn_t first;

	(void)index;
	pthread_mutex_lock(&c->lock);
	while (!err && !c->stop && next_section(c, &first)) {
		if (c->progress && c->progress->cancelled) {
			err = gs_error_os(EINTR, "stopped");
			break;
		}
		pthread_mutex_unlock(&c->lock);
		err = gs_page_map_classify(c->map, first, stride, class);
		pthread_mutex_lock(&c->lock);
		if (!err)
			err = drop_section(c, first, stride, class);
	}
	c->stop |= err != NULL;
	pthread_mutex_unlock(&c->lock);
	return err;
}

static struct gs_error *open_map(struct gs_memory *mem, struct gs_linux **kernel_ret,
				 struct gs_page_map **map_ret)
{
	struct gs_error *err = gs_linux_open(mem, kernel_ret);

	if (err && err->code == GS_ERROR_NODATA)
		return gs_error_wrap(err, "filtering needs the guest kernel's VMCOREINFO; one from "
					  "elsewhere can be given by --vmcoreinfo FILE");
	return err ? err : gs_error_wrap(gs_page_map_open(*kernel_ret, map_ret), "filtering");
}

struct gs_error *gs_exclude_pages(struct gs_memory *mem, unsigned int exclude, unsigned int threads,
				  struct gs_progress *progress, struct gs_selection *sel)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *kernel = NULL;
	GS_CLEANUP(gs_page_map_close) struct gs_page_map *map = NULL;
	struct classifier c = {.page_size = gs_selection_page_size(sel),
			       .progress = progress,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .sel = sel};
	struct gs_error *err = open_map(mem, &kernel, &map);

	if (err)
		return gs_error_wrap(err, "%s", mem->name);
	c.map = map;
	c.ranges = gs_selection_ranges(sel, &c.range_count);
	choose_classes(exclude, c.dropped);
	if (!threads)
		threads = gs_cpu_count();
	return gs_threads_run(threads < THREADS_MAX ? threads : THREADS_MAX, classify, &c);
}
