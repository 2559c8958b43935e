/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines for a QEMU whose memory we cannot read: it writes, into a pipe of ours. The guest stands
 * still until all is written.
 *
 *	stream   describe (ranged reads) ─> select ─> write (QEMU's ELF, page by page)
 *	qemu     QEMU does all of it
 */
#include "dump.h"

#include "output.h"

static struct gs_error *write_stream(struct gs_page_source *stream, struct dump *d,
				     const struct dump_view *v)
{
	struct gs_error *err = gs_job_write(stream, &d->spec.output, &v->description, v->selection,
					    d->out, &d->result.job),
			*verdict;

	if (err && err->code != GS_ERROR_CORRUPT)
		return err;
	/* A stream that broke off: QEMU knows why. */
	verdict = gs_guest_stream_finish(stream);
	if (!verdict)
		return err;
	gs_error_destroy(err);
	return verdict;
}

/*
 * QEMU's ELF brings all memory in a fraction of the time that reads would take, but the guest has
 * to stand still for that.
 */
static struct gs_error *look_for_vmcoreinfo(struct dump *d, const struct gs_memory *mem,
					    struct gs_vmcoreinfo_places **ret)
{
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *all = NULL;
	const struct gs_output_spec *output = &d->spec.output;
	struct gs_error *err = gs_guest_stream_open(d->qmp, NULL, 0, &all);

	if (!err)
		err = gs_vmcoreinfo_look(all, mem->attrs.big_endian, output->threads,
					 &output->progress->cancelled, ret);
	return err ? err : gs_guest_stream_finish(all);
}

static struct gs_error *find_vmcoreinfo(struct dump *d, struct gs_memory *mem)
{
	GS_CLEANUP(gs_vmcoreinfo_places_destroy) struct gs_vmcoreinfo_places *places = NULL;
	struct gs_error *err;

	if (!gs_dump_lacks_vmcoreinfo(d, mem))
		return NULL;
	err = look_for_vmcoreinfo(d, mem, &places);
	return err ? err : gs_dump_find_vmcoreinfo(d, mem, places);
}

/* The selection is made by random reads, before the first byte flows. */
struct gs_error *gs_dump_stream_run(struct dump *d)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	dump_autoview struct dump_view v = {0};
	GS_CLEANUP(gs_page_source_destroy) struct gs_page_source *stream = NULL; /* borrows of v */
	struct gs_error *err = gs_guest_memory_open(d->qmp, &mem);

	if (!err)
		err = find_vmcoreinfo(d, mem);
	if (!err)
		err = gs_dump_look(d, mem, &v);
	if (err)
		return err;
	gs_job_note_choices(&d->spec.output, &v.description, mem->ranges, mem->range_count);
	err = gs_guest_stream_open(d->qmp, v.description.ranges, v.description.range_count,
				   &stream);
	return err ? err : write_stream(stream, d, &v);
}

struct gs_error *gs_dump_qemu_run(struct dump *d)
{
	struct gs_progress *progress = d->spec.output.progress;
	struct gs_qmp_dump_status status;
	struct gs_error *err;

	if (d->spec.output.format->format == GS_DUMP_KDUMP)
		gs_job_note(&d->spec.output, "QEMU writes kdump files flattened");
	err = gs_guest_qemu_dump(d->qmp, d->spec.output.format->name, gs_outfile_fd(d->out),
				 &progress->done, &progress->cancelled);
	if (err && err->code == GS_ERROR_OS)
		return gs_error_wrap(err, "%s", gs_outfile_path(d->out));
	if (!err)
		err = gs_qmp_query_dump(d->qmp, &status);
	if (err)
		return err;
	d->result.job.memory_bytes = status.total_bytes;
	d->result.job.stats.file_bytes = progress->done;
	return NULL;
}
