/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of QEMU's own checker, as its behaviour shows them. */
#include <stdlib.h>
#include <string.h>

#include <guestscope/devstate/compat_script.h>

#include "compat_names.h"

#define UNUSED "unused"
#define EXIT_MAX 255

struct compat {
	const struct gs_devstate *after;
	const char *section; /* @before's that is looked at; NULL: none yet */
	unsigned int steps;
	struct gs_error *(*report)(void *arg, const struct gs_compat_finding *finding);
	void *arg;
};

static struct gs_error *compare_descriptions(struct compat *compat, const struct gs_vmsd *before,
					     const struct gs_vmsd *after);

const char *gs_compat_kind_name(enum gs_compat_kind kind)
{
	static const char *const names[GS_COMPAT_KINDS] = {
		[GS_COMPAT_MACHINE] = "machine",
		[GS_COMPAT_SECTION] = "section",
		[GS_COMPAT_VERSION] = "version",
		[GS_COMPAT_MINIMUM] = "minimum",
		[GS_COMPAT_ENTRY] = "entry",
		[GS_COMPAT_DESCRIPTION] = "description",
		[GS_COMPAT_FIELD] = "field",
		[GS_COMPAT_END] = "end",
		[GS_COMPAT_UNUSED] = "unused",
		[GS_COMPAT_SIZE] = "size",
		[GS_COMPAT_NO_DESCRIPTION] = "no-description",
		[GS_COMPAT_SUBSECTION] = "subsection",
	};

	return names[kind];
}

int gs_compat_exit(size_t complaints)
{
	return complaints < EXIT_MAX ? (int)complaints : EXIT_MAX;
}

/* ---- telling ---- */

static struct gs_error *tell(const struct compat *compat, struct gs_compat_finding finding)
{
	finding.section = compat->section;
	return compat->report(compat->arg, &finding);
}

/* Hostile exports have subsections of one name by the thousand, on both sides and at all depths. */
static struct gs_error *step(struct compat *compat)
{
	if (++compat->steps <= GS_COMPAT_STEPS_MAX)
		return NULL;
	return gs_error_create(GS_ERROR_UNSUPPORTED, "more than %u comparisons",
			       GS_COMPAT_STEPS_MAX);
}

static struct gs_error *compare_versions(const struct compat *compat, const char *description,
					 uint32_t before, uint32_t after)
{
	if (before <= after)
		return NULL;
	return tell(compat, (struct gs_compat_finding){.kind = GS_COMPAT_VERSION,
						       .description = description,
						       .before = before,
						       .after = after});
}

/* ---- fields ---- */

/* A list of fields that is being walked, and those that a struct in it was opened in. */
struct walk {
	struct {
		const struct gs_vmsd *list;
		size_t next;
	} levels[GS_DEVSTATE_DEPTH_MAX + 1]; /* a nested one is as deep in the export */
	size_t depth;
};

static void open_struct(struct walk *walk, const struct gs_vmsd *description)
{
	walk->depth++;
	walk->levels[walk->depth].list = description;
	walk->levels[walk->depth].next = 0;
}

/* NULL: there is no more. */
static const struct gs_vmsd_field *next_field(struct walk *walk)
{
	while (walk->levels[walk->depth].next == walk->levels[walk->depth].list->field_count) {
		if (walk->depth == 0)
			return NULL;
		walk->depth--;
	}
	return &walk->levels[walk->depth].list->fields[walk->levels[walk->depth].next++];
}

/* That a field moved into a struct is told by its first one. */
static bool is_first_of(const struct gs_vmsd_field *field, const struct gs_vmsd_field *outer)
{
	const struct gs_vmsd *description = outer->description;

	return description && description->field_count > 0 &&
	       strcmp(description->fields[0].name, field->name) == 0;
}

/* Beyond what any export could mean, all numbers are the same. */
static int64_t bytes_of(uint64_t size, uint64_t num)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(size, num, &bytes) || bytes > INT64_MAX / 2)
		return INT64_MAX / 2;
	return (int64_t)bytes;
}

static int64_t all_bytes_of(const struct gs_vmsd_field *field)
{
	return bytes_of(field->size, field->has_num ? field->num : 1);
}

/* Two lists side by side; whoever is NULL goes on to its next field. */
struct pairing {
	const char *description;
	struct walk before, after;
	const struct gs_vmsd_field *from, *to;
	/* Unused bytes of the one that stays that no field of the other has balanced yet. */
	int64_t unbalanced;
	bool is_over;
};

