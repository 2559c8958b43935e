/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of the guest's disks. */
#include <stdlib.h>
#include <string.h>

#include "blk_stat.h"

static struct gs_error *add_row(struct sample *sample, const struct gs_block_device *device)
{
	struct sampled *row = &sample->rows[sample->count];
	struct gs_error *err =
		gs_block_stats_parse(device->stats, sample->graph.taken_ns, &row->stats);

	if (err)
		return gs_error_wrap(err, "%s", device->id);
	row->device = device;
	sample->count++;
	return NULL;
}

static struct gs_error *add_named(struct sample *sample, const struct gs_args *args)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < gs_args_count(args); i++) {
		const struct gs_block_device *device = NULL;

		err = gs_block_find(&sample->graph, gs_args_at(args, i), &device);
		if (!err && !sample_find(sample, device->id))
			err = add_row(sample, device);
	}
	return err;
}

static struct gs_error *add_all(struct sample *sample)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < sample->graph.device_count; i++)
		err = add_row(sample, &sample->graph.devices[i]);
	return err;
}

struct gs_error *sample_take(const struct gs_args *args, const struct disks *disks,
			     struct sample *ret)
{
	struct sample sample = {0};
	struct gs_error *err = gs_block_load(
		disks->target.qmp, disks->has_domain ? &disks->domain : NULL, &sample.graph);

	if (err)
		return err;
	sample.rows = calloc(sample.graph.device_count + 1, sizeof(*sample.rows));
	if (!sample.rows)
		err = gs_error_nomem();
	else
		err = gs_args_count(args) ? add_named(&sample, args) : add_all(&sample);
	if (err) {
		sample_free(&sample);
		return err;
	}
	*ret = sample;
	return NULL;
}

void sample_free(struct sample *sample)
{
	for (size_t i = 0; i < sample->count; i++)
		gs_block_stats_deinit(&sample->rows[i].stats);
	free(sample->rows);
	gs_block_graph_deinit(&sample->graph);
	*sample = (struct sample){0};
}

const struct sampled *sample_find(const struct sample *sample, const char *id)
{
	for (size_t i = 0; i < sample->count; i++) {
		if (strcmp(sample->rows[i].device->id, id) == 0)
			return &sample->rows[i];
	}
	return NULL;
}

const char *op_key(enum gs_block_op op)
{
	return op == GS_BLOCK_ZONE_APPEND ? "zone_append" : gs_block_op_name(op);
}

void emit_names(struct gs_emit *e, const struct gs_block_device *device)
{
	gs_emit_string(e, "device", NULL, device->id);
	gs_emit_string(e, "target", NULL, device->target);
	gs_emit_string(e, "qdev", NULL, device->qdev);
	gs_emit_string(e, "drive", NULL, device->drive);
	gs_emit_string(e, "node", NULL, device->root ? device->root->name : NULL);
}

void emit_counters(struct gs_emit *e, const struct gs_block_stats *stats, enum gs_block_op op)
{
	const struct gs_block_counters *counters = &stats->of[op];

	gs_emit_u64(e, "operations", NULL, counters->operations);
	if (op != GS_BLOCK_FLUSH) {
		gs_emit_u64(e, "bytes", NULL, counters->bytes);
		gs_emit_u64(e, "merged", NULL, counters->merged);
	}
	gs_emit_u64(e, "failed", NULL, counters->failed);
	gs_emit_u64(e, "invalid", NULL, counters->invalid);
	gs_emit_u64(e, "total_time_ns", NULL, counters->total_ns);
}

void emit_time(struct gs_emit *e, const char *header, double ns)
{
	char text[GS_TIME_TEXT];

	if (ns < 0)
		gs_emit_null(e, NULL, header);
	else
		gs_emit_string(e, NULL, header, gs_format_time_ns((uint64_t)ns, text));
}

void emit_ns(struct gs_emit *e, const char *key, double ns)
{
	if (ns < 0)
		gs_emit_null(e, key, NULL);
	else
		gs_emit_u64(e, key, NULL, (uint64_t)(ns + 0.5));
}
