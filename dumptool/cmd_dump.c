/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool dump: the memory of a running guest. */
#include <string.h>

#include "dumptool.h"

static struct gs_error *parse_spec(struct gs_args *args, struct gs_dump_spec *ret)
{
	const char *engine = gs_args_get(args, "engine");
	bool crash = gs_args_has(args, "crash"), reset = gs_args_has(args, "reset");
	struct gs_dump_spec spec = {0};
	struct gs_error *err = dumptool_output_spec(args, &spec.output);

	if (err)
		return err;
	if (crash && reset)
		return gs_error_create(GS_ERROR_INVALID, "--crash and --reset exclude each other");
	if (engine && strcmp(engine, "stream") == 0)
		spec.engine = GS_ENGINE_STREAM;
	else if (engine && strcmp(engine, "qemu") == 0)
		spec.engine = GS_ENGINE_QEMU;
	spec.after = crash ? GS_AFTER_CRASH : reset ? GS_AFTER_RESET : GS_AFTER_RESUME;
	*ret = spec;
	return NULL;
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

static struct gs_error *dump_to(struct gs_args *args, struct gs_qmp *qmp, struct gs_dump_spec *spec,
				struct gs_outfile *out)
{
	struct gs_job_result result;
	struct gs_progress_bar *bar;
	struct gs_error *err;

	spec->output.progress = dumptool_progress();
	dumptool_guard_guest();
	bar = gs_progress_bar_start(spec->output.progress, "dump", gs_args_quiet(args));
	err = gs_dump(qmp, spec, out, &result);
	gs_progress_bar_stop(bar);
	return err ? err : dumptool_say_result(args, out, &result);
}

/* The output is opened first: a name that cannot be written must not cost the guest a pause. */
static struct gs_error *dump(struct gs_args *args)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	GS_CLEANUP(gs_qmp_close) struct gs_qmp *qmp = NULL;
	bool dry = gs_args_has(args, "dry-run");
	struct gs_dump_spec spec;
	struct gs_error *err = parse_spec(args, &spec);

	if (!err && !dry)
		err = dumptool_open_output(args, &out);
	if (!err)
		err = dumptool_connect(args, &qmp);
	if (err)
		return err;
	return dry ? dry_run(args, qmp, &spec) : dump_to(args, qmp, &spec, out);
}

int cmd_dump(struct gs_args *args)
{
	return dumptool_end_job(args, dump(args));
}
