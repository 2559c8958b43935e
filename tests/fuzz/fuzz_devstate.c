/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports of device state: each device is found by its type, a description is as long as the fields
 * that it sends, and what lint finds has a place below the device's description.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <guestscope/devstate.h>

#define DEVICES_MAX 2000 /* more say nothing new, and take their time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_devstate *parse(const uint8_t *data, size_t size)
{
	gs_autojson struct gs_json *value = NULL;
	struct gs_devstate *state = NULL;
	struct gs_error *err;

	gs_error_destroy(gs_json_parse((const char *)data, size, &value));
	if (!value)
		return NULL;
	err = gs_devstate_parse(value, &state);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_devstate_destroy) struct gs_devstate *state = parse(data, size);
	const struct gs_devstate_device *device;

	if (!state)
		return 0;
	assert(gs_devstate_machine(state));
	for (size_t i = 0; i < DEVICES_MAX && (device = gs_devstate_at(state, i)); i++) {
		assert(gs_devstate_find(state, device->type) == device);
		if (!device->description)
			continue;
		check_fields(device->description);
		check_wire(state, device->description);
	}
	gs_error_destroy(gs_devstate_lint(state, check_finding, state));
	return 0;
}
