/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine, as two QEMUs have it: whether both do, and what it sets of the properties of devices.
 *
 * An export's dump is the same for all machines. What makes one of them other than the next are
 * its compat-props: predicates, and whether a subsection is sent, hang on properties of devices,
 * and versioned machines set those to what they were in their QEMU. Which property decides which
 * predicate is nowhere to be found but in QEMU's source: here are candidates.
 */
#ifndef GUESTSCOPE_DEVSTATE_MACHINES_H
#define GUESTSCOPE_DEVSTATE_MACHINES_H

#include <guestscope/devstate/about.h>

#define GS_MACHINE_SETTINGS_MAX 256 /* of one type; real: 29 */

struct gs_machine_side {
	const struct gs_about *about;             /* NULL: nothing is known */
	const struct gs_about_machine *machine;   /* NULL: it has none, or does not tell machines */
	const struct gs_about_property **by_type; /* the machine's, of each type in their order */
};

/* Borrows from both. */
struct gs_machine {
	const char *name; /* not an alias, unless neither tells its machines */
	struct gs_machine_side before, after;
};

/*
 * By name or alias.
 *   NODATA   those that tell their machines do not have it; the nearest name is in the message
 *   INVALID  it is an alias of two machines, of one here and of the other there: a guest of either
 *            is not one of the other
 */
GS_MUST_CHECK struct gs_error *gs_machine_find(const struct gs_about *before,
					       const struct gs_about *after, const char *name,
					       struct gs_machine *ret);
/* By its very name, which neither need have. NOMEM alone. */
GS_MUST_CHECK struct gs_error *gs_machine_named(const struct gs_about *before,
						const struct gs_about *after, const char *name,
						struct gs_machine *ret);
void gs_machine_deinit(struct gs_machine *machine); /* {0} is fine */
static inline void gs_machine_deinit_cleanup(struct gs_machine *machine)
{
	gs_machine_deinit(machine);
}
/* Whether that side tells that it does not have it, so that it loads no guest of it. */
bool gs_machine_is_lacking(const struct gs_machine_side *side);
/* Whether it is told what it sets there. */
bool gs_machine_is_told(const struct gs_machine_side *side);

/* A property of a device. NULL: not set, so that it is as QEMU has it, if at all; or not told. */
struct gs_machine_setting {
	const char *name;
	struct gs_machine_value {
		const char *value;
		const char *type; /* that the machine names: the device's, or an ancestor */
	} before, after;
};

/*
 * What the machine sets of devices of a type (NULL: that side has none), on either side: each
 * property once, as in QEMU the later setting wins; sorted by name. Where one export does not tell
 * the ancestors of a type, the other one's hold. *ret is for the caller to free. CORRUPT: they are
 * more than a limit.
 */
GS_MUST_CHECK struct gs_error *gs_machine_settings(const struct gs_machine *machine,
						   const char *type_before, const char *type_after,
						   struct gs_machine_setting **ret,
						   size_t *count_ret);

/*
 * Whether a property's name and that of a field or subsection have a word in common that says
 * something, as "migrate-timadj" and "core.timadj" have: three letters or more, not in the names of
 * nearly everything, and not in the device's @type.
 */
bool gs_machine_resembles(const char *property, const char *name, const char *type);

/* ---- versioned machines ---- */

/*
 * "pc-q35-7.2" is version 7.2 of the family "pc-q35", and "pc-q35-rhel9.4.0" is one of
 * "pc-q35-rhel": how much of a name is the family. Machines without a version are a family each.
 */
size_t gs_machine_family(const char *name);
bool gs_machine_is_versioned(const char *name);
/*
 * For qsort: families by name, of each the newest first ("2.10" is newer than "2.9"); machines
 * without a version after them.
 */
int gs_machine_compare(const char *a, const char *b);

#endif
