/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text, for the other files of this room. */
#ifndef QMP_ADDRESS_H
#define QMP_ADDRESS_H

#include <guestscope/qmp.h>

/* The address as a user would write it; the caller frees. NULL when out of memory. */
char *gs_qmp_address_text(const struct gs_qmp_address *address);

#endif
