/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be held, as the options say it. */
#include <limits.h>

#include "tracehooks.h"

#define HOLD_MAX_MS (10 * 60 * 1000)

/* A number that an unsigned int holds. */
static struct gs_error *get_number(const struct gs_args *args, const char *option,
				   unsigned int *ret)
{
	uint64_t number;
	struct gs_error *err = gs_args_u64(args, option, 0, &number);

	if (!err && number > UINT_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--%s: too big a number", option);
	if (!err)
		*ret = (unsigned int)number;
	return err;
}

struct gs_error *keeper_options(const struct gs_args *args, struct gs_hold_wish *wish,
				struct gs_keeper_options *ret)
{
	uint64_t hold_max_ms;
	struct gs_error *err;

	*wish = (struct gs_hold_wish){.exec = gs_args_get(args, "exec"),
				      .argv = gs_args_get(args, "argv"),
				      .parent = gs_args_get(args, "parent"),
				      .has_uid = gs_args_has(args, "uid"),
				      .has_depth = gs_args_has(args, "depth"),
				      .every = gs_args_has(args, "every")};
	err = get_number(args, "uid", &wish->uid);
	if (!err)
		err = get_number(args, "depth", &wish->depth);
	if (!err)
		err = get_number(args, "nth", &wish->nth);
	if (!err && gs_args_has(args, "nth") && wish->nth == 0)
		err = gs_error_create(GS_ERROR_INVALID, "--nth: counts from 1");
	if (!err)
		err = gs_args_duration(args, "hold-max", HOLD_MAX_MS, &hold_max_ms);
	if (!err && hold_max_ms / 1000 > UINT_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--hold-max: too long");
	if (err)
		return err;
	ret->wish = wish;
	ret->exe = gs_args_get(args, "exe");
	/* A time below a second is not for ever. */
	ret->hold_max_s = (unsigned int)((hold_max_ms + 999) / 1000);
	return NULL;
}
