/* SPDX-License-Identifier: GPL-2.0-or-later */
/* repair: what a dump's headers should say, from the dump's own content. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <guestscope/base/text.h>
#include <guestscope/base/thread.h>

#include "output.h"
#include "repair_journal.h"

struct gs_repair {
	char *path; /* with no symlinks in it, as the journal lies beside the file */
	struct gs_repair_spec spec;
	struct gs_mend *mend;
};

static bool is_vmcoreinfo(const struct gs_attributes *attrs)
{
	GS_CLEANUP(gs_vmcoreinfo_destroy) struct gs_vmcoreinfo *v = NULL;
	gs_autoerror struct gs_error *err =
		gs_vmcoreinfo_parse(attrs->vmcoreinfo, attrs->vmcoreinfo_size, &v);

	return !err && gs_vmcoreinfo_get(v, "OSRELEASE");
}

/* A text in the guest's memory itself, if there is one. */
static struct gs_error *scan(struct gs_memory *mem, struct gs_progress *progress)
{
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_vmcoreinfo_scan(
		mem, gs_cpu_count(), progress ? &progress->cancelled : NULL, &text, &size);

	if (!err)
		return gs_attributes_set_vmcoreinfo(&mem->attrs, text, size);
	if (!gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

/*
 * The one that was given, else what the header leads to if it is one, else that of the notes, else
 * what is in memory.
 */
static struct gs_error *choose_vmcoreinfo(const struct gs_repair_spec *spec, struct gs_memory *mem)
{
	struct gs_attributes *attrs = &mem->attrs;
	struct gs_error *err = NULL;

	if (spec->vmcoreinfo)
		return gs_attributes_set_vmcoreinfo(attrs, spec->vmcoreinfo, spec->vmcoreinfo_size);
	if (attrs->vmcoreinfo && !is_vmcoreinfo(attrs)) {
		free(gs_take(attrs->vmcoreinfo));
		attrs->vmcoreinfo_size = 0;
		err = gs_attributes_read_notes(attrs);
	}
	return err || attrs->vmcoreinfo ? err : scan(mem, spec->progress);
}

static struct gs_error *check_spec(const struct gs_repair_spec *spec, const struct gs_memory *mem)
{
	const struct gs_attributes given = {.vmcoreinfo = (char *)spec->vmcoreinfo,
					    .vmcoreinfo_size = spec->vmcoreinfo_size};

	if (!spec->vmcoreinfo)
		return NULL;
	if (spec->vmcoreinfo_size > GS_VMCOREINFO_MAX_BYTES || !is_vmcoreinfo(&given))
		return gs_error_create(GS_ERROR_INVALID,
				       "the VMCOREINFO given has no line OSRELEASE=");
	if (strcmp(mem->ops->format, "kdump") != 0)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: a VMCOREINFO can be added to kdump files only",
				       mem->name);
	return NULL;
}

static struct gs_error *plan(struct gs_repair *r)
{
	struct gs_memory *mem = gs_mend_memory(r->mend);
	bool kdump = strcmp(mem->ops->format, "kdump") == 0;
	gs_autodescription struct gs_description d = {0};
	struct gs_mend_wanted wanted = {.attrs = &d.attrs};
	struct gs_error *err = check_spec(&r->spec, mem);

	if (!err)
		err = choose_vmcoreinfo(&r->spec, mem);
	if (!err)
		err = gs_describe(mem, r->spec.ranges, kdump ? GS_DUMP_KDUMP : GS_DUMP_ELF, &d);
	if (err)
		return err;
	if (d.left_out_bytes) {
		wanted.ranges = d.ranges;
		wanted.range_count = d.range_count;
	}
	wanted.segments = d.segments;
	wanted.segment_count = d.segment_count;
	wanted.text = d.text;
	return gs_mend_plan(r->mend, &wanted);
}

static struct gs_error *resolve(const char *path, char **ret)
{
	*ret = realpath(path, NULL);
	return *ret ? NULL : gs_error_os(errno, "%s", path);
}

struct gs_error *gs_repair_open(const char *path, const struct gs_repair_spec *spec,
				struct gs_repair **ret)
{
	GS_CLEANUP(gs_repair_close) struct gs_repair *r = calloc(1, sizeof(*r));
	gs_autofree char *journal = NULL;
	struct gs_error *err = r ? resolve(path, &r->path) : gs_error_nomem();

	if (err)
		return err;
	journal = gs_journal_path(r->path);
	if (!journal)
		return gs_error_nomem();
	if (gs_journal_exists(journal))
		return gs_error_create(GS_ERROR_BUSY,
				       "%s: a repair was interrupted, and %s knows how to finish "
				       "it: repair --in-place does",
				       path, journal);
	r->spec = *spec;
	err = gs_mend_open(path, spec->spool_dir, &r->mend);
	if (!err)
		err = plan(r);
	if (!err)
		*ret = gs_take(r);
	return err;
}

void gs_repair_close(struct gs_repair *r)
{
	if (!r)
		return;
	gs_mend_close(r->mend);
	free(r->path);
	free(r);
}

const struct gs_mend_change *gs_repair_changes(const struct gs_repair *r, size_t *count_ret)
{
	return gs_mend_changes(r->mend, count_ret);
}

struct gs_error *gs_repair_copy(struct gs_repair *r, struct gs_outfile *out)
{
	GS_CLEANUP(gs_sink_destroy) struct gs_sink *sink = NULL;
	struct gs_error *err;

	if (!gs_outfile_is_seekable(out))
		return gs_error_create(GS_ERROR_INVALID, "%s: a repaired copy is a regular file",
				       gs_outfile_path(out));
	err = gs_job_open_sink(out, GS_DUMP_KDUMP, false, &sink);
	return err ? err : gs_mend_copy(r->mend, sink, r->spec.progress);
}

/* Nobody else repairs the file while the descriptor is open. */
static struct gs_error *open_locked(const char *path, int *fd_ret)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return gs_error_os(errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int saved_errno = errno;

		close(fd);
		if (saved_errno != EWOULDBLOCK)
			return gs_error_os(saved_errno, "%s", path);
		return gs_error_create(GS_ERROR_BUSY, "%s: somebody else is repairing it", path);
	}
	*fd_ret = fd;
	return NULL;
}

struct gs_error *gs_repair_in_place(struct gs_repair *r)
{
	gs_autofree char *journal = gs_journal_path(r->path);
	gs_autoclose int fd = -1;
	struct gs_error *err;

	if (!journal)
		return gs_error_nomem();
	if (!gs_mend_edit_count(r->mend))
		return NULL;
	err = open_locked(r->path, &fd);
	if (!err)
		err = gs_journal_write(journal, r->mend, fd);
	return err ? err : gs_journal_apply(journal, r->path, fd, &r->spec);
}

struct gs_error *gs_repair_recover(const char *path, const struct gs_repair_spec *spec,
				   bool *found_ret)
{
	gs_autofree char *real = NULL;
	gs_autofree char *journal = NULL;
	gs_autoclose int fd = -1;
	struct gs_error *err = resolve(path, &real);

	if (err)
		return err;
	journal = gs_journal_path(real);
	if (!journal)
		return gs_error_nomem();
	*found_ret = gs_journal_exists(journal);
	if (!*found_ret)
		return NULL;
	err = open_locked(real, &fd);
	return err ? err : gs_journal_apply(journal, real, fd, spec);
}
