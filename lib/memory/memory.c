/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random reads of a memory: everything that does not depend on what lies behind it. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/memory.h>

struct gs_error *gs_memory_read(struct gs_memory *mem, gs_gpa_t gpa, void *buf, size_t size)
{
	size_t i = gs_ranges_find(mem->ranges, mem->range_count, gpa);
	const struct gs_range *range = i < mem->range_count ? &mem->ranges[i] : NULL;

	if (!size)
		return NULL;
	if (!range || gpa < range->start)
		return gs_error_create(GS_ERROR_NODATA, "%s: 0x%llx: not in any range", mem->name,
				       (unsigned long long)gpa);
	if (size > range->size - (gpa - range->start))
		return gs_error_create(GS_ERROR_NODATA, "%s: 0x%llx: not in any range", mem->name,
				       (unsigned long long)(range->start + range->size));
	return mem->ops->read(mem, gpa, buf, size);
}

struct gs_error *gs_memory_extent(struct gs_memory *mem, gs_gpa_t gpa, enum gs_extent *ret,
				  gs_gpa_t *end_ret)
{
	size_t i = gs_ranges_find(mem->ranges, mem->range_count, gpa);
	const struct gs_range *range = i < mem->range_count ? &mem->ranges[i] : NULL;

	if (!range || gpa < range->start) {
		*ret = GS_EXTENT_HOLE;
		*end_ret = range ? range->start : GS_GPA_MAX;
		return NULL;
	}
	if (mem->ops->extent)
		return mem->ops->extent(mem, gpa, range->start + range->size, ret, end_ret);
	*ret = GS_EXTENT_DATA;
	*end_ret = range->start + range->size;
	return NULL;
}

void gs_memory_destroy(struct gs_memory *mem)
{
	if (!mem)
		return;
	if (mem->ops->destroy)
		mem->ops->destroy(mem);
	gs_attributes_deinit(&mem->attrs);
	free(mem->ranges);
	free(mem->name);
	free(mem);
}
