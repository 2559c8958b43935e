/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of diff: one run, whatever it is told as. */
#ifndef VMSTATE_DIFF_H
#define VMSTATE_DIFF_H

#include "html.h"
#include "vmstate.h"

#define DIFF_KINDS (GS_CHANGE_SUBSECTION_REMOVED + 1)

struct diff {
	const struct gs_args *args;
	struct vmstate_export before, after;
	struct gs_device_types used; /* with what is named; none: all that is named, or all */
	/* So far; of a change that is being told, without it. */
	const char *device_before, *device_after; /* of the last one */
	size_t count, device_count, counts[DIFF_KINDS];
};

/* Tells @take every change of the devices that are asked for; @is_first: of its device. */
typedef struct gs_error *(*diff_take)(void *arg, const struct gs_devstate_change *change,
				      bool is_first);
GS_MUST_CHECK struct gs_error *diff_run(struct diff *diff, diff_take take, void *arg);
/* The lengths of arrays were compared. */
bool diff_has_lengths(const struct diff *diff);
/* The exit status of a diff that was told. */
int diff_status(const struct diff *diff);

/* What came, what went, and what is not as it was. */
enum diff_tone { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };
enum diff_tone diff_tone(enum gs_devstate_change_kind kind);

/* The formats; each returns the exit status. */
int diff_as_text(struct diff *diff);
int diff_as_json(struct diff *diff);
/* @page has its head. */
int diff_as_html(struct diff *diff, struct html *page);

#endif
