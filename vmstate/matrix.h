/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the command matrix share.
 *
 *	cmd_matrix ── matrix_collect: all pairs judged, and their machines
 *	           └─ matrix_text, matrix_json, matrix_html (by matrix_words)
 */
#ifndef VMSTATE_MATRIX_H
#define VMSTATE_MATRIX_H

#include "check.h"
#include "machine.h"

#define MATRIX_EXPORTS_MAX 16 /* so that there are 120 pairs at most */

/* What a machine sets of a type, and how many findings it may decide. */
struct matrix_setting {
	struct gs_machine_setting is;
	size_t findings;
};

/*
 * A machine of a pair. What can break is the same for all of them, as an export's dump is: they
 * differ in properties.
 */
struct matrix_row {
	struct gs_machine machine;
	struct matrix_setting *settings; /* with a word of what is found in their names */
	size_t setting_count;
};

struct matrix_pair {
	size_t before, after; /* in matrix.exports */
	struct check check;
	struct matrix_row *rows; /* of either: families by name, of each the newest first */
	size_t row_count;
	size_t shared;      /* rows that neither lacks */
	bool is_one_target; /* else no guest goes from one to the other: there are no rows */
};

struct matrix {
	const struct gs_args *args;
	struct vmstate_export *exports;
	size_t export_count;
	struct check_given given;
	struct matrix_pair *pairs; /* each export with all that were named after it */
	size_t pair_count;
	size_t finding_count; /* of all pairs */
	bool failed;          /* a pair that shares a machine has what --fail-on names */
};

/* ---- matrix_collect.c ---- */

/* Judge all pairs. @matrix: args, given, exports. */
GS_MUST_CHECK struct gs_error *matrix_collect(struct matrix *matrix);
void matrix_deinit(struct matrix *matrix);

/* The worst verdict on a device. */
enum gs_verdict matrix_worst(const struct matrix_pair *pair, int direction);
/* Neither side tells that it lacks the machine. */
bool matrix_is_shared(const struct matrix_row *row);
/* How many rows, from @first on, are of one family and say the same. */
size_t matrix_run(const struct matrix_pair *pair, size_t first);

enum matrix_told { MATRIX_NOTHING, MATRIX_MACHINES, MATRIX_PROPERTIES };
/* Whether an export tells machines, and what these set. */
enum matrix_told matrix_told(const struct vmstate_export *export);

/* ---- matrix_words.c ---- */

/* 'A' for the first one that was given. */
char matrix_letter(size_t export);
/* "A -> B": who saves, and who loads. */
void put_way(struct gs_text *out, const struct matrix_pair *pair, int direction, const char *arrow);
/* "pc-q35-7.2 (q35) to 2.4", "isapc, none": the names of such rows. */
void put_run(struct gs_text *out, const struct matrix_pair *pair, size_t first, size_t count);
/* "A sets pci-device.x=off, B does not": what a machine sets, with the letters of the pair. */
void put_row_setting(struct gs_text *out, const struct matrix_pair *pair,
		     const struct matrix_row *row, size_t i);
/* The command that tells what is behind the cells of such rows. */
void put_command(struct gs_text *out, const struct matrix *matrix, const struct matrix_pair *pair,
		 const char *machine);

/* ---- the reports: each returns the exit status ---- */

int matrix_as_text(const struct matrix *matrix);
int matrix_as_json(const struct matrix *matrix);
int matrix_as_html(const struct matrix *matrix);

#endif
