/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a page source once with several threads, where the order does not matter: select and sum.
 */
#ifndef GUESTSCOPE_JOB_SWEEP_H
#define GUESTSCOPE_JOB_SWEEP_H

#include <guestscope/job.h>

struct sweep {
	struct gs_page_source *src;
	struct gs_progress *progress; /* to see a cancel; or NULL */
	bool load;                    /* chunks come with their data */
	/* Called by any thread, for several chunks at once. */
	struct gs_error *(*chunk)(void *arg, struct gs_chunk *chunk);
	void *arg;
};

/* The first error ends it; a cancel gives OS "stopped". */
GS_MUST_CHECK struct gs_error *gs_sweep_run(const struct sweep *sweep, unsigned int threads);

#endif
