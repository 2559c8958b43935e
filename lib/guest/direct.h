/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's memory in QEMU's address space: what opening, checking and reading share. */
#ifndef GUESTSCOPE_GUEST_DIRECT_H
#define GUESTSCOPE_GUEST_DIRECT_H

#include <guestscope/guest.h>

#include "direct_areas.h"
#include "direct_process.h"

/* What QEMU dumps as one segment: one piece of its own address space. */
struct direct_piece {
	gs_gpa_t gpa;
	uint64_t size;
	uint64_t hva;
	/*
	 * Whether it lies elsewhere than the piece before it goes on. Pieces that follow one which
	 * does are the same memory, with gaps: a virtio-mem device of which parts are plugged.
	 */
	bool leads;
};

struct direct {
	struct gs_memory mem;
	struct gs_qmp *qmp; /* borrowed */
	struct direct_process process;
	struct direct_areas *areas;
	struct direct_piece *pieces; /* in the order of guest addresses, disjoint */
	size_t piece_count;
};

/* The piece that holds @gpa, which is in one. */
const struct direct_piece *gs_direct_piece_of(const struct direct *d, gs_gpa_t gpa);
GS_MUST_CHECK struct gs_error *gs_direct_read(struct direct *d, gs_gpa_t gpa, void *buf,
					      size_t size);
GS_MUST_CHECK struct gs_error *gs_direct_extent(struct direct *d, gs_gpa_t gpa, gs_gpa_t limit,
						enum gs_extent *ret, gs_gpa_t *end_ret);

/* ---- direct_check.c: before anything is believed ---- */

/* UNSUPPORTED: the host sees only what is encrypted. */
GS_MUST_CHECK struct gs_error *gs_direct_check_readable(struct gs_qmp *qmp);
/*
 * Compare up to @samples pages of each stretch of pieces, from @min_bytes of it up, with what QEMU
 * dumps. UNSUPPORTED names the page that differs. A page that a running guest keeps writing to is
 * tried again.
 */
GS_MUST_CHECK struct gs_error *gs_direct_check_samples(struct direct *d, unsigned int samples,
						       uint64_t min_bytes);

#endif
