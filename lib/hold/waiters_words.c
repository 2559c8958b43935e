/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for a hold, in words. */
#include <inttypes.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/waiters.h>

char *gs_hold_waiter_who(const struct gs_hold_waiter *waiter)
{
	if (waiter->tid == waiter->pid)
		return gs_strf("%s (%d)", waiter->name, (int)waiter->pid);
	return gs_strf("%s (%d), %s (%d)", waiter->name, (int)waiter->pid, waiter->thread,
		       (int)waiter->tid);
}

static const char *words_of(const struct gs_hold_waiter *waiter)
{
	switch (waiter->way) {
	case GS_WAIT_READ:
		return waiter->is_socket ? "reads a socket from it" : "reads a pipe from it";
	case GS_WAIT_WRITE:
		return waiter->is_socket ? "writes a socket to it" : "writes a pipe to it";
	case GS_WAIT_POLL:
		return waiter->is_socket ? "polls a socket from it" : "polls a pipe from it";
	case GS_WAIT_CHILD:
		return "waits for its end";
	case GS_WAIT_VFORK:
		return "stands still after vfork";
	case GS_WAIT_LOCK:
		return "waits for a mutex that it has";
	}
	return "";
}

char *gs_hold_waiter_words(const struct gs_hold_waiter *waiter)
{
	if (!waiter->others_count)
		return gs_strf("%s", words_of(waiter));
	return gs_strf("%s, and %u other%s", words_of(waiter), waiter->others_count,
		       waiter->others_count == 1 ? "" : "s");
}

char *gs_hold_watchdog_words(const struct gs_hold_watchdog *watchdog)
{
	if (!watchdog->us)
		return gs_strf(
			"systemd may end %s (%d) if it does not say in time that it has begun",
			watchdog->name, (int)watchdog->pid);
	return gs_strf("systemd ends %s (%d) when it hears nothing for %.4g s", watchdog->name,
		       (int)watchdog->pid, (double)watchdog->us / 1e6);
}
