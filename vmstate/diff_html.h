/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of a diff as a page: the changes of a device, and where they are seen. */
#ifndef VMSTATE_DIFF_HTML_H
#define VMSTATE_DIFF_HTML_H

#include "diff.h"

/* ---- changes ---- */

/* A change of the device that is being told. */
struct seen_change {
	enum gs_devstate_change_kind kind;
	char *path, *before, *after; /* owned; before, after: NULL: nothing */
	size_t line;                 /* the number of the line that shows it; 0: none */
};
struct seen_changes {
	struct seen_change *changes;
	size_t count, capacity;
};

#define DIFF_ABSENCES (GS_ABSENCE_STATELESS + 1)

/* What is counted, besides changes. */
struct diff_totals {
	size_t devices_left_out; /* nothing is told of them */
	size_t changes_left_out;
	size_t absences[DIFF_ABSENCES]; /* devices that only one export has */
};

/* The class of a kind: "add", "del", "chg". */
const char *diff_style(enum gs_devstate_change_kind kind);
/* A word for why the other export does not have a device; "": that is not known. And a sentence. */
const char *diff_absence_word(enum gs_absence absence);
const char *diff_absence_sentence(enum gs_absence absence);

/* ---- what stands before the devices, and behind them: diff_head.c ---- */

/* When all has been told: what was compared, how much changed, and the tools. */
void diff_put_head(struct gs_text *text, const struct diff *diff, const struct diff_totals *totals);
/* What the words mean that are used before. */
void diff_put_words(struct gs_text *text, const struct diff *diff,
		    const struct diff_totals *totals);

/* ---- descriptions: diff_sides.c ---- */

/* What a page still takes of descriptions. */
struct line_budget {
	size_t lines, bytes;
	size_t number; /* of the last line that a change leads to */
};

/*
 * The descriptions of a device, side by side; either may be NULL. Changes learn the numbers of
 * their lines, which have the ids "line-1", ...
 */
GS_MUST_CHECK struct gs_error *diff_put_sides(struct gs_text *text, const struct diff *diff,
					      const struct gs_vmsd *before,
					      const struct gs_vmsd *after,
					      struct seen_changes *changes,
					      struct line_budget *budget);

#endif
