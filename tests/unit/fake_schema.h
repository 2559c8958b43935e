/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small schema that has one of everything, written by hand; ' stands for ". */
#ifndef TESTS_UNIT_FAKE_SCHEMA_H
#define TESTS_UNIT_FAKE_SCHEMA_H

#include <guestscope/qmp/schema.h>

#include "unit.h"

#define FAKE_SCHEMA_COMMANDS 5
#define FAKE_SCHEMA                                                                                \
	"[{'name': 'str', 'meta-type': 'builtin', 'json-type': 'string'},"                         \
	" {'name': 'int', 'meta-type': 'builtin', 'json-type': 'int'},"                            \
	" {'name': 'number', 'meta-type': 'builtin', 'json-type': 'number'},"                      \
	" {'name': 'bool', 'meta-type': 'builtin', 'json-type': 'boolean'},"                       \
	" {'name': 'null', 'meta-type': 'builtin', 'json-type': 'null'},"                          \
	" {'name': 'any', 'meta-type': 'builtin', 'json-type': 'value'},"                          \
	" {'name': '[str]', 'meta-type': 'array', 'element-type': 'str'},"                         \
	" {'name': '[1]', 'meta-type': 'array', 'element-type': '1'},"                             \
	" {'name': '0', 'meta-type': 'object', 'members': []}," /* A tree of images: driver, and   \
								   what comes with it. */          \
	" {'name': '1', 'meta-type': 'object', 'tag': 'driver', 'members': ["                      \
	"   {'name': 'driver', 'type': '2'},"                                                      \
	"   {'name': 'node-name', 'type': 'str', 'default': null},"                                \
	"   {'name': 'id', 'type': 'str', 'default': null, 'features': ['deprecated']}],"          \
	"   'variants': [{'case': 'raw', 'type': '0'}, {'case': 'qcow2', 'type': '3'}]},"          \
	" {'name': '2', 'meta-type': 'enum', 'members': [{'name': 'raw'}, {'name': 'qcow2'},"      \
	"   {'name': 'vvfat', 'features': ['deprecated']}], 'values': ['raw', 'qcow2', 'vvfat']}," \
	" {'name': '3', 'meta-type': 'object', 'members': ["                                       \
	"   {'name': 'file', 'type': '4'}, {'name': 'backing', 'type': '4', 'default': null},"     \
	"   {'name': 'cache-size', 'type': 'int', 'default': null}]},"                             \
	" {'name': '4', 'meta-type': 'alternate', 'members': [{'type': '1'}, {'type': 'str'},"     \
	"   {'type': 'null'}]},"                                                                   \
	" {'name': '5', 'meta-type': 'object', 'members': ["                                       \
	"   {'name': 'names', 'type': '[str]'}, {'name': 'value', 'type': 'any',"                  \
	"    'default': null}, {'name': 'factor', 'type': 'number', 'default': null},"             \
	"   {'name': 'x-fast', 'type': 'bool', 'default': null, 'features': ['unstable']}]},"      \
	" {'name': '6', 'meta-type': 'object', 'members': [{'name': 'driver', 'type': 'str'}]},"   \
	" {'name': '7', 'meta-type': 'object', 'members': [{'name': 'offset', 'type': 'int'}]},"   \
	" {'name': 'add', 'meta-type': 'command', 'arg-type': '1', 'ret-type': '[1]',"             \
	"  'allow-oob': true, 'features': ['json-cli']},"                                          \
	" {'name': 'device_add', 'meta-type': 'command', 'arg-type': '6', 'ret-type': '0'},"       \
	" {'name': 'set', 'meta-type': 'command', 'arg-type': '5', 'ret-type': '0'},"              \
	" {'name': 'stop', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0'},"             \
	" {'name': 'x-old', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0',"             \
	"  'features': ['deprecated', 'unstable']},"                                               \
	" {'name': 'STOP', 'meta-type': 'event', 'arg-type': '0'},"                                \
	" {'name': 'ADDED', 'meta-type': 'event', 'arg-type': '1'}]"

/* JSON with ' for "; the caller's. */
__attribute__((unused)) static struct gs_json *fake_json(const char *text)
{
	gs_autofree char *quoted = strdup(text);
	struct gs_json *value = NULL;

	for (char *c = quoted; c && *c; c++)
		*c = *c == '\'' ? '"' : *c;
	assert_non_null(quoted);
	assert_ok(gs_json_parse(quoted, strlen(quoted), &value));
	return value;
}

__attribute__((unused)) static struct gs_error *fake_schema_parse(const char *text,
								  struct gs_schema **ret)
{
	gs_autojson struct gs_json *value = fake_json(text);

	return gs_schema_parse(value, ret);
}

__attribute__((unused)) static struct gs_schema *fake_schema(const char *text)
{
	struct gs_schema *schema = NULL;

	assert_ok(fake_schema_parse(text, &schema));
	return schema;
}

#endif
