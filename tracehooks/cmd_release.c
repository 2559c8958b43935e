/* SPDX-License-Identifier: GPL-2.0-or-later */
/* release: held processes run on. */
#include <stdio.h>

#include <guestscope/hold/mend.h>

#include "tracehooks.h"

static bool is_wanted(const struct gs_args *args, const struct gs_hold_record *record)
{
	return gs_args_has(args, "all") || (gs_args_has(args, "stale") && gs_hold_is_stale(record));
}

static struct gs_error *release_some(const struct gs_args *args, const char *dir,
				     const struct gs_hold_list *list)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < list->count; i++) {
		if (is_wanted(args, &list->records[i]))
			err = gs_hold_release(dir, &list->records[i]);
	}
	return err;
}

static struct gs_error *release_named(const struct gs_args *args, const char *dir,
				      const struct gs_hold_list *list)
{
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < gs_args_count(args); i++) {
		const struct gs_hold_record *record;

		err = find_hold(list, gs_args_at(args, i), &record);
		if (!err)
			err = gs_hold_release(dir, record);
	}
	return err;
}

/* ---- what was left in the code of processes ---- */

static void tell_mended(void *arg, pid_t pid, size_t count, const struct gs_error *err)
{
	struct gs_error **first = arg;

	if (count)
		fprintf(stderr, "tracehooks: process %d: %zu breakpoint%s taken out of its code\n",
			(int)pid, count, count == 1 ? "" : "s");
	if (err && !*first)
		*first = gs_error_create(err->code, "%s", err->message);
}

/* All of them, also after an error. */
static struct gs_error *mend(const char *dir)
{
	gs_autoerror struct gs_error *first = NULL;
	struct gs_error *err = gs_hold_mend(dir, tell_mended, &first);

	return err ? err : gs_take(first);
}

int cmd_release(struct gs_args *args)
{
	bool some = gs_args_has(args, "all") || gs_args_has(args, "stale");
	gs_autofree char *dir = hold_dir();
	struct gs_hold_list list = {0};
	struct gs_error *err = NULL;

	if (some == (gs_args_count(args) > 0))
		err = gs_error_create(GS_ERROR_INVALID,
				      "release: which ones? Either IDs, or --all, or --stale");
	if (!err)
		err = dir ? NULL : gs_error_nomem();
	if (!err && gs_args_has(args, "stale")) /* before anything runs into it */
		err = mend(dir);
	if (!err)
		err = gs_hold_list(dir, &list);
	if (!err)
		err = some ? release_some(args, dir, &list) : release_named(args, dir, &list);
	gs_hold_list_deinit(&list);
	return gs_args_fail(args, err);
}
