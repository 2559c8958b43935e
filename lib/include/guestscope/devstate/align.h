/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two descriptions side by side, line by line, for people to look at. */
#ifndef GUESTSCOPE_DEVSTATE_ALIGN_H
#define GUESTSCOPE_DEVSTATE_ALIGN_H

#include <guestscope/devstate.h>

/*
 * A line: a field or a subsection, in one of the two or in both. Names are the last steps of the
 * paths, as gs_devstate_diff() has these, so that a change is found by its path: by @path_before,
 * or, if it was added, by @path_after.
 */
struct gs_align_row {
	unsigned int depth; /* structs and subsections around it */
	/* Where there is one: a field and what it is part of, or a subsection. */
	struct gs_align_side {
		const struct gs_vmsd_field *field;
		const struct gs_vmsd *parent;
		const struct gs_vmsd *subsection;
		const char *path, *name; /* NULL: this side has nothing here */
	} before, after;
	bool paired; /* the diff takes them for the same; or, of a single one, it moved */
};

/*
 * All lines of @before and @after, in their own order; NULL: there is none. Those that go together
 * stand side by side; between them so do others that take the same place, which may be what became
 * of them. Fields that moved stand alone, twice, under the path that they had.
 *
 * The row lives during the call. The first error that @row returns ends it.
 */
GS_MUST_CHECK struct gs_error *gs_devstate_align(
	const struct gs_devstate *state_before, const struct gs_vmsd *before,
	const struct gs_devstate *state_after, const struct gs_vmsd *after,
	struct gs_error *(*row)(void *arg, const struct gs_align_row *row), void *arg);

#endif
