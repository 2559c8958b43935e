/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of devices that a guest has: from the guest itself, from its domain's XML, or from a
 * list that somebody wrote.
 *
 * Types are QOM's, the classes' own and no aliases: "virtio-net-pci", "ich9-ahci". Of what is there
 * but has no type that is known, its XML stands among them: "<video model='x'>". No type begins
 * with '<'.
 */
#ifndef GUESTSCOPE_QMP_DEVICE_TYPES_H
#define GUESTSCOPE_QMP_DEVICE_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/qmp.h>

#define GS_DEVICE_TYPES_MAX 16384 /* a QEMU for Arm has 1000, a guest 50 */

/* {0} is empty. */
struct gs_device_types {
	char **names; /* sorted, each once; owned */
	size_t count, capacity;
};
void gs_device_types_deinit(struct gs_device_types *types);

/* Whether it can be a type: 1 to 255 letters, digits, and "-_.,+". */
bool gs_device_types_is_name(const char *text, size_t size);
bool gs_device_types_has(const struct gs_device_types *types, const char *name);
/* INVALID: there are GS_DEVICE_TYPES_MAX. */
GS_MUST_CHECK struct gs_error *gs_device_types_add(struct gs_device_types *types, const char *name);

/*
 * All that follow add to @types, which may hold some already; on failure, some of what they found
 * may be in it.
 */

/*
 * Of a guest that lives: all devices in its QOM tree, as it is now, also those that are parts of
 * others. It is asked what its objects are, several hundred times; nothing but qom-list is used,
 * since qom-list-types makes QEMU load all its modules into the guest's process. CORRUPT: a tree
 * that is larger or deeper than any.
 */
GS_MUST_CHECK struct gs_error *gs_device_types_query(struct gs_qmp *qmp,
						     struct gs_device_types *types);

/*
 * From a list, one type a line, with blank lines and comments from '#' on: CORRUPT names the line.
 */
GS_MUST_CHECK struct gs_error *gs_device_types_parse_list(const char *text, size_t size,
							  struct gs_device_types *types);

/*
 * From a domain's XML, as "virsh dumpxml" prints it: what libvirt makes of it, and what the machine
 * has built in (of pc and q35; of Arm's virt and s390-ccw-virtio with TCG). Before libvirt has seen
 * it, it lacks the controllers and models that libvirt fills in. Hostile, as for
 * gs_libvirt_domain().
 */
GS_MUST_CHECK struct gs_error *gs_device_types_parse_domain(const char *xml, size_t size,
							    struct gs_device_types *types);
/* From a text that is either: XML begins with '<'. */
GS_MUST_CHECK struct gs_error *gs_device_types_parse(const char *text, size_t size,
						     struct gs_device_types *types);

#endif
