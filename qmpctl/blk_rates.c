/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of a guest's disks as a live table, as plain rows, as lines of JSON. */
#include "blk_rates.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const char *const since_words[] = {"start", "previous", "first"};

/* What is per second is not known where the time is not. */
static double known(const struct gs_block_rates *rates, double v)
{
	return rates->seconds > 0 ? v : -1;
}

static double all_bytes_per_s(const struct gs_block_rates *rates)
{
	double all = 0;

	for (int op = 0; op < GS_BLOCK_OPS; op++)
		all += rates->of[op].bytes_per_s;
	return all;
}

/* ---- JSON ---- */

static void emit_number(struct gs_emit *e, const char *key, double v)
{
	if (v < 0)
		gs_emit_null(e, key, NULL);
	else
		gs_emit_double(e, key, NULL, v, 3);
}

static void emit_op(struct gs_emit *e, const struct sampled *row,
		    const struct gs_block_rates *rates, enum gs_block_op op)
{
	if (!row->stats.of[op].known) {
		gs_emit_null(e, op_key(op), NULL);
		return;
	}
	gs_emit_begin(e, op_key(op), NULL);
	emit_counters(e, &row->stats, op);
	emit_number(e, "iops", known(rates, rates->of[op].iops));
	if (op != GS_BLOCK_FLUSH) {
		emit_number(e, "bytes_per_s", known(rates, rates->of[op].bytes_per_s));
		emit_number(e, "merged_per_s", known(rates, rates->of[op].merged_per_s));
	}
	emit_number(e, "latency_ns", rates->of[op].latency_ns);
	emit_number(e, "queue_depth", known(rates, rates->of[op].queue_depth));
	gs_emit_end(e);
}

static void emit_json(struct gs_emit *e, enum since since, const struct sample *sample,
		      const struct gs_block_rates *rates)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_double(e, "time", NULL, (double)now.tv_sec + (double)now.tv_nsec / 1e9, 3);
	gs_emit_string(e, "since", NULL, since_words[since]);
	gs_emit_table(e, "devices", NULL, NULL, 0);
	for (size_t i = 0; i < sample->count; i++) {
		const struct sampled *row = &sample->rows[i];

		gs_emit_row(e);
		emit_names(e, row->device);
		emit_number(e, "seconds", known(&rates[i], rates[i].seconds));
		gs_emit_bool(e, "restarted", NULL, rates[i].restarted);
		for (int op = 0; op < GS_BLOCK_OPS; op++)
			emit_op(e, row, &rates[i], op);
		emit_number(e, "queue_depth", known(&rates[i], rates[i].queue_depth));
	}
	gs_emit_end(e);
	gs_emit_end(e);
}

/* ---- the live table ---- */

/* The last one is left out where no disk has any. */
static const struct gs_emit_column columns[] = {
	{NULL, "DEVICE", false}, {NULL, "R/S", true},         {NULL, "W/S", true},
	{NULL, "F/S", true},     {NULL, "READ/S", true},      {NULL, "WRITE/S", true},
	{NULL, "R-LAT", true},   {NULL, "W-LAT", true},       {NULL, "F-LAT", true},
	{NULL, "DEPTH", true},   {NULL, "THROUGHPUT", false}, {NULL, "U/S", true},
};

static size_t count_columns(const struct sample *sample)
{
	size_t count = sizeof(columns) / sizeof(*columns);

	for (size_t i = 0; i < sample->count; i++) {
		if (sample->rows[i].stats.of[GS_BLOCK_UNMAP].operations)
			return count;
	}
	return count - 1;
}

/* Cells are as wide as they mostly get, so that columns stay where they are; "-" if not @known. */
GS_PRINTF(5, 6)
static void emit_cell(struct gs_emit *e, const char *header, int width, bool is_known,
		      const char *fmt, ...)
{
	char text[64];
	gs_autofree char *cell = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell = gs_strf("%*s", width, is_known ? text : "-");
	gs_emit_string(e, NULL, header, cell);
}

