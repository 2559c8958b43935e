/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted lists of address ranges. */
#include <stdlib.h>

#include <guestscope/memory.h>

/* Of the last byte: the end of a range may be 2^64. */
static gs_gpa_t last_of(const struct gs_range *range)
{
	return range->start + (range->size - 1);
}

static int compare(const void *a, const void *b)
{
	gs_gpa_t x = ((const struct gs_range *)a)->start, y = ((const struct gs_range *)b)->start;

	return (x > y) - (x < y);
}

static bool is_sorted(const struct gs_range *ranges, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (ranges[i].start < ranges[i - 1].start)
			return false;
	}
	return true;
}

size_t gs_ranges_normalize(struct gs_range *ranges, size_t count)
{
	size_t n = 0;

	if (!is_sorted(ranges, count))
		qsort(ranges, count, sizeof(*ranges), compare);
	for (size_t i = 0; i < count; i++) {
		struct gs_range *top = n ? &ranges[n - 1] : NULL;

		if (!top ||
		    (ranges[i].start > last_of(top) && ranges[i].start - last_of(top) > 1)) {
			ranges[n++] = ranges[i];
			continue;
		}
		if (last_of(&ranges[i]) > last_of(top))
			top->size = last_of(&ranges[i]) - top->start + 1;
	}
	return n;
}

size_t gs_ranges_find(const struct gs_range *ranges, size_t count, gs_gpa_t gpa)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (last_of(&ranges[middle]) < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t gs_ranges_total_bytes(const struct gs_range *ranges, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += ranges[i].size;
	return total;
}

struct gs_error *gs_ranges_intersect(const struct gs_range *a, size_t a_count,
				     const struct gs_range *b, size_t b_count,
				     struct gs_range **ret, size_t *count_ret)
{
	/* Every common range ends where one of the two lists has an end. */
	struct gs_range *common = calloc(a_count + b_count + 1, sizeof(*common));
	size_t n = 0;

	if (!common)
		return gs_error_nomem();
	for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
		gs_gpa_t start = a[i].start > b[j].start ? a[i].start : b[j].start;
		gs_gpa_t a_last = last_of(&a[i]), b_last = last_of(&b[j]);
		gs_gpa_t last = a_last < b_last ? a_last : b_last;

		if (start <= last)
			common[n++] = (struct gs_range){start, last - start + 1};
		if (a_last <= b_last)
			i++;
		else
			j++;
	}
	*ret = common;
	*count_ret = n;
	return NULL;
}
