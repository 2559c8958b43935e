/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool repair: headers that are wrong, and files that were cut. */
#include <string.h>

#include "dumptool.h"

static const struct gs_emit_column columns[] = {
	{"code", "CODE", false},
	{"old", "IS", false},
	{"new", "SHOULD BE", false},
	{"text", "WHY", false},
};

static void emit_changes(struct gs_emit *e, const struct gs_repair *r)
{
	size_t count = 0;
	const struct gs_mend_change *changes = r ? gs_repair_changes(r, &count) : NULL;

	gs_emit_table(e, "changes", "Repairs", columns, 4);
	for (size_t i = 0; i < count; i++) {
		gs_emit_row(e);
		gs_emit_string(e, "code", "", changes[i].code);
		gs_emit_string(e, "old", "", changes[i].old_value);
		gs_emit_string(e, "new", "", changes[i].new_value);
		gs_emit_string(e, "text", "", changes[i].text);
	}
	gs_emit_end(e);
}

static struct gs_error *say(const struct gs_args *args, const struct gs_repair *r,
			    const char *output, bool recovered)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	size_t count;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "file", "File", gs_args_at(args, 0));
	gs_emit_string(e, "output", "Repaired", output);
	gs_emit_bool(e, "recovered", recovered ? "An interrupted repair was finished" : NULL,
		     recovered);
	emit_changes(e, r);
	gs_repair_changes(r, &count);
	if (!count)
		gs_emit_line(e, "There is nothing to repair.");
	gs_emit_end(e);
	return gs_emit_finish(e);
}

static struct gs_error *repair_copy(struct gs_args *args, struct gs_repair *r,
				    struct gs_outfile *out)
{
	struct gs_progress_bar *bar =
		gs_progress_bar_start(dumptool_progress(), "repair", gs_args_quiet(args));
	struct gs_error *err = gs_repair_copy(r, out);

	gs_progress_bar_stop(bar);
	return err ? err : gs_outfile_commit(out);
}

static struct gs_error *parse_spec(const struct gs_args *args, struct gs_repair_spec *spec,
				   char **text_ret)
{
	const char *path = gs_args_get(args, "vmcoreinfo"), *ranges = gs_args_get(args, "ranges");
	struct gs_error *err = NULL;

	if (ranges && strcmp(ranges, "all") == 0)
		spec->ranges = GS_RANGES_ALL;
	else if (ranges)
		spec->ranges = GS_RANGES_SYSTEM;
	spec->spool_dir = gs_args_get(args, "spool-dir");
	spec->progress = dumptool_progress();
	if (path)
		err = gs_read_file(path, GS_VMCOREINFO_MAX_BYTES, text_ret, &spec->vmcoreinfo_size);
	if (path && !err)
		spec->vmcoreinfo = *text_ret;
	return err;
}

static struct gs_error *check_modes(const struct gs_args *args)
{
	int modes = gs_args_has(args, "output") + gs_args_has(args, "in-place") +
		    gs_args_has(args, "dry-run");

	if (modes == 1)
		return NULL;
	return gs_error_create(GS_ERROR_INVALID, "one of --output, --in-place and --dry-run is %s",
			       modes ? "enough" : "missing");
}

static struct gs_error *repair_in_place(struct gs_args *args, const struct gs_repair_spec *spec)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	const char *path = gs_args_at(args, 0);
	bool recovered = false;
	struct gs_error *err = gs_repair_recover(path, spec, &recovered);

	if (!err)
		err = gs_repair_open(path, spec, &r);
	if (!err)
		err = gs_repair_in_place(r);
	return err ? err : say(args, r, path, recovered);
}

static struct gs_error *repair_into(struct gs_args *args, const struct gs_repair_spec *spec)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *out = NULL;
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	struct gs_error *err = dumptool_open_output(args, &out);

	if (!err)
		err = gs_repair_open(gs_args_at(args, 0), spec, &r);
	if (!err)
		err = repair_copy(args, r, out);
	return err ? err : say(args, r, gs_outfile_path(out), false);
}

static struct gs_error *dry_run(struct gs_args *args, const struct gs_repair_spec *spec)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = NULL;
	struct gs_error *err = gs_repair_open(gs_args_at(args, 0), spec, &r);

	return err ? err : say(args, r, NULL, false);
}

static struct gs_error *repair(struct gs_args *args)
{
	struct gs_repair_spec spec = {0};
	gs_autofree char *text = NULL;
	struct gs_error *err = check_modes(args);

	if (!err)
		err = parse_spec(args, &spec, &text);
	if (err)
		return err;
	if (gs_args_has(args, "in-place"))
		return repair_in_place(args, &spec);
	return gs_args_has(args, "dry-run") ? dry_run(args, &spec) : repair_into(args, &spec);
}

int cmd_repair(struct gs_args *args)
{
	return dumptool_end_job(args, repair(args));
}
