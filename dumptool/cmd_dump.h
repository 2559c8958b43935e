/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two files of the command dump. */
#ifndef CMD_DUMP_H
#define CMD_DUMP_H

#include "dumptool.h"

/* One dump, under the guard of signals, and what is said of it. */
GS_MUST_CHECK struct gs_error *dump_to(struct gs_args *args, struct gs_qmp *qmp,
				       struct gs_dump_spec *spec, struct gs_outfile *out);
/* Waits for the events of --on, and dumps --count times. */
GS_MUST_CHECK struct gs_error *dump_on(struct gs_args *args, struct gs_dump_spec *spec);

#endif
