// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptions by chance, and changes by chance. */
#include <stdio.h>
#include <string.h>

#include "generate.h"

/* ---- chance ---- */

struct dice {
	uint64_t state;
	unsigned int fresh; /* names that nobody has */
	bool small;         /* lengths are not told: each is one more thing to go through */
};

/* Splitmix64. */
static uint64_t next(struct dice *dice)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int roll(struct dice *dice, size_t sides)
{
	return (unsigned int)(next(dice) % sides);
}

static bool chance(struct dice *dice, unsigned int percent)
{
	return roll(dice, 100) < percent;
}

#define PICK(dice, array) ((array)[roll((dice), sizeof(array) / sizeof(*(array)))])

/* ---- descriptions ---- */

static struct description *random_description(struct dice *dice, const char *name, int depth);

static const char *const field_names[] = {"a", "b", "c", "e", "f", "x", "y", "r.x", "r.a"};
#define DOTLESS 7 /* of them */
static const char *const struct_names[] = {"s", "t", "p", "q"};
static const char *const wrap_names[] = {"w", "z"};
static const char *const subsection_names[] = {"p", "q", "r", "p", "q", "r", "pq"};
static const char *const nested_names[] = {"n", "m", "n", "m", "o"};
static const unsigned int sizes[] = {1, 2, 4, 4, 4, 8, 8, 3, 6, 16};

static const char *random_name(struct dice *dice)
{
	/* Whose partner is r.x, of x and t/r.x? Nobody asks where lengths are told. */
	return dice->small ? field_names[roll(dice, DOTLESS)] : PICK(dice, field_names);
}

static void random_scalar(struct dice *dice, struct field *field)
{
	snprintf(field->name, NAME_SIZE, "%s", chance(dice, 7) ? "unused" : random_name(dice));
	field->size = chance(dice, 3) ? 0 : PICK(dice, sizes);
	if (chance(dice, 20))
		field->num = 1 + roll(dice, 4);
	field->conditional = chance(dice, 9);
}

static void name_struct(struct dice *dice, struct field *field, const char *name)
{
	snprintf(field->name, NAME_SIZE, "%s", name);
	if (dice->small)
		snprintf(field->name + 1, NAME_SIZE - 1, "%u", dice->fresh++);
}

static void random_struct(struct dice *dice, struct field *field, int depth)
{
	name_struct(dice, field, PICK(dice, struct_names));
	field->description = random_description(dice, PICK(dice, nested_names), depth + 1);
	if (chance(dice, 25))
		field->num = 1 + roll(dice, 3);
	field->conditional = chance(dice, 5);
}

static struct field random_field(struct dice *dice, unsigned int version, int depth)
{
	struct field field = {0};

	if (depth < 2 && chance(dice, 15))
		random_struct(dice, &field, depth);
	else
		random_scalar(dice, &field);
	if (dice->small && depth)
		field.name[0] ^= 'a' ^ 'A'; /* nobody's namesake outside */
	if (chance(dice, 25))
		field.version = roll(dice, version + 2);
	return field;
}

static struct description *random_subsection(struct dice *dice, const struct description *parent)
{
	char name[NAME_SIZE];
	int depth = strchr(parent->name, '/') ? 2 : 1;

	snprintf(name, sizeof(name), "%.20s/%s", chance(dice, 4) ? "zz" : parent->name,
		 PICK(dice, subsection_names));
	return random_description(dice, name, depth);
}

static bool has_subsection(const struct description *description, const char *name)
{
	for (size_t i = 0; i < description->subsection_count; i++) {
		if (strcmp(description->subsections[i]->name, name) == 0)
			return true;
	}
	return false;
}

static void add_subsection(struct dice *dice, struct description *description)
{
	struct description *sub = random_subsection(dice, description);

	if (description->subsection_count < (dice->small ? 1 : 3) &&
	    !has_subsection(description, sub->name))
		description->subsections[description->subsection_count++] = sub;
}

/* @depth: 0 for a section, 1 and 2 for what is in it. */
static struct description *random_description(struct dice *dice, const char *name, int depth)
{
	struct description *description = description_new(name, 1 + roll(dice, 3), 1);
	size_t count = depth ? 1 + roll(dice, 2) : roll(dice, dice->small ? 4 : 6);

	if (chance(dice, 15))
		description->minimum = 1 + roll(dice, description->version);
	if (chance(dice, 1))
		description->minimum = description->version + 1;
	if (chance(dice, 2))
		description->version += 254;
	for (size_t i = 0; i < count; i++) {
		struct field field = random_field(dice, description->version, depth);

		field_insert(description, i, &field);
	}
	if (chance(dice, depth == 0 ? 25 : depth == 1 ? 7 : 0))
		add_subsection(dice, description);
	return description;
}

