/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands beside the dump: parsed, hostile or not; machines and types found. */
#include "fake_about.h"

static void test_members(void **unused)
{
	auto_about struct gs_about *a = fake_about(
		"{'format': 1, 'later': [1], 'qemu': {'binary': '/q', 'program': '/p', "
		"'version': '10.0.2', 'package': 'Debian', 'target': 'x86_64', 'more': 1}, "
		"'modules': {'loaded': ['/m/hw-a.so'], 'missing': ['hw-b', 'hw-c']}, "
		"'notes': ['one']}");

	(void)unused;
	assert_string_equal(a->binary, "/q");
	assert_string_equal(a->program, "/p");
	assert_string_equal(a->version, "10.0.2");
	assert_string_equal(a->package, "Debian");
	assert_string_equal(a->target, "x86_64");
	assert_true(a->has_loaded);
	assert_int_equal(a->loaded.count, 1);
	assert_string_equal(a->loaded.names[0], "/m/hw-a.so");
	assert_true(a->has_missing);
	assert_int_equal(a->missing.count, 2);
	assert_string_equal(a->missing.names[1], "hw-c");
	assert_int_equal(a->notes.count, 1);
	assert_string_equal(a->notes.names[0], "one");
	assert_false(a->has_machines);
	assert_false(a->has_types);
	assert_true(gs_about_is_one_target(a, NULL));
	assert_true(gs_about_is_one_target(a, a));
}

/* Of a QEMU that did not answer. */
static void test_nothing_told(void **unused)
{
	auto_about struct gs_about *a = fake_about("{'format': 1, 'qemu': {'binary': '/q'}}");
	const char *types[GS_ABOUT_PARENTS_MAX];

	(void)unused;
	assert_null(a->version);
	assert_false(a->has_loaded || a->has_missing || a->has_machines || a->has_types);
	assert_null(gs_about_find_machine(a, "q35"));
	assert_null(gs_about_find_type(a, "device"));
	assert_null(gs_about_find_machine(NULL, "q35"));
	assert_null(gs_about_find_type(NULL, "device"));
	assert_int_equal(gs_about_ancestors(a, "e1000e", types), 1);
	assert_string_equal(types[0], "e1000e");
	assert_int_equal(gs_about_ancestors(NULL, "e1000e", types), 1);
}

static void test_machines(void **unused)
{
	auto_about struct gs_about *a =
		fake_about("{'format': 1, 'machines': ["
			   "{'name': 'pc-q35-8.0', 'alias': 'q35', 'is-default': true}, "
			   "{'name': 'pc-q35-7.2', 'deprecated': true, 'compat-props': ["
			   "{'qom-type': 'e1000e', 'property': 'migrate-timadj', 'value': 'off'}, "
			   "{'qom-type': 'pci-device', 'property': 'x', 'value': 'on'}]}, "
			   "{'name': 'none', 'alias': 'pc-q35-7.2', 'compat-props': []}]}");
	const struct gs_about_machine *machine;

	(void)unused;
	assert_true(a->has_machines);
	assert_int_equal(a->machine_count, 3);
	assert_string_equal(a->machines[0].name, "none"); /* sorted */
	assert_true(a->machines[0].has_properties);
	assert_int_equal(a->machines[0].property_count, 0);
	machine = gs_about_find_machine(a, "q35");
	assert_string_equal(machine->name, "pc-q35-8.0");
	assert_true(machine->is_default);
	assert_false(machine->deprecated);
	assert_false(machine->has_properties);
	machine = gs_about_find_machine(a, "pc-q35-7.2"); /* a name is before an alias */
	assert_string_equal(machine->name, "pc-q35-7.2");
	assert_null(machine->alias);
	assert_true(machine->deprecated);
	assert_int_equal(machine->property_count, 2);
	assert_string_equal(machine->properties[1].type, "pci-device");
	assert_string_equal(machine->properties[0].name, "migrate-timadj");
	assert_string_equal(machine->properties[0].value, "off");
	assert_null(gs_about_find_machine(a, "pc"));
}

static void test_types(void **unused)
{
	auto_about struct gs_about *a = fake_about(
		"{'format': 1, 'types': {'abstract': {'pci-device': 'device', 'device': 'object', "
		"'top': null}, 'real': {'e1000e': 'pci-device', 'x': 'y', 'y': 'x'}}}");
	const char *types[GS_ABOUT_PARENTS_MAX];

	(void)unused;
	assert_int_equal(a->type_count, 6);
	assert_true(gs_about_find_type(a, "pci-device")->abstract);
	assert_false(gs_about_find_type(a, "e1000e")->abstract);
	assert_string_equal(gs_about_find_type(a, "e1000e")->parent, "pci-device");
	assert_null(gs_about_find_type(a, "top")->parent);
	assert_null(gs_about_find_type(a, "e1000"));
	assert_int_equal(gs_about_ancestors(a, "e1000e", types), 4);
	assert_string_equal(types[0], "e1000e");
	assert_string_equal(types[1], "pci-device");
	assert_string_equal(types[3], "object");
	assert_int_equal(gs_about_ancestors(a, "top", types), 1);
	assert_int_equal(gs_about_ancestors(a, "x", types), 2); /* its own grandparent */
}

