/* SPDX-License-Identifier: GPL-2.0-or-later */
/* join: the parts of a split kdump set as one file. */
#include <guestscope/base/time.h>

#include "output.h"

struct gs_error *gs_join(struct gs_memory *mem, struct gs_outfile *out,
			 struct gs_progress *progress, struct gs_job_result *ret)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	const struct gs_kdump_copy copy = {.progress = progress};
	uint64_t start_ms = gs_now_ms();
	struct gs_job_result result = {
		.memory_bytes = gs_ranges_total_bytes(mem->ranges, mem->range_count)};
	struct gs_error *err = gs_job_open_sink(out, GS_DUMP_KDUMP, false, &sink);

	if (!err)
		err = gs_kdump_copy(mem, &copy, sink, &result.stats);
	if (err)
		return err;
	result.seconds = (double)(gs_now_ms() - start_ms) / 1000;
	*ret = result;
	return NULL;
}
