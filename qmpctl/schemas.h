/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about schemas share. */
#ifndef QMPCTL_SCHEMAS_H
#define QMPCTL_SCHEMAS_H

#include <guestscope/qmp/schema.h>

#include "qmpctl.h"

/*
 * The schema of @from: a guest as for -g, a file with a saved schema, or a QEMU binary, which is
 * run for that. NULL: the guest that -g names.
 */
GS_MUST_CHECK struct gs_error *schemas_load(const struct gs_args *args, const char *from,
					    struct gs_schema **ret);

/* "optional", "deprecated", ... with commas, "" for none; the caller frees; NULL: no memory. */
char *schemas_note(const struct gs_schema_features *features, bool optional);
/* The features' names, as a list. */
void schemas_emit_features(struct gs_emit *e, const struct gs_schema_features *features);
/* A row of a name and what is to be noted of it: columns "name", NOTE, "features". */
void schemas_emit_named(struct gs_emit *e, const char *name,
			const struct gs_schema_features *features);
/* All that is in a command, an event, a member or a value. */
void schemas_emit_place(struct gs_emit *e, const char *path, const struct gs_schema_place *place);

#endif
