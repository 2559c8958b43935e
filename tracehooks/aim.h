/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a function's name to the places that are to be armed. */
#ifndef TRACEHOOKS_AIM_H
#define TRACEHOOKS_AIM_H

#include "tracehooks.h"

struct aim {
	const struct gs_args *args;
	pid_t pid;
	const char *what; /* as the user names it */
	struct gs_process_symbols *symbols;
	struct gs_places places;           /* all that are armed, or are to be */
	uint64_t loader;                   /* 0: what comes later is not waited for */
	bool is_ambiguous;                 /* the error of aim_begin() is that there are several */
	enum gs_catch_mechanism mechanism; /* when it is armed */
};
/*
 * All names are resolved here, before anything is armed. INVALID: it may be several, or none that
 * one can hold at; NODATA: there is no such thing, and it is not to be waited for. To be ended in
 * any case.
 */
GS_MUST_CHECK struct gs_error *aim_begin(struct aim *aim, const struct gs_args *args, pid_t pid,
					 const char *what);
/* *more_ret: the places that are new since libraries were loaded; the caller deinitialises. */
GS_MUST_CHECK struct gs_error *aim_refresh(struct aim *aim, struct gs_places *more_ret);
void aim_end(struct aim *aim);
/* One line for each place; warnings where a call is not what it seems. */
void aim_put_places(struct gs_text *text, const struct gs_places *places);

#endif
