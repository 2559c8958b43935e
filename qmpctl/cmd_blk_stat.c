/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk stat: what QEMU counts of a guest's disks, once, again and again, or as histograms. */
#include "blk_stat.h"

/* Options that mean nothing, or nothing clear, together. */
static struct gs_error *check_options(const struct gs_args *args)
{
	static const struct {
		const char *option, *needs;
	} needs[] = {{"count", "watch"}, {"boundaries", "histogram"}, {"clear", "histogram"}};
	static const struct {
		const char *one, *other;
	} apart[] = {{"histogram", "watch"}, {"boundaries", "clear"}};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (gs_args_has(args, needs[i].option) && !gs_args_has(args, needs[i].needs))
			return gs_error_create(GS_ERROR_INVALID, "--%s goes with --%s",
					       needs[i].option, needs[i].needs);
	}
	for (size_t i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
		if (gs_args_has(args, apart[i].one) && gs_args_has(args, apart[i].other))
			return gs_error_create(GS_ERROR_INVALID, "--%s or --%s, not both",
					       apart[i].one, apart[i].other);
	}
	return NULL;
}

int cmd_blk_stat(struct gs_args *args)
{
	auto_disks struct disks disks = {.target.pidfd = -1};
	auto_pace struct pace pace = {.interrupt_fd = -1};
	uint64_t count;
	struct gs_error *err = check_options(args);

	if (!err)
		err = pace_init(args, &pace);
	if (!err)
		err = gs_args_u64(args, "count", UINT64_MAX, &count);
	if (!err)
		err = disks_open(args, false, &disks);
	if (err)
		return gs_args_fail(args, err);
	if (gs_args_has(args, "watch"))
		return blk_watch(args, &disks, &pace, count);
	if (gs_args_has(args, "histogram"))
		return blk_histogram(args, &disks);
	return blk_counters(args, &disks);
}
