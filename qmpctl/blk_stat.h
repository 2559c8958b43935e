/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of "blk stat" share: samples of the guest's disks, and how they are shown. */
#ifndef QMPCTL_BLK_STAT_H
#define QMPCTL_BLK_STAT_H

#include <guestscope/base/text.h>
#include <guestscope/block.h>

#include "disks.h"
#include "live.h"

/* The devices that the command is about, all counters of one moment. */
struct sample {
	struct gs_block_graph graph;
	struct sampled {
		const struct gs_block_device *device;
		struct gs_block_stats stats;
	} * rows;
	size_t count;
};
/* Those that the command line names, in its order; else all. */
GS_MUST_CHECK struct gs_error *sample_take(const struct gs_args *args, const struct disks *disks,
					   struct sample *ret);
void sample_free(struct sample *sample);
/* That device's row; NULL: it is not there any more. */
const struct sampled *sample_find(const struct sample *sample, const char *id);

static inline void sample_cleanup(struct sample *sample)
{
	sample_free(sample);
}
#define auto_sample __attribute__((cleanup(sample_cleanup)))

/* "read", "zone_append": an operation as a member of JSON. */
const char *op_key(enum gs_block_op op);
/* In a row of JSON: the names of a device. */
void emit_names(struct gs_emit *e, const struct gs_block_device *device);
/* In an object of JSON: an operation's counters. */
void emit_counters(struct gs_emit *e, const struct gs_block_stats *stats, enum gs_block_op op);
/* Time for people in a table's cell; "-" below 0. */
void emit_time(struct gs_emit *e, const char *header, double ns);
/* The same as a member of JSON, whole nanoseconds; null below 0. */
void emit_ns(struct gs_emit *e, const char *key, double ns);

/* blk stat, with --watch, with --histogram */
int blk_counters(const struct gs_args *args, const struct disks *disks);
int blk_watch(const struct gs_args *args, const struct disks *disks, struct pace *pace,
	      uint64_t count);
int blk_histogram(const struct gs_args *args, const struct disks *disks);

#endif
