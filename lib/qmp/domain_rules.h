/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt makes of a domain's XML: which parts of it are which types of devices. */
#ifndef QMP_DOMAIN_RULES_H
#define QMP_DOMAIN_RULES_H

#include "domain_parts.h"

/*
 * Rules are tried in order, on each part that they name (domain_parts.h). Those up to the first
 * that holds, and whose types do not begin with "+", count.
 *
 * The path "devices/" is all parts below that; such a rule makes none of them known.
 *
 * Conditions, all of which must hold, are separated by blanks. "target/@bus=sata|ide": the part has
 * such a fact; "*" is any value, and an empty one none. "/features/vmport:@state=off": another part
 * has; "/clock/timer:@name=hpet,@present=no" it has both; "/cpu:" it is there. "!" before it: not.
 *
 * Types are separated by blanks; none: it is no device. "{@model}" is a value of the part's,
 * "{/machine:@cpu}" one of another's. In "virtio-net-%" stands how the device is attached: "pci",
 * "pci-transitional", "pci-non-transitional", "ccw"; of virtio-mmio, that is the type.
 *
 * Beside the XML's, there is a part "machine", with @family (pc, q35, virt, s390), @arch, @accel
 * (the domain's type), @cpu (what all types of CPUs end in) and @bus (what virtio devices without
 * an address are attached to); and for each -device of <qemu:commandline> one "qemu:device", with
 * @driver.
 */
struct gs_domain_rule {
	const char *path; /* NULL ends the table */
	const char *when;
	const char *types; /* NULL: not known */
};
extern const struct gs_domain_rule gs_domain_rules[];

/* Whether what it asks of other parts holds, and what it asks of @part, which is one of its own. */
bool gs_domain_rule_is_possible(const struct gs_domain_rule *rule,
				const struct gs_domain_parts *parts);
bool gs_domain_rule_fits(const struct gs_domain_rule *rule, const struct gs_domain_part *part);

#endif
