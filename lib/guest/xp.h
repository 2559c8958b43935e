/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading guest memory by the human monitor's words. */
#ifndef GUESTSCOPE_GUEST_XP_H
#define GUESTSCOPE_GUEST_XP_H

#include <guestscope/memory.h>
#include <guestscope/qmp.h>

/* PROTOCOL: what came is not @size bytes; the monitor's own words. */
GS_MUST_CHECK struct gs_error *gs_guest_read_xp(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf,
						uint64_t size);

#endif
