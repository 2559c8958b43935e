/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repair of texts that still have our breakpoint instructions in them, because the keeper and its
 * guardian were killed.
 */
#ifndef GUESTSCOPE_HOLD_MEND_H
#define GUESTSCOPE_HOLD_MEND_H

#include <stddef.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

/*
 * One process was looked after: @count breakpoints were taken out, or @err (borrowed) says why they
 * were not; they stay in the journal then.
 */
typedef void gs_mend_told(void *arg, pid_t pid, size_t count, const struct gs_error *err);

/*
 * All that the journals in @dir name, but for those whose keeper lives. Only what is there as it
 * was left is touched: the very process, the same file at that address, and our instruction in it.
 */
GS_MUST_CHECK struct gs_error *gs_hold_mend(const char *dir, gs_mend_told *told, void *arg);

#endif
