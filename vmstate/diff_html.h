/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of a diff as a page: the changes of a device, and where they are seen. */
#ifndef VMSTATE_DIFF_HTML_H
#define VMSTATE_DIFF_HTML_H

#include "check.h"
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

/* ---- verdicts: diff_verdicts.c ---- */

/* What check says, with nothing waived. It stays where it is. */
struct diff_verdicts {
	struct check_options options;
	struct check check;
	const struct check_device **sorted; /* by type; those that there are */
	size_t count;
	bool is_known; /* else there was too much to judge */
};
GS_MUST_CHECK struct gs_error *diff_judge(const struct diff *diff, struct diff_verdicts *ret);
void diff_verdicts_deinit(struct diff_verdicts *verdicts);
/* Of devices that go together, or one alone; NULL: none. */
const struct check_device *diff_verdict(const struct diff_verdicts *verdicts,
					const struct gs_devstate_device *before,
					const struct gs_devstate_device *after);
/* Whether anyone could load @device in that direction. */
bool diff_is_judged(const struct check_device *device, int direction);
/* The words that filters go by: "forward-OK backward-BREAK". */
void diff_put_verdict_kinds(struct gs_text *text, const struct check_device *device);
void diff_put_badges(struct gs_text *text, const struct check_device *device);
/* Why, in sentences. */
void diff_put_findings(struct gs_text *text, const struct diff_verdicts *verdicts,
		       const struct check_device *device);

/* ---- totals ---- */

#define DIFF_ABSENCES (GS_ABSENCE_STATELESS + 1)

/* What is counted, besides changes. */
struct diff_totals {
	size_t devices_left_out; /* nothing is told of them */
	size_t changes_left_out;
	size_t absences[DIFF_ABSENCES]; /* devices that only one export has */
	size_t verdicts[GS_CHECK_DIRECTIONS][GS_VERDICT_COUNT]; /* devices that are told of */
};

/* The class of a kind: "add", "del", "chg". */
const char *diff_style(enum gs_devstate_change_kind kind);
/* A word for why the other export does not have a device; "": that is not known. And a sentence. */
const char *diff_absence_word(enum gs_absence absence);
const char *diff_absence_sentence(enum gs_absence absence);

/* ---- what stands before the devices, and behind them: diff_head.c ---- */

/* When all has been told: what was compared, how much changed, and the tools. */
void diff_put_head(struct gs_text *text, const struct diff *diff, const struct diff_totals *totals,
		   const struct diff_verdicts *verdicts);
/* What the words mean that are used before. */
void diff_put_words(struct gs_text *text, const struct diff *diff,
		    const struct diff_totals *totals);
void diff_put_not_judged(struct gs_text *text);

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
