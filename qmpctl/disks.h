/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks of the guest that a command is about, running or known to libvirt only. */
#ifndef QMPCTL_DISKS_H
#define QMPCTL_DISKS_H

#include <guestscope/block.h>

#include "qmpctl.h"

struct disks {
	bool has_domain; /* the guest is libvirt's */
	struct gs_domain_info domain;
	bool running;                /* else only the domain tells */
	struct target target;        /* of a running guest */
	struct gs_block_graph graph; /* the same */
};
/* @off: a domain that does not run will do. */
GS_MUST_CHECK struct gs_error *disks_open(const struct gs_args *args, bool off, struct disks *ret);
void disks_close(struct disks *disks);

static inline void disks_cleanup(struct disks *disks)
{
	disks_close(disks);
}
#define auto_disks __attribute__((cleanup(disks_cleanup)))

/* The domain's disk of that target. INVALID: it has none, in libvirt's words. */
GS_MUST_CHECK struct gs_error *disks_find_off(const struct disks *disks, const char *target,
					      const struct gs_domain_disk **ret);

/* ---- cmd_blk_virsh.c ---- */

/* blk info --virsh: as virsh domblkinfo prints it. */
int blk_info_virsh(struct gs_args *args, const struct disks *disks);

#endif
