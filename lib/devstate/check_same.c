/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is alike: fields that need no further look, and fields that go together. */
#include <string.h>

#include "check_scope.h"

/* ---- two fields ---- */

bool gs_field_is_like(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b)
{
	return a->description || b->description ? a->description && b->description
						: a->size == b->size;
}

bool gs_field_is_same_count(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
			    const struct gs_vmsd_field *loader)
{
	return !told[GS_SAVER] || !told[GS_LOADER] ||
	       gs_field_count(saver) == gs_field_count(loader);
}

bool gs_field_is_same_gate(const struct gs_vmsd_field *saver, uint32_t saver_version,
			   const struct gs_vmsd_field *loader, uint32_t loader_version)
{
	if (saver->conditional || loader->conditional)
		return saver->conditional == loader->conditional;
	return gs_field_is_there(saver, saver_version) == gs_field_is_there(loader, loader_version);
}

bool gs_field_is_same(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
		      const struct gs_vmsd_field *loader)
{
	if (strcmp(saver->name, loader->name) != 0 ||
	    !gs_field_is_same_count(told, saver, loader) ||
	    !saver->description != !loader->description)
		return false;
	return saver->description ? gs_vmsd_is_same(told, saver->description, loader->description)
				  : saver->size == loader->size;
}

bool gs_vmsd_is_same_fields(const bool told[GS_SIDES], const struct gs_vmsd *saver,
			    uint32_t saver_version, const struct gs_vmsd *loader,
			    uint32_t loader_version)
{
	bool same = saver->field_count == loader->field_count;

	for (size_t i = 0; same && i < saver->field_count; i++) {
		const struct gs_vmsd_field *a = &saver->fields[i], *b = &loader->fields[i];

		same = gs_field_is_same_gate(a, saver_version, b, loader_version) &&
		       gs_field_is_same(told, a, b);
	}
	return same;
}

/* A struct: its own version is what either side holds its fields against. */
bool gs_vmsd_is_same(const bool told[GS_SIDES], const struct gs_vmsd *saver,
		     const struct gs_vmsd *loader)
{
	return strcmp(saver->name, loader->name) == 0 && loader->minimum <= loader->version &&
	       saver->subsection_count == 0 && loader->subsection_count == 0 &&
	       gs_vmsd_is_same_fields(told, saver, saver->version, loader, loader->version);
}

static bool is_equal_field(const bool told[GS_SIDES], const struct gs_vmsd_field *a,
			   const struct gs_vmsd_field *b)
{
	if (a->version != b->version || a->conditional != b->conditional ||
	    !a->description != !b->description || strcmp(a->name, b->name) != 0 ||
	    !gs_field_is_same_count(told, a, b))
		return false;
	return a->description ? gs_vmsd_is_equal(told, a->description, b->description)
			      : a->size == b->size;
}

bool gs_vmsd_is_equal(const bool told[GS_SIDES], const struct gs_vmsd *a, const struct gs_vmsd *b)
{
	bool equal = a->version == b->version && a->minimum == b->minimum &&
		     a->field_count == b->field_count &&
		     a->subsection_count == b->subsection_count && strcmp(a->name, b->name) == 0;

	for (size_t i = 0; equal && i < a->field_count; i++)
		equal = is_equal_field(told, &a->fields[i], &b->fields[i]);
	for (size_t i = 0; equal && i < a->subsection_count; i++)
		equal = gs_vmsd_is_equal(told, &a->subsections[i], &b->subsections[i]);
	return equal;
}

/* ---- lengths that only one side tells ---- */

size_t gs_field_count_assumed(const bool told[GS_SIDES], const struct gs_vmsd_field *saver,
			      const struct gs_vmsd_field *loader)
{
	size_t count = gs_field_is_assumed(told, saver, loader);
	return saver->description ? count + gs_vmsd_count_assumed(told, saver->description,
								  loader->description)
				  : count;
}

size_t gs_vmsd_count_assumed(const bool told[GS_SIDES], const struct gs_vmsd *saver,
			     const struct gs_vmsd *loader)
{
	size_t count = 0;

	for (size_t i = 0; i < saver->field_count && told[GS_SAVER] != told[GS_LOADER]; i++)
		count += gs_field_count_assumed(told, &saver->fields[i], &loader->fields[i]);
	return count;
}

