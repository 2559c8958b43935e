/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports of device state: each device is found by its type, a description is as long as the fields
 * that it sends, what lint finds has a place below the device's description, and nothing differs
 * from itself, nor more from another export than that from it. What lint finds no mistake in loads
 * itself, and the way there is the way back of the other one. Side by side, descriptions have all
 * of their lines, in order.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/devstate.h>
#include <guestscope/devstate/align.h>
#include <guestscope/devstate/check.h>

#define DEVICES_MAX 2000 /* more say nothing new, and take their time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_devstate *parse(const uint8_t *data, size_t size)
{
	struct gs_devstate *state = NULL;
	struct gs_error *err = gs_devstate_parse((const char *)data, size, &state);

	assert(!err == !!state);
	assert(!err || err->code == GS_ERROR_CORRUPT);
	gs_error_destroy(err);
	return state;
}

/* What does not fit into 64 bits is unknown, and then there is no sum to compare. */
static void check_wire(const struct gs_devstate *state, const struct gs_vmsd *description)
{
	size_t conditional = 0, subsections = 0, own = 0;
	struct gs_wire_size all = gs_vmsd_wire(state, description, &conditional, &subsections);
	bool exact = true, overflow = false;
	uint64_t sum = 0;

	for (size_t i = 0; i < description->field_count; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];
		struct gs_wire_size size = gs_vmsd_field_wire(state, field);

		assert(size.certainty != GS_WIRE_UNKNOWN || size.bytes == 0);
		own += field->conditional;
		if (field->conditional || field->version > description->version)
			continue;
		overflow |= __builtin_add_overflow(sum, size.bytes, &sum);
		exact &= size.certainty == GS_WIRE_EXACT;
	}
	assert(overflow ? all.certainty != GS_WIRE_EXACT : all.bytes == sum);
	assert(!exact || overflow || all.certainty == GS_WIRE_EXACT);
	assert(own <= conditional && description->subsection_count <= subsections);
}

static void check_fields(const struct gs_vmsd *description)
{
	for (size_t i = 1; i < description->field_count && i < DEVICES_MAX; i++) {
		const struct gs_vmsd_field *field = &description->fields[i];

		assert(field->occurrence <= i);
		if (strcmp(field->name, field[-1].name) == 0)
			assert(field->occurrence == field[-1].occurrence + 1);
	}
}

static struct gs_error *check_finding(void *arg, const struct gs_lint_finding *finding)
{
	const struct gs_devstate_device *device = gs_devstate_find(arg, finding->device);

	assert(device && device->description);
	assert(strncmp(finding->path, device->description->name,
		       strnlen(device->description->name, 100)) == 0);
	assert(*gs_lint_code_name(finding->code) && *finding->text);
	return NULL;
}

/* ---- differences ---- */

struct counts {
	size_t of[GS_CHANGE_SUBSECTION_REMOVED + 1];
};

static struct gs_error *count_change(void *arg, const struct gs_devstate_change *change)
{
	assert(*gs_devstate_change_name(change->kind));
	assert(change->device_before || change->device_after);
	assert(change->before || change->after);
	((struct counts *)arg)->of[change->kind]++;
	return NULL;
}

static struct counts diff(const struct gs_devstate *before, const struct gs_devstate *after)
{
	struct counts counts = {0};

	gs_error_destroy(gs_devstate_diff(before, after, count_change, &counts));
	return counts;
}

static enum gs_devstate_change_kind mirror(enum gs_devstate_change_kind kind)
{
	static const enum gs_devstate_change_kind pairs[][2] = {
		{GS_CHANGE_DEVICE_ADDED, GS_CHANGE_DEVICE_REMOVED},
		{GS_CHANGE_FIELD_ADDED, GS_CHANGE_FIELD_REMOVED},
		{GS_CHANGE_SUBSECTION_ADDED, GS_CHANGE_SUBSECTION_REMOVED}};

	for (size_t i = 0; i < 3; i++) {
		if (kind == pairs[i][0] || kind == pairs[i][1])
			return pairs[i][kind == pairs[i][0]];
	}
	return kind;
}

