/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema: parsed, hostile or not; looked into, calls checked by it, compared with another. */
#include <guestscope/base/text.h>
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
	assert_corrupt("[{'name': '1', 'meta-type': 'object', 'members': [{'name': 't', 'type': "
		       "'2'}], 'tag': 't', 'variants': [{'case': 'c', 'type': '3'}]}, "
		       "{'name': '2', 'meta-type': 'enum', 'values': ['d']}, "
		       "{'name': '3', 'meta-type': 'object', 'members': []}]",
		       "schema: '1': its tag has no value 'c' of a variant");
	assert_corrupt("[{'name': '1', 'meta-type': 'enum', 'values': ['a', 'b', 'a']}]",
		       "schema: '1': 'a' comes twice");
	assert_corrupt("[{'name': '1', 'meta-type': 'object', 'members': [{'name': 'm', 'type': "
		       "'1'}, {'name': 'm', 'type': '1'}]}]",
		       "schema: '1': 'm' comes twice");
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

/* ---- calls ---- */

/* What is wrong with the call (NULL: nothing), and what there is to note about it. */
static void assert_call(const char *command, const char *arguments, const char *message,
			const char *notes)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	gs_autojson struct gs_json *value = arguments ? fake_json(arguments) : NULL;
	gs_autojson struct gs_json *noted = NULL;
	gs_autofree char *text = NULL;

	if (message) {
		assert_error(gs_schema_check(schema, command, value, &noted), GS_ERROR_INVALID,
			     message);
		assert_null(noted);
		return;
	}
	assert_ok(gs_schema_check(schema, command, value, &noted));
	text = gs_json_print(noted, GS_JSON_COMPACT);
	assert_non_null(text);
	assert_string_equal(text, notes ? notes : "[]");
}

static void test_right_calls(void **state)
{
	(void)state;
	assert_call("stop", NULL, NULL, NULL);
	assert_call("stop", "{}", NULL, NULL);
	assert_call("add", "{'driver': 'raw'}", NULL, NULL);
	assert_call("add", "{'file': 'name', 'driver': 'qcow2', 'backing': null}", NULL, NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': {'driver': 'qcow2', 'file': 'x'}}", NULL,
		    NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': 'x', 'cache-size': 18446744073709551615}",
		    NULL, NULL);
	assert_call("set", "{'names': ['a', 'b'], 'value': {'any': [1]}, 'factor': 1e3}", NULL,
		    NULL);
	assert_call("device_add", "{'driver': 'x', 'whatever': 5}", NULL, NULL);
}

static void test_unknown_names(void **state)
{
	(void)state;
	assert_call("stpo", NULL, "no command 'stpo'; did you mean 'stop'?", NULL);
	assert_call("STOP", NULL, "no command 'STOP'", NULL);
	assert_call("\x1b[2J", NULL, "no command '\\x1b[2J'", NULL);
	assert_call("stop", "{'a': 1}", "stop: no argument 'a'", NULL);
	assert_call("add", "{'drivr': 'raw'}", "add: no argument 'drivr'; did you mean 'driver'?",
		    NULL);
	assert_call("add", "{'driver': 'qcow3'}",
		    "add: 'driver': no value 'qcow3'; did you mean 'qcow2'?", NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': 'x', 'backng': 'y'}",
		    "add: no argument 'backng'; did you mean 'backing'?", NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': {'driver': 'raw', 'nodename': 'y'}}",
		    "add: 'file': no member 'nodename'; did you mean 'node-name'?", NULL);
	assert_call("add", "{'driver': 'raw', 'backing': 'y'}",
		    "add: argument 'backing' does not go with driver 'raw'", NULL);
	assert_call("add", "{'backing': 'y'}", "add: argument 'driver' is missing", NULL);
}

static void test_missing(void **state)
{
	(void)state;
	assert_call("add", NULL, "add: argument 'driver' is missing", NULL);
	assert_call("add", "{'driver': 'qcow2'}", "add: argument 'file' is missing", NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': {}}",
		    "add: 'file': member 'driver' is missing", NULL);
	assert_call("device_add", "{'id': 'x'}", "device_add: argument 'driver' is missing", NULL);
}

