/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two exports say differently: devices, descriptions and subsections, and how it is told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

#define NAME_SHOWN_MAX 120 /* bytes; real: 60 */

const char *gs_devstate_change_name(enum gs_devstate_change_kind kind)
{
	static const char *const names[] = {
		[GS_CHANGE_DEVICE_ADDED] = "device-added",
		[GS_CHANGE_DEVICE_REMOVED] = "device-removed",
		[GS_CHANGE_DEVICE_RENAMED] = "device-renamed",
		[GS_CHANGE_NAME] = "name",
		[GS_CHANGE_VERSION] = "version",
		[GS_CHANGE_MINIMUM] = "minimum",
		[GS_CHANGE_FIELD_ADDED] = "field-added",
		[GS_CHANGE_FIELD_REMOVED] = "field-removed",
		[GS_CHANGE_FIELD_RENAMED] = "field-renamed",
		[GS_CHANGE_FIELD_WRAPPED] = "field-wrapped",
		[GS_CHANGE_FIELD_MOVED] = "field-moved",
		[GS_CHANGE_FIELD_SIZE] = "field-size",
		[GS_CHANGE_FIELD_NUM] = "field-num",
		[GS_CHANGE_FIELD_VERSION] = "field-version",
		[GS_CHANGE_FIELD_CONDITION] = "field-condition",
		[GS_CHANGE_FIELDS_GONE] = "fields-gone",
		[GS_CHANGE_SUBSECTION_ADDED] = "subsection-added",
		[GS_CHANGE_SUBSECTION_REMOVED] = "subsection-removed",
	};

	return names[kind];
}

/* ---- telling ---- */

struct gs_error *gs_diff_tell(struct gs_diff *diff, enum gs_devstate_change_kind kind,
			      const char *before, const char *after)
{
	struct gs_devstate_change change = {
		.kind = kind,
		.device_before = diff->device_before ? diff->device_before->type : NULL,
		.device_after = diff->device_after ? diff->device_after->type : NULL,
		.path = diff->path.size ? diff->path.data : "",
		.before = before,
		.after = after,
	};

	if (diff->path.failed)
		return gs_error_nomem();
	return diff->report(diff->arg, &change);
}

struct gs_error *gs_diff_tell_number(struct gs_diff *diff, enum gs_devstate_change_kind kind,
				     uint64_t before, uint64_t after)
{
	char old[24], new[24];

	snprintf(old, sizeof(old), "%" PRIu64, before);
	snprintf(new, sizeof(new), "%" PRIu64, after);
	return gs_diff_tell(diff, kind, old, new);
}

struct gs_error *gs_diff_tell_one(struct gs_diff *diff, enum gs_devstate_change_kind kind,
				  bool is_after, const struct gs_text *text)
{
	if (text->failed)
		return gs_error_nomem();
	return gs_diff_tell(diff, kind, is_after ? NULL : text->data, is_after ? text->data : NULL);
}

void gs_diff_put_name(struct gs_text *text, const char *name)
{
	size_t size = strnlen(name, NAME_SHOWN_MAX + 1);

	if (size <= NAME_SHOWN_MAX) {
		gs_text_append(text, name, size);
		return;
	}
	/* Not in the middle of a character. */
	while (size && ((unsigned char)name[size] & 0xc0) == 0x80)
		size--;
	gs_text_append(text, name, size);
	gs_text_puts(text, "...");
}

size_t gs_diff_enter_field(struct gs_diff *diff, const struct gs_vmsd_field *field)
{
	size_t mark = diff->path.size;

	gs_text_puts(&diff->path, mark ? "/" : "");
	gs_diff_put_name(&diff->path, field->name);
	if (field->occurrence)
		gs_text_printf(&diff->path, "#%u", field->occurrence);
	return mark;
}

size_t gs_diff_enter_subsection(struct gs_diff *diff, const struct gs_vmsd *subsection)
{
	size_t mark = diff->path.size;

	gs_text_puts(&diff->path, mark ? "/[" : "[");
	gs_diff_put_name(&diff->path, subsection->name);
	gs_text_puts(&diff->path, "]");
	return mark;
}

void gs_diff_leave(struct gs_diff *diff, size_t mark)
{
	if (diff->path.data && mark <= diff->path.size) {
		diff->path.size = mark;
		diff->path.data[mark] = '\0';
	}
}

/* ---- descriptions ---- */

static int by_description_name(const void *a, const void *b)
{
	return strcmp(((const struct gs_vmsd *)a)->name, ((const struct gs_vmsd *)b)->name);
}

/* What is there only on one side; the order does not matter to a stream, and is not told. */
static struct gs_error *compare_subsection(struct gs_diff *diff, const struct gs_slot *slot,
					   bool is_after)
{
	const struct gs_vmsd *subsection = slot->item;
	size_t mark = gs_diff_enter_subsection(diff, subsection);
	gs_autotext struct gs_text text = {0};
	struct gs_error *err;

	if (slot->partner) {
		err = is_after ? NULL : gs_diff_descriptions(diff, subsection, slot->partner->item);
	} else {
		gs_text_printf(&text, "v%u, %zu field%s", subsection->version,
			       subsection->field_count, subsection->field_count == 1 ? "" : "s");
		err = gs_diff_tell_one(
			diff, is_after ? GS_CHANGE_SUBSECTION_ADDED : GS_CHANGE_SUBSECTION_REMOVED,
			is_after, &text);
	}
	gs_diff_leave(diff, mark);
	return err;
}

