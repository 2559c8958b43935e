/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines on the monotonic clock. */
#ifndef GUESTSCOPE_BASE_TIME_H
#define GUESTSCOPE_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define GS_NO_DEADLINE UINT64_MAX

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t gs_now_ms(void);
/* Nanoseconds of the same clock. */
uint64_t gs_now_ns(void);
/* The moment @timeout_ms from now; GS_NO_DEADLINE stays that. */
uint64_t gs_deadline_in(uint64_t timeout_ms);
/* What poll() takes: milliseconds left, 0 when passed, -1 for none. */
int gs_deadline_poll_ms(uint64_t deadline_ms);
bool gs_deadline_passed(uint64_t deadline_ms);

#endif
