/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion of a typed command line, without a terminal and without a guest. */
#include <guestscope/base/text.h>
#include <guestscope/qmp/schema.h>

#include "unit.h"

/* As QEMU has it, cut down: unions within unions, references by name, what cannot be typed. */
static const char schema_text[] =
	"[{'name': 'str', 'meta-type': 'builtin', 'json-type': 'string'},"
	" {'name': 'int', 'meta-type': 'builtin', 'json-type': 'int'},"
	" {'name': 'bool', 'meta-type': 'builtin', 'json-type': 'boolean'},"
	" {'name': 'null', 'meta-type': 'builtin', 'json-type': 'null'},"
	" {'name': '[int]', 'meta-type': 'array', 'element-type': 'int'},"
	" {'name': '[30]', 'meta-type': 'array', 'element-type': '30'},"
	" {'name': '0', 'meta-type': 'object', 'members': []},"
	" {'name': '1', 'meta-type': 'object', 'tag': 'driver', 'members': ["
	"   {'name': 'driver', 'type': '2'}, {'name': 'node-name', 'type': 'str', 'default': null},"
	"   {'name': 'read-only', 'type': 'bool', 'default': null}],"
	"  'variants': [{'case': 'qcow2', 'type': '3'}, {'case': 'file', 'type': '4'},"
	"               {'case': 'nbd', 'type': '5'}]},"
	" {'name': '2', 'meta-type': 'enum', 'members': [{'name': 'qcow2'}, {'name': 'qcow'},"
	"   {'name': 'file'}, {'name': 'nbd'}], 'values': ['qcow2', 'qcow', 'file', 'nbd']},"
	" {'name': '3', 'meta-type': 'object', 'members': [{'name': 'file', 'type': '6'},"
	"   {'name': 'backing', 'type': '7', 'default': null},"
	"   {'name': 'sizes', 'type': '[int]', 'default': null}]},"
	" {'name': '4', 'meta-type': 'object', 'members': [{'name': 'filename', 'type': 'str'}]},"
	" {'name': '5', 'meta-type': 'object', 'members': [{'name': 'server', 'type': '8'}]},"
	" {'name': '6', 'meta-type': 'alternate', 'members': [{'type': '1'}, {'type': 'str'}]},"
	" {'name': '7', 'meta-type': 'alternate', 'members': [{'type': '1'}, {'type': 'str'},"
	"   {'type': 'null'}]},"
	" {'name': '8', 'meta-type': 'object', 'tag': 'type', 'members': [{'name': 'type',"
	"   'type': '9'}], 'variants': [{'case': 'unix', 'type': '10'}, {'case': 'inet',"
	"   'type': '11'}]},"
	" {'name': '9', 'meta-type': 'enum', 'members': [{'name': 'unix'}, {'name': 'inet'}],"
	"  'values': ['unix', 'inet']},"
	" {'name': '10', 'meta-type': 'object', 'members': [{'name': 'path', 'type': 'str'}]},"
	" {'name': '11', 'meta-type': 'object', 'members': [{'name': 'host', 'type': 'str'},"
	"   {'name': 'port', 'type': 'str'}]},"
	" {'name': '20', 'meta-type': 'object', 'members': [{'name': 'node-name', 'type': 'str'},"
	"   {'name': 'size', 'type': 'int'}]},"
	" {'name': '30', 'meta-type': 'object', 'tag': 'type', 'members': [{'name': 'type',"
	"   'type': '31'}], 'variants': [{'case': 'blockdev-snapshot', 'type': '32'},"
	"   {'case': 'abort', 'type': '0'}]},"
	" {'name': '31', 'meta-type': 'enum', 'members': [{'name': 'blockdev-snapshot'},"
	"   {'name': 'abort'}], 'values': ['blockdev-snapshot', 'abort']},"
	" {'name': '32', 'meta-type': 'object', 'members': [{'name': 'data', 'type': '33'}]},"
	" {'name': '33', 'meta-type': 'object', 'members': [{'name': 'node', 'type': 'str'},"
	"   {'name': 'overlay', 'type': 'str'}]},"
	" {'name': '34', 'meta-type': 'object', 'members': [{'name': 'actions', 'type': '[30]'}]},"
	" {'name': 'blockdev-add', 'meta-type': 'command', 'arg-type': '1', 'ret-type': '0'},"
	" {'name': 'block_resize', 'meta-type': 'command', 'arg-type': '20', 'ret-type': '0'},"
	" {'name': 'transaction', 'meta-type': 'command', 'arg-type': '34', 'ret-type': '0'},"
	" {'name': '40', 'meta-type': 'object', 'members': [{'name': 'driver', 'type': 'str'},"
	"   {'name': 'id', 'type': 'str', 'default': null}]},"
	" {'name': 'device_add', 'meta-type': 'command', 'arg-type': '40', 'ret-type': '0'},"
	" {'name': 'stop', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0'},"
	" {'name': 'STOP', 'meta-type': 'event', 'arg-type': '0'}]";

