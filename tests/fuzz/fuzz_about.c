/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands beside a dump: each machine is found by its name, and each type is its own first
 * ancestor; of each machine, with itself, both sides set the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <guestscope/devstate/machines.h>

#define TRIED_MAX 50 /* machines and types; more say nothing new, and take their time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gs_about *parse(const uint8_t *data, size_t size)
{
	struct gs_json *value = NULL;
	struct gs_about *about = NULL;
	struct gs_error *err;

	gs_error_destroy(gs_json_parse((const char *)data, size, &value));
	if (!value)
		return NULL;
	err = gs_about_parse(value, &about);
	assert(!err == !!about);
	assert(!err || err->code == GS_ERROR_CORRUPT || err->code == GS_ERROR_UNSUPPORTED);
	gs_error_destroy(err);
	return about;
}

static void check_settings(const struct gs_machine *machine, const char *type)
{
	gs_autofree struct gs_machine_setting *settings = NULL;
	size_t count = 0;

	gs_error_destroy(gs_machine_settings(machine, type, type, &settings, &count));
	for (size_t i = 0; i < count; i++) {
		assert(i == 0 || strcmp(settings[i - 1].name, settings[i].name) < 0);
		assert(settings[i].before.value && settings[i].before.type);
		assert(settings[i].before.value == settings[i].after.value);
		gs_machine_resembles(settings[i].name, settings[i].before.value, type);
	}
}

static void check_machine(const struct gs_about *about, const char *name)
{
	GS_CLEANUP(gs_machine_deinit) struct gs_machine machine = {0};

	gs_error_destroy(gs_machine_find(about, about, name, &machine));
	assert(machine.name && strcmp(machine.name, name) == 0);
	assert(!gs_machine_is_lacking(&machine.before));
	assert(gs_machine_family(name) <= strlen(name));
	assert(gs_machine_compare(name, name) == 0);
	for (size_t i = 0; i < about->type_count && i < TRIED_MAX; i++)
		check_settings(&machine, about->types[i].name);
	check_settings(&machine, "e1000e");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_about_destroy) struct gs_about *about = parse(data, size);
	const char *ancestors[GS_ABOUT_PARENTS_MAX], *module;

	for (size_t i = 0; about && i < about->machine_count && i < TRIED_MAX; i++)
		check_machine(about, about->machines[i].name);
	for (size_t i = 0; about && i < about->type_count && i < TRIED_MAX; i++) {
		const char *type = about->types[i].name;

		assert(gs_about_find_type(about, type));
		assert(gs_about_ancestors(about, type, ancestors) >= 1);
		assert(strcmp(ancestors[0], type) == 0);
		assert(gs_about_absence(about, about, type, &module) != GS_ABSENCE_NO_TYPE);
	}
	return 0;
}
