/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of run states and events: to wait for a misspelt one is to wait for ever. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/schema.h>

#include "qmpctl.h"

static const char *const states[] = {
	"debug",       "finish-migrate", "inmigrate",      "internal-error", "io-error", "paused",
	"postmigrate", "prelaunch",      "restore-vm",     "running",        "save-vm",  "shutdown",
	"suspended",   "watchdog",       "guest-panicked", "colo",           NULL,
};

static struct gs_error *unknown(const char *kind, const char *what, const char *const names[])
{
	const char *near = gs_did_you_mean(what, names);

	return gs_error_create(GS_ERROR_INVALID, "--for: there is no %s '%s'%s%s%s", kind, what,
			       near ? "; is it '" : "", near ? near : "", near ? "'?" : "");
}

struct gs_error *check_state(const char *what)
{
	for (const char *const *state = states; *state; state++) {
		if (strcmp(*state, what) == 0)
			return NULL;
	}
	return unknown("run state", what, states);
}

struct gs_error *check_event(struct gs_qmp *qmp, const char *what)
{
	GS_CLEANUP(gs_schema_destroy) struct gs_schema *schema = NULL;
	struct gs_error *err = gs_schema_query(qmp, &schema);
	gs_autofree const char **names = NULL;
	size_t count = 0;

	if (err)
		return err;
	while (gs_schema_at(schema, GS_SCHEMA_EVENT, count))
		count++;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		names[i] = gs_schema_at(schema, GS_SCHEMA_EVENT, i)->name;
		if (fnmatch(what, names[i], 0) == 0)
			return NULL;
	}
	return unknown("event", what, names);
}
