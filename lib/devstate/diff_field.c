/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two fields that are the same one: how they differ. */
#include <inttypes.h>
#include <stdio.h>

#include "diff.h"

/* ---- bytes ---- */

static bool description_bytes(const struct gs_diff *diff, const struct gs_vmsd *description,
			      uint64_t *ret)
{
	uint64_t sum = 0, bytes;

	if (description->subsection_count)
		return false;
	for (size_t i = 0; i < description->field_count; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];

		if (field->conditional || field->version > description->version ||
		    !gs_diff_bytes(diff, field, &bytes) || __builtin_add_overflow(sum, bytes, &sum))
			return false;
	}
	*ret = sum;
	return true;
}

/* A size in C says nothing of a struct; 0 is one that an export cannot tell. */
bool gs_diff_bytes(const struct gs_diff *diff, const struct gs_vmsd_field *field, uint64_t *ret)
{
	uint64_t bytes = field->size;

	if (field->description ? !description_bytes(diff, field->description, &bytes) : bytes == 0)
		return false;
	return !__builtin_mul_overflow(bytes, diff->told && field->has_num ? field->num : 1, ret);
}

bool gs_diff_same_gate(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b)
{
	return a->conditional == b->conditional && (a->conditional || a->version == b->version);
}

/* ---- words ---- */

static void put_size(struct gs_text *text, const struct gs_vmsd_field *field)
{
	if (field->has_num)
		gs_text_printf(text, "%" PRIu64 " x ", field->num);
	if (field->description) {
		gs_diff_put_name(text, field->description->name);
		gs_text_printf(text, " v%u", field->description->version);
	} else if (field->size) {
		gs_text_printf(text, "%" PRIu64 " byte%s", field->size,
			       field->size == 1 ? "" : "s");
	} else {
		gs_text_puts(text, "unknown size");
	}
}

void gs_diff_put_field(struct gs_text *text, const struct gs_vmsd_field *field)
{
	put_size(text, field);
	if (field->conditional)
		gs_text_puts(text, ", conditional");
	else if (field->version)
		gs_text_printf(text, ", from version %u on", field->version);
}

/* ---- differences ---- */

static struct gs_error *tell_sizes(struct gs_diff *diff, enum gs_devstate_change_kind kind,
				   const struct gs_vmsd_field *before,
				   const struct gs_vmsd_field *after)
{
	gs_autotext struct gs_text old = {0}, new = {0};

	put_size(&old, before);
	put_size(&new, after);
	if (old.failed || new.failed)
		return gs_error_nomem();
	return gs_diff_tell(diff, kind, old.data, new.data);
}

static struct gs_error *compare_num(struct gs_diff *diff, const struct gs_vmsd_field *before,
				    const struct gs_vmsd_field *after)
{
	char old[24], new[24];

	if (!diff->told ||
	    (before->has_num == after->has_num && (!before->has_num || before->num == after->num)))
		return NULL;
	snprintf(old, sizeof(old), "%" PRIu64, before->num);
	snprintf(new, sizeof(new), "%" PRIu64, after->num);
	return gs_diff_tell(diff, GS_CHANGE_FIELD_NUM, before->has_num ? old : NULL,
			    after->has_num ? new : NULL);
}

static bool is_size_different(const struct gs_vmsd_field *a, const struct gs_vmsd_field *b)
{
	if (a->description && b->description)
		return false;
	return a->description || b->description || a->size != b->size;
}

static struct gs_error *compare_sizes(struct gs_diff *diff, const struct gs_vmsd_field *before,
				      const struct gs_vmsd_field *after)
{
	uint64_t old, new;
	struct gs_error *err;

	if (!is_size_different(before, after))
		return compare_num(diff, before, after);
	if (gs_diff_bytes(diff, before, &old) && gs_diff_bytes(diff, after, &new) && old == new)
		return tell_sizes(diff, GS_CHANGE_FIELD_WRAPPED, before, after);
	err = tell_sizes(diff, GS_CHANGE_FIELD_SIZE, before, after);
	return err ? err : compare_num(diff, before, after);
}

static struct gs_error *compare_gates(struct gs_diff *diff, const struct gs_vmsd_field *before,
				      const struct gs_vmsd_field *after)
{
	static const char *const words[] = {"unconditional", "conditional"};
	struct gs_error *err = NULL;

	if (before->version != after->version)
		err = gs_diff_tell_number(diff, GS_CHANGE_FIELD_VERSION, before->version,
					  after->version);
	if (!err && before->conditional != after->conditional)
		err = gs_diff_tell(diff, GS_CHANGE_FIELD_CONDITION, words[before->conditional],
				   words[after->conditional]);
	return err;
}

struct gs_error *gs_diff_field(struct gs_diff *diff, const struct gs_vmsd_field *before,
			       const struct gs_vmsd_field *after, bool in_run)
{
	size_t mark = gs_diff_enter_field(diff, before);
	struct gs_error *err = in_run ? NULL : compare_sizes(diff, before, after);

	if (!err)
		err = compare_gates(diff, before, after);
	if (!err && before->description && after->description)
		err = gs_diff_descriptions(diff, before->description, after->description);
	gs_diff_leave(diff, mark);
	return err;
}
