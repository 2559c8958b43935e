/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What shows a guest again and again: its pace, its end, and a terminal that is drawn over. */
#ifndef QMPCTL_LIVE_H
#define QMPCTL_LIVE_H

#include <stdio.h>

#include "qmpctl.h"

/* ---- pace.c ---- */

struct pace {
	uint64_t interval_ms, next_ms;
	int interrupt_fd; /* readable once the user pressed Ctrl-C */
	bool interrupted;
};
/* What --watch says; else a second. INVALID: no time, or none at all. */
GS_MUST_CHECK struct gs_error *pace_init(const struct gs_args *args, struct pace *ret);
/* From now on, the first SIGINT is noted and the second one ends the process. */
GS_MUST_CHECK struct gs_error *pace_start(struct pace *pace);
void pace_deinit(struct pace *pace);
/*
 * Until the next beat, which keeps to the grid of the first one, or SIGINT (then @interrupted is
 * set). Events are handed to @seen (may be NULL), which may end the wait by true. GONE: the guest
 * ended.
 */
GS_MUST_CHECK struct gs_error *pace_wait(struct pace *pace, struct gs_qmp *qmp,
					 bool (*seen)(void *arg, const struct gs_qmp_event *event),
					 void *arg);

/* Takes @err: a connection that broke under a query says that the guest ended, too. */
struct gs_error *live_end(struct gs_error *err);

static inline void pace_cleanup(struct pace *pace)
{
	pace_deinit(pace);
}
#define auto_pace __attribute__((cleanup(pace_cleanup)))

/* ---- screen.c ---- */

/* Whether stdout is a terminal that can be drawn over, and text is what it gets. */
bool screen_is_live(const struct gs_args *args);

struct screen {
	unsigned int lines; /* drawn last; {0} is ready */
	FILE *file;         /* what is drawn next */
	char *text;
	size_t size;
};
/*
 * An emitter for what replaces the drawing before it; NULL when out of memory. screen_draw() takes
 * it, and cuts what is higher or wider than the terminal.
 */
struct gs_emit *screen_begin(const struct gs_args *args, struct screen *screen);
GS_MUST_CHECK struct gs_error *screen_draw(struct screen *screen, struct gs_emit *e);

#define BAR_WIDTH 16
#define BAR_TEXT (3 * BAR_WIDTH + 1)
/* A bar of @share (0 to 1) of BAR_WIDTH columns, in eighths of one where the locale is UTF-8. */
char *draw_bar(double share, char buf[BAR_TEXT]);

#endif
