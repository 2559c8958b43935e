/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk stat --histogram: how the latencies of a disk's operations are spread. */
#include <string.h>

#include "blk_stat.h"

/* "10us,1ms,2s" into @ret, which has room for GS_BLOCK_BOUNDARIES_MAX. */
static struct gs_error *parse_boundaries(const char *list, uint64_t *ret, size_t *count_ret)
{
	gs_autofree char *copy = strdup(list);
	char *save = NULL;
	size_t count = 0;

	if (!copy)
		return gs_error_nomem();
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		struct gs_error *err;

		if (count == GS_BLOCK_BOUNDARIES_MAX)
			return gs_error_create(GS_ERROR_INVALID, "--boundaries: more than %d",
					       GS_BLOCK_BOUNDARIES_MAX);
		err = gs_parse_time_ns(word, &ret[count++]);
		if (err)
			return gs_error_wrap(err, "--boundaries");
	}
	*count_ret = count;
	return NULL;
}

/* Begin or stop to keep them, as the command line says. */
static struct gs_error *change(const struct gs_args *args, struct gs_qmp *qmp,
			       const struct sample *sample)
{
	const char *list = gs_args_get(args, "boundaries");
	uint64_t boundaries_ns[GS_BLOCK_BOUNDARIES_MAX];
	bool decades = gs_args_has(args, "boundaries") && !list;
	struct gs_error *err = NULL;
	size_t count = 0;

	if (list)
		err = parse_boundaries(list, boundaries_ns, &count);
	for (size_t i = 0; !err && i < sample->count; i++) {
		const struct gs_block_device *device = sample->rows[i].device;

		if (!device->qdev && !gs_args_count(args))
			continue; /* the guest cannot see it */
		if (gs_args_has(args, "clear"))
			err = gs_block_histogram_clear(qmp, device);
		else
			err = gs_block_histogram_set(qmp, device, decades ? NULL : boundaries_ns,
						     count);
	}
	return err;
}

/* ---- what is shown ---- */

static const struct gs_emit_column columns[] = {
	{NULL, "FROM", true},  {NULL, "TO", true}, {NULL, "COUNT", true},
	{NULL, "SHARE", true}, {NULL, "", false},
};

static void emit_json(struct gs_emit *e, const struct gs_block_histogram *histogram)
{
	gs_emit_table(e, "bins", NULL, NULL, 0);
	for (size_t i = 0; i < histogram->bin_count; i++) {
		gs_emit_row(e);
		gs_emit_u64(e, "from_ns", NULL, i ? histogram->boundaries_ns[i - 1] : 0);
		if (i + 1 < histogram->bin_count)
			gs_emit_u64(e, "to_ns", NULL, histogram->boundaries_ns[i]);
		else
			gs_emit_null(e, "to_ns", NULL);
		gs_emit_u64(e, "count", NULL, histogram->bins[i]);
	}
	gs_emit_end(e);
}

static void emit_device(struct gs_emit *e, const struct sampled *row)
{
	gs_emit_row(e);
	emit_names(e, row->device);
	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		const struct gs_block_histogram *histogram = &row->stats.histograms[op];

		if (histogram->bin_count) {
			gs_emit_begin(e, op_key(op), NULL);
			emit_json(e, histogram);
			gs_emit_end(e);
		} else {
			gs_emit_null(e, op_key(op), NULL);
		}
	}
}

static void emit_bin(struct gs_emit *e, const struct gs_block_histogram *histogram, size_t i,
		     double all, double most)
{
	double count = (double)histogram->bins[i];
	gs_autofree char *share = gs_strf("%.1f%%", 100 * count / all);
	char bar[BAR_TEXT];

	gs_emit_row(e);
	emit_time(e, "FROM", i ? (double)histogram->boundaries_ns[i - 1] : 0);
	emit_time(e, "TO", i + 1 < histogram->bin_count ? (double)histogram->boundaries_ns[i] : -1);
	gs_emit_u64(e, NULL, "COUNT", histogram->bins[i]);
	gs_emit_string(e, NULL, "SHARE", share);
	gs_emit_string(e, NULL, "", draw_bar(count / most, bar));
}

/* A drawing, unless nothing was counted: false. */
static bool emit_drawing(struct gs_emit *e, const struct sampled *row, enum gs_block_op op)
{
	const struct gs_block_histogram *histogram = &row->stats.histograms[op];
	gs_autofree char *label = gs_strf("%s, %s", row->device->id, gs_block_op_name(op));
	double all = 0, most = 0;

	for (size_t i = 0; i < histogram->bin_count; i++) {
		all += (double)histogram->bins[i];
		if ((double)histogram->bins[i] > most)
			most = (double)histogram->bins[i];
	}
	if (all <= 0)
		return false;
	gs_emit_table(e, NULL, label, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < histogram->bin_count; i++)
		emit_bin(e, histogram, i, all, most);
	gs_emit_end(e);
	return true;
}

static void emit_drawings(struct gs_emit *e, const struct sampled *row)
{
	bool kept = false, counted = false;

	for (int op = 0; op < GS_BLOCK_OPS; op++) {
		kept |= row->stats.histograms[op].bin_count > 0;
		counted |= emit_drawing(e, row, op);
	}
	if (!kept)
		gs_emit_line(e, "%s: no histogram is kept; --boundaries begins it",
			     row->device->id);
	else if (!counted)
		gs_emit_line(e, "%s: nothing was counted yet", row->device->id);
}

static int report(const struct gs_args *args, const struct sample *sample)
{
	struct gs_emit *e = gs_args_emit(args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "devices", NULL, NULL, 0);
	for (size_t i = 0; i < sample->count; i++)
		emit_device(e, &sample->rows[i]);
	gs_emit_end(e);
	for (size_t i = 0; i < sample->count; i++)
		emit_drawings(e, &sample->rows[i]);
	gs_emit_end(e);
	return gs_args_finish(args, e, GS_EXIT_OK);
}

int blk_histogram(const struct gs_args *args, const struct disks *disks)
{
	auto_sample struct sample sample = {0};
	struct gs_error *err = sample_take(args, disks, &sample);

	if (!err && (gs_args_has(args, "boundaries") || gs_args_has(args, "clear"))) {
		err = change(args, disks->target.qmp, &sample);
		sample_free(&sample);
		if (!err)
			err = sample_take(args, disks, &sample);
	}
	return err ? gs_args_fail(args, err) : report(args, &sample);
}
