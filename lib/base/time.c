/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines on the monotonic clock. */
#include <limits.h>
#include <time.h>

#include <guestscope/base/time.h>

uint64_t gs_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t gs_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t gs_deadline_in(uint64_t timeout_ms)
{
	uint64_t deadline_ms;

	if (__builtin_add_overflow(gs_now_ms(), timeout_ms, &deadline_ms))
		return GS_NO_DEADLINE;
	return deadline_ms;
}

int gs_deadline_poll_ms(uint64_t deadline_ms)
{
	uint64_t now_ms;

	if (deadline_ms == GS_NO_DEADLINE)
		return -1;
	now_ms = gs_now_ms();
	if (deadline_ms <= now_ms)
		return 0;
	return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

bool gs_deadline_passed(uint64_t deadline_ms)
{
	return deadline_ms != GS_NO_DEADLINE && gs_now_ms() >= deadline_ms;
}