/* With itself, and with a small one. */
static void check_diff(const struct gs_devstate *state)
{
	static const char text[] =
		"{\"vmschkmachine\": {\"Name\": \"none\"}, \"a\": {\"version_id\": 1, "
		"\"minimum_version_id\": 1, \"Description\": {\"name\": \"a\", \"version_id\": 1, "
		"\"minimum_version_id\": 1, \"Fields\": [{\"field\": \"f\", \"version_id\": 0, "
		"\"field_exists\": false, \"size\": 4}, {\"field\": \"unused\", \"version_id\": 0, "
		"\"field_exists\": false, \"num\": 4, \"size\": 2}]}}}";
	GS_CLEANUP(gs_devstate_destroy)
	struct gs_devstate *other = parse((const uint8_t *)text, strlen(text));
	struct counts there = diff(state, other), back = diff(other, state);
	struct counts own = diff(state, state);

	for (int i = 0; i <= GS_CHANGE_SUBSECTION_REMOVED; i++) {
		assert(own.of[i] == 0);
		assert(there.of[i] == back.of[mirror((enum gs_devstate_change_kind)i)]);
	}
}

/* ---- side by side ---- */

static size_t count_lines(const struct gs_vmsd *description)
{
	size_t count = description->field_count + description->subsection_count;

	for (size_t i = 0; i < description->field_count; i++) {
		if (description->fields[i].description)
			count += count_lines(description->fields[i].description);
	}
	for (size_t i = 0; i < description->subsection_count; i++)
		count += count_lines(&description->subsections[i]);
	return count;
}

struct lines {
	size_t before, after;
	const struct gs_vmsd_field *last_before, *last_after; /* of the outermost */
};

static void check_side(const struct gs_align_side *side, unsigned int depth, size_t *count,
		       const struct gs_vmsd_field **last)
{
	size_t path, name;

	if (!side->path)
		return;
	(*count)++;
	path = strlen(side->path);
	name = strlen(side->name);
	assert(name <= path && strcmp(side->path + path - name, side->name) == 0);
	if (!side->field || depth)
		return;
	assert(side->field == (*last ? *last + 1 : side->parent->fields));
	*last = side->field;
}

static struct gs_error *check_line(void *arg, const struct gs_align_row *row)
{
	struct lines *lines = arg;

	assert(row->before.path || row->after.path);
	check_side(&row->before, row->depth, &lines->before, &lines->last_before);
	check_side(&row->after, row->depth, &lines->after, &lines->last_after);
	return NULL;
}

static void check_align(const struct gs_devstate *state, const struct gs_vmsd *before,
			const struct gs_vmsd *after)
{
	struct lines lines = {0};

	gs_error_destroy(gs_devstate_align(state, before, state, after, check_line, &lines));
	assert(lines.before == (before ? count_lines(before) : 0));
	assert(lines.after == count_lines(after));
}

/* ---- what comes of it ---- */

struct verdicts {
	uint64_t sums[GS_CHECK_DIRECTIONS]; /* of all that is told, in any order */
	size_t counts[GS_CHECK_DIRECTIONS], devices;
	bool only_claims; /* nothing but whose subsections those are, and what is too much */
};

static uint64_t hash(uint64_t sum, const char *text)
{
	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 1099511628211u;
	return (sum ^ 0xff) * 1099511628211u;
}

static void check_condition(const struct gs_condition *condition, enum gs_verdict verdict)
{
	assert((condition->count > 0) == (verdict == GS_VERDICT_CONDITIONAL));
	for (size_t i = 0; i < condition->count; i++) {
		assert(condition->terms[i].count);
		for (size_t j = 0; j < condition->terms[i].count; j++)
			assert(condition->terms[i].literals[j].name);
	}
}

static struct gs_error *add_verdict(void *arg, const struct gs_check_finding *finding)
{
	struct verdicts *verdicts = arg;
	size_t size = strlen(finding->text);
	/* Which one of two refuses has been gained or lost, by which is the newer one. */
	const char *text = finding->rule == GS_RULE_UNMIGRATABLE ? "" : finding->text;