static void test_wrong_types(void **state)
{
	(void)state;
	assert_call("stop", "[]", "stop: wants object, not array", NULL);
	assert_call("add", "{'driver': 1}", "add: 'driver': wants string, not 1", NULL);
	assert_call("add", "{'driver': 'qcow2', 'file': 1}",
		    "add: 'file': wants object|string|null, not 1", NULL);
	assert_call("set", "{'names': 'a'}", "set: 'names': wants [string], not string", NULL);
	assert_call("set", "{'names': ['a', true]}", "set: 'names[1]': wants string, not boolean",
		    NULL);
	assert_call("set", "{'names': [], 'factor': '1'}",
		    "set: 'factor': wants number, not string", NULL);
	for (const char *const *number =
		     (const char *const[]){"1.0", "1e3", "-0.5", "18446744073709551616", NULL};
	     *number; number++) {
		gs_autofree char *call =
			gs_strf("{'driver': 'qcow2', 'file': 'x', 'cache-size': %s}", *number);
		gs_autofree char *message =
			gs_strf("add: 'cache-size': wants int, not %s", *number);

		assert_call("add", call, message, NULL);
	}
}

static void test_notes(void **state)
{
	(void)state;
	assert_call("x-old", NULL, NULL, "[\"x-old is deprecated and unstable\"]");
	assert_call("add", "{'driver': 'vvfat', 'id': 'x'}", NULL,
		    "[\"add: 'driver': 'vvfat' is deprecated\",\"add: 'id' is deprecated\"]");
	assert_call("set", "{'names': [], 'x-fast': true}", NULL,
		    "[\"set: 'x-fast' is unstable\"]");
	assert_call("add", "{'driver': 'qcow2', 'file': {'driver': 'vvfat'}}", NULL,
		    "[\"add: 'file.driver': 'vvfat' is deprecated\"]");
}

/* ---- paths ---- */

/* What @path leads to: "value", "member:type" or "entity:type". */
static void assert_path(const char *path, const char *expected)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	struct gs_schema_place place = {0};
	gs_autofree char *type = NULL, *found = NULL;

	assert_ok(gs_schema_resolve(schema, path, &place));
	type = gs_schema_type_text(place.entity);
	assert_non_null(type);
	found = gs_strf("%s%s%s", place.member ? place.member->name : "", place.member ? ":" : "",
			place.value ? place.value->name : type);
	assert_non_null(found);
	assert_string_equal(found, expected);
}

static void test_paths(void **state)
{
	(void)state;
	assert_path("add", "command");
	assert_path("STOP", "event");
	assert_path("add/arg", "object");
	assert_path("add/ret", "[object]");
	assert_path("add/driver", "driver:enum");
	assert_path("add/arg/driver", "driver:enum");
	assert_path("add/driver/raw", "driver:raw");
	assert_path("add/driver/qcow2/file", "file:object|string|null");
	assert_path("add/file/file/driver/qcow2/cache-size", "cache-size:int");
	assert_path("add/ret/file", "file:object|string|null");
	assert_path("ADDED/driver/vvfat", "driver:vvfat");
	assert_path("set/names", "names:[string]");
	assert_path("add+json-cli", "command");
	assert_path("add/id+deprecated", "id:string");
	assert_path("add/driver/vvfat+deprecated", "driver:vvfat");
}

static void assert_no_path(const char *path, enum gs_error_code code, const char *message)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	struct gs_schema_place place;

	assert_error(gs_schema_resolve(schema, path, &place), code, message);
}

static void test_no_paths(void **state)
{
	(void)state;
	assert_no_path("", GS_ERROR_INVALID, "'': a step is empty");
	assert_no_path("add//x", GS_ERROR_INVALID, "'add//x': a step is empty");
	assert_no_path("ad", GS_ERROR_NODATA, "no command or event 'ad'; did you mean 'add'?");
	assert_no_path("add/drivr/x", GS_ERROR_NODATA,
		       "add: no member 'drivr'; did you mean 'driver'?");
	assert_no_path("add/driver/qcow3", GS_ERROR_NODATA,
		       "add/driver: no value 'qcow3'; did you mean 'qcow2'?");
	assert_no_path("add/driver/raw/file", GS_ERROR_NODATA, "add/driver/raw: no member 'file'");
	assert_no_path("add/id/x", GS_ERROR_NODATA, "add/id: no member 'x'");
	assert_no_path("STOP/ret", GS_ERROR_NODATA, "STOP: no member 'ret'");
	assert_no_path("add/id+unstable", GS_ERROR_NODATA, "add/id: no feature 'unstable'");
	assert_no_path("add+", GS_ERROR_NODATA, "add: no feature ''");
}

/* ---- search ---- */