struct gs_error *gs_diff_pair_subsections(const struct gs_vmsd *before, const struct gs_vmsd *after,
					  struct gs_pairing *ret)
{
	struct gs_error *err = gs_pairing_init(
		ret, before ? before->subsections : NULL, before ? before->subsection_count : 0,
		after ? after->subsections : NULL, after ? after->subsection_count : 0,
		sizeof(struct gs_vmsd));

	return err ? err : gs_pairing_match(ret, by_description_name);
}

static struct gs_error *compare_subsections(struct gs_diff *diff, const struct gs_vmsd *before,
					    const struct gs_vmsd *after)
{
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_error *err = gs_diff_pair_subsections(before, after, &pairing);

	for (size_t i = 0; !err && i < pairing.before.count; i++)
		err = compare_subsection(diff, &pairing.before.slots[i], false);
	for (size_t i = 0; !err && i < pairing.after.count; i++)
		err = compare_subsection(diff, &pairing.after.slots[i], true);
	return err;
}

static struct gs_error *tell_name(struct gs_diff *diff, const char *before, const char *after)
{
	gs_autotext struct gs_text old = {0}, new = {0};

	gs_diff_put_name(&old, before);
	gs_diff_put_name(&new, after);
	if (old.failed || new.failed)
		return gs_error_nomem();
	return gs_diff_tell(diff, GS_CHANGE_NAME, old.data, new.data);
}

static struct gs_error *compare_versions(struct gs_diff *diff, uint32_t version_before,
					 uint32_t version_after, uint32_t minimum_before,
					 uint32_t minimum_after)
{
	struct gs_error *err = NULL;

	if (version_before != version_after)
		err = gs_diff_tell_number(diff, GS_CHANGE_VERSION, version_before, version_after);
	if (!err && minimum_before != minimum_after)
		err = gs_diff_tell_number(diff, GS_CHANGE_MINIMUM, minimum_before, minimum_after);
	return err;
}

static struct gs_error *compare_contents(struct gs_diff *diff, const struct gs_vmsd *before,
					 const struct gs_vmsd *after)
{
	static const char *const words[] = {"no list of fields", "a list of fields"};
	struct gs_error *err = NULL;

	if (strcmp(before->name, after->name) != 0)
		err = tell_name(diff, before->name, after->name);
	if (!err && before->has_fields != after->has_fields)
		err = gs_diff_tell(diff, GS_CHANGE_FIELDS_GONE, words[before->has_fields],
				   words[after->has_fields]);
	if (!err)
		err = gs_diff_fields(diff, before, after);
	return err ? err : compare_subsections(diff, before, after);
}

struct gs_error *gs_diff_descriptions(struct gs_diff *diff, const struct gs_vmsd *before,
				      const struct gs_vmsd *after)
{
	struct gs_error *err = compare_versions(diff, before->version, after->version,
						before->minimum, after->minimum);

	return err ? err : compare_contents(diff, before, after);
}

/* ---- devices ---- */

/* The numbers of a device are copies of its description's: they are told once. */
static struct gs_error *compare_device(struct gs_diff *diff)
{
	const struct gs_devstate_device *a = diff->device_before, *b = diff->device_after;
	const struct gs_vmsd *before = a->description, *after = b->description;
	struct gs_error *err = NULL;
	bool are_copies = before && after && a->version == before->version &&
			  a->minimum == before->minimum && b->version == after->version &&
			  b->minimum == after->minimum;

	if (strcmp(a->type, b->type) != 0)
		err = gs_diff_tell(diff, GS_CHANGE_DEVICE_RENAMED, a->type, b->type);
	if (!err && !are_copies)
		err = compare_versions(diff, a->version, b->version, a->minimum, b->minimum);
	if (err || (!before && !after))
		return err;
	if (!before || !after)
		return gs_diff_tell(diff, GS_CHANGE_FIELDS_GONE, before ? NULL : "no description",
				    after ? NULL : "no description");
	return gs_diff_descriptions(diff, before, after);
}

static struct gs_error *tell_alone(struct gs_diff *diff, bool is_after)
{
	const struct gs_devstate_device *device =
		is_after ? diff->device_after : diff->device_before;
	gs_autotext struct gs_text text = {0};

	gs_diff_put_name(&text, device->type);
	if (device->description && strcmp(device->type, device->description->name) != 0) {
		gs_text_puts(&text, ", in a stream ");
		gs_diff_put_name(&text, device->description->name);
	}
	return gs_diff_tell_one(diff, is_after ? GS_CHANGE_DEVICE_ADDED : GS_CHANGE_DEVICE_REMOVED,
				is_after, &text);
}

struct gs_error *gs_devstate_diff(
	const struct gs_devstate *before, const struct gs_devstate *after,
	struct gs_error *(*report)(void *arg, const struct gs_devstate_change *change), void *arg)
{
	struct gs_diff diff = {.before = before,
			       .after = after,
			       .told = gs_devstate_has_num(before) && gs_devstate_has_num(after),
			       .report = report,
			       .arg = arg};
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_device_walk walk = {.pairing = &pairing};
	struct gs_error *err = gs_pairing_init_devices(&pairing, before, after);

	while (!err && gs_device_walk_next(&walk, &diff.device_before, &diff.device_after))
		err = diff.device_before && diff.device_after
			      ? compare_device(&diff)
			      : tell_alone(&diff, diff.device_after != NULL);
	gs_text_deinit(&diff.path);
	return err;
}
