// SPDX-License-Identifier: GPL-2.0-or-later
/* Take one thing away, and see whether it still fails; until nothing can go. */
#include <string.h>

#include "minimise.h"

enum edit_kind {
	EDIT_REMOVE_FIELD,
	EDIT_REMOVE_SUBSECTION,
	EDIT_UNWRAP,
	EDIT_UNCONDITIONAL,
	EDIT_ALWAYS,
	EDIT_SCALAR,
	EDIT_BYTE,
	EDIT_VERSION_ONE,
	EDIT_MINIMUM_ONE,
	EDIT_TELL,
	EDIT_COUNT,
};
/* Of what goes by this name, wherever it is: a field or, of the last kinds, a description. */
struct edit {
	enum edit_kind kind;
	char name[NAME_SIZE];
};

static bool unwrap(struct description *description, size_t at)
{
	struct description *inner = description->fields[at].description;

	if (!inner || description->field_count + inner->field_count > FIELDS_MAX)
		return false;
	field_remove(description, at);
	for (size_t i = 0; i < inner->field_count; i++)
		field_insert(description, at + i, &inner->fields[i]);
	return true;
}

static bool set(unsigned int *number, unsigned int value)
{
	bool changes = *number != value;

	*number = value;
	return changes;
}

static bool edit_field(struct description *description, size_t at, enum edit_kind kind)
{
	struct field *field = &description->fields[at];
	bool was;

	switch (kind) {
	case EDIT_REMOVE_FIELD:
		field_remove(description, at);
		return true;
	case EDIT_UNWRAP:
		return unwrap(description, at);
	case EDIT_UNCONDITIONAL:
		was = field->conditional;
		field->conditional = false;
		return was;
	case EDIT_ALWAYS:
		return set(&field->version, 0);
	case EDIT_SCALAR:
		return set(&field->num, 0);
	case EDIT_BYTE:
		return !field->description && field->size && set(&field->size, 1);
	default:
		return false;
	}
}

static bool edit_description(struct description *description, enum edit_kind kind)
{
	if (kind == EDIT_VERSION_ONE)
		return set(&description->version, 1);
	return kind == EDIT_MINIMUM_ONE && set(&description->minimum, 1);
}

/* Whether anything changes. */
static bool apply(struct description *description, const struct edit *edit)
{
	bool changes = false;

	if (strcmp(description->name, edit->name) == 0)
		changes |= edit_description(description, edit->kind);
	for (size_t i = 0; i < description->subsection_count; i++) {
		struct description *sub = description->subsections[i];

		if (edit->kind != EDIT_REMOVE_SUBSECTION || strcmp(sub->name, edit->name) != 0) {
			changes |= apply(sub, edit);
			continue;
		}
		subsection_remove(description, i--);
		changes = true;
	}
	for (size_t i = description->field_count; i-- > 0;) {
		struct field *field = &description->fields[i];

		if (field->description)
			changes |= apply(field->description, edit);
		if (strcmp(field->name, edit->name) == 0)
			changes |= edit_field(description, i, edit->kind);
	}
	return changes;
}

static bool apply_to_export(struct export *export, const struct edit *edit)
{
	bool changes = edit->kind == EDIT_TELL && !export->tells_num;

	if (changes)
		export->tells_num = true;
	return export->description && (apply(export->description, edit) || changes);
}

/* ---- what there is to edit ---- */

#define NAMES_MAX 64
struct names {
	char all[NAMES_MAX][NAME_SIZE];
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->all[i], name) == 0)
			return;
	}
	if (names->count < NAMES_MAX)
		memcpy(names->all[names->count++], name, NAME_SIZE);
}

static void add_names(struct names *names, const struct description *description)
{
	if (!description)
		return;
	add_name(names, description->name);
	for (size_t i = 0; i < description->field_count; i++) {
		add_name(names, description->fields[i].name);
		add_names(names, description->fields[i].description);
	}
	for (size_t i = 0; i < description->subsection_count; i++)
		add_names(names, description->subsections[i]);
}

enum { BEFORE = 1, AFTER = 2 };

static bool try_edit(struct export *before, struct export *after, const struct edit *edit,
		     int sides, bool (*fails)(const struct export *a, const struct export *b))
{
	size_t mark = pool_mark();
	struct export a = export_copy(before), b = export_copy(after);
	bool changes = false;

	if (sides & BEFORE)
		changes |= apply_to_export(&a, edit);
	if (sides & AFTER)
		changes |= apply_to_export(&b, edit);
	if (!changes || !fails(&a, &b)) {
		pool_release(mark);
		return false;
	}
	*before = a;
	*after = b;
	return true;
}

static bool take_one_away(struct export *before, struct export *after,
			  bool (*fails)(const struct export *a, const struct export *b))
{
	struct names names = {.count = 0};
	struct edit edit;

	add_names(&names, before->description);
	add_names(&names, after->description);
	for (int kind = 0; kind < EDIT_COUNT; kind++) {
		for (size_t i = 0; i < names.count; i++) {
			edit.kind = (enum edit_kind)kind;
			memcpy(edit.name, names.all[i], NAME_SIZE);
			for (int sides = BEFORE | AFTER; sides; sides--) {
				if (try_edit(before, after, &edit, sides, fails))
					return true;
			}
		}
	}
	return false;
}

void minimise(struct export *before, struct export *after,
	      bool (*fails)(const struct export *before, const struct export *after))
{
	while (take_one_away(before, after, fails))
		;
}
