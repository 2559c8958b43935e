/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines: findings that are known of, and do not count until a day has passed. A text of lines,
 *
 *	# of the last release
 *	backward:e1000e/core.timadj:field-left 2027-06-30 we only migrate to newer ones
 *
 * each of them: a finding's id (see <guestscope/devstate/check.h>), the last day on which it is
 * waived, and why it is; all three, with blanks between. An id may have blanks in it: the first
 * word after it that looks like a day ends it. Empty lines, and those that begin with #, are
 * comments.
 */
#ifndef GUESTSCOPE_DEVSTATE_BASELINE_H
#define GUESTSCOPE_DEVSTATE_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/text.h>

#define GS_BASELINE_MAX (4 << 20) /* bytes of a text */

struct gs_waiver {
	const char *id;      /* printable: see gs_baseline_find() */
	const char *expires; /* "2027-06-30": later ones are greater strings */
	const char *reason;
	size_t line; /* from 1 */
};

struct gs_baseline;

/*
 * INVALID names the place, @name being the text's: "waivers:12: no reason behind the day". A
 * finding can be waived once.
 */
GS_MUST_CHECK struct gs_error *gs_baseline_parse(const char *name, const char *text, size_t size,
						 struct gs_baseline **ret);
void gs_baseline_destroy(struct gs_baseline *baseline);
GS_DEFINE_CLEANUP(struct gs_baseline *, gs_baseline_destroy)

size_t gs_baseline_count(const struct gs_baseline *baseline);
/* In the order of the text; NULL past the last. */
const struct gs_waiver *gs_baseline_at(const struct gs_baseline *baseline, size_t i);
/*
 * The place of the waiver of @id, be it expired or not. What no text can hold is escaped in ids
 * (gs_text_puts_printable()), here and in the baseline.
 */
bool gs_baseline_find(const struct gs_baseline *baseline, const char *id, size_t *ret);

/* One line for such a text. */
void gs_baseline_put(struct gs_text *out, const char *id, const char *expires, const char *reason);

/* Whether it is a day: "2028-02-29". */
bool gs_is_day(const char *text);

#endif
