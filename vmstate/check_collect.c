/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library finds, kept for a report; what is waived of it, and what that leaves. */
#include <string.h>

#include "check.h"

/* ---- copies ---- */

/* One block: the terms, and behind them their literals. */
static struct gs_error *copy_condition(const struct gs_condition *from, struct gs_condition *ret)
{
	size_t count = 0;
	struct gs_term *terms;
	struct gs_literal *literals;

	if (!from->count)
		return NULL;
	for (size_t i = 0; i < from->count; i++)
		count += from->terms[i].count;
	terms = malloc(from->count * sizeof(*terms) + count * sizeof(*literals));
	if (!terms)
		return gs_error_nomem();
	literals = (struct gs_literal *)(terms + from->count);
	for (size_t i = 0; i < from->count; i++) {
		terms[i] = (struct gs_term){literals, from->terms[i].count};
		for (size_t j = 0; j < terms[i].count; j++)
			*literals++ = from->terms[i].literals[j];
	}
	*ret = (struct gs_condition){terms, from->count};
	return NULL;
}

static struct gs_error *copy_finding(struct gs_check_finding *to,
				     const struct gs_check_finding *from)
{
	*to = *from;
	to->section = strdup(from->section ? from->section : "");
	to->path = strdup(from->path);
	to->text = strdup(from->text);
	to->id = strdup(from->id);
	to->condition = (struct gs_condition){0};
	if (!to->section || !to->path || !to->text || !to->id)
		return gs_error_nomem();
	return copy_condition(&from->condition, &to->condition);
}

static void free_finding(struct check_finding *finding)
{
	free((char *)finding->is.section);
	free((char *)finding->is.path);
	free((char *)finding->is.text);
	free((char *)finding->is.id);
	free((struct gs_term *)finding->is.condition.terms);
	machine_candidates_deinit(&finding->candidates);
	free(finding->settings);
}

static struct gs_error *copy_conditions(struct gs_check_device *to,
					const struct gs_check_device *from)
{
	struct gs_error *err = NULL;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		to->directions[d].condition = (struct gs_condition){0};
	for (int d = 0; !err && d < GS_CHECK_DIRECTIONS; d++)
		err = copy_condition(&from->directions[d].condition, &to->directions[d].condition);
	return err;
}

/* Room for one more element of @size bytes; NULL: out of memory. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown;

	if (count < *capacity)
		return array;
	grown = reallocarray(array, wanted, size);
	if (grown)
		*capacity = wanted;
	return grown;
}

static struct gs_error *join_machine(const struct check *c, struct check_finding *finding)
{
	gs_autotext struct gs_text text = {0};
	struct gs_error *err = machine_candidates(c->machine, &finding->is, &finding->candidates);

	if (err || !finding->candidates.resembling)
		return err;
	put_candidates(&text, c->machine, &finding->candidates, false);
	return gs_text_finish(&text, &finding->settings);
}

static struct gs_error *keep_finding(struct check *c, const struct gs_check_finding *finding,
				     const struct gs_waiver *waiver)
{
	struct check_finding *kept;
	struct gs_error *err;

	if (c->finding_count == CHECK_FINDINGS_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "more than %d findings: name devices, to judge fewer",
				       CHECK_FINDINGS_MAX);
	kept = grow(c->findings, c->finding_count, &c->finding_capacity, sizeof(*kept));
	if (!kept)
		return gs_error_nomem();
	c->findings = kept;
	kept += c->finding_count++;
	*kept = (struct check_finding){.waiver = waiver};
	err = copy_finding(&kept->is, finding);
	return err || !c->machine ? err : join_machine(c, kept);
}

static struct gs_error *keep_device(struct check *c, const struct gs_check_device *device,
				    struct check_device **ret)
{
	struct check_device *kept;

	kept = grow(c->devices, c->device_count, &c->device_capacity, sizeof(*kept));
	if (!kept)
		return gs_error_nomem();
	c->devices = kept;
	kept += c->device_count++;
	*kept = (struct check_device){.is = *device, .first = c->told};
	kept->count = c->finding_count - c->told;
	c->told = c->finding_count;
	*ret = kept;
	return copy_conditions(&kept->is, device);
}

/* ---- waivers ---- */

bool check_is_expired(const struct check *check, const struct gs_waiver *waiver)
{
	return strcmp(waiver->expires, check->options->today) < 0;
}

/* The waiver that holds for the finding; NULL: none. */
static const struct gs_waiver *find_waiver(struct check *c, const char *id)
{
	const struct gs_waiver *waiver;
	size_t place;

	if (!gs_baseline_find(c->options->baseline, id, &place))
		return NULL;
	c->matched[place] = true;
	waiver = gs_baseline_at(c->options->baseline, place);
	return check_is_expired(c, waiver) ? NULL : waiver;
}