/* ---- changes ---- */

/* Applied to a description somewhere in a device; what it cannot be applied to stays as it is. */
typedef void change_fn(struct dice *dice, struct description *description);

static size_t any_place(struct dice *dice, const struct description *description)
{
	return roll(dice, description->field_count + 1);
}

static struct field *any_field(struct dice *dice, struct description *description)
{
	return description->field_count ? &description->fields[roll(dice, description->field_count)]
					: NULL;
}

static struct field *any_scalar(struct dice *dice, struct description *description)
{
	struct field *field = any_field(dice, description);

	return field && !field->description ? field : NULL;
}

static bool has_room(const struct description *description)
{
	return description->field_count < FIELDS_MAX - 2;
}

static void new_field(struct dice *dice, struct description *description, size_t at)
{
	struct field field = random_field(dice, description->version, 1);

	if (chance(dice, 60))
		snprintf(field.name, NAME_SIZE, "new%u", dice->fresh++);
	if (has_room(description))
		field_insert(description, at, &field);
}

static void change_append(struct dice *dice, struct description *description)
{
	new_field(dice, description, description->field_count);
}

static void change_insert(struct dice *dice, struct description *description)
{
	new_field(dice, description, any_place(dice, description));
}

/* As it is done: the version is raised, and the field is of that version. */
static void change_insert_versioned(struct dice *dice, struct description *description)
{
	struct field field = random_field(dice, 1, 1);

	snprintf(field.name, NAME_SIZE, "new%u", dice->fresh++);
	field.version = ++description->version;
	field.conditional = false;
	if (has_room(description))
		field_insert(description, any_place(dice, description), &field);
}

static void change_remove(struct dice *dice, struct description *description)
{
	if (description->field_count)
		field_remove(description, roll(dice, description->field_count));
}

static void change_name(struct dice *dice, struct description *description)
{
	struct field *field = any_scalar(dice, description);

	if (field && chance(dice, 60))
		snprintf(field->name, NAME_SIZE, "new%u", dice->fresh++);
	else if (field)
		snprintf(field->name, NAME_SIZE, "%s", random_name(dice));
}

static void change_order(struct dice *dice, struct description *description)
{
	struct field field;
	size_t from;

	if (description->field_count < 2)
		return;
	from = roll(dice, description->field_count);
	field = description->fields[from];
	field_remove(description, from);
	field_insert(description, any_place(dice, description), &field);
}

static void change_size(struct dice *dice, struct description *description)
{
	struct field *field = any_scalar(dice, description);

	if (field)
		field->size = chance(dice, 12) ? 0 : PICK(dice, sizes);
}

static void change_num(struct dice *dice, struct description *description)
{
	struct field *field = any_field(dice, description);

	if (field)
		field->num = roll(dice, 4);
}

/* As many bytes, in other elements. */
static void change_width(struct dice *dice, struct description *description)
{
	struct field *field = any_scalar(dice, description);
	unsigned int bytes;

	if (!field)
		return;
	bytes = field->size * (field->num ? field->num : 1);
	field->size = PICK(dice, sizes);
	field->num = bytes % field->size == 0 ? bytes / field->size : 0;
	if (field->num == 0)
		field->size = bytes;
}

static void change_gate(struct dice *dice, struct description *description)
{
	struct field *field = any_field(dice, description);

	if (field && chance(dice, 60))
		field->conditional = !field->conditional;
	else if (field)
		field->version = roll(dice, description->version + 2);
}

static void change_version(struct dice *dice, struct description *description)
{
	if (chance(dice, 70))
		description->version++;
	else if (description->version > 1)
		description->version--;
	if (chance(dice, 15))
		description->minimum = description->version;
}

static void change_minimum(struct dice *dice, struct description *description)
{
	description->minimum = 1 + roll(dice, description->version + chance(dice, 10));
}

/* A run of fields into a struct in their place; gates stay with them. */
static void change_wrap(struct dice *dice, struct description *description)
{
	struct field wrap = {0};
	size_t from, count;

	if (description->field_count == 0 || dice->small)
		return;
	from = roll(dice, description->field_count);
	count = 1 + roll(dice, description->field_count - from);
	name_struct(dice, &wrap, PICK(dice, wrap_names));
	wrap.description = description_new("wrap", description->version, 1);
	for (size_t i = 0; i < count; i++) {
		field_insert(wrap.description, i, &description->fields[from]);
		field_remove(description, from);
	}
	field_insert(description, from, &wrap);
}

