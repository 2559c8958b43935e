/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks of the guest that a command is about. */
#include "disks.h"

#include <string.h>

#define LIBVIRT_MS 5000

/* What libvirt says of its domain; other guests have none. */
static struct gs_error *ask_libvirt(const struct gs_args *args, struct disks *disks)
{
	const char *guest = gs_args_guest(args);
	struct gs_qmp_address address = {0};
	struct gs_error *err;

	if (!guest || !gs_guest_is_address(guest))
		return NULL;
	err = gs_qmp_address_parse(guest, &address);
	if (!err && address.kind == GS_QMP_LIBVIRT) {
		err = gs_libvirt_domain(gs_args_connect(args), address.path,
					gs_deadline_in(LIBVIRT_MS), &disks->domain);
		disks->has_domain = !err;
	}
	gs_qmp_address_deinit(&address);
	return err;
}

static struct gs_error *look(const struct gs_args *args, bool off, struct disks *disks)
{
	struct gs_error *err = ask_libvirt(args, disks);

	if (err)
		return err;
	disks->running = !disks->has_domain || disks->domain.domain.running;
	if (!disks->running && off && !disks->domain.is_local)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%s is off, and its files are on another host",
				       disks->domain.domain.name);
	if (!disks->running && off)
		return NULL;
	err = target_open(args, 0, &disks->target);
	if (!err)
		err = gs_block_load(disks->target.qmp, disks->has_domain ? &disks->domain : NULL,
				    &disks->graph);
	return err;
}

struct gs_error *disks_open(const struct gs_args *args, bool off, struct disks *ret)
{
	struct disks disks = {.target.pidfd = -1};
	struct gs_error *err = look(args, off, &disks);

	if (err) {
		disks_close(&disks);
		return err;
	}
	*ret = disks;
	return NULL;
}

void disks_close(struct disks *disks)
{
	gs_block_graph_deinit(&disks->graph);
	target_close(&disks->target);
	if (disks->has_domain)
		gs_domain_info_deinit(&disks->domain);
	*disks = (struct disks){.target.pidfd = -1};
}

struct gs_error *disks_find_off(const struct disks *disks, const char *target,
				const struct gs_domain_disk **ret)
{
	for (size_t i = 0; i < disks->domain.disk_count; i++) {
		const struct gs_domain_disk *disk = &disks->domain.disks[i];

		if (strcmp(disk->target, target) == 0 ||
		    (disk->source && strcmp(disk->source, target) == 0)) {
			*ret = disk;
			return NULL;
		}
	}
	return gs_error_create(GS_ERROR_NODATA,
			       "invalid argument: invalid path %s not assigned to domain", target);
}