static struct gs_error *write_found(void *arg, const char *path,
				    const struct gs_schema_place *place)
{
	gs_text_printf(arg, "%s%s ", path, place->value ? "=" : "");
	return NULL;
}

static void assert_search(const char *word, const char *expected)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, "");
	assert_ok(gs_schema_search(schema, word, write_found, &text));
	assert_string_equal(text.data, expected);
}

static struct gs_error *stop_search(void *arg, const char *path,
				    const struct gs_schema_place *place)
{
	(void)path;
	(void)place;
	return ++*(int *)arg == 2 ? gs_error_create(GS_ERROR_BUSY, "enough") : NULL;
}

static void test_search(void **state)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = fake_schema(FAKE_SCHEMA);
	int count = 0;

	(void)state;
	assert_search("stop", "stop STOP ");
	assert_search("*-Size", "add/arg/driver/qcow2/cache-size add/ret/driver/qcow2/cache-size "
				"ADDED/arg/driver/qcow2/cache-size ");
	assert_search("fat",
		      "add/arg/driver/vvfat= add/ret/driver/vvfat= ADDED/arg/driver/vvfat= ");
	assert_search("nothing", "");
	assert_error(gs_schema_search(schema, "", stop_search, &count), GS_ERROR_BUSY, "enough");
	assert_int_equal(count, 2);
}

/* ---- differences ---- */

static struct gs_error *write_change(void *arg, const struct gs_schema_change *change)
{
	gs_text_printf(arg, "%s%c%s(%s,%s)\n", change->breaks ? "!" : "", "+-~"[change->kind],
		       change -> path, change -> before ? change -> before : "",
		       change->after ? change->after : "");
	return NULL;
}

/* The schema with @old, which it has once, replaced by @new. */
static struct gs_schema *edited(const char *old, const char *new)
{
	const char *at = strstr(FAKE_SCHEMA, old);
	gs_autofree char *text = NULL;

	assert_non_null(at);
	text = gs_strf("%.*s%s%s", (int)(at - FAKE_SCHEMA), FAKE_SCHEMA, new, at + strlen(old));
	assert_non_null(text);
	return fake_schema(text);
}

/* What a change from @old to @new makes, in either direction. */
static void assert_diff(const char *old, const char *new, const char *there, const char *back)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *before = fake_schema(FAKE_SCHEMA);
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *after = edited(old, new);
	gs_autotext struct gs_text text = {0};

	gs_text_puts(&text, "");
	assert_ok(gs_schema_diff(before, before, write_change, &text));
	assert_string_equal(text.data, "");
	assert_ok(gs_schema_diff(before, after, write_change, &text));
	assert_string_equal(text.data, there);
	gs_text_clear(&text);
	assert_ok(gs_schema_diff(after, before, write_change, &text));
	assert_string_equal(text.data, back);
}

static void test_diff_roots(void **state)
{
	(void)state;
	assert_diff("'name': 'stop'", "'name': 'halt'", "+halt(,command)\n!-stop(command,)\n",
		    "!-halt(command,)\n+stop(,command)\n");
	assert_diff("'name': 'STOP'", "'name': 'HALT'", "+HALT(,event)\n!-STOP(event,)\n",
		    "!-HALT(event,)\n+STOP(,event)\n");
	assert_diff("'allow-oob': true", "'allow-oob': false",
		    "!~add(in and out of band,in band only)\n",
		    "~add(in band only,in and out of band)\n");
	assert_diff("['json-cli']", "['deprecated']",
		    "+add+deprecated(,feature)\n"
		    "!-add+json-cli(feature,)\n",
		    "-add+deprecated(feature,)\n+add+json-cli(,feature)\n");
}

