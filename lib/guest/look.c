/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The best memory that can be had of a live guest, for commands that look into it. */
#include <guestscope/guest.h>

/* What may still work in another way. */
static bool is_about_access(const struct gs_error *err)
{
	return err->code == GS_ERROR_UNSUPPORTED || err->code == GS_ERROR_OS;
}

struct gs_error *gs_guest_look_open(struct gs_qmp *qmp, struct gs_memory **ret)
{
	struct gs_error *err = gs_guest_direct_open(qmp, ret);

	if (!err || !is_about_access(err))
		return err;
	gs_error_destroy(err);
	return gs_guest_memory_open(qmp, ret);
}
