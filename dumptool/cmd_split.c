/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool split: a dump as a set of smaller files. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

static const struct gs_emit_column columns[] = {
	{"file", "FILE", false},
	{"file_bytes", "SIZE", true},
	{"pages", "PAGES", true},
};

struct parts {
	size_t count;
	struct gs_outfile *outs[GS_SPLIT_PARTS_MAX];
	struct gs_job_result results[GS_SPLIT_PARTS_MAX];
};

static void destroy_parts(struct parts *p)
{
	for (size_t i = 0; p && i < p->count; i++)
		gs_outfile_destroy(p->outs[i]);
	free(p);
}
GS_DEFINE_CLEANUP(struct parts *, destroy_parts)

/* The number goes where @pattern says %d, else to its end. */
static char *name_part(const char *pattern, size_t number)
{
	const char *mark = strstr(pattern, "%d");

	if (!mark)
		return gs_strf("%s%zu", pattern, number);
	return gs_strf("%.*s%zu%s", (int)(mark - pattern), pattern, number, mark + 2);
}

static struct gs_error *open_parts(const struct gs_args *args, struct parts *p)
{
	const char *pattern = gs_args_get(args, "output");
	unsigned int flags = gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0;
	struct gs_error *err = NULL;

	if (!pattern)
		return gs_error_create(GS_ERROR_INVALID, "--output is missing");
	if (strcmp(pattern, "-") == 0)
		return gs_error_create(GS_ERROR_INVALID,
				       "--output: parts cannot go to standard output");
	for (size_t i = 0; i < p->count && !err; i++) {
		gs_autofree char *path = name_part(pattern, i + 1);

		err = path ? gs_outfile_open(path, flags, &p->outs[i]) : gs_error_nomem();
	}
	return err;
}

static struct gs_error *commit_parts(const struct parts *p)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; i < p->count && !err; i++)
		err = gs_outfile_commit(p->outs[i]);
	return err;
}

static struct gs_error *say_parts(const struct gs_args *args, const struct parts *p)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = NULL;

	if (!gs_args_has(args, "json") && !gs_args_verbose(args))
		return NULL;
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	gs_emit_table(e, "parts", "Parts", columns, 3);
	for (size_t i = 0; i < p->count; i++) {
		gs_emit_row(e);
		gs_emit_string(e, "file", "", gs_outfile_path(p->outs[i]));
		gs_emit_bytes(e, "file_bytes", "", p->results[i].stats.file_bytes);
		gs_emit_u64(e, "pages", "", p->results[i].stats.pages);
	}
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_emit_finish(e);
}

static struct gs_error *parse_count(const struct gs_args *args, size_t *ret)
{
	uint64_t count;
	struct gs_error *err = gs_args_u64(args, "parts", 0, &count);

	if (err)
		return err;
	if (!gs_args_has(args, "parts"))
		return gs_error_create(GS_ERROR_INVALID, "--parts is missing");
	if (count < 2 || count > GS_SPLIT_PARTS_MAX)
		return gs_error_create(GS_ERROR_INVALID, "--parts: %s is not in 2 to %d",
				       gs_args_get(args, "parts"), GS_SPLIT_PARTS_MAX);
	*ret = (size_t)count;
	return NULL;
}

/* A format that was asked for, or a dump that has no kdump pages to copy. */
static bool must_convert(const struct gs_args *args, const struct gs_memory *mem)
{
	return gs_args_has(args, "format") || strcmp(mem->ops->format, "kdump") != 0;
}

static struct gs_error *split_into(struct gs_args *args, struct gs_memory *mem, struct parts *p)
{
	struct gs_output_spec spec;
	struct gs_progress_bar *bar;
	struct gs_error *err = dumptool_output_spec(args, &spec);

	if (err)
		return err;
	spec.progress = dumptool_progress();
	bar = gs_progress_bar_start(spec.progress, "split", gs_args_quiet(args));
	err = gs_split(mem, must_convert(args, mem) ? &spec : NULL, p->outs, p->count,
		       spec.progress, p->results);
	gs_progress_bar_stop(bar);
	return err;
}

static struct gs_error *split(struct gs_args *args)
{
	GS_CLEANUP(destroy_parts) struct parts *p = calloc(1, sizeof(*p));
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_error *err;

	if (!p)
		return gs_error_nomem();
	err = parse_count(args, &p->count);
	if (!err)
		err = open_parts(args, p);
	if (!err)
		err = dumptool_open(args, &mem);
	if (!err)
		err = split_into(args, mem, p);
	if (!err)
		err = commit_parts(p);
	return err ? err : say_parts(args, p);
}

int cmd_split(struct gs_args *args)
{
	return dumptool_end_job(args, split(args));
}
