/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the strings in a command's arguments name. */
#ifndef QMP_SCHEMA_NAMES_H
#define QMP_SCHEMA_NAMES_H

#include <guestscope/qmp/schema.h>

/* By the name of the command (or of an action of a transaction) and that of the member. */
enum gs_schema_names gs_schema_names_kind(const char *command, const char *member);

#endif