static struct gs_schema *schema;

static int set_up(void **state)
{
	gs_autofree char *text = strdup(schema_text);
	gs_autojson struct gs_json *value = NULL;

	(void)state;
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	assert_ok(gs_json_parse(text, strlen(text), &value));
	assert_ok(gs_schema_parse(value, &schema));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gs_schema_destroy(schema);
	return 0;
}

static struct gs_error *some_names(void *arg, enum gs_schema_names kind, const char *prefix,
				   struct gs_json **ret)
{
	const char properties[] = "[\"share-rw:=\", \"drive=\", \"driver=\"]";
	const char text[] = "[\"node1\", \"node0\", \"with blank\", 7, \"other\", \"node1\"]";

	if (kind == GS_SCHEMA_NAMES_DEVICE_PROPERTY && strcmp(prefix, "disk") == 0)
		return gs_json_parse(properties, strlen(properties), ret);
	if (kind == GS_SCHEMA_NAMES_NODE || kind == GS_SCHEMA_NAMES_BLOCK)
		return gs_json_parse(text, strlen(text), ret);
	(void)arg;
	return gs_error_create(GS_ERROR_TIMEOUT, "these take too long");
}

/* '|' in @line is the cursor. @expected: "start: word word". */
static void check_as(const char *line, const char *expected, bool is_action)
{
	const struct gs_schema_completer completer = {schema, is_action, some_names, NULL};
	struct gs_schema_candidates found = {0};
	gs_autofree char *text = strdup(line);
	gs_autotext struct gs_text got = {0};
	char *cursor = strchr(text, '|');

	assert_non_null(cursor);
	memmove(cursor, cursor + 1, strlen(cursor));
	assert_ok(gs_schema_complete(&completer, text, (size_t)(cursor - text), &found));
	gs_text_printf(&got, "%zu:", found.start);
	for (size_t i = 0; i < found.count; i++)
		gs_text_printf(&got, " %s", found.words[i]);
	gs_schema_candidates_deinit(&found);
	if (strcmp(got.data, expected) != 0)
		fail_msg("%s: got \"%s\", not \"%s\"", line, got.data, expected);
}

static void check(const char *line, const char *expected)
{
	check_as(line, expected, false);
}

static void test_commands(void **state)
{
	(void)state;
	check("|", "0: block_resize blockdev-add device_add stop transaction");
	check("block|", "0: block_resize blockdev-add");
	check("  sto|p", "2: stop");
	check("STO|", "0:");
	check("{\"exec|", "0:");
}

static void test_members(void **state)
{
	(void)state;
	check("block_resize |", "13: node-name= size:=");
	check("block_resize s|", "13: size:=");
	check("block_resize size:=1 |", "21: node-name=");
	check("block_resize | size:=1", "13: node-name=");
	check("block_resize node-name=\"a b\" |", "29: size:=");
	check("blockdev-add |", "13: driver= node-name= read-only:=");
	check("stop |", "5:");
	check("nonsense |", "9:");
}

/* What a variant brings is known once its tag is given, before or behind the cursor. */
static void test_variants(void **state)
{
	(void)state;
	check("blockdev-add driver=qcow2 f|", "26: file. file=");
	check("blockdev-add f| driver=qcow2", "13: file. file=");
	check("blockdev-add driver=\"file\" f|", "27: filename=");
	check("blockdev-add driver:=\"file\" f|", "28: filename=");
	check("blockdev-add driver=qcow2 backing|", "26: backing. backing:= backing=");
	check("blockdev-add driver=qcow2 sizes|", "26: sizes:=");
	check("blockdev-add driver=none f|", "25:");
}