static struct gs_error *stop(const struct compat *compat, struct pairing *pairing,
			     enum gs_compat_kind kind, const char *name, const char *other)
{
	pairing->is_over = true;
	return tell(compat, (struct gs_compat_finding){.kind = kind,
						       .description = pairing->description,
						       .name = name,
						       .other = other});
}

/*
 * The unused one stays, until others have as many bytes. That they have more shows only at the
 * next one, if there is one.
 */
static void hold_unused(struct pairing *pairing)
{
	int64_t before = all_bytes_of(pairing->from), after = all_bytes_of(pairing->to);
	bool holds_after = strcmp(pairing->to->name, UNUSED) == 0;

	pairing->unbalanced = holds_after ? after - before : before - after;
	if (holds_after || pairing->unbalanced == 0)
		pairing->from = NULL;
	if (!holds_after || pairing->unbalanced == 0)
		pairing->to = NULL;
}

/* @taken: the next field of who does not stay. Of an array only one element counts here. */
static struct gs_error *balance(const struct compat *compat, struct pairing *pairing,
				const struct gs_vmsd_field *taken)
{
	pairing->unbalanced -= bytes_of(taken->size, 1);
	if (pairing->unbalanced < 0)
		return stop(compat, pairing, GS_COMPAT_UNUSED, taken->name, NULL);
	if (pairing->unbalanced == 0 || taken == pairing->from)
		pairing->from = NULL;
	if (pairing->unbalanced == 0 || taken == pairing->to)
		pairing->to = NULL;
	return NULL;
}

static struct gs_error *compare_field(struct compat *compat, const struct pairing *pairing)
{
	const struct gs_vmsd_field *from = pairing->from, *to = pairing->to;
	struct gs_compat_finding finding = {.description = pairing->description,
					    .name = from->name};
	struct gs_error *err =
		compare_versions(compat, pairing->description, from->version, to->version);

	if (err)
		return err;
	if (from->description && to->description)
		return compare_descriptions(compat, from->description, to->description);
	if (from->description) {
		finding.kind = GS_COMPAT_NO_DESCRIPTION;
		return tell(compat, finding);
	}
	if (from->size == to->size)
		return NULL;
	finding.kind = GS_COMPAT_SIZE;
	finding.before = from->size;
	finding.after = to->size;
	return tell(compat, finding);
}

/* Of a pair, whoever is done with becomes NULL. */
static struct gs_error *compare_pair(struct compat *compat, struct pairing *pairing)
{
	const struct gs_vmsd_field *from = pairing->from, *to = pairing->to;
	struct gs_error *err = NULL;

	if (gs_compat_same_name(pairing->description, from->name, to->name)) {
		err = compare_field(compat, pairing);
		pairing->from = pairing->to = NULL;
	} else if (is_first_of(from, to)) {
		open_struct(&pairing->after, to->description);
		pairing->to = NULL;
	} else if (is_first_of(to, from)) {
		open_struct(&pairing->before, from->description);
		pairing->from = NULL;
	} else if (strcmp(from->name, UNUSED) == 0 || strcmp(to->name, UNUSED) == 0) {
		hold_unused(pairing);
	} else {
		err = stop(compat, pairing, GS_COMPAT_FIELD, from->name, to->name);
	}
	return err;
}

static struct gs_error *next_pair(struct compat *compat, struct pairing *pairing)
{
	const struct gs_vmsd_field **taken = pairing->to ? &pairing->from : &pairing->to;
	struct gs_error *err = step(compat);

	if (err)
		return err;
	if (!pairing->from && !(pairing->from = next_field(&pairing->before))) {
		pairing->is_over = true;
		return NULL;
	}
	if (!pairing->to && !(pairing->to = next_field(&pairing->after)))
		return stop(compat, pairing, GS_COMPAT_END, pairing->from->name, NULL);
	return pairing->unbalanced ? balance(compat, pairing, *taken)
				   : compare_pair(compat, pairing);
}

static struct gs_error *compare_fields(struct compat *compat, const struct gs_vmsd *before,
				       const struct gs_vmsd *after)
{
	struct pairing pairing = {.description = before->name};
	struct gs_error *err = NULL;

	pairing.before.levels[0].list = before;
	pairing.after.levels[0].list = after;
	while (!err && !pairing.is_over)
		err = next_pair(compat, &pairing);
	return err;
}

/* ---- subsections ---- */

