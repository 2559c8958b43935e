/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the command check share.
 *
 *	cmd_check ─┬─ check_options
 *	           ├─ check_collect: what the library finds, and what is waived of it
 *	           └─ check_text (by check_entries), check_json, check_sarif, check_junit
 */
#ifndef VMSTATE_CHECK_H
#define VMSTATE_CHECK_H

#include <guestscope/base/text.h>
#include <guestscope/devstate/baseline.h>
#include <guestscope/devstate/check.h>

#include "machine.h"
#include "vmstate.h"

#define CHECK_FINDINGS_MAX 65536 /* real: hundreds */

struct check_finding {
	struct gs_check_finding is; /* what the library said; the strings are ours */
	/* The waiver that holds for it; NULL: none. Of --baseline, or the one to be written. */
	const struct gs_waiver *waiver;
	/* Of --machine: the properties that may decide it; and a sentence, with a space before it,
	 * on those that resemble, NULL: there are none. */
	struct machine_candidates candidates;
	char *settings;
};

struct check_device {
	struct gs_check_device is;
	const char *name; /* the older type, if there is one */
	/* Why the side that has no such device has none; of others: unknown. */
	enum gs_absence absence;
	const char *module;  /* of GS_ABSENCE_MODULE */
	size_t first, count; /* in check.findings, forward first */
	/*
	 * The verdict without what is waived: that of all findings together if none is, or if it is
	 * worse than each of two or more that are left; else that of the worst that is left.
	 */
	enum gs_verdict left[GS_CHECK_DIRECTIONS];
	bool waived[GS_CHECK_DIRECTIONS]; /* some finding is */
};

struct check_options {
	struct gs_check_options library;
	bool directions[GS_CHECK_DIRECTIONS];
	enum gs_verdict fail_on;            /* GS_VERDICT_COUNT: never */
	const struct gs_baseline *baseline; /* NULL: none */
	const char *today;                  /* "2026-11-20" */
	/* Of --write-baseline: what fails is waived so; NULL: it is not. */
	const struct gs_waiver *begun;
};

/* What the options' values are made of, and live in. */
struct check_given {
	struct check_options options;
	struct gs_baseline *baseline;
	struct gs_device_types used;
	struct gs_waiver begun;
	char today[16];
};

/* All that a report tells of. */
struct check {
	const struct gs_args *args; /* for names of devices; NULL: there are none */
	const struct vmstate_export *before, *after;
	const struct check_options *options;
	const struct gs_machine *machine; /* of --machine; NULL: none is named */
	struct check_finding *findings;
	size_t finding_count, finding_capacity;
	size_t told; /* findings of devices that are complete */
	struct check_device *devices;
	size_t device_count, device_capacity;
	size_t counts[GS_CHECK_DIRECTIONS][GS_VERDICT_COUNT]; /* devices, whatever is waived */
	size_t assumed;                                       /* lengths of arrays */
	bool *matched; /* by place in the baseline: the waiver's finding is still there */
	bool failed;   /* something is left that --fail-on names */
};

/* ---- check_options.c ---- */

/* *given is deinitialised by the caller, in any case. */
GS_MUST_CHECK struct gs_error *check_given_read(const struct gs_args *args,
						struct check_given *given);
void check_given_deinit(struct check_given *given);

/* ---- check_collect.c ---- */

/* Have the library judge, and keep what it finds. @check: args, before, after, options. */
GS_MUST_CHECK struct gs_error *check_collect(struct check *check);
void check_deinit(struct check *check);
/* A side tells that it does not have the machine that --machine names. */
bool check_lacks_machine(const struct check *check);
bool check_is_expired(const struct check *check, const struct gs_waiver *waiver);

/* ---- check_words.c ---- */

/* " It breaks if core.timadj is expected, or i8259/ltim is sent."; of no terms: nothing. */
void put_broken_if(struct gs_text *out, const struct gs_condition *condition);
/* What a terminal wants to hear before it. */
const char *verdict_color(enum gs_verdict verdict);
/* "core.timadj (byte 123)"; of the device itself: nothing. */
void put_place(struct gs_text *out, const struct gs_check_finding *finding);
/* " (byte 123)", behind its path; of the device itself: nothing. */
void put_offset(struct gs_text *out, const struct gs_check_finding *finding);
/* What @finding says, and the condition if that is not said by it. */
void put_sentence(struct gs_text *out, const struct gs_check_finding *finding,
		  const struct gs_condition *condition);
/* The same, and what the machine sets that may decide it. */
void put_whole_sentence(struct gs_text *out, const struct check_finding *finding,
			const struct gs_condition *condition);
/* An array of terms, each an array of literals; NULL: out of memory. */
struct gs_json *condition_json(const struct gs_condition *condition);

/* ---- the reports: each returns the exit status ---- */

/* Prints a report; NULL: out of memory. */
int check_print(const struct check *check, const char *text);

int check_as_text(const struct check *check);
int check_as_json(const struct check *check);
int check_as_sarif(const struct check *check);
int check_as_junit(const struct check *check);

#endif