	assert(finding->verdict > GS_VERDICT_OK && finding->verdict < GS_VERDICT_COUNT);
	assert(finding->rule < GS_RULE_COUNT && *gs_check_rule_name(finding->rule));
	assert(finding->type_before || finding->type_after);
	assert(size && finding->text[size - 1] == '.');
	for (size_t i = 0; i < size; i++)
		assert((unsigned char)finding->text[i] >= ' ' && finding->text[i] != 0x7f);
	check_condition(&finding->condition, finding->verdict);
	verdicts->sums[finding->direction] +=
		hash(hash(hash(14695981039346656037u + finding->verdict, text), finding->path),
		     gs_check_rule_name(finding->rule));
	verdicts->counts[finding->direction]++;
	verdicts->only_claims &=
		finding->rule == GS_RULE_SUBSECTION_PREFIX || finding->rule == GS_RULE_TOO_MUCH;
	return NULL;
}

static struct gs_error *add_device(void *arg, const struct gs_check_device *device)
{
	struct verdicts *verdicts = arg;

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		check_condition(&device->directions[d].condition, device->directions[d].verdict);
		assert(device->directions[d].findings || !device->directions[d].verdict);
	}
	verdicts->devices++;
	return NULL;
}

static struct verdicts check(const struct gs_devstate *before, const struct gs_devstate *after)
{
	struct verdicts verdicts = {.only_claims = true};
	struct gs_check_options options = {.strict = true};
	struct gs_check_report report = {add_verdict, add_device, &verdicts};

	gs_error_destroy(gs_devstate_check(before, after, &options, &report));
	return verdicts;
}

/* There is the way back from there. */
static void check_both(const struct gs_devstate *a, const struct gs_devstate *b)
{
	struct verdicts there = check(a, b), back = check(b, a);

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		assert(there.counts[d] == back.counts[!d]);
		assert(there.sums[d] == back.sums[!d]);
	}
	assert(there.devices == back.devices);
}

static struct gs_error *count_mistake(void *arg, const struct gs_lint_finding *finding)
{
	*(size_t *)arg += finding->is_error;
	return NULL;
}

/* Only 8 bits of a subsection's version are loaded. */
static bool has_great_versions(const struct gs_vmsd *description)
{
	bool has = description->version > UINT8_MAX;

	for (size_t i = 0; !has && i < description->field_count; i++)
		has = description->fields[i].description &&
		      has_great_versions(description->fields[i].description);
	for (size_t i = 0; !has && i < description->subsection_count; i++)
		has = has_great_versions(&description->subsections[i]);
	return has;
}

/* What has no mistakes loads itself. */
static void check_itself(const struct gs_devstate *state)
{
	const struct gs_devstate_device *device;
	struct verdicts own = check(state, state);
	size_t mistakes = 0;

	assert(own.sums[GS_CHECK_FORWARD] == own.sums[GS_CHECK_BACKWARD]);
	gs_error_destroy(gs_devstate_lint(state, count_mistake, &mistakes));
	for (size_t i = 0; (device = gs_devstate_at(state, i)); i++)
		mistakes += device->description && has_great_versions(device->description);
	assert(mistakes || own.only_claims);
}

/* The same with other digits here and there: of sizes, versions and names. */
static void check_changed(const struct gs_devstate *state, const uint8_t *data, size_t size)
{
	gs_autofree uint8_t *copy = malloc(size + 1);
	struct gs_devstate *other;

	assert(copy);
	for (size_t i = 0; i < size; i++)
		copy[i] = data[i] >= '0' && data[i] <= '9' && i % 5 == size % 5 ? data[i] ^ 1
										: data[i];
	other = parse(copy, size);
	if (other)
		check_both(state, other);
	gs_devstate_destroy(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *state = parse(data, size);
	const struct gs_devstate_device *device;
	const struct gs_vmsd *last = NULL;

	if (!state)
		return 0;
	assert(gs_devstate_machine(state));
	for (size_t i = 0; i < DEVICES_MAX && (device = gs_devstate_at(state, i)); i++) {
		assert(gs_devstate_find(state, device->type) == device);
		if (!device->description)
			continue;
		check_fields(device->description);
		check_wire(state, device->description);
		check_align(state, last, device->description);
		last = device->description;
	}
	gs_error_destroy(gs_devstate_lint(state, check_finding, state));
	check_diff(state);
	check_itself(state);
	check_changed(state, data, size);
	return 0;
}
