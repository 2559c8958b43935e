/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QMP monitors that a QEMU command line asks for. */
#ifndef QMP_CMDLINE_H
#define QMP_CMDLINE_H

#include <guestscope/qmp.h>

struct gs_qmp_monitor {
	/*
	 * Where it listens, as QEMU was told: a UNIX path may be relative, and the descriptor of an
	 * FD address is QEMU's own.
	 */
	struct gs_qmp_address address;
	const char *obstacle; /* why nobody can connect to it ("is a pty"); NULL: one can */
	bool is_libvirts;
};

struct gs_qmp_monitors {
	struct gs_qmp_monitor *items;
	size_t count;
	size_t human; /* monitors that do not speak QMP */
	char *guest;  /* -name, or NULL */
};

/* @text: arguments, each ended by a NUL, as /proc/PID/cmdline has them. */
GS_MUST_CHECK struct gs_error *gs_qmp_monitors_of(const char *text, size_t size,
						  struct gs_qmp_monitors *ret);
void gs_qmp_monitors_deinit(struct gs_qmp_monitors *monitors);
/* Whether @path stands in some argument: then its purpose is known. */
bool gs_qmp_cmdline_mentions(const char *text, size_t size, const char *path);

#endif
