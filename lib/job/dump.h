/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump under way: what its engines, its checks and its dry run share. */
#ifndef GUESTSCOPE_JOB_DUMP_H
#define GUESTSCOPE_JOB_DUMP_H

#include <guestscope/guest.h>
#include <guestscope/job.h>

#include "overdue.h"

struct dump {
	struct gs_qmp *qmp;
	struct gs_dump_spec spec; /* a copy, always with a progress */
	struct gs_outfile *out;
	enum gs_engine engine;       /* never AUTO */
	struct gs_memory *direct;    /* of engine direct, else NULL */
	struct gs_page_spool *spool; /* of --min-pause, else NULL */
	struct gs_pause *pause;      /* while the guest is under guard */
	struct overdue *overdue;     /* while it is under guard and that may take too long */
	char *vmcoreinfo;            /* found in the guest's memory; spec.vmcoreinfo then */
	struct gs_error *resume_err; /* the dump went on without */
	struct gs_progress progress; /* where the caller has none */
	struct gs_dump_result result;
};

/* ---- dump_check.c ---- */

/* What this guest or the options do not allow is refused before the guest is touched. */
GS_MUST_CHECK struct gs_error *gs_job_check_dump(struct gs_qmp *qmp,
						 const struct gs_dump_spec *spec);
/* Whether the dump would fit into the free space; @d->engine is known. */
GS_MUST_CHECK struct gs_error *gs_job_check_space(const struct dump *d);

/* ---- dump_engine.c ---- */

const char *gs_job_engine_name(enum gs_engine engine);
/*
 * The engine that @spec asks for; for AUTO the fastest that works. *direct_ret is the guest's
 * memory if that is DIRECT, else NULL.
 */
GS_MUST_CHECK struct gs_error *gs_job_pick_engine(struct gs_qmp *qmp,
						  const struct gs_dump_spec *spec,
						  enum gs_engine *ret,
						  struct gs_memory **direct_ret);

/* ---- the engines: dump_direct.c, dump_stream.c. Each fills d->result.job. ---- */

/* Before the guest is stopped: room for the copy that --min-pause makes. */
GS_MUST_CHECK struct gs_error *gs_dump_direct_prepare(struct dump *d);
GS_MUST_CHECK struct gs_error *gs_dump_direct_run(struct dump *d);
GS_MUST_CHECK struct gs_error *gs_dump_stream_run(struct dump *d);
GS_MUST_CHECK struct gs_error *gs_dump_qemu_run(struct dump *d);

/* ---- dump.c ---- */

/*
 * Look for the VMCOREINFO that is lacking in @mem, the guest's memory, or only at @places of it if
 * that is not NULL. What is found stays, whatever memory gs_dump_look() will look at.
 */
GS_MUST_CHECK struct gs_error *gs_dump_find_vmcoreinfo(struct dump *d, struct gs_memory *mem,
						       const struct gs_vmcoreinfo_places *places);
/* Whether there is need of that. */
bool gs_dump_lacks_vmcoreinfo(const struct dump *d, const struct gs_memory *mem);

/* What will be written: the description, and the pages of its ranges that are kept. */
struct dump_view {
	struct gs_description description;
	struct gs_selection *selection;
};
/* The steps "describe" and "select" of @mem, which is the guest's. */
GS_MUST_CHECK struct gs_error *gs_dump_look(const struct dump *d, struct gs_memory *mem,
					    struct dump_view *v);
void gs_dump_view_deinit(struct dump_view *v);
#define dump_autoview __attribute__((cleanup(gs_dump_view_deinit)))

/* The memory is had: the guest may run again, if it ran. */
GS_MUST_CHECK struct gs_error *gs_dump_resume(struct dump *d);

#endif
