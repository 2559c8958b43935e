/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages of private anonymous memory have ever been touched, by a process's page tables. */
#ifndef GUESTSCOPE_GUEST_DIRECT_TOUCHED_H
#define GUESTSCOPE_GUEST_DIRECT_TOUCHED_H

#include <stdint.h>

#include <guestscope/memory.h>

/*
 * Whether the page at @hva is DATA (present or swapped out), or ZERO, and up to where (> @hva, at
 * most @limit) that holds. @pagemap_fd is a /proc/PID/pagemap. Looks at a few pages of data and at
 * most 1 GiB of emptiness, so that a caller who asks page by page is not made to pay for all.
 */
GS_MUST_CHECK struct gs_error *gs_direct_touched(int pagemap_fd, uint64_t hva, uint64_t limit,
						 enum gs_extent *ret, uint64_t *end_ret);
/* The same without PAGEMAP_SCAN, which kernels have since 6.7. */
GS_MUST_CHECK struct gs_error *gs_direct_touched_by_entries(int pagemap_fd, uint64_t hva,
							    uint64_t limit, enum gs_extent *ret,
							    uint64_t *end_ret);

#endif