/* ---- pairs ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct gs_vmsd_field *)a)->name,
		      ((const struct gs_vmsd_field *)b)->name);
}

static int by_occurrence(const void *a, const void *b)
{
	const struct gs_vmsd_field *x = a, *y = b;
	int order = by_name(a, b);

	return order ? order : compare_numbers(x->occurrence, y->occurrence);
}

static int compare_structs(const struct gs_vmsd *x, const struct gs_vmsd *y)
{
	int order = strcmp(x->name, y->name);

	if (!order)
		order = compare_numbers(x->field_count, y->field_count);
	return order ? order : compare_numbers(x->subsection_count, y->subsection_count);
}

static int compare_elements(const struct gs_vmsd_field *x, const struct gs_vmsd_field *y)
{
	if (x->description && y->description)
		return compare_structs(x->description, y->description);
	if (x->description || y->description)
		return !x->description - !y->description;
	return compare_numbers(x->size, y->size);
}

/* Of several fields of one name those that look the same belong together. */
static int by_look(const void *a, const void *b)
{
	const struct gs_vmsd_field *x = a, *y = b;
	int order = by_name(a, b);

	if (!order)
		order = compare_elements(x, y);
	return order ? order : compare_numbers(gs_field_count(x), gs_field_count(y));
}

/* @saver and @loader stand behind an anchor, or at the start: how many are there to the next? */
static size_t count_gap(const struct gs_slots *list, size_t from)
{
	size_t to = from;

	while (to < list->count && !list->slots[to].anchor)
		to++;
	return to - from;
}

/* Renamed in place, by all that can be seen. */
static void pair_alone(struct gs_pairing *pairing)
{
	struct gs_slots *saver = &pairing->before, *loader = &pairing->after;
	size_t i = 0, j = 0;

	for (;;) {
		size_t sent = count_gap(saver, i), taken = count_gap(loader, j);

		if (sent == 1 && taken == 1 && !saver->slots[i].partner &&
		    !loader->slots[j].partner) {
			saver->slots[i].partner = &loader->slots[j];
			loader->slots[j].partner = &saver->slots[i];
		}
		i += sent + 1;
		j += taken + 1;
		if (i > saver->count || j > loader->count)
			return;
	}
}

struct gs_error *gs_scope_pair(struct gs_scope *scope, const struct gs_vmsd *saver,
			       const struct gs_vmsd *loader, struct gs_pairing *pairing)
{
	struct gs_error *err =
		gs_pairing_init(pairing, saver->fields, saver->field_count, loader->fields,
				loader->field_count, sizeof(struct gs_vmsd_field));

	if (!err)
		err = gs_pairing_match(pairing, by_look);
	if (!err)
		err = gs_pairing_match(pairing, by_occurrence);
	if (!err)
		err = gs_pairing_match(pairing, by_name);
	if (!err)
		err = gs_pairing_anchor(pairing, by_look);
	if (!err)
		pair_alone(pairing);
	if (!err && (!scope->told[GS_SAVER] || !scope->told[GS_LOADER]))
		err = gs_scope_fit(scope, pairing, saver == scope->roots[GS_SAVER]);
	return err;
}

bool gs_field_has_named(const struct gs_vmsd_field *field)
{
	const struct gs_vmsd *description = field->description;

	if (gs_field_count(field) == 0)
		return false;
	return description ? gs_vmsd_has_named(description) : !gs_field_is_unused(field);
}

bool gs_vmsd_has_named(const struct gs_vmsd *description)
{
	for (size_t i = 0; i < description->field_count; i++) {
		if (gs_field_is_there(&description->fields[i], description->version) &&
		    gs_field_has_named(&description->fields[i]))
			return true;
	}
	return false;
}

bool gs_vmsd_has_subsections(const struct gs_vmsd *description)
{
	bool has = description->subsection_count > 0;

	for (size_t i = 0; !has && i < description->field_count; i++)
		has = description->fields[i].description &&
		      gs_vmsd_has_subsections(description->fields[i].description);
	return has;
}
