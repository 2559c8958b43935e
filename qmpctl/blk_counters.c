/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk stat as such: all that QEMU counts of a guest's disks. */
#include <string.h>

#include "blk_stat.h"

/* ---- JSON: a row for each device, with all below it ---- */

static void emit_device_counters(struct gs_emit *e, const struct gs_block_stats *stats)
{
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		if (!stats->of[op].known) {
			gs_emit_null(e, op_key(op), NULL);
			continue;
		}
		gs_emit_begin(e, op_key(op), NULL);
		emit_counters(e, stats, op);
		emit_ns(e, "mean_latency_ns", gs_block_mean_ns(stats, op));
		gs_emit_end(e);
	}
}

static void emit_intervals_json(struct gs_emit *e, const struct gs_block_stats *stats)
{
	gs_emit_table(e, "intervals", NULL, NULL, 0);
	for (size_t i = 0; i < stats->timed_count; i++) {
		const struct gs_block_timed *timed = &stats->timed[i];

		gs_emit_row(e);
		gs_emit_u64(e, "interval_s", NULL, timed->interval_s);
		for (int op = 0; op < GS_BLOCK_OPS; op++) {
			if (!timed->known[op])
				continue;
			gs_emit_begin(e, op_key(op), NULL);
			gs_emit_u64(e, "min_latency_ns", NULL, timed->of[op].min_ns);
			gs_emit_u64(e, "max_latency_ns", NULL, timed->of[op].max_ns);
			gs_emit_u64(e, "mean_latency_ns", NULL, timed->of[op].avg_ns);
			if (timed->of[op].queue_depth >= 0)
				gs_emit_double(e, "queue_depth", NULL, timed->of[op].queue_depth,
					       2);
			gs_emit_end(e);
		}
	}
	gs_emit_end(e);
}

/*
 * Entry @i of those that may hold what a driver counts: the format node's, the protocol node's.
 * NULL: it has none.
 */
static const struct gs_json *driver_entry(const struct gs_block_device *device, int i)
{
	const struct gs_json *entry = i ? gs_json_get(device->stats, "parent") : device->stats;

	return gs_json_get(entry, "driver-specific") ? entry : NULL;
}

#define DRIVER_ENTRIES 2

static void emit_drivers_json(struct gs_emit *e, const struct gs_block_device *device)
{
	gs_emit_table(e, "drivers", NULL, NULL, 0);
	for (int i = 0; i < DRIVER_ENTRIES; i++) {
		const struct gs_json *entry = driver_entry(device, i);

		if (!entry)
			continue;
		gs_emit_row(e);
		gs_emit_json(e, "node", NULL, gs_json_get(entry, "node-name"));
		gs_emit_json(e, "stats", NULL, gs_json_get(entry, "driver-specific"));
	}
	gs_emit_end(e);
}

static void emit_device(struct gs_emit *e, const struct sampled *row)
{
	const struct gs_block_stats *stats = &row->stats;

	gs_emit_row(e);
	emit_names(e, row->device);
	emit_device_counters(e, stats);
	if (stats->used)
		gs_emit_u64(e, "idle_ns", NULL, stats->idle_ns);
	else
		gs_emit_null(e, "idle_ns", NULL);
	gs_emit_bool(e, "account_failed", NULL, stats->counts_failed);
	gs_emit_bool(e, "account_invalid", NULL, stats->counts_invalid);
	emit_intervals_json(e, stats);
	emit_drivers_json(e, row->device);
}

/* ---- text: a table of operations, and others of what is not always there ---- */

static const struct gs_emit_column operation_columns[] = {
	{NULL, "DEVICE", false}, {NULL, "OPERATION", false}, {NULL, "COUNT", true},
	{NULL, "BYTES", true},   {NULL, "MERGED", true},     {NULL, "FAILED", true},
	{NULL, "INVALID", true}, {NULL, "TIME", true},       {NULL, "MEAN", true},
	{NULL, "IDLE", true},
};

static const struct gs_emit_column interval_columns[] = {
	{NULL, "DEVICE", false}, {NULL, "LAST", true}, {NULL, "OPERATION", false},
	{NULL, "MIN", true},     {NULL, "MEAN", true}, {NULL, "MAX", true},
	{NULL, "DEPTH", true},
};

static const struct gs_emit_column driver_columns[] = {
	{NULL, "DEVICE", false},
	{NULL, "NODE", false},
	{NULL, "DRIVER", false},
	{NULL, "COUNTED", false},
};

/* Those that nearly no disk sees are shown where they happened. */
static bool is_shown(const struct gs_block_counters *counters, enum gs_block_op op)
{
	if (op == GS_BLOCK_READ || op == GS_BLOCK_WRITE || op == GS_BLOCK_FLUSH)
		return counters->known;
	return counters->operations || counters->failed || counters->invalid;
}

