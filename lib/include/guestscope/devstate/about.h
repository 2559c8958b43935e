/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands beside the dump in an export of ours, as values: which QEMU it was, its modules,
 * machines and types of devices. The document is that of <guestscope/launch/export.h>.
 *
 * All of it may be missing: it is told by QEMU over QMP, and older ones, or exports of an older
 * guestscope, tell less. has_* says whether it is told at all; none is another thing.
 */
#ifndef GUESTSCOPE_DEVSTATE_ABOUT_H
#define GUESTSCOPE_DEVSTATE_ABOUT_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/json.h>

#define GS_ABOUT_FORMAT_MAX 1        /* of documents that are understood */
#define GS_ABOUT_PARENTS_MAX 64      /* of a type; real: 7 */
#define GS_ABOUT_MACHINES_MAX 4096   /* real: 100 */
#define GS_ABOUT_PROPERTIES_MAX 2048 /* of a machine; real: 240 */

/* A property that a machine sets of all devices of a type, and of types derived from it. */
struct gs_about_property {
	const char *type, *name, *value;
};

struct gs_about_machine {
	const char *name, *alias; /* NULL: none */
	bool is_default, deprecated;
	bool has_properties;                        /* QEMU tells them from 9.1 on */
	const struct gs_about_property *properties; /* QEMU's order: later ones win */
	size_t property_count;
};

struct gs_about_type {
	const char *name, *parent; /* NULL: none is told */
	bool abstract;             /* no device is of it: it is there to be derived from */
};

/* A type of devices that QEMU was built with, in a module that it did not find. */
struct gs_about_missing_type {
	const char *name, *module; /* "qxl-vga", "hw-display-qxl" */
};

struct gs_about_list {
	const char *const *names;
	size_t count;
};

struct gs_about {
	const char *binary, *program, *version, *package, *target; /* NULL: not told */
	bool has_loaded, has_missing;
	struct gs_about_list loaded, missing; /* modules: paths of files, and names */
	bool has_machines;
	const struct gs_about_machine *machines; /* sorted by name */
	size_t machine_count;
	bool has_types;
	const struct gs_about_type *types; /* of devices; sorted by name */
	size_t type_count;
	const struct gs_about_missing_type *missing_types;
	size_t missing_type_count;
	struct gs_about_list notes;
};

/*
 * From the value of "guestscope". CORRUPT says where: "machine 3: name is no string, but number";
 * UNSUPPORTED: the document's format is a later one. Members that are not known are passed over.
 * So it is with what is beyond a limit. Takes @value, in any case; what it says is borrowed from
 * it.
 */
GS_MUST_CHECK struct gs_error *gs_about_parse(struct gs_json *value, struct gs_about **ret);
void gs_about_destroy(struct gs_about *about);
GS_DEFINE_CLEANUP(struct gs_about *, gs_about_destroy)

/* By name or, if there is none of that name, by alias. @about may be NULL, as below. */
const struct gs_about_machine *gs_about_find_machine(const struct gs_about *about,
						     const char *name);
/* NULL: no device is of that type, or types are not told. */
const struct gs_about_type *gs_about_find_type(const struct gs_about *about, const char *name);
/*
 * The type itself and those that it derives from, the nearest first, and how many they are: where
 * types are not told, or that one is not there, itself alone.
 */
size_t gs_about_ancestors(const struct gs_about *about, const char *type,
			  const char *ret[GS_ABOUT_PARENTS_MAX]);

/* Whether a guest of one may be one of the other: they do not tell two targets. Either may be NULL.
 */
bool gs_about_is_one_target(const struct gs_about *a, const struct gs_about *b);

/* Why a type of devices is in the dump of one QEMU, and not in that of another. */
enum gs_absence {
	GS_ABSENCE_UNKNOWN,   /* they do not tell */
	GS_ABSENCE_ABSTRACT,  /* no guest of the first has such a device */
	GS_ABSENCE_MODULE,    /* the other has it in a module that it did not find */
	GS_ABSENCE_NO_TYPE,   /* the other has no such type: it was removed, or left out */
	GS_ABSENCE_STATELESS, /* the other has it, but describes no state of it */
};
/* *module_ret: of GS_ABSENCE_MODULE, else untouched. Either may be NULL: not told. */
enum gs_absence gs_about_absence(const struct gs_about *has, const struct gs_about *lacks,
				 const char *type, const char **module_ret);

#endif
