/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scope: the fields of a section or of a subsection, and of the structs in it, of both sides.
 *
 * It is laid side by side, in the order of the wire. What both sides have alike is an anchor,
 * whatever is in it: its bytes cancel. What lies between anchors is a segment: the saver's runs of
 * bytes, and the loader's.
 *
 *	check_fields.c     the scope as a whole, and which segments hang together
 *	check_same.c       what is alike
 *	check_align.c      anchors and segments
 *	check_runs.c       fields as runs of bytes
 *	check_namesakes.c  fields by their paths
 *	check_fit.c        lengths that are assumed
 *	check_lengths.c    lengths
 *	check_bytes.c      what becomes of bytes
 *	check_units.c      segments that hang together
 *	check_world.c      what becomes of them in one world
 *	check_verdict.c    and in all worlds
 *	check_words.c      how it is said
 *	check_claims.c     who takes a subsection
 */
#ifndef DEVSTATE_CHECK_SCOPE_H
#define DEVSTATE_CHECK_SCOPE_H

#include <string.h>

#include "check.h"
#include "pairing.h"

enum gs_check_side { GS_SAVER, GS_LOADER, GS_SIDES };

/* Arrays of structs are laid out up to so many runs in a scope, and paths up to so many steps. */
#define GS_SCOPE_RUNS_MAX (1 << 16)

/* ---- where a field is ---- */

struct gs_place {
	const struct gs_place *parent; /* the struct around it; NULL: it is the scope's */
	const struct gs_vmsd_field *field;
	bool is_element; /* of an array of structs */
	bool is_every;   /* ... and stands for all of them */
	uint64_t index;
};

/* All of these predicates have to say so. */
struct gs_gate {
	const struct gs_gate *parent;
	uint32_t variable;
};

/* ---- runs: check_runs.c ---- */

enum gs_run_kind {
	GS_RUN_BYTES,
	GS_RUN_LUMP, /* structs of which it is not told how many: nobody looks inside */
	GS_RUN_END,  /* of a struct: no bytes, but where its subsections are */
};
struct gs_run {
	enum gs_run_kind kind;
	const struct gs_place *place;
	const struct gs_vmsd_field *partner; /* the other side's; NULL: none */
	const struct gs_gate *gate;
	/* So many bytes, or, where @untold is not NULL, so many times what is not told of it. */
	uint64_t bytes;
	const struct gs_vmsd_field *untold;
	uint64_t width; /* of an element that is a number; 0: a buffer */
	uint32_t node;  /* see check_namesakes.c; 0: unused, or not to be told */
	bool has_namesake;
	bool has_lent;            /* its length */
	uint16_t mask;            /* of the gate, in the worlds of a unit */
	uint32_t symbol;          /* of @untold, in a unit */
	const struct gs_run *met; /* of an end: the loader's that takes subsections there */
};
struct gs_runs {
	struct gs_run *runs;
	size_t count, capacity;
};

/* ---- items ---- */

enum gs_item_kind {
	GS_ITEM_ANCHOR,
	GS_ITEM_SEGMENT,
	GS_ITEM_SUBSECTIONS, /* of a struct that both sides have */
	GS_ITEM_MINIMUM,     /* of a struct of the loader's, above its own version */
	GS_ITEM_RENAMED,     /* a struct that has another name */
};
/* How the sum of a segment can come out. */
enum gs_sign { GS_SIGN_POSITIVE = 1, GS_SIGN_NEGATIVE = 2 };
struct gs_item {
	enum gs_item_kind kind;
	const struct gs_place *places[GS_SIDES]; /* of a segment: the struct that it is in */
	const struct gs_gate *gate;
	struct gs_wire_size offset; /* what the saver sends before it */
	/* Of a segment: */
	const struct gs_vmsd *owners[GS_SIDES]; /* the descriptions that it is in */
	uint32_t versions[GS_SIDES];            /* that their fields are held against */
	bool is_repeated;                       /* in an array of which it is not told how long */
	bool is_heavy;                          /* too much to weigh: runs are missing */
	/* Runs. Those of an anchor matter where it is not where the loader looks for it. */
	size_t first[GS_SIDES], count[GS_SIDES];
	uint8_t signs;
};

