/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of dumptool info. */
#ifndef INFO_H
#define INFO_H

#include "dumptool.h"

/* Members of the open object: what the guest's kernel tells of itself; few, if it is no Linux. */
GS_MUST_CHECK struct gs_error *info_emit_kernel(struct gs_emit *e, struct gs_memory *mem);
/*
 * The object "pages": by state, by class, by codec. Without --pages none is read, and the object is
 * left out where counting would take a while: live guests, and more than 64 GiB.
 */
GS_MUST_CHECK struct gs_error *info_emit_memory(const struct gs_args *args, struct gs_emit *e,
						const struct dumptool_input *in);

#endif