static void test_dotted(void **state)
{
	(void)state;
	check("blockdev-add driver=qcow2 file.dri|", "26: file.driver=");
	check("blockdev-add driver=qcow2 file.driver=file file.|",
	      "43: file.filename= file.node-name= file.read-only:=");
	check("blockdev-add driver=qcow2 file.driver=nbd file.server.type=inet file.server.|",
	      "64: file.server.host= file.server.port=");
	/* One that is given in parts cannot be given whole. */
	check("blockdev-add driver=qcow2 file.driver=file fil|", "43: file.");
	check("blockdev-add driver=qcow2 nothing.|", "26:");
	check("blockdev-add driver=qcow2 ...|", "26:");
}

static void test_values(void **state)
{
	(void)state;
	check("blockdev-add driver=|", "20: file nbd qcow qcow2");
	check("blockdev-add driver=qc|", "20: qcow qcow2");
	check("blockdev-add driver:=qc|", "21:");
	check("blockdev-add read-only:=|", "24: false true");
	check("blockdev-add read-only=|", "23:");
	check("blockdev-add driver=qcow2 backing:=|", "35: null");
	check("blockdev-add driver=qcow2 file.driver=nbd file.server.type=|", "59: inet unix");
	check("block_resize size:=|", "19:");
	check("block_resize none=|", "18:");
}

/* A name that would need quoting is left out; what cannot be asked offers nothing. */
static void test_names(void **state)
{
	(void)state;
	check("block_resize node-name=|", "23: node0 node1 other");
	check("block_resize node-name=no|", "23: node0 node1");
	check("blockdev-add driver=qcow2 file=|", "31: node0 node1 other");
	/* A new one's. */
	check("blockdev-add node-name=|", "23:");
	check("blockdev-add driver=file filename=|", "34:");
}

/* What the schema does not tell is asked of the device. */
static void test_properties(void **state)
{
	(void)state;
	check("device_add |", "11: driver= id=");
	check("device_add driver=none |", "23: id=");
	check("device_add driver=disk |", "23: drive= id= share-rw:=");
	check("device_add dr| driver=disk share-rw:=true", "11: drive=");
	check("device_add driver=disk drive=no|", "29: node0 node1");
	check("device_add driver=disk share-rw=|", "32:");
	check("device_add driver=disk a.|", "23:");
}

static void test_quotes(void **state)
{
	(void)state;
	check("block_resize node-name=\"no|", "13:");
	check("block_resize node-name='a |", "13:");
	check("block_resize {\"node-name\": |", "13:");
	check("block_resize size:=[1, |", "13:");
}

static void test_actions(void **state)
{
	(void)state;
	check_as("|", "0: abort blockdev-snapshot", true);
	check_as("blockdev-snapshot |", "18: node= overlay=", true);
	check_as("blockdev-snapshot node=no|", "23: node0 node1", true);
	check_as("abort |", "6:", true);
	check_as("stop |", "5:", true);
}

/* Nothing that is typed may be too much. */
static void test_long_lines(void **state)
{
	gs_autotext struct gs_text line = {0};

	(void)state;
	gs_text_puts(&line, "block_resize");
	for (int i = 0; i < 1000; i++)
		gs_text_printf(&line, " a%d={[\"", i);
	gs_text_puts(&line, "|");
	check(line.data, "13:");
	gs_text_clear(&line);
	gs_text_puts(&line, "blockdev-add driver=qcow2 ");
	for (int i = 0; i < 1000; i++)
		gs_text_puts(&line, "backing.");
	gs_text_puts(&line, "|");
	check(line.data, "26:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),   cmocka_unit_test(test_members),
		cmocka_unit_test(test_variants),   cmocka_unit_test(test_dotted),
		cmocka_unit_test(test_values),     cmocka_unit_test(test_names),
		cmocka_unit_test(test_quotes),     cmocka_unit_test(test_actions),
		cmocka_unit_test(test_long_lines), cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
