/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of a section or a subsection. */
#include <string.h>

#include "check.h"

static bool is_same_description(const struct gs_vmsd *a, const struct gs_vmsd *b);

/* Whether it is there whenever the other one is. */
static bool is_same_gate(const struct gs_vmsd_field *a, uint32_t a_version,
			 const struct gs_vmsd_field *b, uint32_t b_version)
{
	if (a->conditional || b->conditional)
		return a->conditional == b->conditional;
	return (a->version <= a_version) == (b->version <= b_version);
}

static bool is_same_length(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b)
{
	return !a->has_num || !b->has_num || a->num == b->num;
}

static bool is_same_field(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b)
{
	if (strcmp(a->name, b->name) != 0 || !is_same_length(a, b) ||
	    !a->description != !b->description)
		return false;
	return a->description ? is_same_description(a->description, b->description)
			      : a->size == b->size;
}

static bool is_same_fields(const struct gs_vmsd *a, uint32_t a_version, const struct gs_vmsd *b,
			   uint32_t b_version)
{
	bool same = a->field_count == b->field_count;

	for (size_t i = 0; same && i < a->field_count; i++)
		same = is_same_gate(&a->fields[i], a_version, &b->fields[i], b_version) &&
		       is_same_field(&a->fields[i], &b->fields[i]);
	return same;
}

static bool is_same_description(const struct gs_vmsd *a, const struct gs_vmsd *b)
{
	bool same = strcmp(a->name, b->name) == 0 && b->minimum <= b->version &&
		    a->subsection_count == b->subsection_count;

	for (size_t i = 0; same && i < a->subsection_count; i++)
		same = a->subsections[i].version == b->subsections[i].version &&
		       is_same_description(&a->subsections[i], &b->subsections[i]);
	return same && is_same_fields(a, a->version, b, b->version);
}

struct gs_error *gs_check_fields(struct gs_judge *judge, const struct gs_vmsd *saver,
				 uint32_t saver_version, const struct gs_vmsd *loader,
				 uint32_t loader_version)
{
	if (is_same_fields(saver, saver_version, loader, loader_version))
		return NULL;
	gs_text_puts(&judge->text, "The fields differ.");
	return gs_judge_tell_outcome(judge, GS_RULE_FIELD_ORDER, GS_OUTCOME_UNKNOWN,
				     (struct gs_wire_size){GS_WIRE_UNKNOWN, 0});
}
