/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of two exports: what goes with what, and what becomes of it, both ways. */
#include <stdlib.h>
#include <string.h>

#include "check_scope.h"
#include "pairing.h"

static const struct gs_wire_size nowhere = {GS_WIRE_UNKNOWN, 0};

/* ---- one of a kind ---- */

static bool is_used(const struct gs_check_options *options, const struct gs_devstate_device *device)
{
	for (size_t i = 0; device && i < options->used_count; i++) {
		if (strcmp(options->used[i], device->type) == 0)
			return true;
	}
	return false;
}

/* @module: that has it, and was not found; NULL: none is known of. */
static struct gs_error *judge_gone(struct gs_judge *judge, const struct gs_check_options *options,
				   const char *module)
{
	struct gs_literal literal = {
		.kind = GS_LITERAL_USED, .side = GS_SIDE_SAVER, .name = judge->saver->type};
	struct gs_error *err;

	if (module) {
		gs_text_puts(&judge->text, "The loader did not find the module ");
		gs_check_put_name(&judge->text, module);
		gs_text_puts(&judge->text, ", which has this device: a load fails");
	} else {
		gs_text_puts(&judge->text, "The loader has no such device: a load fails");
	}
	if (is_used(options, judge->saver)) {
		gs_text_puts(&judge->text, ".");
		return gs_judge_tell_outcome(judge, GS_RULE_DEVICE_GONE, GS_OUTCOME_BROKEN,
					     nowhere);
	}
	gs_text_puts(&judge->text, " if the guest uses it.");
	err = gs_judge_enter(judge, &literal);
	if (!err)
		err = gs_judge_tell_outcome(judge, GS_RULE_DEVICE_GONE, GS_OUTCOME_BROKEN, nowhere);
	gs_judge_leave(judge);
	return err;
}

/* One of them refuses. */
static struct gs_error *judge_refusal(struct gs_judge *judge, bool saver_refuses)
{
	bool gained = saver_refuses == (judge->direction == GS_CHECK_FORWARD);

	if (saver_refuses) {
		gs_text_printf(&judge->text,
			       "The saver refuses to save it, so there is nothing to load; the "
			       "newer export has %s migration.",
			       gained ? "gained" : "lost");
		return gs_judge_tell(judge, GS_RULE_UNMIGRATABLE, NULL, nowhere);
	}
	gs_text_puts(&judge->text, "The loader refuses to migrate this device.");
	return gs_judge_tell_outcome(judge, GS_RULE_UNMIGRATABLE, GS_OUTCOME_BROKEN, nowhere);
}

/* Why the other one's dump lacks it. */
static enum gs_absence absence(const struct gs_judge *judge, const struct gs_check_options *options,
			       const char **module_ret)
{
	bool is_before = !judge->saver == (judge->direction == GS_CHECK_BACKWARD);
	const struct gs_devstate_device *device = judge->saver ? judge->saver : judge->loader;

	return gs_about_absence(is_before ? options->about_before : options->about_after,
				is_before ? options->about_after : options->about_before,
				device->type, module_ret);
}

/* It may send, or load, what it registers outside of its type: the IDE of PIIX did. Or whether it
 * is sent at all is up to its guest: not of ramfb, unless it is asked to. */
static struct gs_error *judge_stateless(struct gs_judge *judge)
{
	gs_text_printf(&judge->text,
		       "The %s has the device, too, but its export describes no state of it.",
		       judge->saver ? "loader" : "saver");
	return gs_judge_tell_outcome(judge, GS_RULE_NOT_IN_DUMP, GS_OUTCOME_UNKNOWN, nowhere);
}

static struct gs_error *judge_alone(struct gs_judge *judge, const struct gs_check_options *options)
{
	bool refuses = judge->saver && gs_devstate_is_unmigratable(judge->saver);
	const char *module = NULL;
	enum gs_absence why = absence(judge, options, &module);

