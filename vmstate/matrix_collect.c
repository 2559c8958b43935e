/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All pairs of exports judged, and the machines of each pair. */
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

/* What a file can ask for grows faster than the file. */
#define FINDINGS_MAX 131072 /* of all pairs; real: 300 of one */
#define JOINS_MAX 262144    /* of a pair's machines with its findings; real: 40,000 */
#define SETTINGS_MAX 256    /* of a machine; real: 10 */

/* ---- machines ---- */

static int by_machine(const void *a, const void *b)
{
	return gs_machine_compare(*(const char *const *)a, *(const char *const *)b);
}

static size_t add_names(const struct gs_about *about, const char **names)
{
	size_t count = about ? about->machine_count : 0;

	for (size_t i = 0; i < count; i++)
		names[i] = about->machines[i].name;
	return count;
}

/* The name of each machine of either, in the order of rows; the caller frees. NULL: no memory. */
static const char **list_names(const struct gs_about *before, const struct gs_about *after,
			       size_t *count_ret)
{
	size_t most = (before ? before->machine_count : 0) + (after ? after->machine_count : 0);
	const char **names = calloc(most + 1, sizeof(*names));
	size_t count, kept = 0;

	if (!names)
		return NULL;
	count = add_names(before, names);
	count += add_names(after, names + count);
	qsort(names, count, sizeof(*names), by_machine);
	for (size_t i = 0; i < count; i++) {
		if (!kept || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	}
	*count_ret = kept;
	return names;
}

/* Neither lacks it, or only one has it. */
static int presence(const struct matrix_row *row)
{
	return gs_machine_is_lacking(&row->machine.after)    ? 1
	       : gs_machine_is_lacking(&row->machine.before) ? 2
							     : 0;
}

/* As their names are; but those without a version, of which there may be many, by who has them. */
static int by_row(const void *a, const void *b)
{
	const struct matrix_row *first = a, *second = b;
	int order = 0;

	if (!gs_machine_is_versioned(first->machine.name) &&
	    !gs_machine_is_versioned(second->machine.name))
		order = presence(first) - presence(second);
	return order ? order : gs_machine_compare(first->machine.name, second->machine.name);
}

static struct gs_error *make_rows(struct matrix_pair *pair)
{
	const struct gs_about *before = pair->check.before->about,
			      *after = pair->check.after->about;
	gs_autofree const char **names = NULL;
	struct gs_error *err = NULL;
	size_t count = 0;

	names = list_names(before, after, &count);
	pair->rows = names ? calloc(count + 1, sizeof(*pair->rows)) : NULL;
	if (!pair->rows)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < count; i++) {
		err = gs_machine_named(before, after, names[i], &pair->rows[i].machine);
		pair->row_count += !err;
	}
	qsort(pair->rows, pair->row_count, sizeof(*pair->rows), by_row);
	return err;
}

/* ---- what may decide ---- */

static const char *type_of(const struct gs_machine_setting *setting)
{
	return setting->after.type ? setting->after.type : setting->before.type;
}

static bool is_same_property(const struct gs_machine_setting *a, const struct gs_machine_setting *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(type_of(a), type_of(b)) == 0;
}

/* It is told once, of however many devices. */
static struct gs_error *add_setting(struct matrix_row *row,
				    const struct gs_machine_setting *setting)
{
	struct matrix_setting *grown;

	for (size_t i = 0; i < row->setting_count; i++) {
		if (is_same_property(&row->settings[i].is, setting)) {
			row->settings[i].findings++;
			return NULL;
		}
	}
	if (row->setting_count == SETTINGS_MAX)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "more than %d properties of '%.80s' that may decide",
				       SETTINGS_MAX, row->machine.name);
	grown = reallocarray(row->settings, row->setting_count + 1, sizeof(*grown));
	if (!grown)
		return gs_error_nomem();
	row->settings = grown;
	grown[row->setting_count++] = (struct matrix_setting){*setting, 1};
	return NULL;
}

static struct gs_error *join_finding(struct matrix_row *row, const struct gs_check_finding *finding)
{
	GS_CLEANUP(machine_candidates_deinit) struct machine_candidates candidates = {0};
	struct gs_error *err = machine_candidates(&row->machine, finding, &candidates);

	for (size_t i = 0; !err && i < candidates.resembling; i++)
		err = add_setting(row, &candidates.settings[i]);
	return err;
}

static struct gs_error *join_rows(struct matrix_pair *pair)
{
	struct gs_error *err = NULL;

	if (pair->check.finding_count && pair->row_count > JOINS_MAX / pair->check.finding_count)
		return gs_error_create(GS_ERROR_UNSUPPORTED,
				       "%zu machines and %zu findings are more than can be joined",
				       pair->row_count, pair->check.finding_count);
	for (size_t i = 0; !err && i < pair->row_count; i++) {
		if (!matrix_is_shared(&pair->rows[i]))
			continue;
		pair->shared++;
		for (size_t j = 0; !err && j < pair->check.finding_count; j++)
			err = join_finding(&pair->rows[i], &pair->check.findings[j].is);
	}
	return err;
}