static void change_unwrap(struct dice *dice, struct description *description)
{
	for (size_t i = 0; i < description->field_count && !dice->small; i++) {
		struct description *inner = description->fields[i].description;

		if (!inner || inner->subsection_count ||
		    description->field_count + inner->field_count > FIELDS_MAX)
			continue;
		field_remove(description, i);
		for (size_t k = 0; k < inner->field_count; k++)
			field_insert(description, i + k, &inner->fields[k]);
		return;
	}
}

static void change_to_unused(struct dice *dice, struct description *description)
{
	struct field *field = any_scalar(dice, description);

	if (!field)
		return;
	strcpy(field->name, "unused");
	if (chance(dice, 50)) {
		field->num = field->size * (field->num ? field->num : 1);
		field->size = field->num ? 1 : 0;
	}
}

/* An array into two of other names, or one more. */
static void change_split(struct dice *dice, struct description *description)
{
	struct field *field = any_scalar(dice, description), rest;

	if (!field || field->num < 2 || !has_room(description))
		return;
	rest = *field;
	snprintf(rest.name, NAME_SIZE, "new%u", dice->fresh++);
	rest.num = 1 + roll(dice, field->num - 1);
	field->num -= rest.num;
	if (chance(dice, 50))
		snprintf(field->name, NAME_SIZE, "new%u", dice->fresh++);
	field_insert(description, (size_t)(field - description->fields) + 1, &rest);
}

static void change_merge(struct dice *dice, struct description *description)
{
	for (size_t i = 0; i + 1 < description->field_count; i++) {
		struct field *first = &description->fields[i], *second = first + 1;

		if (first->description || second->description)
			continue;
		first->size = first->size * (first->num ? first->num : 1) +
			      second->size * (second->num ? second->num : 1);
		first->num = 0;
		if (chance(dice, 70))
			snprintf(first->name, NAME_SIZE, "new%u", dice->fresh++);
		field_remove(description, i + 1);
		return;
	}
}

static void change_subsection_add(struct dice *dice, struct description *description)
{
	add_subsection(dice, description);
}

static void change_subsection_remove(struct dice *dice, struct description *description)
{
	if (description->subsection_count)
		subsection_remove(description, roll(dice, description->subsection_count));
}

static void change_subsection_name(struct dice *dice, struct description *description)
{
	char name[NAME_SIZE];

	if (!description->subsection_count)
		return;
	snprintf(name, NAME_SIZE, "%.20s/%s", chance(dice, 10) ? "zz" : description->name,
		 PICK(dice, subsection_names));
	if (!has_subsection(description, name))
		strcpy(description->subsections[roll(dice, description->subsection_count)]->name,
		       name);
}

static bool is_all_told(const struct description *description)
{
	for (size_t i = 0; i < description->field_count; i++) {
		const struct field *field = &description->fields[i];

		if (field->description ? !is_all_told(field->description) : !field->size)
			return false;
	}
	for (size_t i = 0; i < description->subsection_count; i++) {
		if (!is_all_told(description->subsections[i]))
			return false;
	}
	return true;
}

/* One that is there gets a namesake, of the same fields or with one more. */
static void change_subsection_double(struct dice *dice, struct description *description)
{
	struct description *copy;

	if (!description->subsection_count || description->subsection_count == SUBSECTIONS_MAX ||
	    dice->small)
		return;
	copy = description_copy(
		description->subsections[roll(dice, description->subsection_count)]);
	if (chance(dice, 50))
		change_append(dice, copy);
	if (is_all_told(copy))
		description->subsections[description->subsection_count++] = copy;
}

static void change_nested_name(struct dice *dice, struct description *description)
{
	struct field *field = any_field(dice, description);

	if (field && field->description)
		snprintf(field->description->name, NAME_SIZE, "%s", PICK(dice, nested_names));
}

static void change_no_fields(struct dice *dice, struct description *description)
{
	if (!chance(dice, 10))
		return;
	description->field_count = 0;
	description->no_fields = true;
}

/* A field of the device goes into a subsection of its own. */
static void change_to_subsection(struct dice *dice, struct description *description)
{
	struct description *sub;
	size_t at;

	if (!description->field_count || description->subsection_count == SUBSECTIONS_MAX ||
	    dice->small)
		return;
	at = roll(dice, description->field_count);
	sub = random_subsection(dice, description);
	if (has_subsection(description, sub->name))
		return;
	sub->field_count = 0;
	field_insert(sub, 0, &description->fields[at]);
	field_remove(description, at);
	description->subsections[description->subsection_count++] = sub;
}