static struct gs_error *compare_subsection(struct compat *compat, const struct gs_vmsd *parent,
					   const struct gs_vmsd *before,
					   const struct gs_vmsd *after)
{
	struct gs_error *err = NULL;
	bool is_there = false;

	for (size_t i = 0; !err && i < after->subsection_count; i++) {
		const struct gs_vmsd *subsection = &after->subsections[i];

		err = step(compat);
		if (err || strcmp(subsection->name, before->name) != 0)
			continue;
		is_there = true;
		err = compare_descriptions(compat, before, subsection);
	}
	if (err || is_there)
		return err;
	return tell(compat, (struct gs_compat_finding){.kind = GS_COMPAT_SUBSECTION,
						       .description = parent->name,
						       .name = before->name});
}

/* ---- descriptions ---- */

static struct gs_error *compare_entry(const struct compat *compat, const char *description,
				      const char *entry, bool is_before, bool is_after)
{
	if (!is_before || is_after)
		return NULL;
	return tell(compat, (struct gs_compat_finding){.kind = GS_COMPAT_ENTRY,
						       .description = description,
						       .name = entry});
}

static struct gs_error *compare_lists(struct compat *compat, const struct gs_vmsd *before,
				      const struct gs_vmsd *after)
{
	struct gs_error *err = compare_entry(compat, before->name, "Fields", before->has_fields,
					     after->has_fields);

	if (!err && before->has_fields && after->has_fields)
		err = compare_fields(compat, before, after);
	if (!err)
		err = compare_entry(compat, before->name, "Subsections", before->has_subsections,
				    after->has_subsections);
	for (size_t i = 0; !err && after->has_subsections && i < before->subsection_count; i++)
		err = compare_subsection(compat, before, &before->subsections[i], after);
	return err;
}

static struct gs_error *compare_descriptions(struct compat *compat, const struct gs_vmsd *before,
					     const struct gs_vmsd *after)
{
	struct gs_compat_finding finding = {.description = before->name};
	struct gs_error *err =
		compare_versions(compat, before->name, before->version, after->version);

	if (!err && before->version < after->minimum) {
		finding.kind = GS_COMPAT_MINIMUM;
		finding.before = before->version;
		finding.after = after->minimum;
		err = tell(compat, finding);
	}
	if (err)
		return err;
	if (gs_compat_same_name(compat->section, before->name, after->name))
		return compare_lists(compat, before, after);
	finding = (struct gs_compat_finding){
		.kind = GS_COMPAT_DESCRIPTION, .description = before->name, .other = after->name};
	return tell(compat, finding);
}

/* ---- sections ---- */

static struct gs_error *compare_section(struct compat *compat,
					const struct gs_devstate_device *before)
{
	const struct gs_devstate_device *after =
		gs_compat_find_section(compat->after, before->type);
	struct gs_error *err;

	compat->section = before->type;
	if (!after)
		return tell(compat, (struct gs_compat_finding){.kind = GS_COMPAT_SECTION});
	err = compare_versions(compat, NULL, before->version, after->version);
	if (!err)
		err = compare_entry(compat, NULL, "Description", before->description,
				    after->description);
	if (err || !before->description || !after->description)
		return err;
	return compare_descriptions(compat, before->description, after->description);
}

static struct gs_error *compare_machines(struct compat *compat, const struct gs_devstate *before)
{
	struct gs_compat_finding finding = {.kind = GS_COMPAT_MACHINE,
					    .name = gs_devstate_machine(before),
					    .other = gs_devstate_machine(compat->after)};

	return strcmp(finding.name, finding.other) == 0 ? NULL : tell(compat, finding);
}

/* As the JSON has them. */
static const struct gs_devstate_device **list_sections(const struct gs_devstate *state)
{
	size_t count = gs_devstate_count(state);
	const struct gs_devstate_device **sections = calloc(count + 1, sizeof(*sections));

	for (size_t i = 0; sections && i < count; i++) {
		const struct gs_devstate_device *device = gs_devstate_at(state, i);

		sections[device->position] = device;
	}
	return sections;
}

struct gs_error *gs_devstate_compat_script(
	const struct gs_devstate *before, const struct gs_devstate *after,
	struct gs_error *(*report)(void *arg, const struct gs_compat_finding *finding), void *arg)
{
	gs_autofree const struct gs_devstate_device **sections = list_sections(before);
	struct compat compat = {.after = after, .report = report, .arg = arg};
	struct gs_error *err = sections ? NULL : gs_error_nomem();

	if (!err)
		err = compare_machines(&compat, before);
	for (size_t i = 0; !err && sections[i]; i++)
		err = compare_section(&compat, sections[i]);
	return err;
}
