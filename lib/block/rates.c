/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened between two samples of a device's counters, per second. */
#include <guestscope/block.h>

static bool went_back(const struct gs_block_counters *before, const struct gs_block_counters *after)
{
	return after->operations < before->operations || after->bytes < before->bytes ||
	       after->merged < before->merged || after->failed < before->failed ||
	       after->total_ns < before->total_ns;
}

static bool restarted(const struct gs_block_stats *before, const struct gs_block_stats *after)
{
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		if (went_back(&before->of[op], &after->of[op]))
			return true;
	}
	return false;
}

static struct gs_block_counters difference(const struct gs_block_counters *before,
					   const struct gs_block_counters *after)
{
	return (struct gs_block_counters){
		.operations = after->operations - before->operations,
		.bytes = after->bytes - before->bytes,
		.merged = after->merged - before->merged,
		.failed = after->failed - before->failed,
		.total_ns = after->total_ns - before->total_ns,
	};
}

/* Those that failed count where their time does. */
static double mean_ns(const struct gs_block_counters *counters, bool counts_failed)
{
	double ended = (double)counters->operations;

	if (counts_failed)
		ended += (double)counters->failed;
	return ended > 0 ? (double)counters->total_ns / ended : -1;
}

double gs_block_mean_ns(const struct gs_block_stats *stats, enum gs_block_op op)
{
	return mean_ns(&stats->of[op], stats->counts_failed);
}

void gs_block_rates(const struct gs_block_stats *before, const struct gs_block_stats *after,
		    struct gs_block_rates *ret)
{
	static const struct gs_block_counters zero;
	uint64_t elapsed_ns =
		after->taken_ns > before->taken_ns ? after->taken_ns - before->taken_ns : 0;
	double seconds = (double)elapsed_ns / 1e9;
	double per_s = elapsed_ns ? 1 / seconds : 0;

	*ret = (struct gs_block_rates){.seconds = seconds, .restarted = restarted(before, after)};
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		struct gs_block_counters d =
			difference(ret->restarted ? &zero : &before->of[op], &after->of[op]);

		ret->of[op].iops = (double)d.operations * per_s;
		ret->of[op].bytes_per_s = (double)d.bytes * per_s;
		ret->of[op].merged_per_s = (double)d.merged * per_s;
		ret->of[op].latency_ns = mean_ns(&d, after->counts_failed);
		ret->of[op].queue_depth = (double)d.total_ns / 1e9 * per_s;
		ret->queue_depth += ret->of[op].queue_depth;
	}
}
