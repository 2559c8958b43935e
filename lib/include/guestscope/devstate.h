/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-state descriptions, as QEMU's -dump-vmstate exports them: what a device's state is made of
 * in a migration stream, and so what another QEMU can load. Pure: values in, findings out; no
 * processes, no files.
 *
 *	JSON ── model ─┬─ wire: how many bytes each field puts into a stream
 *	               ├─ lint: mistakes in one export
 *	               ├─ diff: all that two exports say differently
 *	               └─ check: what comes of it when one saves and the other loads
 *
 * Nothing in a stream is named or typed, but for sections and subsections: a field is the bytes at
 * its place. A field is sent and expected if its predicate says so, or, without one, if its version
 * is not above the description's that was written. The predicates are functions: an export tells
 * that there is one, not what it says.
 */
#ifndef GUESTSCOPE_DEVSTATE_H
#define GUESTSCOPE_DEVSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/base/json_reader.h>

/* ---- the model: model.c, parse.c ---- */

struct gs_vmsd_field;

/* A description. Strings are borrowed from the export. */
struct gs_vmsd {
	const char *name; /* what the stream calls it */
	uint32_t version, minimum;
	bool has_fields, has_subsections; /* an empty list is not the same as none */
	const struct gs_vmsd_field *fields;
	size_t field_count;
	const struct gs_vmsd *subsections;
	size_t subsection_count;
};

struct gs_vmsd_field {
	const char *name;        /* the C member's text; not unique: */
	unsigned int occurrence; /* how many of that name stand before it */
	uint32_t version;        /* of the description, from which on it is there; 0: always */
	bool conditional;        /* a predicate decides, and not the version */
	bool has_num;
	uint64_t num;                      /* elements of a fixed array */
	uint64_t size;                     /* of an element in C; see gs_vmsd_field_wire() */
	const struct gs_vmsd *description; /* of a struct, list or tree; NULL: none */
};

struct gs_devstate_device {
	const char *type;                  /* QOM type: the key in the export, never in a stream */
	const struct gs_vmsd *description; /* NULL: none */
	uint32_t version, minimum;
	size_t position; /* in the export, from 0; it differs from build to build */
};

struct gs_devstate;

#define GS_DEVSTATE_DEPTH_MAX 32               /* descriptions within descriptions; real: 6 */
#define GS_DEVSTATE_DESCRIPTIONS_MAX (1 << 20) /* in one export; real: 800 */

/*
 * From QEMU's own JSON. CORRUPT says where: "e1000e: field 12 ('core.mac'): size is no number, but
 * string"; fields and subsections count from 0, as jq does. Members that are not known are passed
 * over. Depth, and the number of descriptions, are bounded; what is there twice is refused.
 */
GS_MUST_CHECK struct gs_error *gs_devstate_parse(const char *text, size_t size,
						 struct gs_devstate **ret);
/* The same of the value that comes next: the "dump" of an export of ours. */
GS_MUST_CHECK struct gs_error *gs_devstate_read(struct gs_json_reader *reader,
						struct gs_devstate **ret);
void gs_devstate_destroy(struct gs_devstate *state);
GS_DEFINE_CLEANUP(struct gs_devstate *, gs_devstate_destroy)

const char *gs_devstate_machine(const struct gs_devstate *state); /* says nothing of the devices */
size_t gs_devstate_count(const struct gs_devstate *state);
/* Sorted by type; NULL past the last. */
const struct gs_devstate_device *gs_devstate_at(const struct gs_devstate *state, size_t i);
const struct gs_devstate_device *gs_devstate_find(const struct gs_devstate *state,
						  const char *type);
/* The nearest type to a name that is none; NULL: nothing is near. */
const char *gs_devstate_suggest(const struct gs_devstate *state, const char *type);
/* Whether the export tells the lengths of fixed arrays: QEMU does since 8.1. */
bool gs_devstate_has_num(const struct gs_devstate *state);
/* No list of fields and version 0: a device that refuses to be saved, as far as an export tells. */
bool gs_devstate_is_unmigratable(const struct gs_devstate_device *device);

/* ---- bytes in a stream: wire.c ---- */

/*
 * What an export does not tell is the kind of a field. A variable array, a list and a pointer look
 * like one element, and are counted as that; what is not told to be an array is taken for none, in
 * exports that tell it (gs_devstate_has_num()). That is right of nearly all: of 1400 fields in the
 * stream of a q35 guest with a dozen devices five are of another size, all of them variable arrays
 * of structs (the timers of hpet, the ports and slots of xhci, memory slots, logs of PCIe errors).
 */
