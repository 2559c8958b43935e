/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strings of a domain's disk, for those that do the same with each of them. */
#ifndef QMP_DOMAIN_H
#define QMP_DOMAIN_H

#include <stddef.h>

#include <guestscope/qmp/libvirt.h>

#define GS_DOMAIN_DISK_FIELDS 7

struct gs_domain_field {
	const char *name;
	size_t offset;
};
extern const struct gs_domain_field gs_domain_disk_fields[GS_DOMAIN_DISK_FIELDS];
char **gs_domain_disk_field(struct gs_domain_disk *disk, size_t i);

#endif