static change_fn *const changes[] = {
	change_append,
	change_insert,
	change_insert_versioned,
	change_insert_versioned,
	change_remove,
	change_name,
	change_name,
	change_order,
	change_order,
	change_order,
	change_size,
	change_num,
	change_width,
	change_width,
	change_gate,
	change_gate,
	change_version,
	change_version,
	change_minimum,
	change_wrap,
	change_wrap,
	change_unwrap,
	change_to_unused,
	change_to_unused,
	change_split,
	change_split,
	change_merge,
	change_merge,
	change_subsection_add,
	change_subsection_remove,
	change_subsection_name,
	change_subsection_double,
	change_nested_name,
	change_no_fields,
	change_to_subsection,
};

#define TARGETS_MAX 32

static void collect_targets(struct description *description, struct description **targets,
			    size_t *count)
{
	if (*count < TARGETS_MAX)
		targets[(*count)++] = description;
	for (size_t i = 0; i < description->field_count; i++) {
		if (description->fields[i].description)
			collect_targets(description->fields[i].description, targets, count);
	}
	for (size_t i = 0; i < description->subsection_count; i++)
		collect_targets(description->subsections[i], targets, count);
}

/* One place in a device, the device itself more often than what is in it. */
static void change(struct dice *dice, struct description *device)
{
	struct description *targets[TARGETS_MAX];
	size_t count = 0;

	collect_targets(device, targets, &count);
	PICK(dice, changes)(dice, targets[chance(dice, 50) ? 0 : roll(dice, count)]);
}

/* ---- pairs ---- */

static void change_device(struct dice *dice, struct export *export)
{
	if (chance(dice, 1))
		strcpy(export->type, "other");
	else if (chance(dice, 1))
		strcpy(export->description->name, "otherdev");
	else if (chance(dice, 1))
		export->description = NULL;
}

/* ---- what is left to the table ---- */

/*
 * Where lengths are not told it must be clear which of several of one name is which; where they
 * are, QEMU has several only where predicates choose between them.
 */
static bool is_ambiguous(const struct dice *dice, const struct description *description, size_t at)
{
	const struct field *field = &description->fields[at];

	for (size_t i = 0; i < at; i++) {
		const struct field *other = &description->fields[i];

		if (strcmp(other->name, field->name) == 0 &&
		    (dice->small || !field->size || !other->size ||
		     !(field->conditional && other->conditional)))
			return !field_is_unused(field) || dice->small;
	}
	return false;
}

static bool is_always_there(const struct field *field)
{
	return !field->conditional && field->version == 0;
}

/* A struct that may be nothing at all lets the next element take its subsections. */
static void fill_struct(struct description *description)
{
	static const struct field first = {.name = "k", .size = 4};

	for (size_t i = 0; i < description->field_count; i++) {
		if (is_always_there(&description->fields[i]))
			return;
	}
	if (has_room(description))
		field_insert(description, 0, &first);
}

static void make_plain(const struct dice *dice, struct description *description)
{
	if (!description)
		return;
	for (size_t i = description->field_count; i-- > 0;) {
		struct field *field = &description->fields[i];

		make_plain(dice, field->description);
		if (field->description)
			fill_struct(field->description);
		if (is_ambiguous(dice, description, i))
			snprintf(field->name + strlen(field->name), 4, "%u",
				 field_occurrence(description, i) % 100);
	}
	for (size_t i = 0; i < description->subsection_count; i++)
		make_plain(dice, description->subsections[i]);
}

void generate_pair(uint64_t seed, struct export *before, struct export *after)
{
	struct dice dice = {.state = seed};

	dice.small = chance(&dice, 25);
	*before = (struct export){"dev", true, NULL};
	before->description = random_description(&dice, "dev", 0);
	*after = export_copy(before);
	if (!dice.small && chance(&dice, 4))
		after->description = random_description(&dice, "dev", 0);
	for (unsigned int i = roll(&dice, 5); i > 0; i--)
		change(&dice, after->description);
	change_device(&dice, after);
	if (dice.small) {
		before->tells_num = chance(&dice, 20);
		after->tells_num = before->tells_num ? false : chance(&dice, 80);
	}
	make_plain(&dice, before->description);
	make_plain(&dice, after->description);
	if (chance(&dice, 50)) {
		struct export swapped = *before;

		*before = *after;
		*after = swapped;
	}
}
