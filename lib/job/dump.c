/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump: the three steps on a live guest, under the pause guard.
 *
 *	stop ─> describe (ranged reads) ─> select ─> write (QEMU's ELF from a pipe) ─> cont
 *
 * Nothing is asked of the guest before the output file exists and the options are known to be good.
 */
#include "dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>
#include <guestscope/guest.h>

#include "output.h"

const char *gs_job_engine_name(enum gs_engine engine)
{
	return engine == GS_ENGINE_QEMU ? "qemu" : "stream";
}

enum gs_engine gs_job_pick_engine(const struct gs_dump_spec *spec)
{
	return spec->engine == GS_ENGINE_AUTO ? GS_ENGINE_STREAM : spec->engine;
}

static bool offers(const struct gs_json *formats, const char *name)
{
	gs_json_for_each (item, formats) {
		const char *offered = gs_json_string(item);

		if (offered && strcmp(offered, name) == 0)
			return true;
	}
	return false;
}

/* What QEMU's own writer cannot do is refused before the guest is touched. */
static struct gs_error *check_qemu_engine(struct gs_qmp *qmp, const struct gs_dump_spec *spec)
{
	const char *format = spec->output.format->name;
	gs_autojson struct gs_json *formats = NULL;
	gs_autofree char *known = NULL;
	struct gs_error *err;

	if (spec->output.ranges == GS_RANGES_SYSTEM || spec->output.drop_zero || spec->output.level)
		return gs_error_create(GS_ERROR_INVALID,
				       "engine qemu writes all ranges, at its own level: --ranges "
				       "system, --drop-zero and --level need engine stream");
	err = gs_qmp_dump_formats(qmp, &formats);
	if (err)
		return err;
	if (offers(formats, format))
		return NULL;
	known = gs_json_print(formats, GS_JSON_COMPACT);
	return gs_error_create(
		GS_ERROR_UNSUPPORTED,
		"this QEMU cannot write %s by itself (it offers %s): use engine stream", format,
		known ? known : "less");
}

/* Only where the guest's RAM would not fit as it is does it matter how well it compresses. */
static struct gs_error *check_space(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				    const struct gs_outfile *out)
{
	uint64_t free_bytes = gs_outfile_free_bytes(out), base = 0, plugged = 0;
	char guess[GS_SIZE_TEXT], room[GS_SIZE_TEXT];
	gs_autojson struct gs_json *size = NULL;
	struct gs_dump_estimate estimate;
	struct gs_error *err = gs_qmp_execute(qmp, "query-memory-size-summary", NULL, 0, &size);

	if (err)
		return err;
	gs_json_u64(gs_json_get(size, "base-memory"), &base);
	gs_json_u64(gs_json_get(size, "plugged-memory"), &plugged);
	if (base + plugged < free_bytes)
		return NULL;
	err = gs_dump_dry_run(qmp, spec, &estimate);
	if (err || estimate.file_bytes_guess < free_bytes)
		return err;
	return gs_error_os(ENOSPC, "%s: about %s will not fit into %s of free space",
			   gs_outfile_path(out), gs_format_size(estimate.file_bytes_guess, guess),
			   gs_format_size(free_bytes, room));
}

/* The stream hands out all that QEMU calls RAM; pages that the job did not choose are passed over.
 */
struct restricted {
	struct gs_page_source source;
	struct gs_page_source *inner;
};

static struct gs_error *restricted_next(struct gs_page_source *src, struct gs_chunk *chunk,
					bool *end_ret)
{
	struct restricted *r = (struct restricted *)src;

	for (;;) {
		struct gs_error *err = gs_page_source_next(r->inner, chunk, end_ret);
		const struct gs_range *range;
		size_t i;

		if (err || *end_ret)
			return err;
		i = gs_ranges_find(src->ranges, src->range_count, chunk->gpa);
		range = &src->ranges[i];
		if (i == src->range_count || range->start >= chunk->gpa + chunk->size)
			continue;
		if (range->start <= chunk->gpa &&
		    chunk->size <= range->size - (chunk->gpa - range->start))
			return NULL;
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "0x%" PRIx64 ": a range begins or ends within a chunk",
				       chunk->gpa);
	}
}

static struct gs_error *restricted_load(struct gs_page_source *src, struct gs_chunk *chunk)
{
	return gs_page_source_load(((struct restricted *)src)->inner, chunk);
}

static const struct gs_page_source_ops restricted_ops = {
	.next = restricted_next,
	.load = restricted_load,
};

