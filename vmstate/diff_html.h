/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of a diff as a page: the changes of a device, and where they are seen. */
#ifndef VMSTATE_DIFF_HTML_H
#define VMSTATE_DIFF_HTML_H

#include "diff.h"

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
