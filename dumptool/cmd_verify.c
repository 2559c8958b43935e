/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool verify: is this file what it claims to be? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

static const char *const severity_words[] = {
	[GS_SEVERITY_INFO] = "info",
	[GS_SEVERITY_WARNING] = "warning",
	[GS_SEVERITY_ERROR] = "error",
};

static const struct gs_emit_column finding_columns[] = {
	{"severity", "SEVERITY", false},
	{"code", "CODE", false},
	{"offset", "OFFSET", true},
	{"text", "FINDING", false},
};

static const struct gs_emit_column difference_columns[] = {
	{"start", "START", true},
	{"size", "SIZE", true},
	{"what", "WHAT", false},
};

static void emit_finding(void *arg, const struct gs_finding *finding)
{
	struct gs_emit *e = arg;

	gs_emit_row(e);
	gs_emit_string(e, "severity", "", severity_words[finding->severity]);
	gs_emit_string(e, "code", "", finding->code);
	if (finding->has_offset)
		gs_emit_address(e, "offset", "", finding->offset);
	else
		gs_emit_null(e, "offset", "");
	gs_emit_string(e, "text", "", finding->text);
}

static void emit_difference(void *arg, gs_gpa_t start, uint64_t size, const char *what)
{
	struct gs_emit *e = arg;

	gs_emit_row(e);
	gs_emit_address(e, "start", "", start);
	gs_emit_bytes(e, "size", "", size);
	gs_emit_string(e, "what", "", what);
}

static void emit_sum(struct gs_emit *e, const struct gs_memory_sum *sum)
{
	gs_autofree char *text = gs_strf("0x%016" PRIx64 "%016" PRIx64, sum->hash_hi, sum->hash_lo);

	gs_emit_string(e, "sum", "Sum", text);
	gs_emit_u64(e, "nonzero_units", "Non-zero units", sum->units);
	gs_emit_u64(e, "excluded_pages", "Excluded pages", sum->excluded_pages);
}

static void emit_verdict(struct gs_emit *e, const struct gs_verify_result *r)
{
	gs_emit_u64(e, "errors", "Errors", r->errors);
	gs_emit_u64(e, "warnings", "Warnings", r->warnings);
	gs_emit_u64(e, "pages_declared", "Pages declared", r->pages_declared);
	gs_emit_u64(e, "pages_readable", "Pages readable", r->pages_readable);
	gs_emit_u64(e, "pages_zero", "Pages zero", r->pages_zero);
	gs_emit_u64(e, "pages_lost", "Pages lost", r->pages_lost);
	if (r->has_sum)
		emit_sum(e, &r->sum);
}

/* Page by page against another dump; *same_ret tells whether the memories are equal. */
static struct gs_error *compare_with(const struct gs_args *args, struct gs_emit *e,
				     const char *reference, const struct gs_verify *verify,
				     bool *same_ret)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *ref = NULL;
	const struct gs_compare_options options = {.threads = verify->threads,
						   .progress = verify->progress,
						   .fn = emit_difference,
						   .arg = e};
	struct gs_difference d = {0};
	struct gs_error *err = dumptool_open(args, &mem);

	if (!err)
		err = gs_dump_open(&reference, 1, NULL, &ref);
	if (err)
		return err;
	gs_emit_begin(e, "reference", "Against the reference");
	gs_emit_string(e, "file", "File", reference);
	gs_emit_table(e, "differences", "Differences", difference_columns, 3);
	err = gs_compare(mem, ref, &options, &d);
	gs_emit_end(e);
	gs_emit_bool(e, "same_ranges", "Same ranges", !d.ranges_differ);
	gs_emit_u64(e, "pages_compared", "Pages compared", d.pages_compared);
	gs_emit_u64(e, "pages_different", "Pages different", d.pages_different);
	gs_emit_u64(e, "pages_only_here", "Only in this file", d.pages_only_a);
	gs_emit_u64(e, "pages_only_there", "Only in the reference", d.pages_only_b);
	gs_emit_end(e);
	*same_ret = !d.pages_different && !d.pages_only_a && !d.pages_only_b;
	return err;
}

static struct gs_error *judge(const struct gs_args *args, const struct gs_verify *options,
			      struct gs_verify_result *ret)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_error *err;

	if (!gs_args_has(args, "raw-base"))
		return gs_verify_files(dumptool_paths(args), gs_args_count(args), options, ret);
	err = dumptool_open(args, &mem);
	return err ? err : gs_verify_raw(mem, options, ret);
}

static struct gs_error *verify(const struct gs_args *args, struct gs_emit *e, bool *good_ret)
{
	const char *reference = gs_args_get(args, "reference");
	struct gs_verify options = {.sum = gs_args_has(args, "sum"),
				    .progress = dumptool_progress(),
				    .finding = emit_finding,
				    .arg = e};
	struct gs_verify_result result = {0};
	struct gs_progress_bar *bar;
	bool same = true;
	struct gs_error *err = dumptool_threads(args, &options.threads);

	if (err)
		return err;
	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "file", "File", dumptool_paths(args)[0]);
	gs_emit_table(e, "findings", "Findings", finding_columns, 4);
	bar = gs_progress_bar_start(options.progress, "verify", gs_args_quiet(args));
	err = judge(args, &options, &result);
	gs_progress_bar_stop(bar);
	gs_emit_end(e);
	if (!err)
		emit_verdict(e, &result);
	if (!err && reference)
		err = compare_with(args, e, reference, &options, &same);
	gs_emit_end(e);
	*good_ret = result.errors == 0 && same;
	return err;
}

int cmd_verify(struct gs_args *args)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = gs_args_emit(args, false);
	bool good = false;
	struct gs_error *err = verify(args, e, &good);

	if (dumptool_cancelled()) {
		gs_error_destroy(err);
		return dumptool_cancelled_status();
	}
	if (err)
		return gs_args_fail(args, err);
	err = gs_emit_finish(e);
	if (err)
		return gs_args_fail(args, err);
	return good ? GS_EXIT_OK : GS_EXIT_FAILED;
}
