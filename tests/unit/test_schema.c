/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema: parsed, hostile or not; looked into. */
#include <guestscope/qmp/schema.h>

#include "fake_schema.h"

static void test_parse(void **state)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	const struct gs_schema_entity *add, *event;
	const struct gs_schema_member *member;

	(void)state;
	assert_string_equal(gs_schema_at(schema, GS_SCHEMA_COMMAND, 0)->name, "add");
	assert_string_equal(gs_schema_at(schema, GS_SCHEMA_COMMAND, 1)->name, "device_add");
	assert_null(gs_schema_at(schema, GS_SCHEMA_COMMAND, FAKE_SCHEMA_COMMANDS));
	assert_null(gs_schema_find(schema, GS_SCHEMA_COMMAND, "STOP"));
	event = gs_schema_find(schema, GS_SCHEMA_EVENT, "STOP");
	assert_int_equal(event->arg->member_count, 0);
	add = gs_schema_find(schema, GS_SCHEMA_COMMAND, "add");
	assert_true(add->allow_oob);
	assert_false(add->features.deprecated);
	assert_int_equal(add->ret->meta, GS_SCHEMA_ARRAY);
	member = gs_schema_member(add->arg, "driver", NULL);
	assert_ptr_equal(member, add->arg->tag);
	assert_false(member->optional);
	assert_string_equal(member->type->values[1].name, "qcow2");
	assert_true(member->type->values[2].features.deprecated);
	assert_true(gs_schema_member(add->arg, "backing", NULL)->optional);
	assert_non_null(gs_schema_member(add->arg, "backing", "qcow2"));
	assert_null(gs_schema_member(add->arg, "backing", "raw"));
	assert_null(gs_schema_member(add->arg, "none", NULL));
	assert_ptr_equal(gs_schema_member(gs_schema_variant(add->arg, "qcow2"), "backing", NULL),
			 gs_schema_member(add->arg, "backing", NULL));
	assert_null(gs_schema_variant(add->arg, "vmdk"));
	member = gs_schema_member(add->arg, "id", NULL);
	assert_true(member->features.deprecated);
	assert_false(member->features.unstable);
	assert_string_equal(member->features.names[0], "deprecated");
	assert_null(member->features.names[1]);
}

static void assert_type(const struct gs_schema *schema, const char *name, const char *expected)
{
	const struct gs_schema_entity *type = gs_schema_find(schema, GS_SCHEMA_OBJECT, name);
	gs_autofree char *text = type ? gs_schema_type_text(type) : NULL;

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void test_type_text(void **state)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);

	(void)state;
	assert_type(schema, "str", "string");
	assert_type(schema, "any", "any");
	assert_type(schema, "[str]", "[string]");
	assert_type(schema, "1", "object");
	assert_type(schema, "2", "enum");
	assert_type(schema, "4", "object|string|null");
}

/* Older QEMUs list an enum's values as plain strings, and have no features. */
static void test_old_enum(void **state)
{
	GS_CLEANUP(gs_schema_destroy)
	struct gs_schema *schema =
		fake_schema("[{'name': '1', 'meta-type': 'enum', 'values': ['a', 'b']}]");
	const struct gs_schema_entity *type = gs_schema_find(schema, GS_SCHEMA_ENUM, "1");

	(void)state;
	assert_int_equal(type->value_count, 2);
	assert_string_equal(type->values[1].name, "b");
}

/* A whole reply will do as well. */
static void test_reply(void **state)
{
	GS_CLEANUP(gs_schema_destroy)
	struct gs_schema *schema = fake_schema(
		"{'return': [{'name': 'q', 'meta-type': 'command', 'arg-type': '0', "
		"'ret-type': '0'}, {'name': '0', 'meta-type': 'object', 'members': []}], "
		"'id': 1}");

	(void)state;
	assert_non_null(gs_schema_find(schema, GS_SCHEMA_COMMAND, "q"));
}

static void assert_corrupt(const char *text, const char *message)
{
	struct gs_schema *schema = NULL;

	assert_error(fake_schema_parse(text, &schema), GS_ERROR_CORRUPT, message);
	assert_null(schema);
}

static void test_hostile(void **state)
{
	(void)state;
	assert_corrupt("{}", "schema: expected a list, found object");
	assert_corrupt("[3]", "schema: entity 0: 'name': not a string");
	assert_corrupt("[{'name': 'a b'}]", "schema: entity 0: 'name': not a name");
	assert_corrupt("[{'name': 'a\\u001b'}]", "schema: entity 0: 'name': not a name");
	assert_corrupt("[{'name': 'a', 'meta-type': 'x'}]",
		       "schema: entity 0: 'a': unknown meta-type 'x'");
	assert_corrupt("[{'name': 'a', 'meta-type': 'enum'}, {'name': 'a', 'meta-type': 'array'}]",
		       "schema: 'a': comes twice");
	assert_corrupt("[{'name': 'a', 'meta-type': 'builtin', 'json-type': 'float'}]",
		       "schema: builtin 'a': 'json-type': unknown 'float'");
	assert_corrupt("[{'name': 'a', 'meta-type': 'command', 'arg-type': '9'}]",
		       "schema: command 'a': 'arg-type': there is no type '9'");
	assert_corrupt("[{'name': 'E', 'meta-type': 'event', 'arg-type': '1'}, "
		       "{'name': '1', 'meta-type': 'enum', 'members': []}]",
		       "schema: event 'E': 'arg-type': not an object");
	assert_corrupt("[{'name': '1', 'meta-type': 'object', 'members': [{'name': 'm', 'type': "
		       "'2'}]}]",
		       "schema: object '1': member 'm': 'type': there is no type '2'");
	assert_corrupt("[{'name': '1', 'meta-type': 'object', 'members': [], 'tag': 't', "
		       "'variants': [{'case': 'c', 'type': '1'}]}]",
		       "schema: object '1': the tag 't' is no member that is an enum");
	assert_corrupt("[{'name': '1', 'meta-type': 'alternate', 'members': [{'type': '1'}]}]",
		       "schema: alternate '1': 'members': an alternate within an alternate");
	assert_corrupt("[{'name': 'a', 'meta-type': 'enum', 'members': [], 'features': [1]}]",
		       "schema: enum 'a': 'features': not a string");
}

/* Circles of members and elements are legal, of variants not. */
static void test_circles(void **state)
{
	GS_CLEANUP(gs_schema_destroy)
	struct gs_schema *schema =
		fake_schema("[{'name': '1', 'meta-type': 'object', 'members': [{'name': 'm', "
			    "'type': '1'}, {'name': 'n', 'type': '2'}]}, "
			    "{'name': '2', 'meta-type': 'array', 'element-type': '2'}]");

	(void)state;
	assert_type(schema, "2", "[[[[[[[[[...]]]]]]]]]");
	assert_corrupt("[{'name': '1', 'meta-type': 'object', 'members': [{'name': 't', 'type': "
		       "'2'}], 'tag': 't', 'variants': [{'case': 'c', 'type': '1'}]}, "
		       "{'name': '2', 'meta-type': 'enum', 'values': ['c']}]",
		       "schema: '1': variants are nested too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),    cmocka_unit_test(test_type_text),
		cmocka_unit_test(test_old_enum), cmocka_unit_test(test_reply),
		cmocka_unit_test(test_hostile),  cmocka_unit_test(test_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
