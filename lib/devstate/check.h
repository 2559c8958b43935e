/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the check.
 *
 *	check.c            devices: what goes with what, and what becomes of a pair
 *	check_report.c     how it is told
 *	check_section.c    sections and subsections
 *	check_fields.c     fields of one of these
 *	check_path.c       where we are
 *	check_judge.c      one device in one direction: its findings, and its verdict
 *	check_worlds.c     what comes of a load, world by world
 *	check_variables.c  what a world is made of
 *	check_condition.c  which worlds are broken, in few words
 */
#ifndef DEVSTATE_CHECK_H
#define DEVSTATE_CHECK_H

#include <guestscope/base/text.h>
#include <guestscope/devstate/check.h>

#include "arena.h"
#include "names.h"

/* What a check may cost, in steps of some 10 ns: hostile exports are not looked at to the end. */
#define GS_WORK_MAX ((size_t)1 << 27)
struct gs_work {
	size_t left;
};
static inline bool gs_work_take(struct gs_work *work, size_t steps)
{
	if (work->left < steps)
		return false;
	work->left -= steps;
	return true;
}

/* ---- worlds: check_worlds.c ---- */

/* More predicates and subsections than that, on which one thing hangs, are not weighed. */
#define GS_WORLD_VARIABLES_MAX 12

/* What can come of a load; sets are sums. */
enum gs_outcome {
	GS_OUTCOME_GOOD = 1,
	GS_OUTCOME_SILENT = 2,
	GS_OUTCOME_UNKNOWN = 4,
	GS_OUTCOME_BROKEN = 8,
};

/* By the number of a variable; see struct gs_variables. */
struct gs_table {
	unsigned int count;
	uint32_t variables[GS_WORLD_VARIABLES_MAX]; /* rising */
	uint8_t *outcomes; /* of world w, in which the variable i is true if w has bit i */
};

/* No variables; @outcome may be a set. */
GS_MUST_CHECK struct gs_error *gs_table_init(struct gs_table *table, struct gs_arena *arena,
					     uint8_t outcome);
/*
 * Of @count variables that need not be sorted: all worlds are good. false in *fits_ret: too many,
 * and then there is no table.
 */
GS_MUST_CHECK struct gs_error *gs_table_init_variables(struct gs_table *table,
						       struct gs_arena *arena,
						       const uint32_t *variables, size_t count,
						       bool *fits_ret);
/* In the world @world of a table whose variables are among @table's: its own number there. */
size_t gs_table_project(const struct gs_table *table, const struct gs_table *other, size_t world);
/* Of both together: the worse; broken, unknown, silent, good. */
uint8_t gs_outcome_both(uint8_t a, uint8_t b);
/* All that occur. */
uint8_t gs_table_outcomes(const struct gs_table *table);
/* Good alone is INFO: there is something to say. */
enum gs_verdict gs_outcome_verdict(uint8_t outcomes);
/*
 * All tables together: how it ends, and, if *verdict_ret is CONDITIONAL, the variables and worlds
 * in which it is broken, as tables that share no variables. INFO stands for OK, too.
 */
struct gs_tables {
	struct gs_table *tables;
	size_t count;
};
GS_MUST_CHECK struct gs_error *gs_tables_join(const struct gs_tables *tables,
					      struct gs_arena *arena, struct gs_tables *ret,
					      enum gs_verdict *verdict_ret);

/* ---- variables: check_variables.c ---- */

/* What decides, of one device in one direction; numbered as they come. */
struct gs_variables {
	struct gs_names names;
	struct gs_literal *literals;
	size_t count, capacity;
};
/* All that a side has; then it is known who has what. */
GS_MUST_CHECK struct gs_error *gs_variables_note(struct gs_variables *variables,
						 enum gs_literal_side side,
						 const struct gs_vmsd *description);
/* Known by all but @value and @side. */
GS_MUST_CHECK struct gs_error *gs_variables_add(struct gs_variables *variables,
						const struct gs_literal *literal,
						uint32_t *number_ret);
static inline const struct gs_literal *gs_variables_at(const struct gs_variables *variables,
						       uint32_t number)
{
	return &variables->literals[number];
}

/* ---- conditions: check_condition.c ---- */

/*
 * The broken worlds of tables that share no variables. Lives as long as @arena. false in *fits_ret:
 * that takes too many words.
 */
GS_MUST_CHECK struct gs_error *gs_condition_create(const struct gs_tables *tables,
						   const struct gs_variables *variables,
						   struct gs_arena *arena, struct gs_work *work,
						   struct gs_condition *ret, bool *fits_ret);

