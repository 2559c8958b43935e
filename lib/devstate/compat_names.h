/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Old and new names that are the same to QEMU's own checker. */
#ifndef DEVSTATE_COMPAT_NAMES_H
#define DEVSTATE_COMPAT_NAMES_H

#include <guestscope/devstate.h>

/* @where: of fields their description's name, of descriptions the section's. */
bool gs_compat_same_name(const char *where, const char *a, const char *b);
/* By its type, or by its other one. */
const struct gs_devstate_device *gs_compat_find_section(const struct gs_devstate *state,
							const char *type);

#endif
