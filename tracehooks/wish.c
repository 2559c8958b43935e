/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be held, as the options say it. */
#include <limits.h>
#include <string.h>

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

static struct gs_error *get_nth(const struct gs_args *args, unsigned int *ret)
{
	struct gs_error *err = get_number(args, "nth", ret);

	if (!err && gs_args_has(args, "nth") && *ret == 0)
		err = gs_error_create(GS_ERROR_INVALID, "--nth: counts from 1");
	return err;
}

static struct gs_error *get_hold_max(const struct gs_args *args, unsigned int *ret)
{
	uint64_t ms;
	struct gs_error *err = gs_args_duration(args, "hold-max", HOLD_MAX_MS, &ms);

	if (!err && ms / 1000 > UINT_MAX)
		err = gs_error_create(GS_ERROR_INVALID, "--hold-max: too long");
	/* A time below a second is not for ever. */
	if (!err)
		*ret = (unsigned int)((ms + 999) / 1000);
	return err;
}

static bool is_word(const struct gs_args *args, const char *option, const char *word)
{
	const char *given = gs_args_get(args, option);

	return given && strcmp(given, word) == 0;
}

struct gs_error *wish_options(const struct gs_args *args, struct gs_hold_wish *wish,
			      struct gs_keeper_options *ret)
{
	struct gs_error *err;

	*wish = (struct gs_hold_wish){.exec = gs_args_get(args, "exec"),
				      .argv = gs_args_get(args, "argv"),
				      .parent = gs_args_get(args, "parent"),
				      .has_uid = gs_args_has(args, "uid"),
				      .has_depth = gs_args_has(args, "depth"),
				      .every = gs_args_has(args, "every")};
	ret->wish = wish;
	ret->exe = gs_args_get(args, "exe");
	ret->to_main = is_word(args, "at", "main");
	ret->fails_stopped = is_word(args, "fail", "hold");
	err = get_number(args, "uid", &wish->uid);
	if (!err)
		err = get_number(args, "depth", &wish->depth);
	if (!err)
		err = get_nth(args, &wish->nth);
	if (!err && ret->to_main && gs_args_has(args, "wrap"))
		err = gs_error_create(GS_ERROR_INVALID, "--wrap and --at main: nobody is held");
	return err ? err : get_hold_max(args, &ret->hold_max_s);
}

static struct gs_error *get_mechanism(const struct gs_args *args, struct gs_hold_aim *aim)
{
	const char *name = gs_args_get(args, "mechanism");

	aim->has_mechanism = name;
	for (int i = GS_CATCH_PERF; name && i <= GS_CATCH_INT3; i++) {
		aim->mechanism = (enum gs_catch_mechanism)i;
		if (strcmp(name, gs_catch_mechanism_name(aim->mechanism)) == 0)
			return NULL;
	}
	return name ? gs_error_create(GS_ERROR_INVALID, "--mechanism: %s is neither perf nor int3",
				      name)
		    : NULL;
}

struct gs_error *aim_options(const struct gs_args *args, struct gs_hold_aim *aim,
			     struct gs_keeper_options *ret)
{
	struct gs_error *err = NULL;

	aim->condition = gs_args_get(args, "if");
	aim->every = gs_args_has(args, "every");
	aim->whole = gs_args_has(args, "process");
	ret->aim = aim;
	if (aim->whole && gs_args_has(args, "thread"))
		err = gs_error_create(GS_ERROR_INVALID, "either --thread or --process");
	if (!err)
		err = get_mechanism(args, aim);
	if (!err)
		err = get_nth(args, &aim->nth);
	return err ? err : get_hold_max(args, &ret->hold_max_s);
}
