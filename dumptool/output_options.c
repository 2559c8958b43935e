/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options about output that dump and convert have in common. */
#include <string.h>

#include <guestscope/base/text.h>

#include "dumptool.h"

#define THREADS_MAX 1024

static void note(void *arg, const char *text)
{
	gs_args_note(arg, "%s", text);
}

/* A number up to @max; 0 means that the option was not given, and cannot be given. */
static struct gs_error *parse_count(const struct gs_args *args, const char *option, uint64_t max,
				    uint64_t *ret)
{
	struct gs_error *err = gs_args_u64(args, option, 0, ret);

	if (err)
		return err;
	if (*ret > max || (!*ret && gs_args_has(args, option)))
		return gs_error_create(GS_ERROR_INVALID, "--%s: %s is not in 1 to %llu", option,
				       gs_args_get(args, option), (unsigned long long)max);
	return NULL;
}

struct gs_error *dumptool_threads(const struct gs_args *args, unsigned int *ret)
{
	uint64_t count;
	struct gs_error *err = parse_count(args, "threads", THREADS_MAX, &count);

	if (!err)
		*ret = (unsigned int)count;
	return err;
}

static enum gs_ranges_choice parse_ranges(const struct gs_args *args)
{
	const char *ranges = gs_args_get(args, "ranges");

	if (!ranges)
		return GS_RANGES_DEFAULT;
	return strcmp(ranges, "all") == 0 ? GS_RANGES_ALL : GS_RANGES_SYSTEM;
}

/* The same by number and by names: only one of them makes sense. */
static struct gs_error *parse_exclude(const struct gs_args *args, unsigned int *ret)
{
	const char *names = gs_args_get(args, "exclude");
	uint64_t level;
	struct gs_error *err = gs_args_u64(args, "dump-level", GS_EXCLUDE_ZERO, &level);

	if (err)
		return err;
	if (level > GS_EXCLUDE_ALL)
		return gs_error_create(GS_ERROR_INVALID, "--dump-level: %s is not in 0 to %d",
				       gs_args_get(args, "dump-level"), GS_EXCLUDE_ALL);
	*ret = (unsigned int)level;
	if (!names)
		return NULL;
	if (gs_args_has(args, "dump-level"))
		return gs_error_create(GS_ERROR_INVALID,
				       "--dump-level and --exclude exclude each other");
	return gs_error_wrap(gs_exclude_parse(names, ret), "--exclude");
}

struct gs_error *dumptool_output_spec(struct gs_args *args, struct gs_output_spec *ret)
{
	const char *format = gs_args_get(args, "format");
	unsigned int threads, exclude;
	uint64_t level;
	struct gs_error *err = parse_count(args, "level", INT32_MAX, &level);

	if (!err)
		err = dumptool_threads(args, &threads);
	if (!err)
		err = parse_exclude(args, &exclude);
	if (err)
		return err;
	*ret = (struct gs_output_spec){
		.format = gs_format_find(format ? format : "kdump-zlib"),
		.level = (int)level,
		.flatten = gs_args_has(args, "flatten"),
		.exclude = exclude,
		.drop_zero = gs_args_has(args, "drop-zero"),
		.ranges = parse_ranges(args),
		.threads = threads,
		.note = note,
		.note_arg = args,
	};
	return NULL;
}

struct gs_error *dumptool_open_output_as(const struct gs_args *args, const char *path,
					 struct gs_outfile **ret)
{
	if (!path)
		return gs_error_create(GS_ERROR_INVALID, "--output is missing");
	if (strcmp(path, "-") == 0 && gs_args_has(args, "json"))
		return gs_error_create(GS_ERROR_INVALID,
				       "--json: the dump itself goes to standard output");
	return gs_outfile_open(path, gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0, ret);
}

struct gs_error *dumptool_open_output(const struct gs_args *args, struct gs_outfile **ret)
{
	return dumptool_open_output_as(args, gs_args_get(args, "output"), ret);
}

void dumptool_emit_result(struct gs_emit *e, const struct gs_outfile *out,
			  const struct gs_job_result *result)
{
	gs_emit_string(e, "file", NULL, gs_outfile_path(out));
	gs_emit_u64(e, "file_bytes", NULL, result->stats.file_bytes);
	gs_emit_u64(e, "memory_bytes", NULL, result->memory_bytes);
	gs_emit_u64(e, "left_out_bytes", NULL, result->left_out_bytes);
	gs_emit_u64(e, "pages", NULL, result->stats.pages);
	gs_emit_u64(e, "compressed_pages", NULL, result->stats.compressed_pages);
	gs_emit_u64(e, "raw_pages", NULL, result->stats.raw_pages);
	gs_emit_u64(e, "zero_pages", NULL, result->stats.zero_pages);
	gs_emit_u64(e, "dropped_pages", NULL, result->stats.dropped_pages);
	gs_emit_double(e, "seconds", NULL, result->seconds, 3);
}

void dumptool_note_result(const struct gs_args *args, const struct gs_outfile *out,
			  const struct gs_job_result *result)
{
	char file[GS_SIZE_TEXT], memory[GS_SIZE_TEXT];

	gs_args_note(args,
		     "%s: %s for %s of memory in %.1f s: %llu pages compressed, %llu raw, "
		     "%llu zero, %llu left out",
		     gs_outfile_path(out), gs_format_size(result->stats.file_bytes, file),
		     gs_format_size(result->memory_bytes, memory), result->seconds,
		     (unsigned long long)result->stats.compressed_pages,
		     (unsigned long long)result->stats.raw_pages,
		     (unsigned long long)result->stats.zero_pages,
		     (unsigned long long)result->stats.dropped_pages);
}

struct gs_error *dumptool_say_result(const struct gs_args *args, const struct gs_outfile *out,
				     const struct gs_job_result *result)
{
	GS_CLEANUP(gs_emit_destroy) struct gs_emit *e = NULL;

	if (!gs_args_has(args, "json")) {
		if (gs_args_verbose(args))
			dumptool_note_result(args, out, result);
		return NULL;
	}
	e = gs_args_emit(args, false);
	gs_emit_begin(e, NULL, NULL);
	dumptool_emit_result(e, out, result);
	gs_emit_end(e);
	return gs_emit_finish(e);
}
