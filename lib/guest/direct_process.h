/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's process, and its memory as this host lets us read it. */
#ifndef GUESTSCOPE_GUEST_DIRECT_PROCESS_H
#define GUESTSCOPE_GUEST_DIRECT_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <guestscope/base/error.h>

/* Handles that go on meaning this process, whatever becomes of its number. */
struct direct_process {
	pid_t pid;
	int pidfd;
	int proc_fd; /* /proc/PID */
	int pagemap_fd;
};

/* All handles are -1; what gs_direct_process_close() takes. */
#define DIRECT_PROCESS_INIT                                  \
	{                                                    \
		.pidfd = -1, .proc_fd = -1, .pagemap_fd = -1 \
	}

/* GONE: no such process. OS: no permission to read it; says what would be needed. */
GS_MUST_CHECK struct gs_error *gs_direct_process_open(pid_t pid, struct direct_process *ret);
void gs_direct_process_close(struct direct_process *p);
/* All of it. GONE: the process has ended. OS: it has no such memory. Thread-safe. */
GS_MUST_CHECK struct gs_error *gs_direct_process_read(const struct direct_process *p, uint64_t hva,
						      void *buf, size_t size);

#endif