static void judge_left(const struct check *c, struct check_device *device, int d)
{
	enum gs_verdict all = device->is.directions[d].verdict, alone = GS_VERDICT_OK;
	size_t left_count = 0;

	device->left[d] = GS_VERDICT_OK;
	device->waived[d] = false;
	for (size_t i = device->first; i < device->first + device->count; i++) {
		const struct check_finding *finding = &c->findings[i];

		if ((int)finding->is.direction != d)
			continue;
		if (finding->is.verdict > alone)
			alone = finding->is.verdict;
		device->waived[d] |= finding->waiver != NULL;
		if (finding->waiver)
			continue;
		left_count += finding->is.verdict > GS_VERDICT_INFO;
		if (finding->is.verdict > device->left[d])
			device->left[d] = finding->is.verdict;
	}
	if (!device->waived[d] || (all > alone && left_count > 1))
		device->left[d] = all;
}

/* Waives what is as bad as that, and not waived yet. */
static void waive(struct check *c, struct check_device *device, int d, enum gs_verdict from)
{
	for (size_t i = device->first; i < device->first + device->count; i++) {
		struct check_finding *finding = &c->findings[i];

		if ((int)finding->is.direction == d && finding->is.verdict >= from &&
		    !finding->waiver)
			finding->waiver = c->options->begun;
	}
	judge_left(c, device, d);
}

/* What fails by itself; then, if all together still do, whatever is part of it. */
static void begin_baseline(struct check *c, struct check_device *device, int d)
{
	if (device->left[d] >= c->options->fail_on)
		waive(c, device, d, c->options->fail_on);
	if (device->left[d] >= c->options->fail_on)
		waive(c, device, d, GS_VERDICT_UNKNOWN);
}

/* ---- what the library tells ---- */

static bool is_wanted(const struct check *c, const char *before, const char *after)
{
	return !c->args || gs_args_count(c->args) == 2 ||
	       vmstate_is_named(c->args, c->before->state, before) ||
	       vmstate_is_named(c->args, c->after->state, after);
}

static struct gs_error *take_finding(void *arg, const struct gs_check_finding *finding)
{
	struct check *c = arg;

	if (!c->options->directions[finding->direction] ||
	    !is_wanted(c, finding->type_before, finding->type_after))
		return NULL;
	return keep_finding(c, finding, find_waiver(c, finding->id));
}

static const char *name_of(const struct gs_check_device *device)
{
	const char *type = device->type_before ? device->type_before : device->type_after;

	return type ? type : device->missing;
}

static void find_absence(const struct check *c, struct check_device *device)
{
	const struct gs_about *before = c->before->about, *after = c->after->about;
	const struct gs_check_device *is = &device->is;

	if (is->type_before && !is->type_after)
		device->absence = gs_about_absence(before, after, is->type_before, &device->module);
	else if (is->type_after && !is->type_before)
		device->absence = gs_about_absence(after, before, is->type_after, &device->module);
}

static struct gs_error *take_device(void *arg, const struct gs_check_device *device)
{
	struct check *c = arg;
	struct check_device *kept = NULL;
	struct gs_error *err;

	if (!is_wanted(c, device->type_before, device->type_after))
		return NULL;
	err = keep_device(c, device, &kept);
	if (err)
		return err;
	kept->name = name_of(device);
	find_absence(c, kept);
	c->assumed += device->assumed;
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (!c->options->directions[d])
			continue;
		c->counts[d][device->directions[d].verdict]++;
		judge_left(c, kept, d);
		if (c->options->begun)
			begin_baseline(c, kept, d);
		c->failed |= kept->left[d] >= c->options->fail_on;
	}
	return NULL;
}

struct gs_error *check_collect(struct check *check)
{
	const struct gs_check_report report = {take_finding, take_device, check};
	size_t waivers = gs_baseline_count(check->options->baseline);

	check->matched = calloc(waivers + 1, sizeof(*check->matched));
	if (!check->matched)
		return gs_error_nomem();
	check->failed = check_lacks_machine(check) && check->options->fail_on < GS_VERDICT_COUNT;
	return gs_devstate_check(check->before->state, check->after->state,
				 &check->options->library, &report);
}

bool check_lacks_machine(const struct check *check)
{
	return check->machine && (gs_machine_is_lacking(&check->machine->before) ||
				  gs_machine_is_lacking(&check->machine->after));
}

void check_deinit(struct check *check)
{
	for (size_t i = 0; i < check->finding_count; i++)
		free_finding(&check->findings[i]);
	for (size_t i = 0; i < check->device_count; i++) {
		for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
			free((struct gs_term *)check->devices[i].is.directions[d].condition.terms);
	}
	free(check->findings);
	free(check->devices);
	free(check->matched);
}
