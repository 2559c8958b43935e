/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convert: describe, select, write. */
#include <guestscope/base/time.h>
#include <guestscope/job.h>

#include "output.h"
#include "select.h"
#include "vmcoreinfo.h"

/* The output says that it lacks something, as the input should have. */
static void mark_lost_pages(const struct gs_memory *mem, const struct gs_output_spec *spec,
			    struct gs_description *d)
{
	const struct gs_dump_facts *facts = gs_dump_facts(mem);

	if (!facts || !facts->lost_pages)
		return;
	d->attrs.incomplete = true;
	gs_job_note(spec,
		    "%llu pages were lost when the input was written: they are left out, and the "
		    "output is marked as incomplete",
		    (unsigned long long)facts->lost_pages);
}

/* Ranges that the format cannot hold are the input's. */
static struct gs_error *check_fit(const struct gs_memory *mem, const struct gs_output_spec *spec,
				  const struct gs_description *d,
				  const struct gs_selection *selection)
{
	struct gs_layout layout;
	uint64_t bytes;

	gs_job_layout_init(&layout, spec, d, selection);
	return gs_error_wrap(gs_layout_max_bytes(&layout, &bytes), "%s", mem->name);
}

static struct gs_error *select_and_write(struct gs_memory *mem, const struct gs_output_spec *spec,
					 struct gs_description *d, struct gs_outfile *out,
					 struct gs_job_result *ret)
{
	const struct select_options options = {
		.drop_zero = spec->drop_zero,
		.exclude = spec->exclude,
		.threads = spec->threads,
		.progress = spec->progress,
	};
	GS_CLEANUP(gs_selection_destroy) struct gs_selection *selection = NULL;
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *src = NULL;
	struct gs_error *err;

	err = gs_job_select(mem, d->ranges, d->range_count, &options, &selection);
	if (err)
		return err;
	mark_lost_pages(mem, spec, d); /* selecting has asked for all of them */
	err = check_fit(mem, spec, d, selection);
	if (!err)
		err = gs_selection_source(mem, selection, &src);
	return err ? err : gs_job_write(src, spec, d, selection, out, ret);
}

struct gs_error *gs_convert(struct gs_memory *mem, const struct gs_output_spec *spec,
			    struct gs_outfile *out, struct gs_job_result *ret)
{
	uint64_t start_ms = gs_now_ms();
	struct gs_job_result result = {0};
	gs_autodescription struct gs_description d = {0};
	struct gs_error *err = gs_job_check_spec(spec);

	if (!err)
		err = gs_job_find_vmcoreinfo(mem, spec);
	if (!err)
		err = gs_describe(mem, spec->ranges, spec->format->format, &d);
	if (err)
		return err;
	gs_job_note_choices(spec, &d, mem->ranges, mem->range_count);
	err = select_and_write(mem, spec, &d, out, &result);
	if (err)
		return err;
	result.seconds = (double)(gs_now_ms() - start_ms) / 1000;
	*ret = result;
	return NULL;
}
