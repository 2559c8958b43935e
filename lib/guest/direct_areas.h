/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies in QEMU's address space, and which of it nobody has ever touched. */
#ifndef GUESTSCOPE_GUEST_DIRECT_AREAS_H
#define GUESTSCOPE_GUEST_DIRECT_AREAS_H

#include <pthread.h>

#include <guestscope/memory.h>

#include "direct_process.h"

/* Where the bytes of a page come from that nobody has touched. */
enum direct_backing {
	DIRECT_OPAQUE,  /* a file, a device, hugetlbfs, or nobody knows: all is data */
	DIRECT_PRIVATE, /* private anonymous memory: zero unless the page tables have it */
	DIRECT_SHARED,  /* a shared file: zero where it has a hole */
};

/* [start, end) of the address space. */
struct direct_area {
	uint64_t start, end;
	enum direct_backing backing;
	uint64_t inode; /* of a shared file, else 0 */
	uint64_t off;   /* of start in it */
	char *path;     /* as the kernel names it; of a shared file, else NULL; owned */
	int fd;         /* of a shared file once opened, else -1; owned */
	/* Of a shared file: the last run of data that was found. */
	uint64_t data_start, data_end;
};

struct direct_areas {
	struct direct_area *items; /* in the order of their addresses */
	size_t count;
	pthread_mutex_t lock; /* of data_start, data_end */
};

GS_MUST_CHECK struct gs_error *gs_direct_areas_read(const struct direct_process *p,
						    struct direct_areas **ret);
void gs_direct_areas_destroy(struct direct_areas *areas);
GS_DEFINE_CLEANUP(struct direct_areas *, gs_direct_areas_destroy)
/*
 * Be ready to be asked about [hva, hva + size). UNSUPPORTED: some of it is in no area. Not
 * thread-safe.
 */
GS_MUST_CHECK struct gs_error *gs_direct_areas_use(struct direct_areas *areas,
						   const struct direct_process *p, uint64_t hva,
						   uint64_t size);
/*
 * Whether what is at @hva (made ready before) is DATA, or ZERO as nobody has touched it, and up to
 * where (at most @limit) that holds. Thread-safe.
 */
GS_MUST_CHECK struct gs_error *gs_direct_areas_extent(struct direct_areas *areas,
						      const struct direct_process *p, uint64_t hva,
						      uint64_t limit, enum gs_extent *ret,
						      uint64_t *end_ret);

#endif
