/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of a repair in place, a file beside the dump:
 *
 *	"GSJOURNL", u32 version, u32 number of edits, u64 size of the dump before, u64 after
 *	edit ...  u64 offset, u64 size, u64 bytes that were there; those bytes, the new bytes
 *	u64 XXH3 of all before
 *
 * All integers are little-endian. It appears under its name, complete and synced, before the first
 * byte of the dump changes, and goes when the last one is synced. So whenever there is one, the new
 * bytes in it are all that is needed to finish; the old ones tell that the dump is still the same.
 */
#ifndef GUESTSCOPE_JOB_REPAIR_JOURNAL_H
#define GUESTSCOPE_JOB_REPAIR_JOURNAL_H

#include <guestscope/job.h>

/* Beside the dump at @path; the caller frees it. NULL: out of memory. */
char *gs_journal_path(const char *path);
bool gs_journal_exists(const char *journal_path);

/* What the edits of @m change in the dump @fd, with the new bytes. */
GS_MUST_CHECK struct gs_error *gs_journal_write(const char *journal_path, struct gs_mend *m,
						int fd);
/*
 * Finish what the journal says in the dump @fd, sync that, and remove the journal. CORRUPT, and
 * nothing is changed, if it is damaged or is not of this dump.
 */
GS_MUST_CHECK struct gs_error *gs_journal_apply(const char *journal_path, const char *path, int fd,
						const struct gs_repair_spec *spec);

#endif