struct gs_namesakes;

struct gs_scope {
	struct gs_judge *judge;
	const struct gs_devstate *states[GS_SIDES];
	bool told[GS_SIDES]; /* lengths */
	struct gs_arena arena;
	const struct gs_vmsd *roots[GS_SIDES], *parents[GS_SIDES];
	uint32_t loader_version;
	const struct gs_around *around; /* the loader's root */
	struct gs_namesakes *namesakes; /* NULL: too many, or not looked for yet */
	bool has_namesakes;
	struct gs_runs runs[GS_SIDES];
	struct gs_run **row_runs[GS_SIDES]; /* room for as many, once all are there */
	struct gs_item *items;
	size_t item_count, item_capacity;
	bool is_heavy;             /* of the segment that is open */
	struct gs_names fit_names; /* fields of which a length is assumed */
	uint64_t *fits;            /* by number */
	size_t fit_capacity;
};

/* ---- what is alike: check_same.c ---- */

/* How many elements, as far as it is told; 1 where it is not. */
static inline uint64_t gs_field_count(const struct gs_vmsd_field *field)
{
	return field->has_num ? field->num : 1;
}
/* Sent, or taken, in some world. */
static inline bool gs_field_is_there(const struct gs_vmsd_field *field, uint32_t version)
{
	return field->conditional || field->version <= version;
}
static inline bool gs_field_is_unused(const struct gs_vmsd_field *field)
{
	return !field->description && field->name[0] == 'u' && strcmp(field->name, "unused") == 0;
}
/* Of the same elements, or both structs, whatever is inside: so their lengths are the same, too,
 * where that is not told. */
bool gs_field_is_like(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b);
/* As many elements; where one export does not tell, they are assumed to be. */
bool gs_field_is_same_count(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
			    const struct gs_vmsd_field *loader);
/* There if and only if the other one is; of descriptions of the same name. */
bool gs_field_is_same_gate(const struct gs_vmsd_field *saver, uint32_t saver_version,
			   const struct gs_vmsd_field *loader, uint32_t loader_version);
/* By all that is in them, so that the loader takes what the saver sends in every world. */
bool gs_field_is_same(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
		      const struct gs_vmsd_field *loader);
bool gs_vmsd_is_same(const bool told[GS_SIDES], const struct gs_vmsd *saver,
		     const struct gs_vmsd *loader);
/* All that both exports say of it, in the same order: what is true of one direction is of both. */
bool gs_vmsd_is_equal(const bool told[GS_SIDES], const struct gs_vmsd *a, const struct gs_vmsd *b);
bool gs_vmsd_is_same_fields(const bool told[GS_SIDES], const struct gs_vmsd *saver,
			    uint32_t saver_version, const struct gs_vmsd *loader,
			    uint32_t loader_version);
/* What one export tells of the length and the other does not. */
static inline size_t gs_field_is_assumed(const bool told[GS_SIDES],
					 const struct gs_vmsd_field *saver,
					 const struct gs_vmsd_field *loader)
{
	return told[GS_SAVER] != told[GS_LOADER] && saver->has_num != loader->has_num;
}
/* In two that are the same: lengths that only one export tells. */
size_t gs_field_count_assumed(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
			      const struct gs_vmsd_field *loader);
size_t gs_vmsd_count_assumed(const bool told[GS_SIDES], const struct gs_vmsd *saver,
			     const struct gs_vmsd *loader);

/* Whether something with a name is in it that is there in some world. */
bool gs_field_has_named(const struct gs_vmsd_field *field);
bool gs_vmsd_has_named(const struct gs_vmsd *description);
/* It, or a struct in it. */
bool gs_vmsd_has_subsections(const struct gs_vmsd *description);

/*
 * Fields by name and, of several of one name, by their looks; in their order, those are anchors. Of
 * the rest those that are alone between the same neighbours.
 */
GS_MUST_CHECK struct gs_error *gs_scope_pair(struct gs_scope *scope, const struct gs_vmsd *saver,
					     const struct gs_vmsd *loader,
					     struct gs_pairing *pairing);

