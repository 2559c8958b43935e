/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of two QEMUs, and what it sets of devices of a type. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/devstate/machines.h>

#define WORD_LEAST 3 /* letters of one that says something */

/* ---- which ---- */

static bool tells_machines(const struct gs_about *about)
{
	return about && about->has_machines;
}

bool gs_machine_is_lacking(const struct gs_machine_side *side)
{
	return tells_machines(side->about) && !side->machine;
}

bool gs_machine_is_told(const struct gs_machine_side *side)
{
	return side->machine && side->machine->has_properties;
}

static size_t property_count(const struct gs_machine_side *side)
{
	return side->machine ? side->machine->property_count : 0;
}

/* The nearest name in either. */
static const char *suggest(const struct gs_about *before, const struct gs_about *after,
			   const char *name)
{
	const struct gs_about *const abouts[] = {after, before};
	const char *near = NULL;

	for (size_t i = 0; i < 2 && !near; i++) {
		size_t count = abouts[i] ? abouts[i]->machine_count : 0;
		gs_autofree const char **names = calloc(count + 1, sizeof(*names));

		for (size_t j = 0; names && j < count; j++)
			names[j] = abouts[i]->machines[j].name;
		near = names ? gs_did_you_mean(name, names) : NULL;
	}
	return near;
}

static struct gs_error *no_machine(const struct gs_about *before, const struct gs_about *after,
				   const char *name)
{
	const char *near = suggest(before, after, name);

	if (near)
		return gs_error_create(GS_ERROR_NODATA, "no machine '%s': did you mean '%s'?", name,
				       near);
	return gs_error_create(GS_ERROR_NODATA, "no machine '%s'", name);
}

static int by_type(const void *a, const void *b)
{
	const struct gs_about_property *first = *(const struct gs_about_property *const *)a;
	const struct gs_about_property *second = *(const struct gs_about_property *const *)b;
	int order = strcmp(first->type, second->type);

	return order ? order : (first > second) - (first < second);
}

static bool index_properties(struct gs_machine_side *side)
{
	size_t count = property_count(side);

	side->by_type = calloc(count + 1, sizeof(*side->by_type));
	if (!side->by_type)
		return false;
	for (size_t i = 0; i < count; i++)
		side->by_type[i] = &side->machine->properties[i];
	qsort(side->by_type, count, sizeof(*side->by_type), by_type);
	return true;
}

void gs_machine_deinit(struct gs_machine *machine)
{
	free(machine->before.by_type);
	free(machine->after.by_type);
	*machine = (struct gs_machine){0};
}

static const struct gs_about_machine *find_named(const struct gs_about *about, const char *name)
{
	const struct gs_about_machine *found = gs_about_find_machine(about, name);

	return found && strcmp(found->name, name) == 0 ? found : NULL;
}

struct gs_error *gs_machine_named(const struct gs_about *before, const struct gs_about *after,
				  const char *name, struct gs_machine *ret)
{
	struct gs_machine machine = {name,
				     {before, find_named(before, name), NULL},
				     {after, find_named(after, name), NULL}};

	if (index_properties(&machine.before) && index_properties(&machine.after)) {
		*ret = machine;
		return NULL;
	}
	gs_machine_deinit(&machine);
	return gs_error_nomem();
}

struct gs_error *gs_machine_find(const struct gs_about *before, const struct gs_about *after,
				 const char *name, struct gs_machine *ret)
{
	const struct gs_about_machine *first = gs_about_find_machine(before, name);
	const struct gs_about_machine *second = gs_about_find_machine(after, name);
	bool is_told = tells_machines(before) || tells_machines(after);

	if (first && second && strcmp(first->name, second->name) != 0)
		return gs_error_create(GS_ERROR_INVALID,
				       "machine '%s' is %s in one and %s in the other, and a guest "
				       "of one is none of the other: name either",
				       name, first->name, second->name);
	if (!first && !second && is_told)
		return no_machine(before, after, name);
	/* An alias of one may be a name in the other. */
	if (first || second)
		name = first ? first->name : second->name;
	return gs_machine_named(before, after, name, ret);
}

/* ---- what it sets ---- */

struct found {
	const struct gs_about_property *property;
	bool is_after;
};

/* By name; then as they take effect. */
static int by_name(const void *a, const void *b)
{
	const struct found *first = a, *second = b;
	int order = strcmp(first->property->name, second->property->name);

	if (order == 0)
		order = first->is_after - second->is_after;
	return order ? order
		     : (first->property > second->property) - (first->property < second->property);
}

