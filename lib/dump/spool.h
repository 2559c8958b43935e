/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An array that grows in memory, and beyond a few MiB in an unlinked file. */
#ifndef GUESTSCOPE_DUMP_SPOOL_H
#define GUESTSCOPE_DUMP_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include <guestscope/base/error.h>

struct gs_spool {
	void *data; /* moves when the array grows */
	size_t size, capacity;
	int fd;          /* -1 while all is in memory */
	const char *dir; /* borrowed; NULL: /var/tmp */
};

#define GS_SPOOL_INIT(folder)             \
	{                                 \
		.fd = -1, .dir = (folder) \
	}

void gs_spool_deinit(struct gs_spool *s);
/* Add @size bytes with undefined contents; *ret points at them. */
GS_MUST_CHECK struct gs_error *gs_spool_extend(struct gs_spool *s, size_t size, void **ret);

#define gs_autospool __attribute__((cleanup(gs_spool_deinit)))

#endif
