/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool dump: the memory of a running guest. */
#include <string.h>

#include "cmd_dump.h"

static enum gs_engine parse_engine(const struct gs_args *args)
{
	const char *engine = gs_args_get(args, "engine");

	if (!engine || strcmp(engine, "auto") == 0)
		return GS_ENGINE_AUTO;
	if (strcmp(engine, "direct") == 0)
		return GS_ENGINE_DIRECT;
	return strcmp(engine, "stream") == 0 ? GS_ENGINE_STREAM : GS_ENGINE_QEMU;
}

/* How long the guest may stand still, and what becomes of it. */
static struct gs_error *parse_pause(const struct gs_args *args, struct gs_dump_spec *spec)
{
	bool crash = gs_args_has(args, "crash"), reset = gs_args_has(args, "reset");
	struct gs_error *err = gs_args_size(args, "spool-max", 0, &spec->spool_max_bytes);

	if (!err)
		err = gs_args_duration(args, "max-pause", 0, &spec->max_pause_ms);
	if (err)
		return err;
	spec->live = gs_args_has(args, "live");
	spec->min_pause = gs_args_has(args, "min-pause");
	spec->after = crash ? GS_AFTER_CRASH : reset ? GS_AFTER_RESET : GS_AFTER_RESUME;
	if (crash && reset)
		return gs_error_create(GS_ERROR_INVALID, "--crash and --reset exclude each other");
	if (gs_args_has(args, "spool-max") && (!spec->min_pause || !spec->spool_max_bytes))
		return gs_error_create(GS_ERROR_INVALID, "--spool-max: %s",
				       spec->min_pause ? "nothing fits into no room"
						       : "has no place without --min-pause");
	if (gs_args_has(args, "max-pause") && !spec->max_pause_ms)
		return gs_error_create(GS_ERROR_INVALID,
				       "--max-pause: no time at all is what --live takes");
	return NULL;
}

static struct gs_error *parse_spec(struct gs_args *args, struct gs_dump_spec *ret)
{
	struct gs_dump_spec spec = {.engine = parse_engine(args)};
	struct gs_error *err = dumptool_output_spec(args, &spec.output);

	if (!err)
		err = parse_pause(args, &spec);
	if (!err)
		*ret = spec;
	return err;
}

static struct gs_error *dry_run(const struct gs_args *args, struct gs_qmp *qmp,
				const struct gs_dump_spec *spec)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = NULL;
	struct gs_dump_estimate estimate;
	struct gs_error *err = gs_dump_dry_run(qmp, spec, &estimate);

	if (err)
		return err;
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "engine", "Engine", estimate.engine);
	gs_emit_string(e, "format", "Format", spec->output.format->name);
	gs_emit_bytes(e, "memory_bytes", "Memory", estimate.memory_bytes);
	gs_emit_bytes(e, "file_bytes", "File, estimated", estimate.file_bytes_guess);
	gs_emit_bytes(e, "max_file_bytes", "File, at most", estimate.max_file_bytes);
	gs_emit_u64(e, "pause_ms", "Pause in ms, estimated", estimate.pause_ms_guess);
	gs_emit_end(e);
	return gs_emit_finish(e);
}

static struct gs_error *emit_result(const struct gs_args *args, const struct gs_outfile *out,
				    const struct gs_dump_result *result)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, gs_args_has(args, "on"));

	gs_emit_begin(e, NULL, NULL);
	dumptool_emit_result(e, out, &result->job);
	gs_emit_string(e, "engine", NULL, result->engine);
	gs_emit_double(e, "pause_ms", NULL, result->pause_ms, 3);
	gs_emit_u64(e, "spool_bytes", NULL, result->spool_bytes);
	gs_emit_end(e);
	return gs_emit_finish(e);
}

static struct gs_error *say_result(const struct gs_args *args, const struct gs_outfile *out,
				   const struct gs_dump_result *result)
{
	if (gs_args_has(args, "json"))
		return emit_result(args, out, result);
	if (!gs_args_verbose(args))
		return NULL;
	dumptool_note_result(args, out, &result->job);
	gs_args_note(args, "engine %s, the guest stood still for %.1f ms", result->engine,
		     result->pause_ms);
	return NULL;
}

struct gs_error *dump_to(struct gs_args *args, struct gs_qmp *qmp, struct gs_dump_spec *spec,
			 struct gs_outfile *out)
{
	struct gs_dump_result result;
	struct gs_progress_bar *bar;
	struct gs_error *err;

	spec->output.progress = dumptool_progress();
	spec->output.progress->done = 0; /* by the dump before, with --count */
	dumptool_guard_guest();
	bar = gs_progress_bar_start(spec->output.progress, "dump", gs_args_quiet(args));
	err = gs_dump(qmp, spec, out, &result);
	gs_progress_bar_stop(bar);
	return err ? err : say_result(args, out, &result);
}

/* The output is opened first: a name that cannot be written must not cost the guest a pause. */
static struct gs_error *dump_now(struct gs_args *args, struct gs_dump_spec *spec)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	bool dry = gs_args_has(args, "dry-run");
	struct gs_error *err = NULL;

	if (!dry)
		err = dumptool_open_output(args, &out);
	if (!err)
		err = dumptool_connect(args, &qmp);
	if (err)
		return err;
	return dry ? dry_run(args, qmp, spec) : dump_to(args, qmp, spec, out);
}

/* *ret stays NULL if none is given. */
static struct gs_error *load_vmcoreinfo(const struct gs_args *args, char **ret)
{
	const char *path = gs_args_get(args, "vmcoreinfo");
	size_t size;

	return path ? gs_vmcoreinfo_load(path, ret, &size) : NULL;
}

static struct gs_error *dump(struct gs_args *args)
{
	gs_autofree char *vmcoreinfo = NULL;
	struct gs_dump_spec spec;
	struct gs_error *err = parse_spec(args, &spec);

	if (!err)
		err = load_vmcoreinfo(args, &vmcoreinfo);
	if (err)
		return err;
	spec.vmcoreinfo = vmcoreinfo;
	if (!gs_args_has(args, "on") && gs_args_has(args, "count"))
		return gs_error_create(GS_ERROR_INVALID, "--count has no place without --on");
	if (gs_args_has(args, "on") && gs_args_has(args, "dry-run"))
		return gs_error_create(GS_ERROR_INVALID, "--on and --dry-run exclude each other");
	return gs_args_has(args, "on") ? dump_on(args, &spec) : dump_now(args, &spec);
}

int cmd_dump(struct gs_args *args)
{
	return dumptool_end_job(args, dump(args));
}