static void emit_operation(struct gs_emit *e, const struct gs_block_stats *stats,
			   enum gs_block_op op)
{
	const struct gs_block_counters *counters = &stats->of[op];

	gs_emit_string(e, NULL, "OPERATION", gs_block_op_name(op));
	gs_emit_u64(e, NULL, "COUNT", counters->operations);
	if (op != GS_BLOCK_FLUSH) {
		gs_emit_bytes(e, NULL, "BYTES", counters->bytes);
		gs_emit_u64(e, NULL, "MERGED", counters->merged);
	}
	gs_emit_u64(e, NULL, "FAILED", counters->failed);
	gs_emit_u64(e, NULL, "INVALID", counters->invalid);
	emit_time(e, "TIME", (double)counters->total_ns);
	emit_time(e, "MEAN", gs_block_mean_ns(stats, op));
}

static void emit_operations(struct gs_emit *e, const struct sampled *row)
{
	bool first = true;

	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		if (!is_shown(&row->stats.of[op], op))
			continue;
		gs_emit_row(e);
		if (first) {
			gs_emit_string(e, NULL, "DEVICE", row->device->id);
			emit_time(e, "IDLE", row->stats.used ? (double)row->stats.idle_ns : -1);
		}
		first = false;
		emit_operation(e, &row->stats, op);
	}
}

static void emit_intervals(struct gs_emit *e, const struct sampled *row)
{
	for (size_t i = 0; i < row->stats.timed_count; i++) {
		const struct gs_block_timed *timed = &row->stats.timed[i];

		for (int op = 0; op < GS_BLOCK_OPS; op++) {
			if (!timed->known[op])
				continue;
			gs_emit_row(e);
			gs_emit_string(e, NULL, "DEVICE", row->device->id);
			emit_time(e, "LAST", (double)timed->interval_s * 1e9);
			gs_emit_string(e, NULL, "OPERATION", gs_block_op_name(op));
			emit_time(e, "MIN", (double)timed->of[op].min_ns);
			emit_time(e, "MEAN", (double)timed->of[op].avg_ns);
			emit_time(e, "MAX", (double)timed->of[op].max_ns);
			if (timed->of[op].queue_depth >= 0)
				gs_emit_double(e, NULL, "DEPTH", timed->of[op].queue_depth, 2);
		}
	}
}

/* "discard-nb-ok 3, ...": what is not 0. */
static void put_counted(struct gs_text *t, const struct gs_json *stats)
{
	gs_json_for_each (item, stats) {
		const char *number = gs_json_number_text(item);

		if (number && strcmp(number, "0") != 0)
			gs_text_printf(t, "%s%s %s", t->size ? ", " : "", gs_json_key(item),
				       number);
	}
}

static void emit_drivers(struct gs_emit *e, const struct sampled *row)
{
	for (int i = 0; i < DRIVER_ENTRIES; i++) {
		const struct gs_json *entry = driver_entry(row->device, i);
		const struct gs_json *stats = gs_json_get(entry, "driver-specific");
		gs_autotext struct gs_text counted = {0};

		put_counted(&counted, stats);
		if (!counted.size)
			continue;
		gs_emit_row(e);
		gs_emit_string(e, NULL, "DEVICE", row->device->id);
		gs_emit_string(e, NULL, "NODE", gs_json_string(gs_json_get(entry, "node-name")));
		gs_emit_string(e, NULL, "DRIVER", gs_json_string(gs_json_get(stats, "driver")));
		gs_emit_string(e, NULL, "COUNTED", counted.data);
	}
}

/* ---- both ---- */

static void emit_table(struct gs_emit *e, const struct sample *sample, const char *key,
		       const char *label, const struct gs_emit_column *columns, size_t count,
		       void (*emit)(struct gs_emit *e, const struct sampled *row))
{
	gs_emit_table(e, key, label, columns, count);
	for (size_t i = 0; i < sample->count; i++)
		emit(e, &sample->rows[i]);
	gs_emit_end(e);
}

#define COLUMNS(columns) columns, sizeof(columns) / sizeof(*(columns))

int blk_counters(const struct gs_args *args, const struct disks *disks)
{
	auto_sample struct sample sample = {0};
	struct gs_error *err = sample_take(args, disks, &sample);
	struct gs_emit *e;

	if (err)
		return gs_args_fail(args, err);
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	emit_table(e, &sample, "devices", NULL, NULL, 0, emit_device);
	emit_table(e, &sample, NULL, "", COLUMNS(operation_columns), emit_operations);
	emit_table(e, &sample, NULL, "", COLUMNS(interval_columns), emit_intervals);
	emit_table(e, &sample, NULL, "", COLUMNS(driver_columns), emit_drivers);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}
