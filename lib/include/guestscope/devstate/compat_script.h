/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's own script for this, scripts/vmstate-static-checker.py, complains of: for those whose
 * tests count its complaints. The same ones in the same order, false alarms and blind spots
 * included, by the rules that the script of QEMU 10.0 was seen to have, with the renames of
 * fields that 11.1 knows beside. devstate/check.h is what tells whether a load works.
 *
 * Sections, the devices of @before in the order of its JSON, are held against @after's of the same
 * type, or of the other type of two pairs that are known; then their descriptions: versions, name,
 * fields, subsections by name (all that have it). What only @after has is not looked for.
 *
 * Fields go in pairs, to the end of @before's list. If their names are the same, or known to be (by
 * the name of the description; names of descriptions by that of the section), then what they say
 * is compared: versions, structs, sizes of what is no struct. If not, then
 *	- a struct whose first field has the other's name is opened, on either side, and its fields
 *	  stand in its place; or
 *	- bytes of "unused" are balanced, on either side, against the fields from there on: size
 *	  times num of the first, of the others size alone; or
 *	- that is a complaint, and the rest of the list is skipped.
 *
 * The script warns of different machines, and does not count that. Of a device whose version is
 * below the minimum it prints half a sentence and does not count it, so it is not a finding here:
 * the description's own is. Order is that of members as QEMU writes them; of exports that lack
 * some gs_devstate_parse() takes none, where the script ends with an exception or goes on.
 */
#ifndef GUESTSCOPE_DEVSTATE_COMPAT_SCRIPT_H
#define GUESTSCOPE_DEVSTATE_COMPAT_SCRIPT_H

#include <guestscope/devstate.h>

enum gs_compat_kind {
	GS_COMPAT_MACHINE,     /* @name and @other are machines: a warning, does not count */
	GS_COMPAT_SECTION,     /* @after has no such section */
	GS_COMPAT_VERSION,     /* of section, description or field: @before above @after */
	GS_COMPAT_MINIMUM,     /* @before is a version, below the minimum @after */
	GS_COMPAT_ENTRY,       /* @name, a member of the JSON object, is only in @before */
	GS_COMPAT_DESCRIPTION, /* it is called @other: not looked into */
	GS_COMPAT_FIELD,       /* @name has @other in its place: the rest is skipped */
	GS_COMPAT_END,         /* @name has nothing in its place */
	GS_COMPAT_UNUSED,      /* unused bytes do not come out even at @name: the rest is skipped */
	GS_COMPAT_SIZE,        /* of field @name: @before and @after bytes */
	GS_COMPAT_NO_DESCRIPTION, /* field @name is only in @before a struct */
	GS_COMPAT_SUBSECTION,     /* @name is only in @before */
	GS_COMPAT_KINDS,
};
const char *gs_compat_kind_name(enum gs_compat_kind kind); /* "field" */

/* What is not a kind's operand is NULL, or 0. Strings are borrowed from the exports. */
struct gs_compat_finding {
	enum gs_compat_kind kind;
	const char *section;     /* type, as @before has it */
	const char *description; /* name, as @before has it; NULL: of the section itself */
	const char *name, *other;
	uint64_t before, after;
};

#define GS_COMPAT_STEPS_MAX (1u << 26) /* pairs of names that are looked at; real: 10,000 */

/*
 * The first error that @report returns ends it. UNSUPPORTED: more than GS_COMPAT_STEPS_MAX, as
 * subsections of the same name are held against each other, each against each.
 */
GS_MUST_CHECK struct gs_error *gs_devstate_compat_script(
	const struct gs_devstate *before, const struct gs_devstate *after,
	struct gs_error *(*report)(void *arg, const struct gs_compat_finding *finding), void *arg);

/* The exit status that the script would have after so many that count. */
int gs_compat_exit(size_t complaints);

#endif
