/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint: mistakes in the descriptions of exports. */
#include <string.h>

#include "vmstate.h"

struct report {
	struct gs_emit *e;
	const char *file;
	const char *device; /* that was told of last */
	size_t errors, remarks;
};

static const char *severity(const struct gs_lint_finding *finding)
{
	return finding->is_error ? "error" : "remark";
}

/* For programs: a row each. */
static struct gs_error *emit_row(void *arg, const struct gs_lint_finding *finding)
{
	struct report *report = arg;

	gs_emit_row(report->e);
	gs_emit_string(report->e, "file", NULL, report->file);
	gs_emit_string(report->e, "device", NULL, finding->device);
	gs_emit_string(report->e, "severity", NULL, severity(finding));
	gs_emit_string(report->e, "code", NULL, gs_lint_code_name(finding->code));
	gs_emit_string(report->e, "path", NULL, finding->path);
	gs_emit_string(report->e, "text", NULL, finding->text);
	if (finding->is_error)
		report->errors++;
	else
		report->remarks++;
	return NULL;
}

/* For people: a sentence each, below the device. */
static struct gs_error *emit_sentence(void *arg, const struct gs_lint_finding *finding)
{
	struct report *report = arg;

	if (!report->device || strcmp(report->device, finding->device) != 0)
		gs_emit_line(report->e, "%s:", finding->device);
	report->device = finding->device;
	gs_emit_line(report->e, "  %s %s: %s: %s", severity(finding),
		     gs_lint_code_name(finding->code), finding->path, finding->text);
	return NULL;
}

static struct gs_error *emit_rows(struct report *report, const struct vmstate_export *exports,
				  size_t count)
{
	static const struct gs_emit_column columns[] = {
		{"file", NULL, false}, {"device", NULL, false}, {"severity", NULL, false},
		{"code", NULL, false}, {"path", NULL, false},   {"text", NULL, false}};
	struct gs_error *err = NULL;

	gs_emit_table(report->e, "findings", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; !err && i < count; i++) {
		report->file = exports[i].name;
		err = gs_devstate_lint(exports[i].state, emit_row, report);
	}
	gs_emit_end(report->e);
	return err;
}

static struct gs_error *emit_sentences(struct report *report, const struct vmstate_export *exports,
				       size_t count)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < count; i++) {
		if (count > 1)
			gs_emit_line(report->e, "%s---- %s", i ? "\n" : "", exports[i].name);
		report->device = NULL;
		err = gs_devstate_lint(exports[i].state, emit_sentence, report);
	}
	return err;
}

static int lint(const struct gs_args *args, const struct vmstate_export *exports, size_t count)
{
	struct report report = {.e = gs_args_emit(args, false)};
	struct gs_error *err;

	gs_emit_begin(report.e, NULL, NULL);
	err = emit_rows(&report, exports, count);
	if (!err)
		err = emit_sentences(&report, exports, count);
	gs_emit_u64(report.e, "errors", "Errors", report.errors);
	gs_emit_u64(report.e, "remarks", "Remarks", report.remarks);
	gs_emit_end(report.e);
	if (err) {
		gs_emit_destroy(report.e);
		return gs_args_fail(args, err);
	}
	return gs_args_finish(args, report.e, report.errors ? GS_EXIT_FAILED : GS_EXIT_OK);
}

int cmd_lint(struct gs_args *args)
{
	size_t count = gs_args_count(args), loaded = 0;
	gs_autofree struct vmstate_export *exports = calloc(count, sizeof(*exports));
	struct gs_error *err = exports ? NULL : gs_error_nomem();
	int status;

	for (; !err && loaded < count; loaded++)
		err = vmstate_load(gs_args_at(args, loaded), &exports[loaded]);
	status = err ? gs_args_fail(args, err) : lint(args, exports, count);
	for (size_t i = 0; i < loaded; i++)
		vmstate_export_deinit(&exports[i]);
	return status;
}
