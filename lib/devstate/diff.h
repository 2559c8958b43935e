/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the diff: how a change is told. */
#ifndef DEVSTATE_DIFF_H
#define DEVSTATE_DIFF_H

#include <guestscope/base/text.h>
#include <guestscope/devstate.h>

#include "pairing.h"

/* ---- telling: diff.c ---- */

struct gs_diff {
	const struct gs_devstate *before, *after;
	bool told; /* both exports tell the lengths of arrays */
	const struct gs_devstate_device *device_before, *device_after;
	struct gs_text path;
	struct gs_error *(*report)(void *arg, const struct gs_devstate_change *change);
	void *arg;
};

/* The texts may be NULL; they stay the caller's. */
GS_MUST_CHECK struct gs_error *gs_diff_tell(struct gs_diff *diff, enum gs_devstate_change_kind kind,
					    const char *before, const char *after);
GS_MUST_CHECK struct gs_error *gs_diff_tell_number(struct gs_diff *diff,
						   enum gs_devstate_change_kind kind,
						   uint64_t before, uint64_t after);
/* Of that which is only there on one side. */
GS_MUST_CHECK struct gs_error *gs_diff_tell_one(struct gs_diff *diff,
						enum gs_devstate_change_kind kind, bool is_after,
						const struct gs_text *text);
/* One step down; returns what takes it back. */
size_t gs_diff_enter_field(struct gs_diff *diff, const struct gs_vmsd_field *field);
size_t gs_diff_enter_subsection(struct gs_diff *diff, const struct gs_vmsd *subsection);
void gs_diff_leave(struct gs_diff *diff, size_t mark);
/* No more of a hostile name than anyone wants to read. */
void gs_diff_put_name(struct gs_text *text, const char *name);

/* By name; of either description there may be none (NULL). */
GS_MUST_CHECK struct gs_error *gs_diff_pair_subsections(const struct gs_vmsd *before,
							const struct gs_vmsd *after,
							struct gs_pairing *ret);
/* All but the versions of @before and @after that a device has told already. */
GS_MUST_CHECK struct gs_error *gs_diff_descriptions(struct gs_diff *diff,
						    const struct gs_vmsd *before,
						    const struct gs_vmsd *after);

/* ---- fields: diff_fields.c, and two that are the same one: diff_field.c ---- */

/* Who goes with whom by name, and which of these kept their order. */
GS_MUST_CHECK struct gs_error *gs_diff_pair_fields(const struct gs_diff *diff,
						   struct gs_pairing *pairing);
GS_MUST_CHECK struct gs_error *gs_diff_fields(struct gs_diff *diff, const struct gs_vmsd *before,
					      const struct gs_vmsd *after);
/* Of a pair, at the path of its parent; @in_run: bytes were told of with those of its neighbours.
 */
GS_MUST_CHECK struct gs_error *gs_diff_field(struct gs_diff *diff,
					     const struct gs_vmsd_field *before,
					     const struct gs_vmsd_field *after, bool in_run);
/*
 * How many bytes the field is, for sure and whatever predicates say; where not both exports tell
 * lengths, those of arrays are taken for equal, and the bytes are those of an element. false: not
 * to be known.
 */
bool gs_diff_bytes(const struct gs_diff *diff, const struct gs_vmsd_field *field, uint64_t *ret);
/* "4 x 2 bytes, conditional", "esp v7, from version 3 on" */
void gs_diff_put_field(struct gs_text *text, const struct gs_vmsd_field *field);
/* Whether they are sent under the same condition, as far as exports tell. */
bool gs_diff_same_gate(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b);

#endif