/* ---- pairs ---- */

static bool may_share(const struct matrix_pair *pair)
{
	return pair->is_one_target && (pair->shared || !pair->row_count);
}

static struct gs_error *judge(struct matrix *matrix, struct matrix_pair *pair)
{
	struct check_options *options = &matrix->given.options;
	struct check *check = &pair->check;
	struct gs_error *err;

	*check = (struct check){.before = &matrix->exports[pair->before],
				.after = &matrix->exports[pair->after],
				.options = options};
	options->library.about_before = check->before->about;
	options->library.about_after = check->after->about;
	pair->is_one_target = gs_about_is_one_target(check->before->about, check->after->about);
	err = check_collect(check);
	if (!err && pair->is_one_target)
		err = make_rows(pair);
	if (!err)
		err = join_rows(pair);
	matrix->finding_count += check->finding_count;
	if (!err && matrix->finding_count > FINDINGS_MAX)
		err = gs_error_create(GS_ERROR_UNSUPPORTED,
				      "more than %d findings in all: show fewer at a time",
				      FINDINGS_MAX);
	matrix->failed |= !err && may_share(pair) && check->failed;
	return err;
}

struct gs_error *matrix_collect(struct matrix *matrix)
{
	size_t count = matrix->export_count;
	struct gs_error *err = NULL;

	matrix->pairs = calloc(count * count, sizeof(*matrix->pairs));
	if (!matrix->pairs)
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; !err && j < count; j++) {
			struct matrix_pair *pair = &matrix->pairs[matrix->pair_count++];

			pair->before = i;
			pair->after = j;
			err = judge(matrix, pair);
		}
	}
	return err;
}

void matrix_deinit(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->pair_count; i++) {
		struct matrix_pair *pair = &matrix->pairs[i];

		for (size_t j = 0; j < pair->row_count; j++) {
			gs_machine_deinit(&pair->rows[j].machine);
			free(pair->rows[j].settings);
		}
		free(pair->rows);
		check_deinit(&pair->check);
	}
	free(matrix->pairs);
	for (size_t i = 0; i < matrix->export_count; i++)
		vmstate_export_deinit(&matrix->exports[i]);
	free(matrix->exports);
	check_given_deinit(&matrix->given);
}

/* ---- questions ---- */

enum gs_verdict matrix_worst(const struct matrix_pair *pair, int direction)
{
	int worst = GS_VERDICT_COUNT - 1;

	while (worst > GS_VERDICT_OK && !pair->check.counts[direction][worst])
		worst--;
	return (enum gs_verdict)worst;
}

bool matrix_is_shared(const struct matrix_row *row)
{
	return !gs_machine_is_lacking(&row->machine.before) &&
	       !gs_machine_is_lacking(&row->machine.after);
}

enum matrix_told matrix_told(const struct vmstate_export *export)
{
	const struct gs_about *about = export->about;

	if (!about || !about->has_machines)
		return MATRIX_NOTHING;
	for (size_t i = 0; i < about->machine_count; i++) {
		if (about->machines[i].has_properties)
			return MATRIX_PROPERTIES;
	}
	return MATRIX_MACHINES;
}

/* ---- rows that say the same ---- */

static bool is_same_value(const struct gs_machine_value *a, const struct gs_machine_value *b)
{
	if (!a->value || !b->value)
		return a->value == b->value;
	return strcmp(a->value, b->value) == 0;
}

static bool says_the_same(const struct matrix_row *a, const struct matrix_row *b)
{
	const struct gs_machine *first = &a->machine, *second = &b->machine;

	if (!first->before.machine != !second->before.machine ||
	    !first->after.machine != !second->after.machine || a->setting_count != b->setting_count)
		return false;
	for (size_t i = 0; i < a->setting_count; i++) {
		const struct gs_machine_setting *x = &a->settings[i].is, *y = &b->settings[i].is;

		if (!is_same_property(x, y) || !is_same_value(&x->before, &y->before) ||
		    !is_same_value(&x->after, &y->after))
			return false;
	}
	return true;
}

/* Those without a version are one, too. */
static bool is_same_family(const char *a, const char *b)
{
	size_t size = gs_machine_family(a);

	if (!gs_machine_is_versioned(a) || !gs_machine_is_versioned(b))
		return gs_machine_is_versioned(a) == gs_machine_is_versioned(b);
	return size == gs_machine_family(b) && strncmp(a, b, size) == 0;
}

size_t matrix_run(const struct matrix_pair *pair, size_t first)
{
	const struct matrix_row *row = &pair->rows[first];
	size_t end = first + 1;

	while (end < pair->row_count &&
	       is_same_family(row->machine.name, pair->rows[end].machine.name) &&
	       says_the_same(row, &pair->rows[end]))
		end++;
	return end - first;
}