/* ---- lengths that fit: check_fit.c ---- */

/* Between neighbours that are like each other. */
GS_MUST_CHECK struct gs_error *gs_scope_fit(struct gs_scope *scope,
					    const struct gs_pairing *pairing, bool is_root);
/* 0: none is assumed. */
GS_MUST_CHECK struct gs_error *gs_scope_find_fit(struct gs_scope *scope,
						 const struct gs_vmsd_field *field, uint64_t *ret);

/* ---- paths: check_namesakes.c ---- */

/*
 * Of all fields of both sides; subsections of one name and parent are one. *ret stays NULL: there
 * are too many.
 */
GS_MUST_CHECK struct gs_error *gs_namesakes_create(const struct gs_vmsd *const roots[GS_SIDES],
						   const struct gs_vmsd *const parents[GS_SIDES],
						   struct gs_arena *arena, struct gs_work *work,
						   struct gs_namesakes **ret);
/* 0: there are too many. */
GS_MUST_CHECK struct gs_error *gs_namesakes_find(struct gs_namesakes *namesakes,
						 const struct gs_place *place, uint32_t *ret);
bool gs_namesakes_are(const struct gs_namesakes *namesakes, uint32_t sent, uint32_t taken);
/* Whether a field of @side has any on the other one. */
bool gs_namesakes_has(const struct gs_namesakes *namesakes, uint32_t node, enum gs_check_side side);

/* ---- runs ---- */

/* One side's field and what is in it. @parent and @gate are of the struct @owner, of @version. */
struct gs_level {
	const struct gs_vmsd *owner;
	uint32_t version;
	const struct gs_gate *gate;
	const struct gs_place *parent;
};
GS_MUST_CHECK struct gs_error *gs_runs_add(struct gs_scope *scope, enum gs_check_side side,
					   const struct gs_level *level,
					   const struct gs_vmsd_field *field,
					   const struct gs_vmsd_field *partner);
/* The end of a struct that is no run itself. */
GS_MUST_CHECK struct gs_error *gs_end_add(struct gs_scope *scope, enum gs_check_side side,
					  const struct gs_level *inner);
/* What a field hangs on: its predicate, if it has one, below those of the structs around it. */
GS_MUST_CHECK struct gs_error *gs_gate_add(struct gs_scope *scope, enum gs_check_side side,
					   const struct gs_level *level,
					   const struct gs_vmsd_field *field,
					   const struct gs_gate **ret);
const struct gs_place *gs_place_add(struct gs_scope *scope, const struct gs_place *parent,
				    const struct gs_vmsd_field *field);

/* ---- anchors and segments: check_align.c ---- */

GS_MUST_CHECK struct gs_error *gs_scope_align(struct gs_scope *scope,
					      const struct gs_level levels[GS_SIDES]);
/* Of a struct that the loader takes, if its own version is below its minimum. */
GS_MUST_CHECK struct gs_error *gs_scope_add_minimum(struct gs_scope *scope,
						    const struct gs_vmsd *description,
						    const struct gs_place *place,
						    const struct gs_gate *gate);

/* Whether a field in a struct of that side has namesakes on the other one, or that is not known. */
GS_MUST_CHECK struct gs_error *gs_scope_is_elsewhere(struct gs_scope *scope,
						     enum gs_check_side side,
						     const struct gs_level *level, bool *ret);

/* Finds out which runs have namesakes; and whose lengths are the same for that. */
GS_MUST_CHECK struct gs_error *gs_scope_name(struct gs_scope *scope);

/* ---- units: check_units.c ---- */

/* What is sent, or taken, in a world. */
struct gs_row {
	struct gs_run **runs;
	size_t count;
};

/* Segments that hang together, and the worlds of all their predicates. */
struct gs_unit {
	struct gs_scope *scope;
	struct gs_item **segments; /* in the order of the wire; anchors between them, too */
	size_t count;
	struct gs_table table;
	size_t symbol_count;          /* lengths that are not told */
	int64_t *factors;             /* room for a sum, */
	struct gs_row rows[GS_SIDES]; /* and for what lies side by side */
	bool is_heavy;                /* and then there is no table */
};
GS_MUST_CHECK struct gs_error *gs_unit_init(struct gs_unit *unit, struct gs_scope *scope,
					    struct gs_item **segments, size_t count);
