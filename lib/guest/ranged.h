/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU tells of a guest's memory by dumps that are small or given up at once. */
#ifndef GUESTSCOPE_GUEST_RANGED_H
#define GUESTSCOPE_GUEST_RANGED_H

#include <guestscope/guest.h>

/*
 * QEMU's own program headers are the list of memory to trust; the rest of that dump is not wanted.
 * As gs_elf_stream_headers() gives them; the caller owns both.
 */
GS_MUST_CHECK struct gs_error *gs_guest_headers(struct gs_qmp *qmp, struct gs_attributes *attrs_ret,
						struct gs_range **segments_ret, size_t *count_ret);
/* The bytes [gpa, gpa + size), all of them RAM, by a dump of just these. */
GS_MUST_CHECK struct gs_error *gs_guest_fetch(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf,
					      uint64_t size);

#endif
