/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engine direct: the guest's memory read out of QEMU's process. Everything that can be found out
 * or prepared while the guest runs comes before the stop.
 *
 *	              open, check ┐ guest stops              ┌ guest runs
 *	(as it is)                settle, describe, select, write
 *	--min-pause   room        settle, describe, select, copy ┐ write from the copy
 *	--live                    describe, select, write
 */
#include "dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/base/text.h>

#include "output.h"

/* A guest goes on to touch memory between the estimate and the stop. */
#define SLACK(bytes) ((bytes) / 16 + (UINT64_C(16) << 20))

/* ---- before the stop ---- */

static uint64_t data_bytes(const struct gs_chunk *chunk, uint32_t page_size)
{
	size_t count = (chunk->gpa % page_size + chunk->size + page_size - 1) / page_size;
	uint64_t bytes = 0;

	if (chunk->kind != GS_EXTENT_DATA)
		return 0;
	for (size_t i = 0; i < count; i++)
		bytes += chunk->page[i] == GS_EXTENT_DATA ? page_size : 0;
	return bytes;
}

/* The kept pages, less those that are known to be zero without a look. */
static struct gs_error *estimate_copy(const struct dump *d, uint64_t *bytes_ret)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	dump_autoview struct dump_view v = {0};
	struct gs_error *err = chunk ? gs_dump_look(d, d->direct, &v) : gs_error_nomem();
	uint64_t bytes = 0;
	bool end = false;

	if (!err)
		err = gs_selection_source(d->direct, v.selection, &src);
	while (!err && !end) {
		err = gs_page_source_next(src, chunk, &end);
		if (!err && !end)
			bytes += data_bytes(chunk, src->page_size);
	}
	*bytes_ret = bytes;
	return err;
}

static struct gs_error *available_bytes(uint64_t *ret)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	while (file && !kib && fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %" SCNu64, &kib);
	if (file)
		fclose(file);
	if (!kib)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "--min-pause: /proc/meminfo does not tell how much memory "
				       "is available: give --spool-max");
	*ret = kib << 10;
	return NULL;
}

struct gs_error *gs_dump_direct_prepare(struct dump *d)
{
	uint64_t max_bytes = d->spec.spool_max_bytes, bytes;
	char bytes_text[GS_SIZE_TEXT], max_text[GS_SIZE_TEXT];
	struct gs_error *err = NULL;

	if (!d->spec.min_pause)
		return NULL;
	if (!max_bytes) {
		err = available_bytes(&max_bytes);
		max_bytes /= 2;
	}
	if (!err)
		err = estimate_copy(d, &bytes);
	if (err)
		return err;
	if (bytes <= max_bytes && max_bytes >= GS_CHUNK_BYTES)
		return gs_page_spool_create(max_bytes, bytes + SLACK(bytes), &d->spool);
	gs_job_note(&d->spec.output,
		    "%s of memory do not fit into a spool of %s: the guest stays paused until they "
		    "are written",
		    gs_format_size(bytes, bytes_text), gs_format_size(max_bytes, max_text));
	return NULL;
}

/* ---- while the guest stands still ---- */

/* What was plugged since the memory was opened changes its ranges: it is opened again. */
static struct gs_error *settle(struct dump *d)
{
	struct gs_error *err = gs_guest_direct_settle(d->direct);

	if (!err || err->code != GS_ERROR_BUSY)
		return err;
	gs_error_destroy(err);
	gs_memory_destroy(gs_take(d->direct));
	err = gs_guest_direct_open(d->qmp, &d->direct);
	return err ? err : gs_guest_direct_settle(d->direct);
}

/* Where the spool turns out to be too small, *ret stays NULL and the guest stopped. */
static struct gs_error *copy_and_resume(struct dump *d, const struct dump_view *v,
					struct gs_memory **ret)
{
	const struct gs_output_spec *output = &d->spec.output;
	struct gs_error *err =
		gs_page_spool_fill(d->spool, d->direct, v->selection, output->threads,
				   &output->progress->cancelled, ret);

	if (err && err->code == GS_ERROR_NODATA) {
		gs_job_note(output, "%s: the guest stays paused until they are written",
			    err->message);
		gs_error_destroy(err);
		return NULL;
	}
	d->result.spool_bytes = gs_page_spool_used_bytes(d->spool);
	if (!err)
		err = gs_guest_direct_confirm(d->direct);
	return err ? err : gs_dump_resume(d);
}

static struct gs_error *write_view(struct dump *d, struct gs_memory *mem, const struct dump_view *v)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct gs_error *err = gs_selection_source(mem, v->selection, &src);

	gs_job_note_choices(&d->spec.output, &v->description, mem->ranges, mem->range_count);
	return err ? err
		   : gs_job_write(src, &d->spec.output, &v->description, v->selection, d->out,
				  &d->result.job);
}

struct gs_error *gs_dump_direct_run(struct dump *d)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *copy = NULL;
	dump_autoview struct dump_view v = {0};
	struct gs_error *err = d->spec.live ? NULL : settle(d);

	if (!err)
		err = gs_dump_look(d, d->direct, &v);
	if (!err && d->spec.live)
		err = gs_attributes_mark_live(&v.description.attrs);
	if (!err && d->spool)
		err = copy_and_resume(d, &v, &copy);
	if (!err)
		err = write_view(d, copy ? copy : d->direct, &v);
	return err || copy ? err : gs_guest_direct_confirm(d->direct);
}
