/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix --json: a row for each export, and one for each pair, with all of its machines. */
#include "matrix.h"

/* ---- exports ---- */

static void emit_export(struct gs_emit *e, const struct vmstate_export *export)
{
	const struct gs_about *about = export->about;
	enum matrix_told told = matrix_told(export);

	gs_emit_row(e);
	gs_emit_string(e, "name", NULL, export->name);
	gs_emit_string(e, "version", NULL, about ? about->version : NULL);
	gs_emit_string(e, "package", NULL, about ? about->package : NULL);
	gs_emit_string(e, "target", NULL, about ? about->target : NULL);
	gs_emit_bool(e, "tells-machines", NULL, told != MATRIX_NOTHING);
	gs_emit_bool(e, "tells-properties", NULL, told == MATRIX_PROPERTIES);
}

static void emit_exports(struct gs_emit *e, const struct matrix *matrix)
{
	static const struct gs_emit_column columns[] = {
		{"name", NULL, false},           {"version", NULL, false},
		{"package", NULL, false},        {"target", NULL, false},
		{"tells-machines", NULL, false}, {"tells-properties", NULL, false}};

	gs_emit_table(e, "exports", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < matrix->export_count; i++)
		emit_export(e, &matrix->exports[i]);
	gs_emit_end(e);
}

/* ---- machines ---- */

/* Whether a side has it; null: it does not tell. */
static struct gs_json *presence_json(const struct gs_machine_side *side)
{
	if (!side->machine && !gs_machine_is_lacking(side))
		return gs_json_new_null();
	return gs_json_new_bool(side->machine);
}

static struct gs_json *alias_json(const struct gs_machine_side *side)
{
	return gs_json_new_string(side->machine ? side->machine->alias : NULL);
}

/* The worst verdict; null where there is nothing to load, or it was not asked for. */
static struct gs_json *cell_json(const struct matrix_pair *pair, const struct matrix_row *row,
				 int d)
{
	bool is_judged = matrix_is_shared(row) && pair->check.options->directions[d];

	return gs_json_new_string(is_judged ? gs_verdict_name(matrix_worst(pair, d)) : NULL);
}

static struct gs_json *counted_json(const struct matrix_setting *setting)
{
	struct gs_json *object = setting_json(&setting->is);

	if (gs_json_set(object, "findings", gs_json_new_u64(setting->findings)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *settings_json(const struct matrix_row *row)
{
	struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; i < row->setting_count; i++) {
		if (gs_json_append(array, counted_json(&row->settings[i])))
			continue;
		gs_json_destroy(array);
		return NULL;
	}
	return array;
}

static struct gs_json *row_json(const struct matrix_pair *pair, const struct matrix_row *row)
{
	const struct gs_machine *machine = &row->machine;
	struct gs_json *object = gs_json_new_object();

	if (gs_json_set(object, "name", gs_json_new_string(machine->name)) &&
	    gs_json_set(object, "in-before", presence_json(&machine->before)) &&
	    gs_json_set(object, "in-after", presence_json(&machine->after)) &&
	    gs_json_set(object, "alias-before", alias_json(&machine->before)) &&
	    gs_json_set(object, "alias-after", alias_json(&machine->after)) &&
	    gs_json_set(object, "forward", cell_json(pair, row, GS_CHECK_FORWARD)) &&
	    gs_json_set(object, "backward", cell_json(pair, row, GS_CHECK_BACKWARD)) &&
	    gs_json_set(object, "settings", settings_json(row)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *rows_json(const struct matrix_pair *pair)
{
	struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; i < pair->row_count; i++) {
		if (gs_json_append(array, row_json(pair, &pair->rows[i])))
			continue;
		gs_json_destroy(array);
		return NULL;
	}
	return array;
}

/* ---- pairs ---- */

/* How many devices have which verdict. */
static struct gs_json *counts_json(const struct matrix_pair *pair, int d)
{
	struct gs_json *object = gs_json_new_object();

	for (int v = 0; v < GS_VERDICT_COUNT; v++) {
		if (gs_json_set(object, gs_verdict_name((enum gs_verdict)v),
				gs_json_new_u64(pair->check.counts[d][v])))
			continue;
		gs_json_destroy(object);
		return NULL;
	}
	return object;
}

static void emit_pair(struct gs_emit *e, const struct matrix *matrix,
		      const struct matrix_pair *pair)
{
	gs_autojson struct gs_json *rows = rows_json(pair);

	gs_emit_row(e);
	gs_emit_string(e, "before", NULL, matrix->exports[pair->before].name);
	gs_emit_string(e, "after", NULL, matrix->exports[pair->after].name);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_autojson struct gs_json *counts = counts_json(pair, d);

		if (matrix->given.options.directions[d])
			gs_emit_json(e, gs_check_direction_name((enum gs_check_direction)d), NULL,
				     counts);
	}
	gs_emit_bool(e, "same-target", NULL, pair->is_one_target);
	gs_emit_json(e, "machines", NULL, rows);
}

int matrix_as_json(const struct matrix *matrix)
{
	static const struct gs_emit_column columns[] = {
		{"before", NULL, false},   {"after", NULL, false},       {"forward", NULL, false},
		{"backward", NULL, false}, {"same-target", NULL, false}, {"machines", NULL, false}};
	struct gs_emit *e = gs_args_emit(matrix->args, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_bool(e, "holds", NULL, !matrix->failed);
	emit_exports(e, matrix);
	gs_emit_table(e, "pairs", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < matrix->pair_count; i++)
		emit_pair(e, matrix, &matrix->pairs[i]);
	gs_emit_end(e);
	gs_emit_end(e);
	return gs_args_finish(matrix->args, e, matrix->failed ? GS_EXIT_FAILED : GS_EXIT_OK);
}
