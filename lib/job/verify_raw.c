/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plain image of memory: there is nothing to judge but whether it can be read. */
#include "verify.h"

#define PAGE_BYTES 4096

struct gs_error *gs_verify_raw(struct gs_memory *mem, const struct gs_verify *options,
			       struct gs_verify_result *ret)
{
	struct gs_verify_result result = {.has_sum = options->sum};
	struct verify v = {.options = options, .result = &result};
	uint64_t size = gs_ranges_total_bytes(mem->ranges, mem->range_count);
	struct gs_error *err = gs_sum_memory(mem, options->threads, options->progress, &result.sum);

	if (err)
		return err;
	gs_verify_find(&v, GS_SEVERITY_INFO, "raw-image", NO_OFFSET,
		       "a plain image: it has no structure that could be wrong");
	result.pages_declared = size / PAGE_BYTES + (size % PAGE_BYTES != 0);
	result.pages_readable = result.pages_declared;
	result.pages_zero = size / PAGE_BYTES - result.sum.units;
	*ret = result;
	return NULL;
}
