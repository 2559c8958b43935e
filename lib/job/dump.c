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
#include "select.h"

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

/* What QEMU's own writer cannot do. */
static struct gs_error *check_qemu_engine(struct gs_qmp *qmp, const struct gs_dump_spec *spec)
{
	const struct gs_output_spec *output = &spec->output;
	const char *format = output->format->name;
	gs_autojson struct gs_json *formats = NULL;
	gs_autofree char *known = NULL;
	struct gs_error *err;

	if (output->ranges == GS_RANGES_SYSTEM || output->drop_zero ||
	    output->exclude != GS_EXCLUDE_ZERO || output->level ||
	    (output->flatten && output->format->format == GS_DUMP_ELF))
		return gs_error_create(GS_ERROR_INVALID,
				       "engine qemu writes all ranges, at its own level: --ranges "
				       "system, -d, --exclude, --drop-zero, --level and flattened "
				       "ELF need engine stream");
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

struct gs_error *gs_job_check_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec)
{
	struct gs_error *err = gs_job_check_spec(&spec->output);

	if (err)
		return err;
	if (!gs_qmp_passes_fds(qmp))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: a dump goes through a pipe, and only a local socket "
				       "can hand one over: use the guest's unix socket, or pid:N",
				       gs_qmp_name(qmp));
	if (gs_job_pick_engine(spec) == GS_ENGINE_QEMU)
		return check_qemu_engine(qmp, spec);
	return NULL;
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
	/* Samples may mislead: only what is far from fitting is refused. */
	if (estimate.file_bytes_guess / 2 < free_bytes) {
		gs_job_note(&spec->output, "about %s may not fit into %s of free space",
			    gs_format_size(estimate.file_bytes_guess, guess),
			    gs_format_size(free_bytes, room));
		return NULL;
	}
	return gs_error_os(ENOSPC, "%s: about %s will not fit into %s of free space",
			   gs_outfile_path(out), gs_format_size(estimate.file_bytes_guess, guess),
			   gs_format_size(free_bytes, room));
}

static struct gs_error *write_stream(struct gs_page_source *stream, const struct gs_dump_spec *spec,
				     const struct gs_description *d,
				     const struct gs_selection *selection, struct gs_outfile *out,
				     struct gs_job_result *ret)
{
	struct gs_error *err = gs_job_write(stream, &spec->output, d, selection, out, ret),
			*verdict;

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
	gs_autodescription struct gs_description d = {0};
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *selection = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *stream = NULL; /* borrows of d */
	const struct select_options options = {.exclude = spec->output.exclude,
					       .threads = spec->output.threads,
					       .progress = spec->output.progress};
	struct gs_error *err = gs_guest_memory_open(qmp, &mem);

	if (!err)
		err = gs_describe(mem, spec->output.ranges, spec->output.format->format, &d);
	if (err)
		return err;
	gs_job_note_choices(&spec->output, &d, mem->ranges, mem->range_count);
	/* By random reads, before the first byte flows. */
	err = gs_job_select(mem, d.ranges, d.range_count, &options, &selection);
	if (!err)
		err = gs_guest_stream_open(qmp, d.ranges, d.range_count, &stream);
	return err ? err : write_stream(stream, spec, &d, selection, out, ret);
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
	if (err && err->code == GS_ERROR_OS)
		return gs_error_wrap(err, "%s", gs_outfile_path(out));
	if (!err)
		err = gs_qmp_query_dump(qmp, &status);
	if (err)
		return err;
	ret->memory_bytes = status.total_bytes;
	ret->stats.file_bytes = progress->done;
	return NULL;
}

/* The guest first: to sync a file can take long. A dump that is complete is kept in any case. */
static struct gs_error *resume_and_commit(struct gs_pause *pause, struct gs_outfile *out)
{
	struct gs_error *resume_err = gs_pause_end(pause);
	struct gs_error *err = gs_outfile_commit(out);

	if (!err)
		return gs_error_wrap(resume_err, "the dump is complete, but");
	gs_error_destroy(resume_err);
	return err;
}

/* --crash and --reset: only with the dump safe on disk. */
static struct gs_error *commit_and_end(struct gs_qmp *qmp, enum gs_after after,
				       struct gs_pause *taken, struct gs_outfile *out)
{
	GS_CLEANUP(gs_pause_abandon) struct gs_pause *pause = taken;
	bool crash = after == GS_AFTER_CRASH;
	struct gs_error *err = gs_outfile_commit(out);

	if (err)
		return err;
	err = gs_qmp_simple(qmp, crash ? "quit" : "system_reset");
	if (err)
		return gs_error_wrap(err, "the dump is complete, but the guest was not %s",
				     crash ? "ended" : "reset");
	if (crash)
		gs_pause_disarm(pause);
	return gs_error_wrap(gs_pause_end(gs_take(pause)), "the dump is complete, but");
}

static struct gs_error *check_cancelled(const struct gs_dump_spec *spec)
{
	const struct gs_progress *progress = spec->output.progress;

	return progress && progress->cancelled ? gs_error_os(EINTR, "stopped") : NULL;
}

struct gs_error *gs_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
			 struct gs_outfile *out, struct gs_job_result *ret)
{
	GS_CLEANUP(gs_pause_abandon) struct gs_pause *pause = NULL;
	struct gs_job_result result = {0};
	uint64_t start_ms = gs_now_ms();
	struct gs_error *err = gs_job_check_dump(qmp, spec);

	if (!err)
		err = check_space(qmp, spec, out);
	if (!err)
		err = gs_pause_begin(qmp, &pause, NULL);
	if (err)
		return err;
	err = gs_job_pick_engine(spec) == GS_ENGINE_QEMU ? run_qemu(qmp, spec, out, &result)
							 : run_stream(qmp, spec, out, &result);
	if (!err)
		err = check_cancelled(spec);
	if (!err && spec->after == GS_AFTER_RESUME)
		err = resume_and_commit(gs_take(pause), out);
	else if (!err)
		err = commit_and_end(qmp, spec->after, gs_take(pause), out);
	if (err)
		return err;
	result.seconds = (double)(gs_now_ms() - start_ms) / 1000;
	*ret = result;
	return NULL;
}