static struct gs_error *write_stream(struct gs_page_source *stream, const struct gs_dump_spec *spec,
				     const struct gs_description *d, struct gs_outfile *out,
				     struct gs_job_result *ret)
{
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *selection = NULL;
	struct restricted r = {.source = {.ops = &restricted_ops,
					  .ranges = d->ranges,
					  .range_count = d->range_count,
					  .page_size = stream->page_size},
			       .inner = stream};
	struct gs_error *err = gs_selection_create(d->ranges, d->range_count, stream->page_size,
						   &selection),
			*verdict;

	if (!err)
		err = gs_job_write(&r.source, &spec->output, d, selection, out, ret);
	if (err && err->code != GS_ERROR_CORRUPT)
		return err;
	/* A stream that broke off: QEMU knows why. */
	verdict = gs_guest_stream_finish(stream);
	if (!verdict)
		return err;
	gs_error_destroy(err);
	return verdict;
}

static struct gs_error *run_stream(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				   struct gs_outfile *out, struct gs_job_result *ret)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *stream = NULL;
	struct gs_attributes attrs = {0};
	struct gs_description d;
	struct gs_error *err = gs_guest_memory_open(qmp, &mem);

	if (!err)
		err = gs_describe(mem, spec->output.ranges, spec->output.format->format, &d);
	if (err)
		return err;
	gs_job_note_choices(&spec->output, &d, mem->ranges, mem->range_count);
	err = gs_guest_stream_open(qmp, &attrs, &stream);
	if (!err) {
		gs_attributes_deinit(&attrs);
		err = write_stream(stream, spec, &d, out, ret);
	}
	gs_description_deinit(&d);
	return err;
}

static struct gs_error *run_qemu(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				 struct gs_outfile *out, struct gs_job_result *ret)
{
	struct gs_progress unused = {0};
	struct gs_progress *progress = spec->output.progress ? spec->output.progress : &unused;
	struct gs_qmp_dump_status status;
	struct gs_error *err;

	if (spec->output.format->format == GS_DUMP_KDUMP)
		gs_job_note(&spec->output, "QEMU writes kdump files flattened");
	err = gs_guest_qemu_dump(qmp, spec->output.format->name, gs_outfile_fd(out),
				 &progress->done, &progress->cancelled);
	if (!err)
		err = gs_qmp_query_dump(qmp, &status);
	if (err)
		return err;
	ret->memory_bytes = status.total_bytes;
	ret->stats.file_bytes = progress->done;
	return NULL;
}

/* --crash and --reset: only with the dump safe on disk. */
static struct gs_error *finish_guest(struct gs_qmp *qmp, enum gs_after after,
				     struct gs_pause *pause)
{
	struct gs_error *err;

	if (after == GS_AFTER_CRASH) {
		gs_pause_disarm(pause);
		err = gs_qmp_simple(qmp, "quit");
		gs_pause_abandon(pause);
		return gs_error_wrap(err, "the dump is complete, but the guest was not ended");
	}
	err = after == GS_AFTER_RESET ? gs_qmp_simple(qmp, "system_reset") : NULL;
	if (err) {
		gs_pause_abandon(pause);
		return gs_error_wrap(err, "the dump is complete, but the guest was not reset");
	}
	return gs_error_wrap(gs_pause_end(pause), "the dump is complete, but");
}

struct gs_error *gs_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
			 struct gs_outfile *out, struct gs_job_result *ret)
{
	enum gs_engine engine = gs_job_pick_engine(spec);
	GS_CLEANUP(gs_pause_abandon) struct gs_pause *pause = NULL;
	struct gs_job_result result = {0};
	uint64_t start_ms = gs_now_ms();
	struct gs_error *err = gs_job_check_spec(&spec->output);

	if (!err && engine == GS_ENGINE_QEMU)
		err = check_qemu_engine(qmp, spec);
	if (!err)
		err = check_space(qmp, spec, out);
	if (!err)
		err = gs_pause_begin(qmp, &pause, NULL);
	if (err)
		return err;
	err = engine == GS_ENGINE_QEMU ? run_qemu(qmp, spec, out, &result)
				       : run_stream(qmp, spec, out, &result);
	if (!err && spec->after == GS_AFTER_RESUME)
		err = gs_pause_end(gs_take(pause));
	if (!err)
		err = gs_outfile_commit(out);
	if (!err && spec->after != GS_AFTER_RESUME)
		err = finish_guest(qmp, spec->after, gs_take(pause));
	if (err)
		return err;
	result.seconds = (double)(gs_now_ms() - start_ms) / 1000;
	*ret = result;
	return NULL;
}