static void test_absence(void **unused)
{
	auto_about struct gs_about *has = fake_about(
		"{'format': 1, 'types': {'abstract': {'base': null}, 'real': {'a': 'base', "
		"'qxl': 'base'}}}");
	auto_about struct gs_about *lacks =
		fake_about("{'format': 1, 'types': {'abstract': {}, 'real': {'a': 'device'}, "
			   "'missing': {'qxl': 'hw-display-qxl'}}}");
	auto_about struct gs_about *mute = fake_about("{'format': 1}");
	const char *module = NULL;

	(void)unused;
	assert_int_equal(gs_about_absence(has, lacks, "base", &module), GS_ABSENCE_ABSTRACT);
	assert_int_equal(gs_about_absence(has, mute, "base", &module), GS_ABSENCE_ABSTRACT);
	assert_int_equal(gs_about_absence(has, lacks, "a", &module), GS_ABSENCE_STATELESS);
	assert_int_equal(gs_about_absence(mute, lacks, "b", &module), GS_ABSENCE_NO_TYPE);
	assert_int_equal(gs_about_absence(NULL, NULL, "a", &module), GS_ABSENCE_UNKNOWN);
	assert_int_equal(gs_about_absence(has, mute, "a", &module), GS_ABSENCE_UNKNOWN);
	assert_null(module);
	assert_int_equal(gs_about_absence(has, lacks, "qxl", &module), GS_ABSENCE_MODULE);
	assert_string_equal(module, "hw-display-qxl");
}

static void test_refused(void **unused)
{
	static const struct {
		const char *text;
		enum gs_error_code code;
		const char *message;
	} cases[] = {
		{"[]", GS_ERROR_CORRUPT, "guestscope is no object, but array"},
		{"{}", GS_ERROR_CORRUPT, "no format is told"},
		{"{'format': '1'}", GS_ERROR_CORRUPT, "no format is told"},
		{"{'format': 2}", GS_ERROR_UNSUPPORTED,
		 "format 2 is of a later version; known are those up to 1"},
		{"{'format': 1, 'qemu': {'version': 7}}", GS_ERROR_CORRUPT,
		 "qemu: version is no string, but number"},
		{"{'format': 1, 'modules': {'loaded': {}}}", GS_ERROR_CORRUPT,
		 "modules: loaded is no array, but object"},
		{"{'format': 1, 'modules': {'missing': ['a', null]}}", GS_ERROR_CORRUPT,
		 "modules: element 1: missing is no string, but null"},
		{"{'format': 1, 'machines': [{'name': 'a'}, {}]}", GS_ERROR_CORRUPT,
		 "machine 1: name is missing"},
		{"{'format': 1, 'machines': ['a']}", GS_ERROR_CORRUPT,
		 "machine 0: it is no object, but string"},
		{"{'format': 1, 'machines': [{'name': 'a', 'deprecated': 1}]}", GS_ERROR_CORRUPT,
		 "machine 0: deprecated is no boolean, but number"},
		{"{'format': 1, 'machines': [{'name': 'a', 'compat-props': "
		 "[{'qom-type': 'a', 'property': 'b'}]}]}",
		 GS_ERROR_CORRUPT, "machine 0: compat-props: element 0: value is missing"},
		{"{'format': 1, 'types': {'abstract': {}, 'real': {}, 'missing': {'a': null}}}",
		 GS_ERROR_CORRUPT, "types: missing: a: module is no string, but null"},
		{"{'format': 1, 'types': {'abstract': {}}}", GS_ERROR_CORRUPT,
		 "types: real is no object, but null"},
		{"{'format': 1, 'types': {'abstract': {}, 'real': {'a': 1}}}", GS_ERROR_CORRUPT,
		 "types: a: parent is no string, but number"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gs_about *a = NULL;

		assert_error(fake_about_parse(cases[i].text, &a), cases[i].code, cases[i].message);
		assert_null(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),  cmocka_unit_test(test_nothing_told),
		cmocka_unit_test(test_machines), cmocka_unit_test(test_types),
		cmocka_unit_test(test_absence),  cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
