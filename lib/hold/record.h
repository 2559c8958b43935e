/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the record. */
#ifndef HOLD_RECORD_H
#define HOLD_RECORD_H

#include <guestscope/hold/record.h>

/* CORRUPT: @key is missing, or wrong. */
GS_MUST_CHECK struct gs_error *gs_hold_record_bad(const char *key);

/* ---- record_at.c ---- */

/* null for NULL. NULL: out of memory. */
struct gs_json *gs_hold_at_json(const struct gs_hold_at *at);
/* NULL for null. */
GS_MUST_CHECK struct gs_error *gs_hold_at_parse(const struct gs_json *json,
						struct gs_hold_at **ret);

#endif
