/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of two QEMUs: found in both, what it sets of a device's type, and which is the newer.
 */
#include <guestscope/base/text.h>
#include <guestscope/devstate/machines.h>

#include "fake_about.h"

#define auto_machine GS_CLEANUP(gs_machine_deinit)

#define PROPERTY(type, name, value) \
	"{'qom-type': '" type "', 'property': '" name "', 'value': '" value "'}"
#define MACHINE(name, more) "{'name': '" name "'" more "}"

/* It does not tell what machines set, nor types. */
static const char old_about[] = "{'format': 1, 'machines': [" MACHINE(
	"pc-7.2", ", 'alias': 'pc'") ", " MACHINE("pc-2.0", "") ", " MACHINE("none", "") "]}";

static const char new_about[] =
	"{'format': 1, 'types': {'abstract': {'pci': 'device'}, 'real': {'e1000e': 'pci', "
	"'nic': 'pci'}}, 'machines': [" MACHINE("pc-10.0", ", 'alias': 'pc', 'compat-props': []") ", " MACHINE("none", "") ", " MACHINE(
		"pc-7.2",
		", 'compat-props': [" PROPERTY("e1000e", "timadj", "off") ", " PROPERTY("pci", "mask", "off") ", " PROPERTY(
			"other", "mask",
			"no") ", " PROPERTY("pci", "ari",
					    "1") ", " PROPERTY("e1000e", "ari",
							       "2") ", " PROPERTY("device", "ari",
										  "3") "]") "]}";

static void test_find(void **unused)
{
	auto_about struct gs_about *before = fake_about(old_about), *after = fake_about(new_about);
	auto_about struct gs_about *mute = fake_about("{'format': 1}");
	struct gs_machine machine = {0};

	(void)unused;
	assert_ok(gs_machine_find(before, after, "pc-7.2", &machine));
	assert_string_equal(machine.name, "pc-7.2");
	assert_non_null(machine.before.machine);
	assert_non_null(machine.after.machine);
	assert_false(gs_machine_is_told(&machine.before));
	assert_true(gs_machine_is_told(&machine.after));
	gs_machine_deinit(&machine);

	assert_ok(gs_machine_find(before, after, "pc-2.0", &machine));
	assert_false(gs_machine_is_lacking(&machine.before));
	assert_true(gs_machine_is_lacking(&machine.after));
	gs_machine_deinit(&machine);

	/* An alias here, which says nothing: that name is one there. */
	assert_ok(gs_machine_find(before, mute, "pc", &machine));
	assert_string_equal(machine.name, "pc-7.2");
	assert_false(gs_machine_is_lacking(&machine.after));
	gs_machine_deinit(&machine);

	assert_ok(gs_machine_find(NULL, mute, "anything", &machine));
	assert_string_equal(machine.name, "anything");
	assert_false(gs_machine_is_lacking(&machine.before));
	assert_false(gs_machine_is_lacking(&machine.after));
	gs_machine_deinit(&machine);
}

/* What is an alias is no name. */
static void test_named(void **unused)
{
	auto_about struct gs_about *before = fake_about(old_about);
	auto_about struct gs_about *after =
		fake_about("{'format': 1, 'machines': [" MACHINE("pc", "") "]}");
	auto_machine struct gs_machine machine = {0};

	(void)unused;
	assert_ok(gs_machine_named(before, after, "pc", &machine));
	assert_true(gs_machine_is_lacking(&machine.before));
	assert_false(gs_machine_is_lacking(&machine.after));
}

static void test_not_found(void **unused)
{
	auto_about struct gs_about *before = fake_about(old_about), *after = fake_about(new_about);
	struct gs_machine machine = {0};

	(void)unused;
	assert_error(gs_machine_find(before, after, "pc", &machine), GS_ERROR_INVALID,
		     "machine 'pc' is pc-7.2 in one and pc-10.0 in the other, and a guest of one "
		     "is none of the other: name either");
	assert_error(gs_machine_find(before, after, "pc-10.1", &machine), GS_ERROR_NODATA,
		     "no machine 'pc-10.1': did you mean 'pc-10.0'?");
	assert_error(gs_machine_find(NULL, before, "spapr-and-more", &machine), GS_ERROR_NODATA,
		     "no machine 'spapr-and-more'");
	assert_null(machine.name);
}

static void assert_setting(const struct gs_machine_setting *setting, const char *name,
			   const char *before, const char *after, const char *type_after)
{
	assert_string_equal(setting->name, name);
	assert_string_equal(setting->before.value ? setting->before.value : "-", before);
	assert_string_equal(setting->after.value ? setting->after.value : "-", after);
	assert_string_equal(setting->after.type ? setting->after.type : "-", type_after);
}

/* The later one wins, whatever its type is; of ancestors, not of relatives. */
static void test_settings(void **unused)
{
	auto_about struct gs_about *before = fake_about(old_about), *after = fake_about(new_about);
	auto_machine struct gs_machine machine = {0};
	gs_autofree struct gs_machine_setting *settings = NULL, *more = NULL;
	size_t count = 0;

	(void)unused;
	assert_ok(gs_machine_find(before, after, "pc-7.2", &machine));
	assert_ok(gs_machine_settings(&machine, "e1000e", "e1000e", &settings, &count));
	assert_int_equal(count, 3);
	assert_setting(&settings[0], "ari", "-", "3", "device");
	assert_setting(&settings[1], "mask", "-", "off", "pci");
	assert_setting(&settings[2], "timadj", "-", "off", "e1000e");
	assert_ok(gs_machine_settings(&machine, "e1000e", NULL, &more, &count));
	assert_int_equal(count, 0);
}

