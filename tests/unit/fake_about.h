/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands beside a dump, written by hand; ' stands for ". */
#ifndef TESTS_UNIT_FAKE_ABOUT_H
#define TESTS_UNIT_FAKE_ABOUT_H

#include <guestscope/devstate/about.h>

#include "unit.h"

#define auto_about GS_CLEANUP(gs_about_destroy)

__attribute__((unused)) static struct gs_error *fake_about_parse(const char *text,
								 struct gs_about **ret)
{
	gs_autofree char *quoted = strdup(text);
	struct gs_json *value = NULL;

	assert_non_null(quoted);
	for (char *c = quoted; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	assert_ok(gs_json_parse(quoted, strlen(quoted), &value));
	return gs_about_parse(value, ret);
}

__attribute__((unused)) static struct gs_about *fake_about(const char *text)
{
	struct gs_about *about = NULL;

	assert_ok(fake_about_parse(text, &about));
	return about;
}

#endif
