/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check --compat-script: what QEMU's own checker complains of, and its exit status. */
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/devstate/compat_script.h>

#include "vmstate.h"

#define LISTED_MAX 65536 /* the report is built in memory; real: hundreds */

struct report {
	struct gs_emit *e;
	size_t told; /* as rows, and then as sentences */
	size_t complaints;
};

/* ---- for programs: a row each ---- */

static void emit_operand(struct gs_emit *e, const char *key, const char *value)
{
	if (value)
		gs_emit_string(e, key, NULL, value);
	else
		gs_emit_null(e, key, NULL);
}

static struct gs_error *emit_row(void *arg, const struct gs_compat_finding *finding)
{
	struct report *report = arg;

	report->complaints += finding->kind != GS_COMPAT_MACHINE;
	if (report->told++ >= LISTED_MAX)
		return NULL;
	gs_emit_row(report->e);
	gs_emit_string(report->e, "kind", NULL, gs_compat_kind_name(finding->kind));
	emit_operand(report->e, "section", finding->section);
	emit_operand(report->e, "description", finding->description);
	emit_operand(report->e, "name", finding->name);
	emit_operand(report->e, "other", finding->other);
	gs_emit_u64(report->e, "before", NULL, finding->before);
	gs_emit_u64(report->e, "after", NULL, finding->after);
	return NULL;
}

static struct gs_error *emit_rows(struct report *report, const struct vmstate_export *before,
				  const struct vmstate_export *after)
{
	static const struct gs_emit_column columns[] = {
		{"kind", NULL, false}, {"section", NULL, false}, {"description", NULL, false},
		{"name", NULL, false}, {"other", NULL, false},   {"before", NULL, false},
		{"after", NULL, false}};
	struct gs_error *err;

	report->told = 0;
	gs_emit_table(report->e, "findings", NULL, columns, sizeof(columns) / sizeof(*columns));
	err = gs_devstate_compat_script(before->state, after->state, emit_row, report);
	gs_emit_end(report->e);
	return err;
}

/* ---- for people: a line each ---- */

/* What it says behind where it is; with the name, the other one, and the numbers. */
static void put_sentence(struct gs_text *line, const struct gs_compat_finding *finding)
{
	const char *name = finding->name, *other = finding->other;
	unsigned long long before = finding->before, after = finding->after;

	switch (finding->kind) {
	case GS_COMPAT_MACHINE:
		gs_text_printf(line, "%s is not %s (this does not count)", name, other);
		break;
	case GS_COMPAT_SECTION:
		gs_text_puts(line, "it is gone");
		break;
	case GS_COMPAT_VERSION:
		gs_text_printf(line, "from %llu down to %llu", before, after);
		break;
	case GS_COMPAT_MINIMUM:
		gs_text_printf(line, "%llu is less than %llu", before, after);
		break;
	case GS_COMPAT_ENTRY:
	case GS_COMPAT_SUBSECTION:
		gs_text_printf(line, "%s is gone", name);
		break;
	case GS_COMPAT_DESCRIPTION:
		gs_text_printf(line, "it became %s, and was not looked into", other);
		break;
	case GS_COMPAT_FIELD:
		gs_text_printf(line, "%s became %s; what follows was not looked at", name, other);
		break;
	case GS_COMPAT_END:
		gs_text_printf(line, "%s is gone, and so is all that could be in its place", name);
		break;
	case GS_COMPAT_UNUSED:
		gs_text_printf(line, "they do not come out even at %s", name);
		break;
	case GS_COMPAT_SIZE:
		gs_text_printf(line, "%s went from %llu bytes to %llu", name, before, after);
		break;
	case GS_COMPAT_NO_DESCRIPTION:
		gs_text_printf(line, "%s is no struct any more", name);
		break;
	case GS_COMPAT_KINDS:
		break;
	}
}

static struct gs_error *emit_sentence(void *arg, const struct gs_compat_finding *finding)
{
	struct report *report = arg;
	gs_autotext struct gs_text line = {0};

	if (report->told++ >= LISTED_MAX)
		return NULL;
	if (finding->section)
		gs_text_printf(&line, "%s: ", finding->section);
	if (finding->description)
		gs_text_printf(&line, "%s: ", finding->description);
	gs_text_printf(&line, "%s: ", gs_compat_kind_name(finding->kind));
	put_sentence(&line, finding);
	if (line.failed)
		return gs_error_nomem();
	gs_emit_line(report->e, "%s", line.data);
	return NULL;
}

static struct gs_error *emit_sentences(struct report *report, const struct vmstate_export *before,
				       const struct vmstate_export *after)
{
	report->told = 0;
	return gs_devstate_compat_script(before->state, after->state, emit_sentence, report);
}

/* ---- the report ---- */

static int emit_report(const struct gs_args *args, const struct vmstate_export *before,
		       const struct vmstate_export *after)
{
	struct report report = {.e = gs_args_emit(args, false)};
	struct gs_error *err;

	gs_emit_begin(report.e, NULL, NULL);
	err = emit_rows(&report, before, after);
	if (!err)
		err = emit_sentences(&report, before, after);
	gs_emit_u64(report.e, "complaints", "Complaints", report.complaints);
	gs_emit_u64(report.e, "not-listed", report.told > LISTED_MAX ? "Not listed" : NULL,
		    report.told > LISTED_MAX ? report.told - LISTED_MAX : 0);
	gs_emit_end(report.e);
	if (err) {
		gs_emit_destroy(report.e);
		return gs_args_fail(args, err);
	}
	return gs_args_finish(args, report.e, gs_compat_exit(report.complaints));
}

/* The script judges one direction, and everything. */
static struct gs_error *check_arguments(const struct gs_args *args)
{
	static const char *const allowed[] = {"compat-script", "direction", NULL};
	const char *direction = gs_args_get(args, "direction");
	const char *other = gs_args_besides(args, allowed);

	if (other)
		return gs_error_create(GS_ERROR_INVALID, "--compat-script knows of no --%s", other);
	if (direction && strcmp(direction, "both") == 0)
		return gs_error_create(GS_ERROR_INVALID,
				       "--compat-script: one direction at a time");
	if (gs_args_count(args) > 2)
		return gs_error_create(GS_ERROR_INVALID,
				       "--compat-script checks all devices, not some");
	return NULL;
}

int check_by_script(const struct gs_args *args)
{
	const char *direction = gs_args_get(args, "direction");
	int before = direction && strcmp(direction, "backward") == 0;
	auto_export struct vmstate_export a = {0}, b = {0};
	const struct vmstate_export *const exports[] = {&a, &b};
	struct gs_error *err = check_arguments(args);

	if (!err)
		err = vmstate_load_two(args, &a, &b);
	if (err)
		return gs_args_fail(args, err);
	return emit_report(args, exports[before], exports[!before]);
}
