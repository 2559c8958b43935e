/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes are to be held, at the moment when they have become another program. */
#ifndef GUESTSCOPE_HOLD_FILTER_H
#define GUESTSCOPE_HOLD_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <guestscope/base/cleanup.h>
#include <guestscope/base/error.h>
#include <guestscope/hold/proc.h>

/* All that are given must hold. Texts are borrowed while gs_hold_filter_new() runs. */
struct gs_hold_wish {
	const char *exec; /* glob: of the file's path if it has a slash, else of its name */
	const char *argv; /* POSIX extended regular expression, searched in all arguments, joined by
			     single spaces */
	const char *parent; /* the process that has forked it: a pid, or a glob of its name, of
			     * which ps shows 15 bytes */
	bool has_uid;
	uid_t uid; /* effective */
	bool has_depth;
	unsigned int depth; /* at most so many forks below the process that was launched, or traced
				first; 0: that one alone */
	unsigned int nth;   /* the Nth that fits, from 1 on; 0: as 1 */
	bool every;         /* and all that fit after it */
};

/* A process at its exec. What the filter asks for, and is not known of it yet, is read then. */
struct gs_hold_candidate {
	struct gs_proc *proc;
	unsigned int depth;
	pid_t parent;            /* 0: as /proc says */
	const char *parent_name; /* "" if unknown */
};

struct gs_hold_filter;

/* INVALID: which one is wrong, and where. */
GS_MUST_CHECK struct gs_error *gs_hold_filter_new(const struct gs_hold_wish *wish,
						  struct gs_hold_filter **ret);
void gs_hold_filter_free(struct gs_hold_filter *filter);
GS_DEFINE_CLEANUP(struct gs_hold_filter *, gs_hold_filter_free)

/* Whether it lets all through: such a filter is none for a whole system. */
bool gs_hold_filter_is_empty(const struct gs_hold_filter *filter);
/* Whether this one is to be held. Counts those that fit: call it once for each exec. */
bool gs_hold_filter_take(struct gs_hold_filter *filter, const struct gs_hold_candidate *candidate);
/* Whether no further one will be held. */
bool gs_hold_filter_is_done(const struct gs_hold_filter *filter);

#endif