enum gs_wire_certainty {
	GS_WIRE_EXACT,    /* so many */
	GS_WIRE_AT_LEAST, /* so many are known: arrays of a length that is not told may add to them,
			     and so may unknown and conditional parts and subsections below */
	GS_WIRE_UNKNOWN,  /* buffers of a length that only the device knows */
};
struct gs_wire_size {
	enum gs_wire_certainty certainty;
	uint64_t bytes; /* 0 where unknown */
};
/* Of a field that is sent. */
struct gs_wire_size gs_vmsd_field_wire(const struct gs_devstate *state,
				       const struct gs_vmsd_field *field);
/*
 * Of all fields that are sent for sure. Conditional fields and subsections, here and in structs
 * below, are not part of the size but counted, each one once.
 */
struct gs_wire_size gs_vmsd_wire(const struct gs_devstate *state, const struct gs_vmsd *description,
				 size_t *conditional_ret, size_t *subsections_ret);

/* ---- mistakes in one export: lint.c ---- */

/*
 * What no export shows: of lists and trees, elements are saved with their description's version and
 * loaded with the field's. Where these differ it is a mistake; but in an export a list looks like a
 * struct, of which they may differ.
 */
enum gs_lint_code {
	GS_LINT_NEVER_MIGRATED,       /* a field's version is above its description's */
	GS_LINT_DUPLICATE_SUBSECTION, /* the second can never be loaded */
	GS_LINT_SUBSECTION_PREFIX, /* its name does not begin with its parent's: load ignores it */
	GS_LINT_MINIMUM_ABOVE,     /* the minimum is above the version: it cannot load itself */
	GS_LINT_EMPTY,             /* a list of fields with nothing in it: maybe a mere marker */
	GS_LINT_UNMIGRATABLE,      /* see gs_devstate_is_unmigratable() */
};
struct gs_lint_finding {
	enum gs_lint_code code;
	const char *device; /* type */
	const char *path; /* "e1000e/msix/msix": descriptions and field, by name, the longest cut */
	const char *text; /* one sentence on what stands there, from "it" on, no full stop */
	bool is_error;    /* else a remark */
};
const char *gs_lint_code_name(enum gs_lint_code code); /* "never-migrated" */
/* By device, in the order of the export. The finding lives during the call. */
GS_MUST_CHECK struct gs_error *gs_devstate_lint(
	const struct gs_devstate *state,
	struct gs_error *(*report)(void *arg, const struct gs_lint_finding *finding), void *arg);

/* ---- diff: everything that is said differently ---- */

enum gs_devstate_change_kind {
	GS_CHANGE_DEVICE_ADDED,
	GS_CHANGE_DEVICE_REMOVED,
	GS_CHANGE_DEVICE_RENAMED, /* the type; the description's name is the same */
	GS_CHANGE_NAME,           /* of a description */
	GS_CHANGE_VERSION,
	GS_CHANGE_MINIMUM,
	GS_CHANGE_FIELD_ADDED,
	GS_CHANGE_FIELD_REMOVED,
	GS_CHANGE_FIELD_RENAMED, /* other name, same bytes at the same place */
	GS_CHANGE_FIELD_WRAPPED, /* the same run of bytes, divided otherwise: into a struct, say */
	GS_CHANGE_FIELD_MOVED,
	GS_CHANGE_FIELD_SIZE,
	GS_CHANGE_FIELD_NUM, /* where both exports tell it; NULL: no fixed array */
	GS_CHANGE_FIELD_VERSION,
	GS_CHANGE_FIELD_CONDITION,
	GS_CHANGE_FIELDS_GONE, /* from a list to none, or back */
	GS_CHANGE_SUBSECTION_ADDED,
	GS_CHANGE_SUBSECTION_REMOVED,
};
struct gs_devstate_change {
	enum gs_devstate_change_kind kind;
	const char *device_before, *device_after; /* types; NULL where there is none */
	const char *path;                         /* see below; "" for the device itself */
	const char *before, *after;               /* for people; NULL: nothing */
};
const char *gs_devstate_change_name(enum gs_devstate_change_kind kind);
/*
 * All of them, by device; never stops at the first. Devices are matched by type, and those that are
 * left by their description's name; fields by name (of several, those of the same size first), then
 * by the bytes that they put into a stream; subsections by name, and their order is not told. C
 * sizes of structs are never compared, and lengths of arrays only if both exports tell them: then a
 * missing num is one more thing that is told. A field of an export that does not is taken for one
 * of the other that stands alone in its place and may be an array of it.
 *
 * A path is fields and [subsections] by name, as they stand in @before unless they are added:
 * "esp/[esp/pdma]/pdma_cb", "mac_reg#2" the third of that name; the longest names are cut. Changes
 * of @after to @before are the same with added and removed, before and after exchanged.
 *
 * The change lives during the call, the devices' types as long as the exports. The first error that
 * @report returns ends it.
 */
GS_MUST_CHECK struct gs_error *gs_devstate_diff(
	const struct gs_devstate *before, const struct gs_devstate *after,
	struct gs_error *(*report)(void *arg, const struct gs_devstate_change *change), void *arg);

#endif
