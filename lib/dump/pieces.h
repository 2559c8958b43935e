/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlapping pieces of an address space, each with a source, resolved into disjoint stretches: for
 * ELF segments (guest memory from file offsets) and flattened records (a file from its container).
 *
 *	pieces      aaaaaaaaaa          rank 1
 *	                 bbbbbbbbb      rank 0: wins
 *	stretches   aaaaabbbbbbbbb
 */
#ifndef GUESTSCOPE_DUMP_PIECES_H
#define GUESTSCOPE_DUMP_PIECES_H

#include "spool.h"

struct gs_piece {
	uint64_t start, end; /* end > start */
	uint64_t src;        /* where its first byte comes from, or one of the below */
	uint64_t rank;       /* the lowest one wins */
};

/* Sources that are no offsets: all of the piece is the same. */
#define GS_SRC_ZERO UINT64_MAX
#define GS_SRC_EXCLUDED (UINT64_MAX - 1)
#define GS_SRC_IS_OFFSET(src) ((src) < GS_SRC_EXCLUDED)

struct gs_stretch {
	uint64_t start, end;
	uint64_t src; /* of start */
};

/*
 * @pieces (of struct gs_piece) is sorted in place. @stretches (empty, of struct gs_stretch)
 * receives the sorted, disjoint result; neighbours that continue each other are one. O(n log n).
 */
GS_MUST_CHECK struct gs_error *gs_pieces_resolve(struct gs_spool *pieces,
						 struct gs_spool *stretches);

/* The index of the stretch that holds @at, else of the first one above it, else @count. */
size_t gs_stretch_find(const struct gs_stretch *stretches, size_t count, uint64_t at);

#endif