/* 'number' is wider than 'int' where something is sent, and where something comes it is worse. */
static void test_diff_members(void **state)
{
	(void)state;
	assert_diff("{'name': 'cache-size', 'type': 'int', 'default': null}",
		    "{'name': 'cache-size', 'type': 'number', 'default': null}",
		    "~add/arg/driver/qcow2/cache-size(optional int,optional number)\n"
		    "!~add/ret/driver/qcow2/cache-size(optional int,optional number)\n"
		    "!~ADDED/arg/driver/qcow2/cache-size(optional int,optional number)\n",
		    "!~add/arg/driver/qcow2/cache-size(optional number,optional int)\n"
		    "~add/ret/driver/qcow2/cache-size(optional number,optional int)\n"
		    "~ADDED/arg/driver/qcow2/cache-size(optional number,optional int)\n");
	assert_diff("{'name': 'names', 'type': '[str]'}",
		    "{'name': 'names', 'type': '[str]', 'default': null}",
		    "~set/arg/names([string],optional [string])\n",
		    "!~set/arg/names(optional [string],[string])\n");
	assert_diff("{'name': 'factor', 'type': 'number',", "{'name': 'speed', 'type': 'number',",
		    "!-set/arg/factor(optional number,)\n+set/arg/speed(,optional number)\n",
		    "+set/arg/factor(,optional number)\n!-set/arg/speed(optional number,)\n");
	assert_diff("'element-type': 'str'", "'element-type': 'int'",
		    "!~set/arg/names([string],[int])\n", "!~set/arg/names([int],[string])\n");
	assert_diff("{'name': 'driver', 'type': 'str'}]",
		    "{'name': 'driver', 'type': 'str'}, {'name': 'id', 'type': 'str'}]",
		    "!+device_add/arg/id(,string)\n", "!-device_add/arg/id(string,)\n");
	assert_diff("'default': null, 'features': ['unstable']", "'default': null",
		    "-set/arg/x-fast+unstable(feature,)\n", "+set/arg/x-fast+unstable(,feature)\n");
}

static void test_diff_variants(void **state)
{
	(void)state;
	assert_diff("{'name': 'vvfat', 'features': ['deprecated']}], 'values': ['raw', 'qcow2', "
		    "'vvfat']}",
		    "{'name': 'vmdk'}]}",
		    "+add/arg/driver/vmdk(,value)\n!-add/arg/driver/vvfat(value,)\n"
		    "+add/ret/driver/vmdk(,value)\n!-add/ret/driver/vvfat(value,)\n"
		    "+ADDED/arg/driver/vmdk(,value)\n!-ADDED/arg/driver/vvfat(value,)\n",
		    "!-add/arg/driver/vmdk(value,)\n+add/arg/driver/vvfat(,value)\n"
		    "!-add/ret/driver/vmdk(value,)\n+add/ret/driver/vvfat(,value)\n"
		    "!-ADDED/arg/driver/vmdk(value,)\n+ADDED/arg/driver/vvfat(,value)\n");
	assert_diff("{'case': 'raw', 'type': '0'}", "{'case': 'raw', 'type': '7'}",
		    "!+add/arg/driver/raw/offset(,int)\n+add/ret/driver/raw/offset(,int)\n"
		    "+ADDED/arg/driver/raw/offset(,int)\n",
		    "!-add/arg/driver/raw/offset(int,)\n!-add/ret/driver/raw/offset(int,)\n"
		    "!-ADDED/arg/driver/raw/offset(int,)\n");
	assert_diff("{'type': 'str'},", "",
		    "!~add/arg/driver/qcow2/backing(optional object|string|null,optional "
		    "object|null)\n"
		    "!~add/arg/driver/qcow2/file(object|string|null,object|null)\n"
		    "~add/ret/driver/qcow2/backing(optional object|string|null,optional "
		    "object|null)\n"
		    "~add/ret/driver/qcow2/file(object|string|null,object|null)\n"
		    "~ADDED/arg/driver/qcow2/backing(optional object|string|null,optional "
		    "object|null)\n"
		    "~ADDED/arg/driver/qcow2/file(object|string|null,object|null)\n",
		    "~add/arg/driver/qcow2/backing(optional object|null,optional "
		    "object|string|null)\n"
		    "~add/arg/driver/qcow2/file(object|null,object|string|null)\n"
		    "!~add/ret/driver/qcow2/backing(optional object|null,optional "
		    "object|string|null)\n"
		    "!~add/ret/driver/qcow2/file(object|null,object|string|null)\n"
		    "!~ADDED/arg/driver/qcow2/backing(optional object|null,optional "
		    "object|string|null)\n"
		    "!~ADDED/arg/driver/qcow2/file(object|null,object|string|null)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),         cmocka_unit_test(test_type_text),
		cmocka_unit_test(test_old_enum),      cmocka_unit_test(test_reply),
		cmocka_unit_test(test_right_calls),   cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_missing),       cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_notes),         cmocka_unit_test(test_paths),
		cmocka_unit_test(test_no_paths),      cmocka_unit_test(test_search),
		cmocka_unit_test(test_diff_roots),    cmocka_unit_test(test_diff_members),
		cmocka_unit_test(test_diff_variants), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
