/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device's counters, statistics and histograms, out of its entry of query-blockstats. */
#include <guestscope/block.h>

#include <stdio.h>
#include <stdlib.h>

#define TIMED_MAX 1024 /* intervals; a machine has one or two */

/* What QMP's members begin with. */
static const struct {
	const char *name, *prefix;
} ops[GS_BLOCK_OPS] = {
	[GS_BLOCK_READ] = {"read", "rd"},
	[GS_BLOCK_WRITE] = {"write", "wr"},
	[GS_BLOCK_UNMAP] = {"unmap", "unmap"},
	[GS_BLOCK_FLUSH] = {"flush", "flush"},
	[GS_BLOCK_ZONE_APPEND] = {"zone-append", "zone_append"},
};

const char *gs_block_op_name(enum gs_block_op op)
{
	return ops[op].name;
}

/* The member "BEFOREprefixAFTER" of @stats. */
static const struct gs_json *member(const struct gs_json *stats, const char *before,
				    enum gs_block_op op, const char *after)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s%s", before, ops[op].prefix, after);
	return gs_json_get(stats, key);
}

/* 0 where QEMU says nothing, or nonsense. */
static uint64_t number(const struct gs_json *value)
{
	uint64_t v = 0;

	gs_json_u64(value, &v);
	return v;
}

static void parse_counters(const struct gs_json *stats, enum gs_block_op op,
			   struct gs_block_counters *ret)
{
	ret->known = gs_json_u64(member(stats, "", op, "_operations"), &ret->operations);
	ret->bytes = number(member(stats, "", op, "_bytes"));
	ret->merged = number(member(stats, "", op, "_merged"));
	ret->failed = number(member(stats, "failed_", op, "_operations"));
	ret->invalid = number(member(stats, "invalid_", op, "_operations"));
	ret->total_ns = number(member(stats, "", op, "_total_time_ns"));
}

static void parse_interval(const struct gs_json *interval, struct gs_block_timed *ret)
{
	ret->interval_s = number(gs_json_get(interval, "interval_length"));
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		const struct gs_json *avg = member(interval, "avg_", op, "_latency_ns");

		ret->known[op] = gs_json_u64(avg, &ret->of[op].avg_ns);
		ret->of[op].min_ns = number(member(interval, "min_", op, "_latency_ns"));
		ret->of[op].max_ns = number(member(interval, "max_", op, "_latency_ns"));
		ret->of[op].queue_depth = -1;
		gs_json_double(member(interval, "avg_", op, "_queue_depth"),
			       &ret->of[op].queue_depth);
	}
}

static struct gs_error *parse_timed(const struct gs_json *stats, struct gs_block_stats *ret)
{
	const struct gs_json *list = gs_json_get(stats, "timed_stats");
	size_t count = gs_json_count(list);

	if (!count)
		return NULL;
	if (count > TIMED_MAX)
		return gs_error_create(GS_ERROR_CORRUPT, "timed_stats: %zu intervals", count);
	ret->timed = calloc(count, sizeof(*ret->timed));
	if (!ret->timed)
		return gs_error_nomem();
	gs_json_for_each (interval, list)
		parse_interval(interval, &ret->timed[ret->timed_count++]);
	return NULL;
}

/* The numbers of @list into @ret, which takes @count. False: it has others. */
static bool parse_numbers(const struct gs_json *list, size_t count, uint64_t *ret)
{
	size_t i = 0;

	gs_json_for_each (item, list) {
		if (i == count || !gs_json_u64(item, &ret[i++]))
			return false;
	}
	return i == count;
}

static bool ascends(const uint64_t *numbers, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (numbers[i] <= numbers[i - 1])
			return false;
	}
	return true;
}

static struct gs_error *parse_histogram(const struct gs_json *stats, enum gs_block_op op,
					struct gs_block_histogram *ret)
{
	const struct gs_json *histogram, *bins;
	char key[64];
	size_t count;

	snprintf(key, sizeof(key), "%s_latency_histogram", ops[op].prefix);
	histogram = gs_json_get(stats, key);
	bins = gs_json_get(histogram, "bins");
	count = gs_json_count(bins);
	if (!histogram)
		return NULL;
	if (!count || count > GS_BLOCK_BOUNDARIES_MAX + 1)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: %zu bins", key, count);
	ret->bins = calloc(count, sizeof(*ret->bins));
	ret->boundaries_ns = calloc(count, sizeof(*ret->boundaries_ns));
	if (!ret->bins || !ret->boundaries_ns)
		return gs_error_nomem();
	if (!parse_numbers(bins, count, ret->bins) ||
	    !parse_numbers(gs_json_get(histogram, "boundaries"), count - 1, ret->boundaries_ns) ||
	    !ascends(ret->boundaries_ns, count - 1))
		return gs_error_create(GS_ERROR_CORRUPT, "%s: bins and boundaries do not fit", key);
	ret->bin_count = count;
	return NULL;
}

struct gs_error *gs_block_stats_parse(const struct gs_json *entry, uint64_t taken_ns,
				      struct gs_block_stats *ret)
{
	const struct gs_json *stats = gs_json_get(entry, "stats");
	struct gs_block_stats parsed = {.taken_ns = taken_ns};
	struct gs_error *err = parse_timed(stats, &parsed);

	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		parse_counters(stats, op, &parsed.of[op]);
		if (!err)
			err = parse_histogram(stats, op, &parsed.histograms[op]);
	}
	if (err) {
		gs_block_stats_deinit(&parsed);
		return err;
	}
	parsed.used = gs_json_u64(gs_json_get(stats, "idle_time_ns"), &parsed.idle_ns);
	parsed.counts_failed = gs_json_is_true(gs_json_get(stats, "account_failed"));
	parsed.counts_invalid = gs_json_is_true(gs_json_get(stats, "account_invalid"));
	*ret = parsed;
	return NULL;
}

void gs_block_stats_deinit(struct gs_block_stats *stats)
{
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		free(stats->histograms[op].boundaries_ns);
		free(stats->histograms[op].bins);
	}
	free(stats->timed);
	*stats = (struct gs_block_stats){0};
}
