/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's own memory dump, led into a pipe: part of the bridge. */
#ifndef QMP_LIBVIRT_DUMP_H
#define QMP_LIBVIRT_DUMP_H

#include "libvirt_api.h"

/*
 * Start a dump in the background; @format is QEMU's name, NULL: elf. Takes @fd, the pipe's end to
 * write into. Nobody reading it any more ends the dump.
 */
GS_MUST_CHECK struct gs_error *gs_libvirt_dump_start(const struct gs_libvirt_api *api,
						     virDomainPtr domain, const char *format,
						     int fd);
/* The process is about to end: a libvirt that has yet to open the fifo must not wait for ever. */
void gs_libvirt_dump_abandon(void);

#endif
