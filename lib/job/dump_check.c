/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be known to fail, before a guest is stopped for it. */
#include "dump.h"

#include <errno.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "output.h"

static bool offers(const struct gs_json *formats, const char *name)
{
	gs_json_for_each (item, formats) {
		const char *offered = gs_json_string(item);

		if (offered && strcmp(offered, name) == 0)
			return true;
	}
	return false;
}

/* What QEMU's own writer cannot do. */
static struct gs_error *check_qemu_engine(struct gs_qmp *qmp, const struct gs_dump_spec *spec)
{
	const struct gs_output_spec *output = &spec->output;
	const char *format = output->format->name;
	gs_autojson struct gs_json *formats = NULL;
	gs_autofree char *known = NULL;
	struct gs_error *err;

	if (output->ranges == GS_RANGES_SYSTEM || output->drop_zero || spec->vmcoreinfo ||
	    output->exclude != GS_EXCLUDE_ZERO || output->level ||
	    (output->flatten && output->format->format == GS_DUMP_ELF))
		return gs_error_create(GS_ERROR_INVALID,
				       "engine qemu writes all ranges, at its own level: --ranges "
				       "system, -d, --exclude, --drop-zero, --level, --vmcoreinfo "
				       "and flattened ELF need engine stream");
	err = gs_qmp_dump_formats(qmp, &formats);
	if (err)
		return err;
	if (offers(formats, format))
		return NULL;
	known = gs_json_print(formats, GS_JSON_COMPACT);
	return gs_error_create(
		GS_ERROR_UNSUPPORTED,
		"this QEMU cannot write %s by itself (it offers %s): use engine stream", format,
		known ? known : "less");
}

static struct gs_error *check_pause(const struct gs_dump_spec *spec)
{
	bool direct = spec->engine == GS_ENGINE_AUTO || spec->engine == GS_ENGINE_DIRECT;

	if ((spec->live || spec->min_pause) && !direct)
		return gs_error_create(GS_ERROR_INVALID, "%s needs engine direct",
				       spec->live ? "--live" : "--min-pause");
	if (spec->live && (spec->min_pause || spec->max_pause_ms))
		return gs_error_create(GS_ERROR_INVALID,
				       "--live does not stop the guest: --min-pause and "
				       "--max-pause have no place beside it");
	if ((spec->live || spec->min_pause) && spec->after != GS_AFTER_RESUME)
		return gs_error_create(GS_ERROR_INVALID,
				       "--crash and --reset keep the guest stopped until the dump "
				       "is on disk: not with %s",
				       spec->live ? "--live" : "--min-pause");
	return NULL;
}

/* Later it would look as if QEMU refused to tell of its memory. */
static struct gs_error *check_idle(struct gs_qmp *qmp)
{
	struct gs_qmp_status status;
	struct gs_error *err = gs_qmp_query_status(qmp, &status);

	if (err || strcmp(status.status, "save-vm") != 0)
		return err;
	return gs_error_create(GS_ERROR_BUSY, "%s: somebody else is taking a dump or a snapshot",
			       gs_qmp_name(qmp));
}

struct gs_error *gs_job_check_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec)
{
	struct gs_error *err = gs_job_check_spec(&spec->output);

	if (!err)
		err = check_pause(spec);
	if (err)
		return err;
	if (!gs_qmp_passes_fds(qmp))
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s: a dump goes through a pipe, and only a local socket "
				       "can hand one over: use the guest's unix socket, or pid:N",
				       gs_qmp_name(qmp));
	err = check_idle(qmp);
	return err || spec->engine != GS_ENGINE_QEMU ? err : check_qemu_engine(qmp, spec);
}

/* Samples may mislead: only what is far from fitting is refused. */
static struct gs_error *judge_guess(const struct dump *d, uint64_t guess, uint64_t free_bytes)
{
	char guess_text[GS_SIZE_TEXT], room[GS_SIZE_TEXT];

	gs_format_size(guess, guess_text);
	gs_format_size(free_bytes, room);
	if (guess < free_bytes)
		return NULL;
	if (guess / 2 >= free_bytes)
		return gs_error_os(ENOSPC, "%s: about %s will not fit into %s of free space",
				   gs_outfile_path(d->out), guess_text, room);
	gs_job_note(&d->spec.output, "about %s may not fit into %s of free space", guess_text,
		    room);
	return NULL;
}

/* Only where the guest's RAM would not fit as it is does it matter how well it compresses. */
struct gs_error *gs_job_check_space(const struct dump *d)
{
	uint64_t free_bytes = gs_outfile_free_bytes(d->out), base = 0, plugged = 0;
	gs_autojson struct gs_json *size = NULL;
	struct gs_dump_spec spec = d->spec;
	struct gs_dump_estimate estimate;
	struct gs_error *err = gs_qmp_execute(d->qmp, "query-memory-size-summary", NULL, 0, &size);

	if (err)
		return err;
	gs_json_u64(gs_json_get(size, "base-memory"), &base);
	gs_json_u64(gs_json_get(size, "plugged-memory"), &plugged);
	if (base + plugged < free_bytes)
		return NULL;
	spec.engine = d->engine;
	err = gs_dump_dry_run(d->qmp, &spec, &estimate);
	return err ? err : judge_guess(d, estimate.file_bytes_guess, free_bytes);
}