	if (!refuses && why == GS_ABSENCE_STATELESS)
		return judge->loader && gs_devstate_is_unmigratable(judge->loader)
			       ? judge_refusal(judge, false)
			       : judge_stateless(judge);
	if (!judge->saver) {
		gs_text_puts(&judge->text, "The saver has no such device: nothing of it is sent.");
		return gs_judge_tell(judge, GS_RULE_DEVICE_NEW, NULL, nowhere);
	}
	if (!refuses && why == GS_ABSENCE_ABSTRACT) {
		gs_text_puts(&judge->text, "The loader has no such type, of which no guest has a "
					   "device: it is abstract.");
		return gs_judge_tell(judge, GS_RULE_DEVICE_GONE, NULL, nowhere);
	}
	if (!refuses)
		return judge_gone(judge, options, module);
	gs_text_puts(&judge->text, "The loader has no such device, and the saver refuses to save "
				   "it: there is nothing to load.");
	return gs_judge_tell(judge, GS_RULE_UNMIGRATABLE, NULL, nowhere);
}

/* ---- pairs ---- */

/* An export without a description of a device says nothing but that there is one. */
static struct gs_error *judge_undescribed(struct gs_judge *judge)
{
	if (!judge->saver->description && !judge->loader->description)
		return NULL;
	gs_text_printf(&judge->text, "The %s's export does not describe this device.",
		       judge->saver->description ? "loader" : "saver");
	return gs_judge_tell_outcome(judge, GS_RULE_NOT_IN_DUMP, GS_OUTCOME_UNKNOWN, nowhere);
}

static struct gs_error *judge_name(struct gs_judge *judge)
{
	gs_text_puts(&judge->text, "The saver calls the section '");
	gs_check_put_name(&judge->text, judge->saver->description->name);
	gs_text_puts(&judge->text, "', and the loader knows it as '");
	gs_check_put_name(&judge->text, judge->loader->description->name);
	gs_text_puts(&judge->text, "'.");
	return gs_judge_tell_outcome(judge, GS_RULE_NAME, GS_OUTCOME_BROKEN, nowhere);
}

static struct gs_error *judge_type(struct gs_judge *judge)
{
	gs_text_puts(&judge->text, "The device's type is '");
	gs_check_put_name(&judge->text, judge->saver->type);
	gs_text_puts(&judge->text, "' to the saver and '");
	gs_check_put_name(&judge->text, judge->loader->type);
	gs_text_puts(&judge->text, "' to the loader, which no stream tells.");
	return gs_judge_tell(judge, GS_RULE_TYPE, NULL, nowhere);
}

static struct gs_error *judge_pair(struct gs_judge *judge)
{
	bool saver_refuses = gs_devstate_is_unmigratable(judge->saver);
	bool loader_refuses = gs_devstate_is_unmigratable(judge->loader);
	struct gs_error *err = NULL;

	if (saver_refuses || loader_refuses)
		return saver_refuses && loader_refuses ? NULL : judge_refusal(judge, saver_refuses);
	if (!judge->saver->description || !judge->loader->description)
		return judge_undescribed(judge);
	if (strcmp(judge->saver->description->name, judge->loader->description->name) != 0)
		return judge_name(judge);
	if (strcmp(judge->saver->type, judge->loader->type) != 0)
		err = judge_type(judge);
	return err ? err : gs_check_section(judge);
}

/* ---- both directions ---- */

/* What the saver calls it in a stream, or would. */
static const char *section_name(const struct gs_devstate_device *saver,
				const struct gs_devstate_device *loader)
{
	const struct gs_devstate_device *device = saver ? saver : loader;

	return device->description ? device->description->name : device->type;
}

static struct gs_error *judge_direction(struct gs_check *check, struct gs_judge *judge,
					struct gs_check_device *device)
{
	enum gs_check_direction d = judge->direction;
	struct gs_error *err;

	err = judge->saver && judge->loader ? judge_pair(judge)
					    : judge_alone(judge, check->options);
	if (!err)
		err = gs_judge_sum_up(judge, &device->directions[d].verdict,
				      &device->directions[d].condition);
	device->directions[d].findings = judge->finding_count;
	if (judge->assumed > device->assumed)
		device->assumed = judge->assumed;
	return err;
}

/* The way back is the same if nothing is different, and nothing was found on the way there. */
static bool is_way_back(const struct gs_judge *judge, const struct gs_check_device *device)
{
	const bool told[GS_SIDES] = {gs_devstate_has_num(judge->saver_state),
				     gs_devstate_has_num(judge->loader_state)};

	return judge->direction == GS_CHECK_BACKWARD && judge->saver && judge->loader &&
	       judge->saver->description && judge->loader->description &&
	       device->directions[GS_CHECK_FORWARD].findings == 0 &&
	       gs_vmsd_is_equal(told, judge->saver->description, judge->loader->description);
}

