/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of device state: parsed, hostile or not; found by type. */
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

static void test_members(void **unused)
{
	auto_state struct gs_devstate *state = fake_devstate(FAKE_EXPORT(
		FAKE_DEVICE_V("e1000", "3", "2",
			      ", 'Fields': [" FAKE_FIELD_X(
				      "core.mac[0]", "2", "true", "4",
				      ", 'num': 32") "], "
						     "'Subsections': [" FAKE_DESCRIPTION(
							     "e1000/tso", "5", "4", "") "]")));
	const struct gs_devstate_device *device = gs_devstate_at(state, 0);
	const struct gs_vmsd *description = device->description;
	const struct gs_vmsd_field *field = description->fields;

	(void)unused;
	assert_string_equal(gs_devstate_machine(state), "none");
	assert_int_equal(gs_devstate_count(state), 1);
	assert_true(gs_devstate_has_num(state));
	assert_string_equal(device->type, "e1000");
	assert_int_equal(device->version, 3);
	assert_int_equal(device->minimum, 2);
	assert_string_equal(description->name, "e1000");
	assert_int_equal(description->field_count, 1);
	assert_string_equal(field->name, "core.mac[0]");
	assert_int_equal(field->version, 2);
	assert_true(field->conditional);
	assert_true(field->has_num);
	assert_int_equal(field->num, 32);
	assert_int_equal(field->size, 4);
	assert_null(field->description);
	assert_int_equal(description->subsection_count, 1);
	assert_string_equal(description->subsections[0].name, "e1000/tso");
	assert_int_equal(description->subsections[0].version, 5);
	assert_int_equal(description->subsections[0].minimum, 4);
}

/* Of one name there may be several fields in a description; each has its number. */
static void test_occurrences(void **unused)
{
	auto_state struct gs_devstate *state = fake_devstate(FAKE_EXPORT(FAKE_DEVICE(
		"pci",
		", 'Fields': [" FAKE_FIELD("config", "256") "," FAKE_FIELD(
			"irq", "4") "," FAKE_FIELD("config", "4096") "," FAKE_FIELD("config",
										    "1") "]")));
	const struct gs_vmsd_field *fields = gs_devstate_at(state, 0)->description->fields;

	(void)unused;
	assert_int_equal(fields[0].occurrence, 0);
	assert_int_equal(fields[1].occurrence, 0);
	assert_int_equal(fields[2].occurrence, 1);
	assert_int_equal(fields[3].occurrence, 2);
	assert_int_equal(fields[2].size, 4096);
}

static void test_find(void **unused)
{
	auto_state struct gs_devstate *state = fake_devstate(FAKE_EXPORT(FAKE_DEVICE(
		"virtio-net", "") "," FAKE_DEVICE("apic", "") "," FAKE_DEVICE("hpet", "")));

	(void)unused;
	assert_int_equal(gs_devstate_count(state), 3);
	assert_string_equal(gs_devstate_at(state, 0)->type, "apic");
	assert_string_equal(gs_devstate_at(state, 2)->type, "virtio-net");
	assert_null(gs_devstate_at(state, 3));
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(gs_devstate_find(state, gs_devstate_at(state, i)->type),
				 gs_devstate_at(state, i));
	assert_null(gs_devstate_find(state, "hpe"));
	assert_null(gs_devstate_find(state, "zz"));
	assert_string_equal(gs_devstate_suggest(state, "virtio-nte"), "virtio-net");
	assert_null(gs_devstate_suggest(state, "floppy"));
	assert_false(gs_devstate_has_num(state));
}

static void test_lists(void **unused)
{
	auto_state struct gs_devstate *state =
		fake_devstate(FAKE_EXPORT(FAKE_DEVICE_V("a", "0", "0", "") "," FAKE_DEVICE_V(
			"b", "0", "0",
			", 'Fields': []") "," FAKE_DEVICE_V("c", "1", "0",
							    "") ",'d': {'version_id': 0, "
								"'minimum_version_id': 0}"));

	(void)unused;
	assert_false(gs_devstate_at(state, 0)->description->has_fields);
	assert_true(gs_devstate_at(state, 1)->description->has_fields);
	assert_null(gs_devstate_at(state, 3)->description);
	assert_true(gs_devstate_is_unmigratable(gs_devstate_at(state, 0)));
	for (size_t i = 1; i < 4; i++)
		assert_false(gs_devstate_is_unmigratable(gs_devstate_at(state, i)));
}

static void refuse(const char *text, const char *message)
{
	struct gs_devstate *state = NULL;

	assert_error(fake_devstate_parse(text, &state), GS_ERROR_CORRUPT, message);
	assert_null(state);
}

