/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small exports, written by hand; ' stands for ". */
#ifndef TESTS_UNIT_FAKE_DEVSTATE_H
#define TESTS_UNIT_FAKE_DEVSTATE_H

#include <guestscope/devstate.h>

#include "unit.h"

/* An export of @devices: "'a': {...}, 'b': {...}". */
#define FAKE_EXPORT(devices) "{'vmschkmachine': {'Name': 'none'}, " devices "}"

/* A device of version 1 whose description has its own name, and @more: ", 'Fields': [...]". */
#define FAKE_DEVICE(type, more) FAKE_DEVICE_V(type, "1", "1", more)
#define FAKE_DEVICE_V(type, version, minimum, more)                           \
	"'" type "': {'Name': '" type "', 'version_id': " version             \
	", 'minimum_version_id': " minimum ", 'Description': {'name': '" type \
	"', 'version_id': " version ", 'minimum_version_id': " minimum more "}}"

#define FAKE_DESCRIPTION(name, version, minimum, more) \
	"{'name': '" name "', 'version_id': " version ", 'minimum_version_id': " minimum more "}"

#define FAKE_FIELD(name, size) FAKE_FIELD_X(name, "0", "false", size, "")
/* @more: ", 'Description': {...}". */
#define FAKE_FIELD_X(name, version, conditional, size, more)                            \
	"{'field': '" name "', 'version_id': " version ", 'field_exists': " conditional \
	", 'size': " size more "}"

__attribute__((unused)) static struct gs_error *fake_devstate_parse(const char *text,
								    struct gs_devstate **ret)
{
	gs_autofree char *quoted = strdup(text);

	assert_non_null(quoted);
	for (char *c = quoted; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return gs_devstate_parse(quoted, strlen(quoted), ret);
}

__attribute__((unused)) static struct gs_devstate *fake_devstate(const char *text)
{
	struct gs_devstate *state = NULL;

	assert_ok(fake_devstate_parse(text, &state));
	return state;
}

#endif
