/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can go wrong, devices of which the same is to be said together. */
#ifndef VMSTATE_CHECK_ENTRIES_H
#define VMSTATE_CHECK_ENTRIES_H

#include "check.h"

/* What is said of a device of which more is left than INFO: the worst. */
struct check_said {
	const struct check_device *device;
	/*
	 * The direction that something is to be said of; of what is as bad both ways, and by the
	 * same difference, forward stands for both. GS_CHECK_DIRECTIONS: each has its own.
	 */
	int direction;
	struct check_worst {
		char *place;  /* "core.timadj"; "": the device itself */
		char *offset; /* " (byte 123)", or "" */
		char *text;   /* sentences; "": nothing is found */
		enum gs_check_rule rule;
	} worst[GS_CHECK_DIRECTIONS];
};

/* The same is said of them, but for the offset, and for the place if they have one direction. */
struct check_entry {
	const struct check_said *said; /* by place */
	size_t count;
};

struct check_entries {
	struct check_said *said;
	size_t said_count;
	struct check_entry *entries; /* the worst first */
	size_t count;
};

GS_MUST_CHECK struct gs_error *check_entries_init(const struct check *check,
						  struct check_entries *ret);
void check_entries_deinit(struct check_entries *entries);

/* Whether only one side has such devices. */
bool check_is_lonely(const struct check_device *device);

#endif
