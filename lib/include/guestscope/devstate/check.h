/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes of it when one QEMU saves a device and another loads it, judged from their exports.
 *
 * How a description is saved. N is the version that is written: a section's and a subsection's own,
 * which the stream names (of a subsection's the loader keeps 8 bits). Each field is sent if its
 * predicate says so or, without one, if its version is not above N; then each subsection for which
 * the device says so at that moment: 0x05, its name, its version, its fields and subsections.
 *
 * How it is loaded. A section is found by the description's name. N must not be above the loader's
 * version nor below its minimum. Each field takes its bytes if its predicate says so or, without
 * one, if its version is not above N. A subsection whose name begins with the description's, and is
 * longer, is looked up by name: the first of that name takes it, and one that is not there is the
 * end of the load. One of another name is left to the description around; if none takes it, it is
 * left over. What is left over or missing at the end is the end of the load, too: a section has a
 * footer.
 *
 * A struct within is saved and loaded so in its place, but its version is not in the stream: the
 * saver's N is its own version, and the loader's N its own. Its minimum is held against that.
 *
 * A world is what an export leaves open: one value for
 *	- each predicate. It is known by the description that has the field, the field's name, and
 *	  its occurrence; a predicate that both exports have is the same one on both sides.
 *	- each subsection of the saving side, known by its name and its parent's: sent or not.
 *	- each length of an array that is not told, 1 or more; of a field of size 0, how many bytes
 *	  it is, 1 or more. Of these, some are assumed, and counted: see below.
 * Two subsections of one name are one: both are sent, or none.
 *
 * A length that is not told is assumed, whenever the field is sent,
 *	- if its partner's elements are of the same size (or both are structs): to be its partner's.
 *	  Partners go by name (of several, those of one size first; inside structs that are
 *	  partners, too), or stand, renamed, alone between the same neighbours;
 *	- in a run of fields without such partners between the same neighbours, or ends: if all
 *	  such lengths taken as 1 make the run as many bytes on both sides, to be 1; else, if it is
 *	  the only one in the run and one number makes the run as many bytes, to be that.
 *
 * A value is in its field, if the bytes that a field sends are taken
 *	- by its namesake: the same bytes of it, and divided into the same elements; or
 *	- by a field of another name, if the sent field has no namesake on the loading side, nor the
 *	  taking one on the saving side: that is a rename. Elements matter here, too.
 * Namesakes are fields of the same path: structs, subsections, and the field, by name; of an array
 * of more than one struct, elements are steps of it: port[2]/x. A dot in a name is a step as well:
 * s.x is s/x. Several of one path are all each other's namesakes. So are two of which one's path
 * ends in the other's, if for neither there is one of the same path on the other side: x and s/x,
 * and in a subsection [d/p]/x and [d/p]/s/x. They are looked for among all fields of the same
 * section or subsection and the structs in it, sent or not.
 *
 * Elements of 1, 2, 4 and 8 bytes are numbers: they stay whole, and what they are. Elements of any
 * other size, and of a size that is not told, are buffers: division is nothing to those, nor to
 * fields by the name of "unused", which have no namesakes. Sizes in C of structs and pointers are
 * never compared.
 *
 * In a world, a load is good (every value in its field), silent (it ends well, but a value is not
 * in its field) or broken. Over all worlds:
 *
 *	OK           good in all of them
 *	INFO         the same, and there is something to say: a new name, another packaging
 *	BREAK        broken in all of them
 *	SILENT       silent in one or more
 *	CONDITIONAL  good in some, broken in the others: which ones is the finding's condition
 *	UNKNOWN      other lengths that are not told give other verdicts (or conditions) of these
 *
 * Bytes are taken for values that no loader mistakes for markers: a field that swallows exactly
 * the next subsection, say, counts as broken. Elements of lists and trees look like structs.
 */
#ifndef GUESTSCOPE_DEVSTATE_CHECK_H
#define GUESTSCOPE_DEVSTATE_CHECK_H

#include <guestscope/devstate.h>
#include <guestscope/devstate/about.h>

/* The worse, the greater. */
enum gs_verdict {
	GS_VERDICT_OK,
	GS_VERDICT_INFO,
	GS_VERDICT_UNKNOWN,
	GS_VERDICT_CONDITIONAL,
	GS_VERDICT_BREAK,
	GS_VERDICT_SILENT,
	GS_VERDICT_COUNT,
};
const char *gs_verdict_name(enum gs_verdict verdict); /* "BREAK" */

enum gs_check_direction {
	GS_CHECK_FORWARD,  /* @before saves, @after loads */
	GS_CHECK_BACKWARD, /* @after saves, @before loads */
	GS_CHECK_DIRECTIONS,
};
const char *gs_check_direction_name(enum gs_check_direction direction); /* "forward" */

/* ---- conditions ---- */

enum gs_literal_kind {
	GS_LITERAL_PREDICATE,  /* of a conditional field */
	GS_LITERAL_SUBSECTION, /* it is sent */
	GS_LITERAL_USED,       /* the guest has such a device */
};
enum gs_literal_side { GS_SIDE_BOTH, GS_SIDE_SAVER, GS_SIDE_LOADER };
struct gs_literal {
	enum gs_literal_kind kind;
	enum gs_literal_side side; /* who has the predicate */
	bool value;
	const char
		*description; /* of a predicate: who has the field; of a subsection: its parent */
	const char *name;     /* the field's, the subsection's, or the device's type */
	unsigned int occurrence; /* of a predicate: how many fields of that name stand before it */
};
/* The load is broken if one of the terms holds, each of which is: all its literals. No terms: it
 * does not depend on anything. Terms are as short, and as few, as can be. */
struct gs_term {
	const struct gs_literal *literals;
	size_t count;
};
struct gs_condition {
	const struct gs_term *terms;
	size_t count;
};

/* ---- findings ---- */

/* What is different; the names of these are part of a finding's id. */
enum gs_check_rule {
	GS_RULE_VERSION_ABOVE,        /* the saver's version is above the loader's */
	GS_RULE_VERSION_BELOW,        /* ... below the loader's minimum */
	GS_RULE_NAME,                 /* same type, but the section has another name */
	GS_RULE_TYPE,                 /* other type, same section: a rename */
	GS_RULE_DEVICE_GONE,          /* the loader has no such device */
	GS_RULE_DEVICE_NEW,           /* the saver has no such device */
	GS_RULE_UNMIGRATABLE,         /* one of them refuses to save and to load */
	GS_RULE_SUBSECTION_GONE,      /* the loader does not have it */
	GS_RULE_SUBSECTION_NEW,       /* the saver does not have it: it is optional */
	GS_RULE_SUBSECTION_PREFIX,    /* the loader takes it for somebody else's */
	GS_RULE_SUBSECTION_DUPLICATE, /* two of one name: the first one looks at the second */
	GS_RULE_FIELD_UNSENT,         /* the loader takes bytes that nobody sends */
	GS_RULE_FIELD_LEFT,           /* nobody takes what is sent */
	GS_RULE_FIELD_SIZE,           /* other size or length */
	GS_RULE_FIELD_GATE,           /* other version or predicate */
	GS_RULE_FIELD_ORDER,          /* as many bytes, in other fields than they were sent from */
	GS_RULE_FIELD_WIDTH,          /* as many bytes, divided into other elements */
	GS_RULE_FIELD_RENAMED,        /* same bytes */
	GS_RULE_FIELD_REPACKED,       /* same bytes, divided otherwise: into a struct, say */
	GS_RULE_NESTED_MINIMUM,       /* a struct's minimum is above its version */
	GS_RULE_NOT_IN_DUMP,          /* no description: of one side's, or of a used one */
	GS_RULE_TOO_MUCH,             /* more than can be weighed: says how much */
	GS_RULE_COUNT,
};
const char *gs_check_rule_name(enum gs_check_rule rule); /* "field-unsent" */

/*
 * One difference in one direction. All of it lives during the call, but for strings that are
 * borrowed from the exports (types, and names in conditions).
 */
struct gs_check_finding {
	enum gs_check_direction direction;
	enum gs_verdict verdict; /* what this difference alone does; never OK */
	enum gs_check_rule rule;
	const char *type_before, *type_after; /* NULL: that export has no such device */
	const char *section; /* the saver's name for it in a stream: "e1000e"; of one that
				neither export has, its type */
	const char *path;    /* "core.timadj", "[esp/pdma]/pdma_cb"; "" for the device itself */
	const char *text; /* one sentence, from a capital to a full stop; no control characters */
	/*
	 * Stable as long as the difference is there, whatever comes of others: direction, type (the
	 * older one of a renamed device), path and rule, joined as
	 * "forward:e1000e/core.timadj:field-unsent"; "#2", ... added where one device has several.
	 */
	const char *id;
	/* How much of the section's (or the subsection's, if the path goes through one) data is
	 * before the first byte that is not as it should be; UNKNOWN where there is no such byte.
	 */
	struct gs_wire_size offset;
	struct gs_condition condition; /* of CONDITIONAL; of others: empty */
};

/* A pair of devices, or one without a partner; or what is used, but in neither export. */
struct gs_check_device {
	const char *type_before, *type_after; /* NULL: that export has no such device */
	const char *missing;                  /* the type that neither has, else NULL */
	bool unmigratable_before, unmigratable_after;
	struct {
		/* Of all its differences together; see above. OK where there is nothing to load. */
		enum gs_verdict verdict;
		struct gs_condition condition; /* of CONDITIONAL */
		size_t findings;
	} directions[GS_CHECK_DIRECTIONS];
	size_t assumed;   /* lengths that one export does not tell and the other one does */
	bool unversioned; /* it belongs to boards without versions: see below */
};

struct gs_check_options {
	/* Devices that are used, by type; NULL: all are looked at. One that is in neither export is
	 * a finding; one that is gone is BREAK, not CONDITIONAL. */
	const char *const *used;
	size_t used_count;
	/* Of devices that only boards without versions have, which promise nothing: findings are
	 * as bad as they are, not INFO. */
	bool strict;
	/* What stands beside the dumps; NULL: not known. Where they tell that the saver's type is
	 * abstract, so that no guest has such a device, nothing about it is worse than INFO; of one
	 * that is gone the text says why (gs_about_absence()). One that the other side has as well,
	 * though without a description (GS_ABSENCE_STATELESS), is UNKNOWN: what it registers by
	 * itself no export tells. */
	const struct gs_about *about_before, *about_after;
};

/*
 * By device, as sorted by type (@type_before, else @type_after); of each the findings, forward
 * first, in the order of the wire, and then itself. Devices are matched by type, those that are
 * left by the description's name. The first error that a function returns ends it.
 */
struct gs_check_report {
	struct gs_error *(*finding)(void *arg, const struct gs_check_finding *finding);
	struct gs_error *(*device)(void *arg, const struct gs_check_device *device);
	void *arg;
};
GS_MUST_CHECK struct gs_error *gs_devstate_check(const struct gs_devstate *before,
						 const struct gs_devstate *after,
						 const struct gs_check_options *options,
						 const struct gs_check_report *report);

/* Whether devices of that type belong to boards without versions, as most Arm boards are. */
bool gs_devstate_is_unversioned(const char *type);

/* What no export tells, and so nothing here judges: for the end of every report. Sentences; NULL
 * is the last. */
const char *const *gs_check_not_judged(void);

#endif
