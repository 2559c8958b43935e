/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can go wrong, devices with the same findings together. */
#ifndef VMSTATE_CHECK_ENTRIES_H
#define VMSTATE_CHECK_ENTRIES_H

#include "check.h"

/* Devices of which the same is found: that both exports have, or that only one of them has. */
struct check_entry {
	const struct check_device *const *devices;
	size_t count;
};

struct check_entries {
	const struct check_device **devices;
	struct check_entry *entries; /* the worst first */
	size_t count;
};

/* Devices of which more is left than INFO. */
GS_MUST_CHECK struct gs_error *check_entries_init(const struct check *check,
						  struct check_entries *ret);
void check_entries_deinit(struct check_entries *entries);

#endif
