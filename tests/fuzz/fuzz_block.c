/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device's counters: whatever is told of them, histograms fit their bins and rates are numbers.
 */
#include <assert.h>
#include <math.h>

#include <guestscope/block.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_histogram(const struct gs_block_histogram *histogram)
{
	assert(histogram->bin_count <= GS_BLOCK_BOUNDARIES_MAX + 1);
	for (size_t i = 1; i + 1 < histogram->bin_count; i++)
		assert(histogram->boundaries_ns[i - 1] < histogram->boundaries_ns[i]);
}

/* From nothing, and back to it in no time. */
static void check_rates(const struct gs_block_stats *stats)
{
	const struct gs_block_stats zero = {.taken_ns = 1};
	struct gs_block_rates rates;

	gs_block_rates(&zero, stats, &rates);
	assert(!rates.restarted && rates.seconds > 0);
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		double iops = (double)stats->of[op].operations / rates.seconds;

		assert(fabs(rates.of[op].iops - iops) <= iops * 1e-9);
		assert(isfinite(rates.of[op].bytes_per_s) && isfinite(rates.of[op].latency_ns));
	}
	assert(isfinite(rates.queue_depth));
	gs_block_rates(stats, &zero, &rates);
	assert(rates.seconds == 0 && rates.queue_depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gs_autojson struct gs_json *entry = NULL;
	gs_autoerror struct gs_error *err = gs_json_parse((const char *)data, size, &entry);
	struct gs_block_stats stats;

	if (!err)
		err = gs_block_stats_parse(entry, 1000000001, &stats);
	if (err)
		return 0;
	for (int op = 0; op < GS_BLOCK_OPS; op++)
		check_histogram(&stats.histograms[op]);
	check_rates(&stats);
	gs_block_stats_deinit(&stats);
	return 0;
}