static void test_both_sides(void **unused)
{
	static const char plain[] = "{'format': 1, 'machines': [" MACHINE(
		"pc-7.2", ", 'compat-props': [" PROPERTY("pci", "mask", "on") ", " PROPERTY(
				  "nic", "speed", "1") "]") "]}";
	auto_about struct gs_about *before = fake_about(plain), *after = fake_about(new_about);
	auto_machine struct gs_machine machine = {0};
	gs_autofree struct gs_machine_setting *settings = NULL;
	size_t count = 0;

	(void)unused;
	assert_ok(gs_machine_find(before, after, "pc-7.2", &machine));
	/* The first tells no types: that a nic is a pci is the second's word. */
	assert_ok(gs_machine_settings(&machine, "nic", "nic", &settings, &count));
	assert_int_equal(count, 3);
	assert_setting(&settings[0], "ari", "-", "3", "device");
	assert_setting(&settings[1], "mask", "on", "off", "pci");
	assert_setting(&settings[2], "speed", "1", "-", "-");
}

static void test_cycle(void **unused)
{
	auto_about struct gs_about *about =
		fake_about("{'format': 1, 'types': {'abstract': {'a': 'b', 'b': 'a'}, 'real': {}}, "
			   "'machines': [" MACHINE(
				   "m", ", 'compat-props': [" PROPERTY("a", "x", "1") ", " PROPERTY(
						"b", "x", "2") "]") "]}");
	auto_machine struct gs_machine machine = {0};
	gs_autofree struct gs_machine_setting *settings = NULL;
	size_t count = 0;

	(void)unused;
	assert_ok(gs_machine_find(about, about, "m", &machine));
	assert_ok(gs_machine_settings(&machine, "a", "b", &settings, &count));
	assert_int_equal(count, 1);
	assert_setting(&settings[0], "x", "2", "2", "b");
}

static void test_too_many(void **unused)
{
	gs_autotext struct gs_text text = {0};
	auto_about struct gs_about *about = NULL;
	auto_machine struct gs_machine machine = {0};
	gs_autofree struct gs_machine_setting *settings = NULL;
	size_t count = 0;

	(void)unused;
	gs_text_puts(&text, "{'format': 1, 'machines': [{'name': 'm', 'compat-props': [");
	for (int i = 0; i <= GS_MACHINE_SETTINGS_MAX; i++)
		gs_text_printf(&text, "%s" PROPERTY("a", "p%d", "1"), i ? ", " : "", i);
	gs_text_puts(&text, ", " PROPERTY("b", "p", "1") "]}]}");
	about = fake_about(text.data);
	assert_ok(gs_machine_find(about, NULL, "m", &machine));
	assert_error(gs_machine_settings(&machine, "a", NULL, &settings, &count), GS_ERROR_CORRUPT,
		     "machine 'm' sets more than 256 properties of 'a'");
	assert_ok(gs_machine_settings(&machine, "b", NULL, &settings, &count));
	assert_int_equal(count, 1);
}

static void test_resembles(void **unused)
{
	(void)unused;
	assert_true(gs_machine_resembles("migrate-timadj", "core.timadj", "e1000e"));
	assert_true(gs_machine_resembles("x-scanout-vmstate-version", "parent_obj.scanout[0].x",
					 "virtio-gpu-device"));
	assert_true(gs_machine_resembles("x-smi-swsmi-timer", "ICH9LPC/SMI_feat", "ICH9-LPC"));
	assert_false(gs_machine_resembles("migrate-timadj", "core.tx", "e1000e"));
	assert_false(gs_machine_resembles("spec_version", "version", "sd-card"));
	assert_false(gs_machine_resembles("scsi-id", "scsi-state", "scsi-hd"));
	assert_false(gs_machine_resembles("x-on", "on", NULL)); /* short */
	assert_false(gs_machine_resembles("", "", ""));
	assert_false(gs_machine_resembles("timadjust", "timadj", "e1000e"));
}

static int compare(const void *a, const void *b)
{
	return gs_machine_compare(*(const char *const *)a, *(const char *const *)b);
}

static void test_order(void **unused)
{
	static const char *const sorted[] = {
		"pc-i440fx-10.0", "pc-i440fx-7.2", "pc-i440fx-2.10", "pc-i440fx-2.9", "pc-q35-4.1",
		"pc-q35-4.0.1",   "pc-q35-4.0",    "virt-10.0",      "virt-9.2",      "isapc",
		"none",           "raspi3b",       "x-remote",
	};
	enum { COUNT = sizeof(sorted) / sizeof(*sorted) };
	const char *names[COUNT];

	(void)unused;
	for (size_t i = 0; i < COUNT; i++)
		names[i] = sorted[(i * 5 + 3) % COUNT];
	qsort(names, COUNT, sizeof(*names), compare);
	for (size_t i = 0; i < COUNT; i++)
		assert_string_equal(names[i], sorted[i]);
	assert_int_equal(gs_machine_family("pc-q35-7.2"), 6);
	assert_int_equal(gs_machine_family("pc-q35-rhel9.4.0"), 11);
	assert_int_equal(gs_machine_family("versatile-2"), 11);
	assert_int_equal(gs_machine_family("-1.2"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),       cmocka_unit_test(test_named),
		cmocka_unit_test(test_not_found),  cmocka_unit_test(test_settings),
		cmocka_unit_test(test_both_sides), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_cycle),      cmocka_unit_test(test_resembles),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
