/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump: the three steps on a live guest, under the pause guard.
 *
 *	check, prepare ─> stop ─> describe ─> select ─> write ─> resume ─> commit
 *
 * How memory is read, and whether the guest may run again before the write, is the engine's.
 * Nothing is asked of the guest before the output file exists and the options are known to be good.
 */
#include "dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/time.h>

#include "select.h"
#include "vmcoreinfo.h"

static void dump_deinit(struct dump *d)
{
	gs_overdue_end(d->overdue);
	gs_pause_abandon(d->pause);
	gs_page_spool_destroy(d->spool);
	gs_memory_destroy(d->direct);
	gs_error_destroy(d->resume_err);
	free(d->vmcoreinfo);
}

bool gs_dump_lacks_vmcoreinfo(const struct dump *d, const struct gs_memory *mem)
{
	return !d->spec.vmcoreinfo && gs_job_lacks_vmcoreinfo(mem, &d->spec.output);
}

struct gs_error *gs_dump_find_vmcoreinfo(struct dump *d, struct gs_memory *mem,
					 const struct gs_vmcoreinfo_places *places)
{
	struct gs_error *err = gs_job_scan_vmcoreinfo(mem, places, &d->spec.output, &d->vmcoreinfo);

	if (d->vmcoreinfo)
		d->spec.vmcoreinfo = d->vmcoreinfo;
	return err;
}

static struct gs_error *use_vmcoreinfo(const struct dump *d, struct gs_memory *mem)
{
	const char *text = d->spec.vmcoreinfo;

	return text ? gs_attributes_set_vmcoreinfo(&mem->attrs, text, strlen(text)) : NULL;
}

/* Zero pages are found by whoever reads them anyway. */
struct gs_error *gs_dump_look(const struct dump *d, struct gs_memory *mem, struct dump_view *v)
{
	const struct gs_output_spec *output = &d->spec.output;
	const struct select_options options = {.exclude = output->exclude,
					       .threads = output->threads,
					       .progress = output->progress};
	struct gs_error *err = use_vmcoreinfo(d, mem);

	if (!err)
		err = gs_describe(mem, output->ranges, output->format->format, &v->description);
	if (err)
		return err;
	return gs_job_select(mem, v->description.ranges, v->description.range_count, &options,
			     &v->selection);
}

void gs_dump_view_deinit(struct dump_view *v)
{
	gs_selection_destroy(v->selection);
	gs_description_deinit(&v->description);
}

static struct gs_error *prepare(struct dump *d)
{
	struct gs_error *err = gs_job_check_dump(d->qmp, &d->spec);

	if (!err)
		err = gs_job_pick_engine(d->qmp, &d->spec, &d->engine, &d->direct);
	if (!err && d->direct && gs_dump_lacks_vmcoreinfo(d, d->direct))
		err = gs_dump_find_vmcoreinfo(d, d->direct, NULL);
	if (!err)
		err = gs_job_check_space(d);
	if (!err && d->engine == GS_ENGINE_DIRECT)
		err = gs_dump_direct_prepare(d);
	d->result.engine = gs_job_engine_name(d->engine);
	return err;
}

static struct gs_error *stop(struct dump *d)
{
	bool was_running;
	struct gs_error *err = gs_pause_begin(d->qmp, &d->pause, &was_running);

	if (err || !was_running || !d->spec.max_pause_ms)
		return err;
	return gs_overdue_begin(d->spec.max_pause_ms, d->spec.output.progress, d->pause,
				&d->overdue);
}

static struct gs_error *check_overdue(struct dump *d)
{
	if (!gs_overdue_end(gs_take(d->overdue)))
		return NULL;
	return gs_error_create(GS_ERROR_TIMEOUT,
			       "the guest would have stood still for more than %llu ms",
			       (unsigned long long)d->spec.max_pause_ms);
}

/* The clock of --max-pause first: it may have a say in what happens to d->pause. */
static struct gs_error *check_pause(struct dump *d)
{
	struct gs_error *err = check_overdue(d);

	return err || !d->pause ? err : gs_pause_check(d->pause);
}

struct gs_error *gs_dump_resume(struct dump *d)
{
	struct gs_error *err = check_pause(d);

	if (!err && d->pause)
		d->resume_err = gs_pause_end(gs_take(d->pause));
	return err;
}

static struct gs_error *run(struct dump *d)
{
	switch (d->engine) {
	case GS_ENGINE_DIRECT:
		return gs_dump_direct_run(d);
	case GS_ENGINE_QEMU:
		return gs_dump_qemu_run(d);
	default:
		return gs_dump_stream_run(d);
	}
}

/* Who was cancelled as the pause took too long is told that. */
static struct gs_error *check_cancelled(struct dump *d, struct gs_error *err)
{
	struct gs_error *overdue;

	if (!err && d->spec.output.progress->cancelled)
		err = gs_error_os(EINTR, "stopped");
	overdue = err ? check_overdue(d) : NULL;
	if (!overdue)
		return err;
	gs_error_destroy(err);
	return overdue;
}

/*
 * The guest first: to sync a file can take long. A dump that is complete is kept, also when the
 * guest could not be resumed.
 */
static struct gs_error *resume_and_commit(struct dump *d)
{
	struct gs_error *err = gs_dump_resume(d);

	if (!err)
		err = gs_outfile_commit(d->out);
	return err ? err : gs_error_wrap(gs_take(d->resume_err), "the dump is complete, but");
}

/* --crash and --reset: only with the dump safe on disk. */
static struct gs_error *commit_and_end(struct dump *d)
{
	bool crash = d->spec.after == GS_AFTER_CRASH;
	struct gs_error *err = check_pause(d);

	if (!err)
		err = gs_outfile_commit(d->out);
	if (err)
		return err;
	err = gs_qmp_simple(d->qmp, crash ? "quit" : "system_reset");
	if (err)
		return gs_error_wrap(err, "the dump is complete, but the guest was not %s",
				     crash ? "ended" : "reset");
	if (crash)
		gs_pause_disarm(d->pause);
	return gs_error_wrap(gs_pause_end(gs_take(d->pause)), "the dump is complete, but");
}

static struct gs_error *dump(struct dump *d)
{
	uint64_t start_us = gs_qmp_run_history(d->qmp).stood_us, stood_us;
	struct gs_error *err = prepare(d);

	if (err)
		return err;
	/* Where it was not stopped, the moments count that QEMU took to tell of its memory. */
	stood_us = d->spec.live ? start_us : gs_qmp_run_history(d->qmp).stood_us;
	err = d->spec.live ? NULL : stop(d);
	if (!err)
		err = run(d);
	err = check_cancelled(d, err);
	if (err)
		return err;
	err = d->spec.after == GS_AFTER_RESUME ? resume_and_commit(d) : commit_and_end(d);
	d->result.pause_ms = (double)(gs_qmp_run_history(d->qmp).stood_us - stood_us) / 1000;
	return err;
}

struct gs_error *gs_dump(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
			 struct gs_outfile *out, struct gs_dump_result *ret)
{
	__attribute__((cleanup(dump_deinit))) struct dump d = {
		.qmp = qmp, .spec = *spec, .out = out};
	uint64_t start_ms = gs_now_ms();
	struct gs_error *err;

	if (!d.spec.output.progress)
		d.spec.output.progress = &d.progress;
	err = dump(&d);
	if (err)
		return err;
	d.result.job.seconds = (double)(gs_now_ms() - start_ms) / 1000;
	*ret = d.result;
	return NULL;
}
