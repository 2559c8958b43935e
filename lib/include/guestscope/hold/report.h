/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a keeper tells, in words: the same from each tool that has one. */
#ifndef GUESTSCOPE_HOLD_REPORT_H
#define GUESTSCOPE_HOLD_REPORT_H

#include <guestscope/base/text.h>
#include <guestscope/hold/keeper.h>

const char *gs_keeper_event_name(enum gs_keeper_event_kind kind); /* "held", "handed-over", ... */

/* "work (x.c:7) in /lib/x.so"; of clones, inlined ones, and lines: that, too. */
void gs_hold_put_place(struct gs_text *text, const struct gs_place *place);
/* Whether the argument registers have arguments there. */
bool gs_hold_has_args(const struct gs_place *place);
/* All six, in hex, with the texts that they point to. */
void gs_hold_put_args(struct gs_text *text, const struct gs_hold_at *at);

/*
 * Lines for people, each with its end. The first begins with @tool and a colon. One that is held is
 * a block with what it is, where it comes from, and the commands that debug and release it.
 * @record: the hold's; NULL: there is none any more, or the event is none of a hold.
 */
void gs_hold_put_event(struct gs_text *text, const char *tool, const struct gs_keeper_event *event,
		       const struct gs_hold_record *record);

#endif
