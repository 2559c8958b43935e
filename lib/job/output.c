/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a page source into an output file. */
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define LEFT_OUT_LISTED 4 /* ranges that a note names */

struct gs_error *gs_job_check_spec(const struct gs_output_spec *spec)
{
	const struct gs_codec_info *codec = gs_codec_info(spec->format->codec);

	if (spec->drop_zero && spec->format->format != GS_DUMP_KDUMP)
		return gs_error_create(GS_ERROR_INVALID,
				       "format %s cannot drop zero pages (they become holes of the "
				       "file)",
				       spec->format->name);
	if (spec->level && codec->level_min == codec->level_max)
		return gs_error_create(GS_ERROR_INVALID, "format %s has no levels",
				       spec->format->name);
	if (spec->level && (spec->level < codec->level_min || spec->level > codec->level_max))
		return gs_error_create(GS_ERROR_INVALID, "format %s: level %d: need %d to %d (%s)",
				       spec->format->name, spec->level, codec->level_min,
				       codec->level_max, codec->levels_help);
	return NULL;
}

void gs_job_note(const struct gs_output_spec *spec, const char *fmt, ...)
{
	gs_autotext struct gs_text text = {0};
	va_list ap;

	if (!spec->note)
		return;
	va_start(ap, fmt);
	gs_text_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!text.failed)
		spec->note(spec->note_arg, text.data);
}

struct left_out {
	struct gs_text text;
	size_t count;
};

static void add_left_out(struct left_out *list, gs_gpa_t start, gs_gpa_t end)
{
	char size[GS_SIZE_TEXT];

	if (start >= end)
		return;
	if (list->count++ < LEFT_OUT_LISTED)
		gs_text_printf(&list->text, "%s0x%" PRIx64 "-0x%" PRIx64 " (%s)",
			       list->count > 1 ? ", " : "", start, end - 1,
			       gs_format_size(end - start, size));
}

/* What of @range is not in the description's ranges. */
static void subtract(struct left_out *list, const struct gs_range *range,
		     const struct gs_description *d)
{
	gs_gpa_t at = range->start, end = range->start + range->size;
	size_t i = gs_ranges_find(d->ranges, d->range_count, at);

	for (; i < d->range_count && d->ranges[i].start < end; i++) {
		add_left_out(list, at, d->ranges[i].start);
		at = d->ranges[i].start + d->ranges[i].size;
	}
	add_left_out(list, at, end);
}

static void note_left_out(const struct gs_output_spec *spec, const struct gs_description *d,
			  const struct gs_range *all, size_t all_count)
{
	struct left_out list = {0};

	for (size_t i = 0; i < all_count; i++)
		subtract(&list, &all[i], d);
	if (list.count > LEFT_OUT_LISTED)
		gs_text_printf(&list.text, " and %zu more", list.count - LEFT_OUT_LISTED);
	if (list.count && !list.text.failed)
		gs_job_note(spec,
			    "left out, as it is no RAM of the guest's kernel: %s; --ranges all "
			    "keeps it",
			    list.text.data);
	gs_text_deinit(&list.text);
}

void gs_job_note_choices(const struct gs_output_spec *spec, const struct gs_description *d,
			 const struct gs_range *all, size_t all_count)
{
	if (!spec->note)
		return;
	if (d->left_out_bytes)
		note_left_out(spec, d, all, all_count);
	if (!d->is_linux)
		gs_job_note(spec,
			    "no Linux kernel found in the guest (%s): the file lacks what only "
			    "it could tell",
			    d->why_not);
	if (d->why_all)
		gs_job_note(spec,
			    "ROM and video memory are kept, as they cannot be told from RAM (%s): "
			    "makedumpfile may lose pages of such a file",
			    d->why_all);
	if (spec->drop_zero)
		gs_job_note(spec,
			    "zero pages are left out: crash needs --zero_excluded to read the "
			    "file");
}

void gs_job_layout_init(struct gs_layout *layout, const struct gs_output_spec *spec,
			const struct gs_description *d, const struct gs_selection *selection)
{
	*layout = (struct gs_layout){
		.format = spec->format->format,
		.codec = spec->format->codec,
		.level = spec->level,
		.attrs = &d->attrs,
		.selection = selection,
		.segments = d->segments,
		.segment_count = d->segment_count,
		.text = d->text,
		.dump_level = spec->exclude,
		.share_zero = spec->exclude & GS_EXCLUDE_ZERO,
		.drop_zero = spec->drop_zero,
	};
}

struct gs_error *gs_job_open_sink(const struct gs_outfile *out, enum gs_dump_format format,
				  bool flatten, struct gs_sink **ret)
{
	const char *name = gs_outfile_path(out);
	bool seekable = gs_outfile_is_seekable(out);
	int fd = gs_outfile_fd(out);

	if (flatten || (!seekable && format == GS_DUMP_KDUMP))
		return gs_flat_sink(fd, name, ret);
	return seekable ? gs_sink_file(fd, name, ret) : gs_sink_stream(fd, name, ret);
}

struct gs_error *gs_job_write(struct gs_page_source *src, const struct gs_output_spec *spec,
			      const struct gs_description *d, const struct gs_selection *selection,
			      struct gs_outfile *out, struct gs_job_result *ret)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	GS_CLEANUP(gs_writer_destroy) struct gs_writer *writer = NULL;
	struct gs_layout layout;
	struct gs_error *err;

	gs_job_layout_init(&layout, spec, d, selection);
	ret->memory_bytes = gs_ranges_total_bytes(d->ranges, d->range_count);
	ret->left_out_bytes = d->left_out_bytes;
	if (spec->progress)
		spec->progress->total = ret->memory_bytes;
	err = gs_job_open_sink(out, spec->format->format, spec->flatten, &sink);
	if (!err)
		err = gs_writer_create(&layout, sink, &writer);
	if (!err)
		err = gs_writer_begin(writer);
	if (!err)
		err = gs_pipeline_run(src, writer, sink->positional, spec->threads, spec->progress);
	return err ? err : gs_writer_finish(writer, &ret->stats);
}
