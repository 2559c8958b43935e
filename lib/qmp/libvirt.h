/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitors that libvirt holds.
 *
 *	session ── socket ── bridge, a process of its own ── libvirt ── libvirtd ── QEMU
 *
 * The bridge makes of libvirt's calls what a monitor's socket would be: a greeting, replies with
 * the ids of their commands, events. So a call into libvirt that never returns (it knows no
 * deadlines) keeps nobody waiting but the bridge; and whoever inherits the socket, as the pause
 * guard's guardian does, goes on where we died. The bridge ends when the last copy of the socket
 * is closed.
 */
#ifndef QMP_LIBVIRT_H
#define QMP_LIBVIRT_H

#include <guestscope/qmp.h>
#include <guestscope/qmp/libvirt.h>

/* ---- libvirt.c: our side ---- */

GS_MUST_CHECK struct gs_error *gs_qmp_connect_libvirt(const struct gs_qmp_address *address,
						      const struct gs_qmp_options *options,
						      struct gs_qmp **ret);
/* ---- libvirt_process.c ---- */

/*
 * The QEMU on this host that runs the domain with this UUID; 0: there is none, or several claim to
 * be it (a guest that is migrated within its host, or somebody who pretends).
 */
pid_t gs_qmp_find_domain(const char *uuid);
/* The same for many, into the pid of those that run, in one walk through all processes. */
void gs_qmp_find_domains(struct gs_domain *domains, size_t count);

/* ---- libvirt_bridge.c: the other side ---- */

#define GS_QMP_UUID_SIZE 37 /* text, with its NUL */

/*
 * A command that only bridges know: libvirt's own dump of all memory, by argument "format", into
 * the pipe whose end comes with it. The reply says that it was started; DUMP_COMPLETED comes as
 * ever.
 */
#define GS_QMP_BRIDGE_DUMP "guestscope-dump"

/* What a bridge reports before it starts. */
struct gs_qmp_bridge_report {
	enum gs_error_code code; /* 0: connected; else @message is all that counts */
	bool is_local;           /* descriptors can be passed, and QEMU may be looked for here */
	char uuid[GS_QMP_UUID_SIZE];
	char message[512];
};

/* @uri may be NULL. @socket and @report_fd are the bridge's own. Does not return. */
_Noreturn void gs_qmp_bridge_main(const char *uri, const char *domain, int socket, int report_fd);

#endif