/* ---- one device in one direction: check_judge.c ---- */

struct gs_judge_finding {
	struct gs_check_finding finding;
	struct gs_table table;
	bool is_aside; /* others say what comes of it */
	struct gs_judge_finding *next;
};

struct gs_judge {
	enum gs_check_direction direction;
	const struct gs_devstate *saver_state, *loader_state;
	const struct gs_devstate_device *saver, *loader; /* one of them may be NULL */
	const char *section;
	struct gs_arena arena;
	struct gs_variables variables;
	bool is_noted;             /* who has them */
	struct gs_text path, text; /* where we are; the sentence that is being made */
	/* What all that is looked at hangs on: that the subsection around it is sent, say. */
	uint32_t guard[GS_WORLD_VARIABLES_MAX];
	unsigned int guard_count;
	unsigned int guards_lost; /* beyond those */
	struct gs_work *work;
	bool is_aside; /* what is told now does not count */
	struct gs_judge_finding *first, **last;
	size_t finding_count, assumed;
};

void gs_judge_init(struct gs_judge *judge);
void gs_judge_deinit(struct gs_judge *judge);

/*
 * A finding at judge->path, which is told in judge->text. @table: what comes of it where the guard
 * holds; NULL: it is something to say, and no more.
 */
GS_MUST_CHECK struct gs_error *gs_judge_tell(struct gs_judge *judge, enum gs_check_rule rule,
					     const struct gs_table *table,
					     struct gs_wire_size offset);
/* The same of what comes out so, or so, in all worlds. */
GS_MUST_CHECK struct gs_error *gs_judge_tell_outcome(struct gs_judge *judge,
						     enum gs_check_rule rule, uint8_t outcome,
						     struct gs_wire_size offset);
/* One more of what all hangs on; taken back by _leave(). */
GS_MUST_CHECK struct gs_error *gs_judge_enter(struct gs_judge *judge,
					      const struct gs_literal *literal);
void gs_judge_enter_variable(struct gs_judge *judge, uint32_t variable);
void gs_judge_leave(struct gs_judge *judge);
/* All findings together. */
GS_MUST_CHECK struct gs_error *gs_judge_sum_up(struct gs_judge *judge, enum gs_verdict *verdict_ret,
					       struct gs_condition *condition_ret);

/* ---- where we are: check_path.c ---- */

/* For people, and no more of a hostile name than anyone wants to read. */
void gs_check_put_name(struct gs_text *text, const char *name);
/* One step down; returns what takes it back. */
size_t gs_check_enter_field(struct gs_judge *judge, const struct gs_vmsd_field *field);
size_t gs_check_enter_subsection(struct gs_judge *judge, const struct gs_vmsd *subsection);
void gs_check_leave(struct gs_judge *judge, size_t mark);

/* ---- fields: check_fields.c ---- */

/* The loader's descriptions that end where one in them does, from the inside out. */
struct gs_around {
	const struct gs_vmsd *description;
	const struct gs_around *next;
};

/* A section or a subsection on one side. */
struct gs_root {
	const struct gs_vmsd *description;
	uint32_t version;             /* that its fields are held against */
	const struct gs_vmsd *parent; /* NULL: it is a section */
};
/* @around: of the loader's. */
GS_MUST_CHECK struct gs_error *gs_check_fields(struct gs_judge *judge, const struct gs_root *saver,
					       const struct gs_root *loader,
					       const struct gs_around *around);

/* ---- sections and subsections: check_section.c ---- */

/* Whether a loader of the description takes a subsection of that name for its own. */
bool gs_vmsd_claims(const struct gs_vmsd *description, const char *subsection);
/* The section of two devices that have descriptions. */
GS_MUST_CHECK struct gs_error *gs_check_section(struct gs_judge *judge);
/* Of descriptions that end at the same byte of the stream; @around: of the loader's. */
GS_MUST_CHECK struct gs_error *gs_check_subsections(struct gs_judge *judge,
						    const struct gs_vmsd *saver,
						    const struct gs_vmsd *loader,
						    const struct gs_around *around);

/* ---- telling: check_report.c ---- */

struct gs_check {
	const struct gs_devstate *before, *after;
	const struct gs_check_options *options;
	const struct gs_check_report *report;
	struct gs_work work;
	struct gs_names ids;
	unsigned int *id_uses; /* by number */
	size_t id_capacity;
};

/* The findings of both directions, and then the device. */
GS_MUST_CHECK struct gs_error *gs_check_tell(struct gs_check *check, struct gs_check_device *device,
					     const struct gs_judge *judges);

#endif