static void test_wrong_types(void **unused)
{
	(void)unused;
	refuse("[]", "export is no object, but array");
	refuse("{}", "no 'vmschkmachine': not what -dump-vmstate writes");
	refuse("{'vmschkmachine': {}}", "vmschkmachine: Name is missing");
	refuse(FAKE_EXPORT("'a': 1"), "a: device is no object, but number");
	refuse(FAKE_EXPORT("'a': {}"), "a: version_id is missing");
	refuse(FAKE_EXPORT("'a': {'version_id': -1}"), "a: version_id is no count: -1");
	refuse(FAKE_EXPORT("'a': {'version_id': 4294967295}"),
	       "a: version_id is beyond all versions: 4294967295");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': {}")), "a: Fields is no list, but object");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [1]")),
	       "a: field 0 (''): it is no object, but number");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" FAKE_FIELD("x", "1.5") "]")),
	       "a: field 0 ('x'): size is no count: 1.5");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" FAKE_FIELD("x", "'4'") "]")),
	       "a: field 0 ('x'): size is no number, but string");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Subsections': [" FAKE_DESCRIPTION(
						    "a/s", "1", "1", ", 'Fields': null") "]")),
	       "a: subsection 0 ('a/s'): Fields is no list, but null");
	refuse(FAKE_EXPORT(FAKE_DEVICE("a", ", 'Fields': [" FAKE_FIELD("x", "4") "," FAKE_FIELD_X(
						    "y", "0", "1", "4", "") "]")),
	       "a: field 1 ('y'): field_exists is no boolean, but number");
}

/* @depth descriptions, one within the other. */
static char *nested(unsigned int depth)
{
	struct gs_text text = {0};
	char *ret = NULL;

	gs_text_puts(&text, "{'vmschkmachine': {'Name': 'none'}, 'a': {'version_id': 1, "
			    "'minimum_version_id': 1, 'Description': ");
	for (unsigned int i = 1; i < depth; i++)
		gs_text_puts(&text, "{'name': 'n', 'version_id': 1, 'minimum_version_id': 1, "
				    "'Subsections': [");
	gs_text_puts(&text, FAKE_DESCRIPTION("n", "1", "1", ""));
	for (unsigned int i = 1; i < depth; i++)
		gs_text_puts(&text, "]}");
	gs_text_puts(&text, "}}");
	assert_ok(gs_text_finish(&text, &ret));
	return ret;
}

static void test_depth(void **unused)
{
	gs_autofree char *deep = nested(GS_DEVSTATE_DEPTH_MAX);
	gs_autofree char *too_deep = nested(GS_DEVSTATE_DEPTH_MAX + 1);
	auto_state struct gs_devstate *state = fake_devstate(deep);

	(void)unused;
	assert_int_equal(gs_devstate_count(state), 1);
	refuse(too_deep, NULL);
}

/* @count numbers from 0, each between @before and @after; commas between them. */
static void repeat(struct gs_text *text, size_t count, const char *before, const char *after)
{
	for (size_t i = 0; i < count; i++)
		gs_text_printf(text, "%s%s%zu%s", i ? "," : "", before, i, after);
}

#define MANY 100000

static void test_many_devices(void **unused)
{
	auto_state struct gs_devstate *state = NULL;
	gs_autofree char *export = NULL;
	struct gs_text text = {0};

	(void)unused;
	gs_text_puts(&text, "{'vmschkmachine': {'Name': 'none'},");
	repeat(&text, MANY, "'d",
	       "': {'version_id': 1, 'minimum_version_id': 1, 'Description': " FAKE_DESCRIPTION(
		       "n", "1", "1", "") "}");
	gs_text_puts(&text, "}");
	assert_ok(gs_text_finish(&text, &export));
	state = fake_devstate(export);
	assert_int_equal(gs_devstate_count(state), MANY);
	assert_non_null(gs_devstate_find(state, "d99999"));
}

/* All of one name, too: what counts occurrences takes no time by the square. */
static void test_many_fields(void **unused)
{
	auto_state struct gs_devstate *state = NULL;
	gs_autofree char *export = NULL;
	struct gs_text text = {0};
	uint64_t start_ms;

	(void)unused;
	gs_text_puts(&text, "{'vmschkmachine': {'Name': 'none'}, 'a': {'version_id': 1, "
			    "'minimum_version_id': 1, 'Description': {'name': 'a', 'version_id': 1,"
			    "'minimum_version_id': 1, 'Fields': [");
	repeat(&text, MANY,
	       "{'field': 'same', 'version_id': 0, 'field_exists': false, 'size': ", "}");
	gs_text_puts(&text, "]}}}");
	assert_ok(gs_text_finish(&text, &export));
	start_ms = gs_now_ms();
	state = fake_devstate(export);
	assert_true(gs_now_ms() - start_ms < 5000);
	assert_int_equal(gs_devstate_at(state, 0)->description->fields[MANY - 1].occurrence,
			 MANY - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),      cmocka_unit_test(test_occurrences),
		cmocka_unit_test(test_find),         cmocka_unit_test(test_lists),
		cmocka_unit_test(test_wrong_types),  cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_devices), cmocka_unit_test(test_many_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
