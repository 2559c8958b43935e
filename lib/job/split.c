/* SPDX-License-Identifier: GPL-2.0-or-later */
/* split: a dump as a set of kdump files, each with a range of the pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "output.h"

static struct gs_error *write_part(struct gs_memory *mem, const struct gs_kdump_copy *copy,
				   const struct gs_outfile *out, struct gs_job_result *result)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	uint64_t start_ms = gs_now_ms();
	struct gs_error *err;

	if (!gs_outfile_is_seekable(out))
		return gs_error_create(GS_ERROR_INVALID, "%s: a part must be a regular file",
				       gs_outfile_path(out));
	err = gs_job_open_sink(out, GS_DUMP_KDUMP, false, &sink);
	if (!err)
		err = gs_kdump_copy(mem, copy, sink, &result->stats);
	result->memory_bytes = (copy->end_pfn - copy->start_pfn) * mem->attrs.page_size;
	result->seconds = (double)(gs_now_ms() - start_ms) / 1000;
	return err;
}

static struct gs_error *split_kdump(struct gs_memory *mem, struct gs_outfile *const *outs,
				    size_t count, struct gs_progress *progress,
				    struct gs_job_result *results)
{
	gs_pfn_t ends[GS_SPLIT_PARTS_MAX];
	struct gs_kdump_copy copy = {.part = true, .progress = progress};
	struct gs_error *err = gs_kdump_cut(mem, count, ends);

	for (size_t i = 0; i < count && !err; i++) {
		copy.end_pfn = ends[i];
		err = write_part(mem, &copy, outs[i], &results[i]);
		copy.start_pfn = ends[i];
	}
	return err;
}

/* The whole as a kdump memory, over a file that is gone when @whole is. */
static struct gs_error *convert_whole(struct gs_memory *mem, const struct gs_output_spec *spec,
				      struct gs_outfile *whole, struct gs_memory **ret)
{
	struct gs_job_result unused;
	struct gs_blob *blob;
	gs_autoclose int fd = -1;
	struct gs_error *err = gs_convert(mem, spec, whole, &unused);

	if (err)
		return err;
	fd = fcntl(gs_outfile_fd(whole), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return gs_error_os(errno, "%s", gs_outfile_path(whole));
	err = gs_blob_from_fd(mem->name, fd, &blob);
	if (err)
		return err;
	gs_take_fd(&fd);
	err = gs_dump_open_blob(blob, NULL, ret);
	if (err)
		gs_blob_destroy(blob);
	return err;
}

static struct gs_error *convert_and_split(struct gs_memory *mem, const struct gs_output_spec *spec,
					  struct gs_outfile *const *outs, size_t count,
					  struct gs_progress *progress,
					  struct gs_job_result *results)
{
	GS_CLEANUP(gs_outfile_destroy) struct gs_outfile *whole = NULL;
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *kdump = NULL;
	gs_autofree char *path = gs_strf("%s.whole", gs_outfile_path(outs[0]));
	struct gs_error *err;

	if (!path)
		return gs_error_nomem();
	/* Never committed: it has no name, and FORCE does not replace anything. */
	err = gs_outfile_open(path, GS_OUTFILE_FORCE, &whole);
	if (!err)
		err = convert_whole(mem, spec, whole, &kdump);
	if (!err && progress)
		progress->done = progress->total = 0;
	return err ? err : split_kdump(kdump, outs, count, progress, results);
}

struct gs_error *gs_split(struct gs_memory *mem, const struct gs_output_spec *spec,
			  struct gs_outfile *const *outs, size_t count,
			  struct gs_progress *progress, struct gs_job_result *results)
{
	if (count < 2 || count > GS_SPLIT_PARTS_MAX)
		return gs_error_create(GS_ERROR_INVALID, "%zu parts: need 2 to %d", count,
				       GS_SPLIT_PARTS_MAX);
	memset(results, 0, count * sizeof(*results));
	if (spec)
		return convert_and_split(mem, spec, outs, count, progress, results);
	return split_kdump(mem, outs, count, progress, results);
}
