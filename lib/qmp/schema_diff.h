/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How two schemas are compared: command by command (schema_diff.c), and within one by its types
 * (schema_diff_types.c), from the arguments inwards. Pairs of types that were met are not compared
 * again in that command, so circles end, and what is told is told with the shortest path.
 */
#ifndef QMP_SCHEMA_DIFF_H
#define QMP_SCHEMA_DIFF_H

#include <guestscope/base/text.h>

#include "schema.h"

#define GS_SCHEMA_WORK_MAX (1u << 30) /* names compared; QEMU's two largest take a hundredth */
#define GS_SCHEMA_DEPTH_MAX 64
#define GS_SCHEMA_BUCKETS 1024

/* Two types that stand at the same place. */
struct gs_schema_pair {
	const struct gs_schema_entity *before, *after;
	size_t parent;      /* the pair that they are in; of the first one, itself */
	const char *name;   /* the step from there, or NULL: the same path */
	const char *value;  /* a second step, or NULL */
	unsigned int depth; /* steps */
	size_t next;        /* in the same bucket, counted from 1; 0: none */
};

struct gs_schema_bucket {
	uint64_t turn; /* that it belongs to; others are empty */
	size_t first;  /* counted from 1 */
};

struct gs_schema_diff {
	/* What was found of one command or event. */
	struct gs_schema_change *changes; /* with owned texts */
	size_t change_count, change_capacity;

	/* What is being compared. */
	const char *root; /* "blockdev-add/arg" */
	bool is_input;    /* what is sent to the guest, else what comes from it */
	struct gs_schema_pair *pairs;
	size_t pair_count, pair_capacity;
	struct gs_schema_bucket buckets[GS_SCHEMA_BUCKETS];
	uint64_t turn;
	uint64_t work;
};

/* Add a change; takes the texts, of which ADDED has no @before and REMOVED no @after. */
GS_MUST_CHECK struct gs_error *gs_schema_diff_add(struct gs_schema_diff *d,
						  enum gs_schema_change_kind kind, char *path,
						  char *before, char *after, bool breaks);
GS_MUST_CHECK struct gs_error *gs_schema_diff_features(struct gs_schema_diff *d, const char *path,
						       const struct gs_schema_features *before,
						       const struct gs_schema_features *after);
/* Two types, and all that is in them, under @root, which is borrowed. */
GS_MUST_CHECK struct gs_error *gs_schema_diff_types(struct gs_schema_diff *d, const char *root,
						    bool is_input,
						    const struct gs_schema_entity *before,
						    const struct gs_schema_entity *after);

#endif
