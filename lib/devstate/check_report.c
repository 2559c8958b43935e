/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling what was found: the names of things, and of findings. */
#include <string.h>

#include "check.h"

const char *gs_verdict_name(enum gs_verdict verdict)
{
	static const char *const names[GS_VERDICT_COUNT] = {
		[GS_VERDICT_OK] = "OK",           [GS_VERDICT_INFO] = "INFO",
		[GS_VERDICT_UNKNOWN] = "UNKNOWN", [GS_VERDICT_CONDITIONAL] = "CONDITIONAL",
		[GS_VERDICT_BREAK] = "BREAK",     [GS_VERDICT_SILENT] = "SILENT",
	};

	return names[verdict];
}

const char *gs_check_direction_name(enum gs_check_direction direction)
{
	return direction == GS_CHECK_FORWARD ? "forward" : "backward";
}

const char *gs_check_rule_name(enum gs_check_rule rule)
{
	static const char *const names[GS_RULE_COUNT] = {
		[GS_RULE_VERSION_ABOVE] = "version-above",
		[GS_RULE_VERSION_BELOW] = "version-below",
		[GS_RULE_NAME] = "name",
		[GS_RULE_TYPE] = "type",
		[GS_RULE_DEVICE_GONE] = "device-gone",
		[GS_RULE_DEVICE_NEW] = "device-new",
		[GS_RULE_UNMIGRATABLE] = "unmigratable",
		[GS_RULE_SUBSECTION_GONE] = "subsection-gone",
		[GS_RULE_SUBSECTION_NEW] = "subsection-new",
		[GS_RULE_SUBSECTION_PREFIX] = "subsection-prefix",
		[GS_RULE_SUBSECTION_DUPLICATE] = "subsection-duplicate",
		[GS_RULE_FIELD_UNSENT] = "field-unsent",
		[GS_RULE_FIELD_LEFT] = "field-left",
		[GS_RULE_FIELD_SIZE] = "field-size",
		[GS_RULE_FIELD_GATE] = "field-gate",
		[GS_RULE_FIELD_ORDER] = "field-order",
		[GS_RULE_FIELD_WIDTH] = "field-width",
		[GS_RULE_FIELD_RENAMED] = "field-renamed",
		[GS_RULE_FIELD_REPACKED] = "field-repacked",
		[GS_RULE_NESTED_MINIMUM] = "nested-minimum",
		[GS_RULE_NOT_IN_DUMP] = "not-in-dump",
		[GS_RULE_TOO_MUCH] = "too-much",
	};

	return names[rule];
}

const char *const *gs_check_not_judged(void)
{
	static const char *const sentences[] = {
		"CPU state, where a target does not describe it in exports.",
		"What a virtio device sends by hand: features, configuration, queues.",
		"Guest RAM, and sizes of RAM and ROM blocks.",
		"What is registered outside of devices: timers, dirty bitmaps, VFIO, the page "
		"size.",
		"What predicates and compatibility properties of a machine type decide.",
		"Code that runs before a save and after a load, and may refuse.",
		NULL,
	};

	return sentences;
}

/* ---- identities ---- */

/* How often it was there before. */
static struct gs_error *count_id(struct gs_check *check, const char *id, unsigned int *count_ret)
{
	uint32_t number;
	struct gs_error *err = gs_names_add(&check->ids, id, &number);

	if (err)
		return err;
	if (number == check->id_capacity) {
		size_t capacity = check->id_capacity ? 2 * check->id_capacity : 64;
		unsigned int *more = gs_arena_alloc(check->ids.arena, capacity, sizeof(*more));

		if (!more)
			return gs_error_nomem();
		if (number)
			memcpy(more, check->id_uses, number * sizeof(*more));
		check->id_uses = more;
		check->id_capacity = capacity;
	}
	*count_ret = check->id_uses[number]++;
	return NULL;
}

/* "forward:e1000e/core.timadj:field-unsent", and "#2", ... behind the second of that name. */
static struct gs_error *put_id(struct gs_check *check, const struct gs_check_finding *finding,
			       struct gs_text *id)
{
	const char *type = finding->type_before ? finding->type_before : finding->type_after;
	struct gs_error *err;
	unsigned int count = 0;

	gs_text_printf(id, "%s:", gs_check_direction_name(finding->direction));
	gs_check_put_name(id, type ? type : finding->section);
	gs_text_printf(id, "%s%s:%s", *finding->path ? "/" : "", finding->path,
		       gs_check_rule_name(finding->rule));
	if (id->failed)
		return gs_error_nomem();
	err = count_id(check, id->data, &count);
	if (!err && count)
		gs_text_printf(id, "#%u", count + 1);
	return !err && id->failed ? gs_error_nomem() : err;
}

/* ---- telling ---- */

/* Boards that promise nothing break no promise; and of an abstract type there are no devices. */
static bool is_harmless(const struct gs_check *check, const struct gs_check_device *device,
			enum gs_check_direction direction)
{
	const struct gs_check_options *options = check->options;
	bool is_forward = direction == GS_CHECK_FORWARD;
	const char *type = is_forward ? device->type_before : device->type_after;
	const struct gs_about_type *saver =
		type ? gs_about_find_type(is_forward ? options->about_before : options->about_after,
					  type)
		     : NULL;

	return (device->unversioned && !options->strict) || (saver && saver->abstract);
}

static void let_off(enum gs_verdict *verdict, struct gs_condition *condition)
{
	if (*verdict != GS_VERDICT_OK)
		*verdict = GS_VERDICT_INFO;
	*condition = (struct gs_condition){0};
}

static struct gs_error *tell_finding(struct gs_check *check, const struct gs_check_device *device,
				     const struct gs_check_finding *found)
{
	struct gs_check_finding finding = *found;
	gs_autotext struct gs_text id = {0};
	struct gs_error *err;

	finding.type_before = device->type_before;
	finding.type_after = device->type_after;
	if (is_harmless(check, device, finding.direction))
		let_off(&finding.verdict, &finding.condition);
	err = put_id(check, &finding, &id);
	if (err || !check->report->finding)
		return err;
	finding.id = id.data;
	return check->report->finding(check->report->arg, &finding);
}

struct gs_error *gs_check_tell(struct gs_check *check, struct gs_check_device *device,
			       const struct gs_judge *judges)
{
	struct gs_error *err = NULL;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		const struct gs_judge_finding *found = judges[d].first;

		for (; !err && found; found = found->next)
			err = tell_finding(check, device, &found->finding);
		if (is_harmless(check, device, (enum gs_check_direction)d))
			let_off(&device->directions[d].verdict, &device->directions[d].condition);
	}
	if (err || !check->report->device)
		return err;
	return check->report->device(check->report->arg, device);
}
