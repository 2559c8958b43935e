/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/pagemap: eight bytes for each page of the host, or, since Linux 6.7, a request that
 * finds the pages of some kind and skips what has no page tables at all.
 */
#include "direct_touched.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <guestscope/base/io.h>

#define EMPTY_MAX (UINT64_C(1) << 30)
#define DATA_PAGES_MAX 1024

#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_BATCH 2048

/* From Documentation/admin-guide/mm/pagemap.rst; the headers of older systems lack it. */
struct scan_request {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct scan_region {
	uint64_t start, end, categories;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SWAPPED (1u << 4)
#define SCAN_ZERO_PAGE (1u << 5)

static uint64_t host_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The first run of pages in [start, end) that are backed by memory, the shared zero page aside. */
static int scan(int pagemap_fd, uint64_t start, uint64_t end, struct scan_region *ret)
{
	struct scan_request request = {
		.size = sizeof(request),
		.start = start,
		.end = end,
		.vec = (uintptr_t)ret,
		.vec_len = 1,
		.max_pages = DATA_PAGES_MAX,
		.category_inverted = SCAN_ZERO_PAGE,
		.category_mask = SCAN_ZERO_PAGE,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	int count;

	do
		count = ioctl(pagemap_fd, SCAN_REQUEST, &request);
	while (count < 0 && errno == EINTR);
	return count;
}

static struct gs_error *read_entries(int pagemap_fd, uint64_t first, size_t count,
				     uint64_t *entries)
{
	size_t size = count * sizeof(*entries);
	ssize_t n = gs_pread_full(pagemap_fd, entries, size, first * sizeof(*entries));

	if (n == (ssize_t)size)
		return NULL;
	return n < 0 ? gs_error_os(errno, "pagemap")
		     : gs_error_create(GS_ERROR_GONE, "pagemap: the process has ended");
}

struct gs_error *gs_direct_touched(int pagemap_fd, uint64_t hva, uint64_t limit,
				   enum gs_extent *ret, uint64_t *end_ret)
{
	uint64_t page = host_page_size(), start = hva & ~(page - 1), end;
	struct scan_region region = {0};
	int count;

	limit = hva + min_u64(limit - hva, EMPTY_MAX);
	end = (limit + page - 1) & ~(page - 1);
	count = scan(pagemap_fd, start, end, &region);
	if (count < 0)
		return gs_direct_touched_by_entries(pagemap_fd, hva, limit, ret, end_ret);
	if (count && region.start <= hva) {
		*ret = GS_EXTENT_DATA;
		*end_ret = min_u64(region.end, limit);
		return NULL;
	}
	*ret = GS_EXTENT_ZERO;
	*end_ret = count ? min_u64(region.start, limit) : limit;
	/* A process that is ending has no pages either, but entries are not given of such a one. */
	return read_entries(pagemap_fd, start / page, 1, &(uint64_t){0});
}

/* ---- one by one ---- */

static bool is_touched(uint64_t entry)
{
	return entry & (ENTRY_PRESENT | ENTRY_SWAPPED);
}

struct gs_error *gs_direct_touched_by_entries(int pagemap_fd, uint64_t hva, uint64_t limit,
					      enum gs_extent *ret, uint64_t *end_ret)
{
	uint64_t size = host_page_size(), first = hva / size, pages, i = 0;
	uint64_t entries[ENTRY_BATCH];
	bool touched = false;

	limit = hva + min_u64(limit - hva, EMPTY_MAX);
	pages = (limit + size - 1) / size - first;
	for (; i < pages; i++) {
		size_t at = i % ENTRY_BATCH;
		struct gs_error *err = NULL;

		if (!at)
			err = read_entries(pagemap_fd, first + i, min_u64(pages - i, ENTRY_BATCH),
					   entries);
		if (err)
			return err;
		if (!i)
			touched = is_touched(entries[0]);
		if (is_touched(entries[at]) != touched || (touched && i == DATA_PAGES_MAX))
			break;
	}
	*ret = touched ? GS_EXTENT_DATA : GS_EXTENT_ZERO;
	*end_ret = min_u64((first + i) * size, limit);
	return NULL;
}