/* Its two directions' findings live until the device itself is told of. */
static struct gs_error *check_device(struct gs_check *check, struct gs_check_device *device,
				     const struct gs_devstate_device *before,
				     const struct gs_devstate_device *after)
{
	struct gs_judge judges[GS_CHECK_DIRECTIONS] = {
		[GS_CHECK_FORWARD] = {.direction = GS_CHECK_FORWARD,
				      .work = &check->work,
				      .saver_state = check->before,
				      .loader_state = check->after,
				      .saver = before,
				      .loader = after},
		[GS_CHECK_BACKWARD] = {.direction = GS_CHECK_BACKWARD,
				       .work = &check->work,
				       .saver_state = check->after,
				       .loader_state = check->before,
				       .saver = after,
				       .loader = before},
	};
	struct gs_error *err = NULL;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_judge_init(&judges[d]);
		judges[d].section = section_name(judges[d].saver, judges[d].loader);
		if (is_way_back(&judges[d], device))
			device->directions[d] = device->directions[GS_CHECK_FORWARD];
		else if (!err)
			err = judge_direction(check, &judges[d], device);
	}
	if (!err)
		err = gs_check_tell(check, device, judges);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		gs_judge_deinit(&judges[d]);
	return err;
}

static struct gs_error *check_pair(struct gs_check *check, const struct gs_devstate_device *before,
				   const struct gs_devstate_device *after)
{
	struct gs_check_device device = {
		.type_before = before ? before->type : NULL,
		.type_after = after ? after->type : NULL,
		.unmigratable_before = before && gs_devstate_is_unmigratable(before),
		.unmigratable_after = after && gs_devstate_is_unmigratable(after),
		.unversioned = (before && gs_devstate_is_unversioned(before->type)) ||
			       (after && gs_devstate_is_unversioned(after->type)),
	};

	if (check->options->used && !is_used(check->options, before) &&
	    !is_used(check->options, after))
		return NULL;
	return check_device(check, &device, before, after);
}

/* ---- used, and nowhere ---- */

static struct gs_error *tell_missing(struct gs_check *check, const char *type)
{
	struct gs_check_device device = {.missing = type};
	struct gs_judge judges[GS_CHECK_DIRECTIONS] = {{.direction = GS_CHECK_FORWARD},
						       {.direction = GS_CHECK_BACKWARD}};
	struct gs_error *err = NULL;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_judge_init(&judges[d]);
		judges[d].section = type;
		gs_text_puts(&judges[d].text, "The device is used, but neither export has it.");
		if (!err)
			err = gs_judge_tell_outcome(&judges[d], GS_RULE_NOT_IN_DUMP,
						    GS_OUTCOME_UNKNOWN, nowhere);
		device.directions[d].verdict = GS_VERDICT_UNKNOWN;
		device.directions[d].findings = 1;
	}
	if (!err)
		err = gs_check_tell(check, &device, judges);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		gs_judge_deinit(&judges[d]);
	return err;
}

static struct gs_error *check_missing(struct gs_check *check)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < check->options->used_count; i++) {
		const char *type = check->options->used[i];

		if (!gs_devstate_find(check->before, type) && !gs_devstate_find(check->after, type))
			err = tell_missing(check, type);
	}
	return err;
}

/* ---- all devices ---- */

struct gs_error *gs_devstate_check(const struct gs_devstate *before,
				   const struct gs_devstate *after,
				   const struct gs_check_options *options,
				   const struct gs_check_report *report)
{
	static const struct gs_check_options defaults;
	gs_autoarena struct gs_arena arena = {0};
	struct gs_check check = {
		.before = before,
		.after = after,
		.options = options ? options : &defaults,
		.report = report,
		.work = {GS_WORK_MAX},
		.ids = {.arena = &arena},
	};
	gs_autopairing struct gs_pairing pairing = {0};
	struct gs_device_walk walk = {.pairing = &pairing};
	const struct gs_devstate_device *a, *b;
	struct gs_error *err = gs_pairing_init_devices(&pairing, before, after);

	while (!err && gs_device_walk_next(&walk, &a, &b))
		err = check_pair(&check, a, b);
	if (!err)
		err = check_missing(&check);
	return err;
}
