/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt knows of its domains, running or not. (How to talk to a running one's monitor:
 * gs_qmp_connect() with a libvirt: address.)
 *
 * libvirt is opened at run time, in a process of its own that is given up at the deadline: libvirt
 * itself has none. UNSUPPORTED: not installed, or what @uri names has no QEMU. UNREACHABLE:
 * libvirt's own words. TIMEOUT. @uri NULL: libvirt's default.
 */
#ifndef GUESTSCOPE_QMP_LIBVIRT_H
#define GUESTSCOPE_QMP_LIBVIRT_H

#include <guestscope/qmp.h>

struct gs_domain {
	char *name, *uuid;
	bool running;       /* it has a QEMU, be it paused */
	char state[32];     /* libvirt's own: "running", "paused", "shut off", "crashed", ... */
	uint64_t mem_bytes; /* what it has now, or would have */
	pid_t pid;          /* its QEMU, if that is seen on this host; else 0 */
};
void gs_domains_free(struct gs_domain *domains, size_t count);

/*
 * Sorted by name. @all: also those that do not run. With @uri NULL no daemon is started that does
 * not run: there is nothing to list, then, but an error (UNREACHABLE).
 */
GS_MUST_CHECK struct gs_error *gs_libvirt_list(const char *uri, bool all, uint64_t deadline_ms,
					       struct gs_domain **ret, size_t *count_ret);

/*
 * A disk as the domain's XML describes it; strings are owned, and NULL where the XML says nothing
 * unless another default stands here.
 */
struct gs_domain_disk {
	char *target; /* "vda": <target dev>; always there, and no two are the same */
	char *device; /* "disk" (the default), "cdrom", "floppy", "lun" */
	char *type;   /* of the source: "file" (the default), "block", "network", "dir", ... */
	/* Path, name of a network source, or POOL/VOLUME; NULL: the drive is empty; "": something
	 * that has none of these (nvme, the only export of an NBD server). */
	char *source;
	char *protocol; /* of a network source */
	char *format;   /* <driver type>: "raw", "qcow2", ... */
	char *alias;    /* qdev id in a running QEMU: "virtio-disk0" */
	bool readonly;
};

struct gs_domain_info {
	struct gs_domain domain;
	bool is_local; /* the domain's host is this one: its paths are ours */
	struct gs_domain_disk *disks;
	size_t disk_count;
	char *xml; /* as libvirt gave it: of the running domain if it runs */
};
void gs_domain_info_deinit(struct gs_domain_info *info);

/*
 * By its name. UNREACHABLE: no such domain. CORRUPT: its XML, which is taken for hostile: no
 * entities are expanded, nothing is fetched, size and depth are bounded.
 */
GS_MUST_CHECK struct gs_error *gs_libvirt_domain(const char *uri, const char *name,
						 uint64_t deadline_ms, struct gs_domain_info *ret);
/*
 * The part of it that is parsed: disks, name, uuid. For tests: the time it takes is bounded by the
 * size, at most 4 MiB, but by no deadline.
 */
GS_MUST_CHECK struct gs_error *gs_domain_parse(const char *xml, size_t size,
					       struct gs_domain_info *ret);

#endif