static void emit_device(struct gs_emit *e, const struct sampled *row,
			const struct gs_block_rates *rates, double peak)
{
	static const struct {
		enum gs_block_op op;
		const char *iops, *bytes, *latency;
	} ops[] = {{GS_BLOCK_READ, "R/S", "READ/S", "R-LAT"},
		   {GS_BLOCK_WRITE, "W/S", "WRITE/S", "W-LAT"},
		   {GS_BLOCK_FLUSH, "F/S", NULL, "F-LAT"},
		   {GS_BLOCK_UNMAP, "U/S", NULL, NULL}};
	bool timed = rates->seconds > 0;
	char bar[BAR_TEXT], size[GS_SIZE_TEXT], time[GS_TIME_TEXT];

	gs_emit_row(e);
	gs_emit_string(e, NULL, "DEVICE", row->device->id);
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		double iops = rates->of[ops[i].op].iops;
		double latency_ns = rates->of[ops[i].op].latency_ns;

		emit_cell(e, ops[i].iops, 5, timed, "%.*f", iops > 0 && iops < 9.95 ? 1 : 0, iops);
		if (ops[i].bytes)
			emit_cell(e, ops[i].bytes, 8, timed, "%s",
				  gs_format_size((uint64_t)rates->of[ops[i].op].bytes_per_s, size));
		if (ops[i].latency)
			emit_cell(e, ops[i].latency, 7, latency_ns >= 0, "%s",
				  gs_format_time_ns((uint64_t)(latency_ns < 0 ? 0 : latency_ns),
						    time));
	}
	emit_cell(e, "DEPTH", 5, timed, "%.2f", rates->queue_depth);
	gs_emit_string(e, NULL, "THROUGHPUT",
		       draw_bar(peak > 0 ? all_bytes_per_s(rates) / peak : 0, bar));
}

static const char *clock_text(char buf[16])
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(buf, 16, "%H:%M:%S", &tm))
		snprintf(buf, 16, "-");
	return buf;
}

static void emit_live(struct gs_emit *e, struct rates_view *view, enum since since,
		      const struct sample *sample, const struct gs_block_rates *rates)
{
	static const char *const titles[] = {"since QEMU's start", "since the last look",
					     "over the whole watch"};
	char now[16], peak[GS_SIZE_TEXT];

	gs_emit_begin(e, NULL, NULL);
	gs_emit_line(e, "%s  %s; a full bar is %s/s", clock_text(now), titles[since],
		     gs_format_size((uint64_t)view->peak, peak));
	gs_emit_table(e, NULL, "", columns, count_columns(sample));
	for (size_t i = 0; i < sample->count; i++)
		emit_device(e, &sample->rows[i], &rates[i], view->peak);
	gs_emit_end(e);
	gs_emit_end(e);
}

/* ---- plain rows: numbers alone, in columns that stay where they are ---- */

#define CELL 16

/* "-" below 0. */
static const char *cell(double v, double scale, int digits, char buf[CELL])
{
	if (v < 0)
		return "-";
	snprintf(buf, CELL, "%.*f", digits, v / scale);
	return buf;
}

static void emit_plain_row(struct gs_emit *e, const char *when, const struct sampled *row,
			   const struct gs_block_rates *r)
{
	const int rw[] = {GS_BLOCK_READ, GS_BLOCK_WRITE, GS_BLOCK_FLUSH, GS_BLOCK_UNMAP};
	gs_autotext struct gs_text line = {0};
	char buf[CELL];

	gs_text_printf(&line, "%-8s  %-14s", when, row->device->id);
	for (int i = 0; i < 4; i++)
		gs_text_printf(&line, " %8s", cell(known(r, r->of[rw[i]].iops), 1, 1, buf));
	for (int i = 0; i < 2; i++)
		gs_text_printf(&line, " %10s",
			       cell(known(r, r->of[rw[i]].bytes_per_s), 1024, 1, buf));
	for (int i = 0; i < 3; i++)
		gs_text_printf(&line, " %9s", cell(r->of[rw[i]].latency_ns, 1000, 1, buf));
	gs_text_printf(&line, " %7s", cell(known(r, r->queue_depth), 1, 2, buf));
	gs_emit_line(e, "%s", line.failed ? "" : line.data);
}

static void emit_plain(struct gs_emit *e, struct rates_view *view, enum since since,
		       const struct sample *sample, const struct gs_block_rates *rates)
{
	char now[16];
	const char *when = since == SINCE_PREVIOUS ? clock_text(now)
			   : since == SINCE_START  ? "start"
						   : "mean";

	if (!view->titled)
		gs_emit_line(e, "%-8s  %-14s %8s %8s %8s %8s %10s %10s %9s %9s %9s %7s", "TIME",
			     "DEVICE", "R/S", "W/S", "F/S", "U/S", "RKIB/S", "WKIB/S", "R-US",
			     "W-US", "F-US", "DEPTH");
	view->titled = true;
	for (size_t i = 0; i < sample->count; i++)
		emit_plain_row(e, when, &sample->rows[i], &rates[i]);
}

void emit_rates(struct gs_emit *e, struct rates_view *view, enum since since,
		const struct sample *sample, const struct gs_block_rates *rates)
{
	for (size_t i = 0; i < sample->count; i++) {
		if (all_bytes_per_s(&rates[i]) > view->peak)
			view->peak = all_bytes_per_s(&rates[i]);
	}
	if (view->json)
		emit_json(e, since, sample, rates);
	else if (view->live)
		emit_live(e, view, since, sample, rates);
	else
		emit_plain(e, view, since, sample, rates);
}
