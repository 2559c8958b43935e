/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff: all that two exports say differently. */
#include <string.h>

#include "diff.h"

/* ---- which devices ---- */

static bool is_used(const struct diff *diff, const struct gs_devstate_change *change)
{
	const struct gs_device_types *used = &diff->used;

	return (change->device_before && gs_device_types_has(used, change->device_before)) ||
	       (change->device_after && gs_device_types_has(used, change->device_after));
}

static bool is_wanted(const struct diff *diff, const struct gs_devstate_change *change)
{
	if (diff->used.count)
		return is_used(diff, change);
	return gs_args_count(diff->args) == 2 ||
	       vmstate_is_named(diff->args, diff->before.state, change->device_before) ||
	       vmstate_is_named(diff->args, diff->after.state, change->device_after);
}

static struct gs_error *add_named(struct diff *diff, const struct gs_devstate *state)
{
	const struct gs_devstate_device *device;
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && (device = gs_devstate_at(state, i)); i++) {
		if (vmstate_is_named(diff->args, state, device->type))
			err = gs_device_types_add(&diff->used, device->type);
	}
	return err;
}

/* What guests have, and besides what is named. */
static struct gs_error *find_used(struct diff *diff)
{
	struct gs_error *err = vmstate_used(diff->args, &diff->used);

	if (!err && diff->used.count)
		err = add_named(diff, diff->before.state);
	if (!err && diff->used.count)
		err = add_named(diff, diff->after.state);
	return err;
}

/* ---- running ---- */

enum diff_tone diff_tone(enum gs_devstate_change_kind kind)
{
	switch (kind) {
	case GS_CHANGE_DEVICE_ADDED:
	case GS_CHANGE_FIELD_ADDED:
	case GS_CHANGE_SUBSECTION_ADDED:
		return DIFF_ADDED;
	case GS_CHANGE_DEVICE_REMOVED:
	case GS_CHANGE_FIELD_REMOVED:
	case GS_CHANGE_SUBSECTION_REMOVED:
		return DIFF_REMOVED;
	default:
		return DIFF_CHANGED;
	}
}

bool diff_has_lengths(const struct diff *diff)
{
	return gs_devstate_has_num(diff->before.state) && gs_devstate_has_num(diff->after.state);
}

int diff_status(const struct diff *diff)
{
	return diff->count ? GS_EXIT_FAILED : GS_EXIT_OK;
}

struct run {
	struct diff *diff;
	diff_take take;
	void *arg;
};

static struct gs_error *take_change(void *arg, const struct gs_devstate_change *change)
{
	const struct run *run = arg;
	struct diff *diff = run->diff;
	bool is_first = diff->count == 0 || change->device_before != diff->device_before ||
			change->device_after != diff->device_after;
	struct gs_error *err;

	if (!is_wanted(diff, change))
		return NULL;
	err = run->take(run->arg, change, is_first);
	diff->device_before = change->device_before;
	diff->device_after = change->device_after;
	diff->device_count += is_first;
	diff->count++;
	diff->counts[change->kind]++;
	return err;
}

struct gs_error *diff_run(struct diff *diff, diff_take take, void *arg)
{
	struct run run = {diff, take, arg};

	return gs_devstate_diff(diff->before.state, diff->after.state, take_change, &run);
}

/* ---- the command ---- */

static struct gs_error *prepare(struct diff *diff)
{
	struct gs_error *err = vmstate_load_two(diff->args, &diff->before, &diff->after);

	if (!err)
		err = vmstate_check_named(diff->args, diff->before.state, diff->after.state);
	return err ? err : find_used(diff);
}

/* A page goes to a file, about which there may be something to say before anything is done. */
static struct gs_error *begin_page(const struct gs_args *args, struct html *page, bool *ret)
{
	gs_autofree char *title =
		gs_strf("vmstate diff: %s \u2192 %s", gs_args_at(args, 0), gs_args_at(args, 1));
	struct gs_error *err = title ? html_wanted(args, ret) : gs_error_nomem();

	return !err && *ret ? html_begin(args, title, page) : err;
}

int cmd_diff(struct gs_args *args)
{
	auto_page struct html page = {0};
	struct diff diff = {.args = args};
	bool has_page = false;
	struct gs_error *err = begin_page(args, &page, &has_page);
	int status;

	if (!err)
		err = prepare(&diff);
	if (err) {
		status = gs_args_fail(args, err);
	} else {
		vmstate_note_unknown(args, &diff.used, diff.before.state, diff.after.state);
		status = has_page                    ? diff_as_html(&diff, &page)
			 : gs_args_has(args, "json") ? diff_as_json(&diff)
						     : diff_as_text(&diff);
	}
	gs_device_types_deinit(&diff.used);
	vmstate_export_deinit(&diff.before);
	vmstate_export_deinit(&diff.after);
	return status;
}
