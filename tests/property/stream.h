/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A saver and a loader of sections, as QEMU's are, in one world.
 *
 * A stream is of symbols. Markers, names and versions are bytes, as in QEMU's; each byte of a value
 * is a symbol of its own that is no byte, so that none looks like a marker, all are distinct, and
 * where it arrives tells all about the value.
 */
#ifndef TESTS_PROPERTY_STREAM_H
#define TESTS_PROPERTY_STREAM_H

#include "worlds.h"

#define STREAM_MAX 8192
#define SYMBOL_VALUE 0x100 /* the first of values; below: bytes */

/* A field of each struct that there is; arrays of scalars are one. */
struct leaf {
	const char *path, *scope; /* see worlds.h; elements of more than one struct are "s[1]" */
	unsigned int width, bytes;
	bool unused;
};

/* A description with its arrays laid out. */
struct layout;
struct layout_field {
	const struct field *field;
	const struct leaf *leaf;  /* NULL: structs */
	struct layout **elements; /* @count of them */
	size_t count;
};
struct layout {
	const struct description *description;
	struct layout_field fields[FIELDS_MAX];
	struct layout *subsections[SUBSECTIONS_MAX];
};

#define LEAVES_MAX 512
struct leaves {
	struct leaf all[LEAVES_MAX];
	size_t count;
};

/* Of a setting of quantities. Adds to @leaves. */
struct layout *layout_of(const struct description *description, const unsigned int *quantities,
			 struct leaves *leaves);

struct stream {
	uint16_t symbols[STREAM_MAX];
	size_t size;
	/* Of values, by symbol: */
	struct {
		const struct leaf *leaf;
		unsigned int offset; /* in it */
	} sent[STREAM_MAX];
	size_t sent_count;
};

/* A section with its footer, and another one's start. */
void stream_save(struct stream *stream, const struct worlds *worlds, const struct world *world,
		 const struct layout *layout);

/* Called for each byte that a field takes, with what it was sent for; false: not its own. */
struct stream_judge {
	bool (*fits)(const void *arg, const struct leaf *sent, unsigned int sent_offset,
		     const struct leaf *taken, unsigned int taken_offset);
	const void *arg;
};

enum outcome { OUTCOME_GOOD, OUTCOME_SILENT, OUTCOME_BROKEN };
struct load {
	enum outcome outcome;
	bool has_wrong;
	bool spills;  /* data of a subsection is taken by fields outside of it, or the reverse */
	size_t wrong; /* data of the section or subsection before the first byte that is not right
		       */
};
struct load stream_load(const struct stream *stream, const struct worlds *worlds,
			const struct world *world, const struct layout *layout,
			const struct stream_judge *judge);

#endif