/* The first of @side that is set of @type. */
static size_t first_of(const struct gs_machine_side *side, const char *type)
{
	size_t low = 0, high = property_count(side);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(side->by_type[middle]->type, type) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What is set on a side of @type, and of what it derives from, as @ancestry tells: up to one more
 * than may be. */
static size_t find_all(const struct gs_machine_side *side, const struct gs_about *ancestry,
		       const char *type, bool is_after, struct found *found)
{
	const char *ancestors[GS_ABOUT_PARENTS_MAX];
	size_t ancestor_count = gs_about_ancestors(ancestry, type, ancestors), count = 0;

	for (size_t i = 0; i < ancestor_count; i++) {
		for (size_t j = first_of(side, ancestors[i]); j < property_count(side); j++) {
			if (strcmp(side->by_type[j]->type, ancestors[i]) != 0 ||
			    count > GS_MACHINE_SETTINGS_MAX)
				break;
			found[count++] = (struct found){side->by_type[j], is_after};
		}
	}
	return count;
}

static const struct gs_about *ancestry_of(const struct gs_machine_side *side,
					  const struct gs_machine_side *other, const char *type)
{
	return gs_about_find_type(side->about, type) ? side->about : other->about;
}

/* Each property once. */
static size_t join(const struct found *found, size_t found_count,
		   struct gs_machine_setting *settings)
{
	size_t count = 0;

	for (size_t i = 0; i < found_count; i++) {
		const struct gs_about_property *p = found[i].property;
		struct gs_machine_value value = {p->value, p->type};

		if (!count || strcmp(settings[count - 1].name, p->name) != 0)
			settings[count++].name = p->name;
		if (found[i].is_after)
			settings[count - 1].after = value;
		else
			settings[count - 1].before = value;
	}
	return count;
}

struct gs_error *gs_machine_settings(const struct gs_machine *machine, const char *type_before,
				     const char *type_after, struct gs_machine_setting **ret,
				     size_t *count_ret)
{
	const struct gs_machine_side *before = &machine->before, *after = &machine->after;
	struct found found[2 * (GS_MACHINE_SETTINGS_MAX + 1)];
	struct gs_machine_setting *settings;
	size_t count = 0;

	if (type_before)
		count += find_all(before, ancestry_of(before, after, type_before), type_before,
				  false, found);
	if (type_after)
		count += find_all(after, ancestry_of(after, before, type_after), type_after, true,
				  found + count);
	if (count > GS_MACHINE_SETTINGS_MAX)
		return gs_error_create(GS_ERROR_CORRUPT,
				       "machine '%.80s' sets more than %d properties of '%.80s'",
				       machine->name, GS_MACHINE_SETTINGS_MAX,
				       type_after ? type_after : type_before);
	settings = calloc(count + 1, sizeof(*settings));
	if (!settings)
		return gs_error_nomem();
	qsort(found, count, sizeof(*found), by_name);
	*count_ret = join(found, count, settings);
	*ret = settings;
	return NULL;
}

/* ---- names that resemble each other ---- */

/* The next word from *at on, of letters and digits, and its length; NULL: none is left. */
static const char *next_word(const char **at, size_t *size_ret)
{
	const char *word = *at;

	while (*word && !isalnum((unsigned char)*word))
		word++;
	*at = word;
	while (isalnum((unsigned char)**at))
		(*at)++;
	*size_ret = (size_t)(*at - word);
	return *size_ret ? word : NULL;
}

static bool has_word(const char *text, const char *word, size_t size)
{
	const char *each;
	size_t each_size;

	while ((each = next_word(&text, &each_size))) {
		if (each_size == size && strncasecmp(each, word, size) == 0)
			return true;
	}
	return false;
}

bool gs_machine_resembles(const char *property, const char *name, const char *type)
{
	const char *const everywhere = "has migrate migration vmstate version state core parent "
				       "obj dev pci pcie";
	const char *word;
	size_t size;

	while ((word = next_word(&property, &size))) {
		if (size >= WORD_LEAST && has_word(name, word, size) &&
		    !has_word(everywhere, word, size) && !(type && has_word(type, word, size)))
			return true;
	}
	return false;
}

/* ---- versioned machines ---- */

size_t gs_machine_family(const char *name)
{
	size_t size = strlen(name), at = size;

	while (at > 0 && (isdigit((unsigned char)name[at - 1]) || name[at - 1] == '.'))
		at--;
	if (at < 2 || !isdigit((unsigned char)name[at]) || !strchr(name + at, '.'))
		return size;
	return name[at - 1] == '-' ? at - 1 : at;
}

bool gs_machine_is_versioned(const char *name)
{
	return name[gs_machine_family(name)];
}

int gs_machine_compare(const char *a, const char *b)
{
	size_t family_a = gs_machine_family(a), family_b = gs_machine_family(b);
	int order = gs_machine_is_versioned(b) - gs_machine_is_versioned(a);

	if (order == 0)
		order = strncmp(a, b, family_a < family_b ? family_a : family_b);
	if (order == 0 && family_a != family_b)
		return family_a < family_b ? -1 : 1;
	return order ? order : strverscmp(b + family_b, a + family_a);
}