/* Sets signs and is_heavy of a segment. */
GS_MUST_CHECK struct gs_error *gs_segment_weigh(struct gs_scope *scope, struct gs_item *segment);

static inline struct gs_run *gs_segment_runs(const struct gs_scope *scope,
					     const struct gs_item *segment, enum gs_check_side side)
{
	return &scope->runs[side].runs[segment->first[side]];
}
static inline bool gs_run_is_there(const struct gs_run *run, size_t world)
{
	return (world & run->mask) == run->mask;
}

/* ---- sums: check_lengths.c ---- */

enum gs_length_kind {
	GS_LENGTH_ZERO,  /* as many bytes are taken as are sent */
	GS_LENGTH_NEVER, /* never as many */
	GS_LENGTH_MAYBE, /* that hangs on lengths that are not told */
};
/* known + factor * length + ... of lengths of 1 or more. */
struct gs_length {
	int64_t known;
	int64_t *factors; /* by symbol */
	size_t count;
};
void gs_length_clear(struct gs_length *sum);
/* What the saver sends in the segment, less what the loader takes. */
void gs_length_add(struct gs_length *sum, const struct gs_scope *scope,
		   const struct gs_item *segment, size_t world);
enum gs_length_kind gs_length_judge(const struct gs_length *sum, uint8_t *signs_ret);

/* ---- bytes: check_bytes.c ---- */

struct gs_meeting {
	bool is_silent, is_unknown, is_broken; /* of the subsections that are sent there */
	bool has_wrong;                        /* there is a first byte that is not right: */
	uint64_t wrong;                        /* so many are before it, */
	bool is_more;                          /* or more: lengths are not told */
	bool is_width;                         /* it is in the right field, divided otherwise */
	const struct gs_run *sent, *taken;     /* NULL: nothing is */
};
/* Up to the end of the shorter one. */
struct gs_meeting gs_rows_meet(const struct gs_scope *scope, const struct gs_unit *unit,
			       size_t world, const struct gs_row rows[GS_SIDES]);

/* ---- one world: check_world.c ---- */

/* What is to be said of it. */
struct gs_unit_story {
	const struct gs_item *segment; /* the first one that is not good */
	struct gs_meeting meeting;
	enum gs_length_kind sum;
	uint8_t signs; /* of the segment */
};
struct gs_unit_view {
	struct gs_unit *unit;
	size_t world;
	uint8_t outcome;
	bool is_uneven;   /* a segment is not as long on both sides, */
	bool may_balance; /* and others make up for it, or lengths that are not told may */
	struct gs_unit_story story;
};
void gs_unit_view(struct gs_unit *unit, size_t world, struct gs_unit_view *view);

/* ---- all worlds: check_verdict.c ---- */

/* Where segments are not as long on both sides: */
struct gs_balance {
	bool is_any;    /* in some world one makes up for another, or may, */
	bool is_good;   /* so that all is well; */
	bool is_missed; /* in some world none does */
};
void gs_unit_weigh_balance(struct gs_unit *unit, struct gs_balance *ret);
GS_MUST_CHECK struct gs_error *gs_unit_tell(struct gs_unit *unit);

/* ---- subsections that others take: check_claims.c ---- */

/* Of a section, and of all that is below it. */
GS_MUST_CHECK struct gs_error *gs_check_claims(struct gs_judge *judge, const struct gs_vmsd *saver,
					       const struct gs_vmsd *loader);

/* ---- words: check_words.c ---- */

enum gs_check_rule gs_unit_rule(const struct gs_unit *unit, const struct gs_unit_story *story,
				uint8_t outcome);
/* Sets the sentence, and goes down to the path; returns what takes it back. */
size_t gs_unit_say(const struct gs_unit *unit, const struct gs_unit_story *story,
		   enum gs_check_rule rule);
size_t gs_check_enter_place(struct gs_judge *judge, const struct gs_place *place);

#endif
