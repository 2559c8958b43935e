/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check --format json: all of it, as one document. */
#include "check.h"

static const char *const direction_keys[] = {"forward", "backward"};

static void emit_condition(struct gs_emit *e, const struct gs_condition *condition)
{
	gs_autojson struct gs_json *json = condition_json(condition);

	gs_emit_json(e, "condition", NULL, json);
}

static void emit_type(struct gs_emit *e, const char *key, const char *type)
{
	if (type)
		gs_emit_string(e, key, NULL, type);
	else
		gs_emit_null(e, key, NULL);
}

/* ---- findings ---- */

static void emit_offset(struct gs_emit *e, const struct gs_wire_size *offset)
{
	static const char *const names[] = {"exact", "at-least", "unknown"};

	if (offset->certainty == GS_WIRE_UNKNOWN)
		gs_emit_null(e, "offset", NULL);
	else
		gs_emit_u64(e, "offset", NULL, offset->bytes);
	gs_emit_string(e, "certainty", NULL, names[offset->certainty]);
}

static void emit_settings(struct gs_emit *e, const struct check_finding *finding)
{
	gs_autojson struct gs_json *json = candidates_json(&finding->candidates);

	gs_emit_json(e, "settings", NULL, json);
}

static void emit_finding(struct gs_emit *e, const struct check *c,
			 const struct check_finding *finding)
{
	const struct gs_check_finding *is = &finding->is;

	gs_emit_row(e);
	gs_emit_string(e, "id", NULL, is->id);
	gs_emit_string(e, "direction", NULL, gs_check_direction_name(is->direction));
	gs_emit_string(e, "verdict", NULL, gs_verdict_name(is->verdict));
	gs_emit_string(e, "rule", NULL, gs_check_rule_name(is->rule));
	emit_type(e, "type-before", is->type_before);
	emit_type(e, "type-after", is->type_after);
	gs_emit_string(e, "section", NULL, is->section);
	gs_emit_string(e, "path", NULL, is->path);
	emit_offset(e, &is->offset);
	gs_emit_string(e, "text", NULL, is->text);
	emit_condition(e, &is->condition);
	if (c->machine)
		emit_settings(e, finding);
	gs_emit_bool(e, "waived", NULL, finding->waiver);
	if (!finding->waiver)
		return;
	gs_emit_string(e, "reason", NULL, finding->waiver->reason);
	gs_emit_string(e, "expires", NULL, finding->waiver->expires);
}

static void emit_findings(struct gs_emit *e, const struct check *c)
{
	static const struct gs_emit_column columns[] = {
		{"id", NULL, false},          {"direction", NULL, false},
		{"verdict", NULL, false},     {"rule", NULL, false},
		{"type-before", NULL, false}, {"type-after", NULL, false},
		{"section", NULL, false},     {"path", NULL, false},
		{"offset", NULL, false},      {"certainty", NULL, false},
		{"text", NULL, false},        {"condition", NULL, false},
		{"settings", NULL, false},    {"waived", NULL, false},
		{"reason", NULL, false},      {"expires", NULL, false}};

	gs_emit_table(e, "findings", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < c->finding_count; i++)
		emit_finding(e, c, &c->findings[i]);
	gs_emit_end(e);
}

/* ---- devices ---- */

/* Why one side has none; null: nothing is known, or both have. */
static const char *const absences[] = {
	[GS_ABSENCE_UNKNOWN] = NULL,
	[GS_ABSENCE_ABSTRACT] = "abstract",
	[GS_ABSENCE_MODULE] = "module-missing",
	[GS_ABSENCE_NO_TYPE] = "no-such-type",
	[GS_ABSENCE_STATELESS] = "no-state",
};

/* {"verdict", "condition", "findings"}, and what it is without waived findings. */
static struct gs_json *direction_json(const struct check_device *device, int d)
{
	struct gs_json *object = gs_json_new_object();

	if (gs_json_set(object, "verdict",
			gs_json_new_string(gs_verdict_name(device->is.directions[d].verdict))) &&
	    gs_json_set(object, "condition", condition_json(&device->is.directions[d].condition)) &&
	    gs_json_set(object, "findings", gs_json_new_u64(device->is.directions[d].findings)) &&
	    gs_json_set(object, "not-waived", gs_json_new_string(gs_verdict_name(device->left[d]))))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static void emit_device(struct gs_emit *e, const struct check *c, const struct check_device *device)
{
	gs_emit_row(e);
	gs_emit_string(e, "name", NULL, device->name);
	emit_type(e, "type-before", device->is.type_before);
	emit_type(e, "type-after", device->is.type_after);
	gs_emit_bool(e, "migratable-before", NULL, !device->is.unmigratable_before);
	gs_emit_bool(e, "migratable-after", NULL, !device->is.unmigratable_after);
	gs_emit_bool(e, "unversioned", NULL, device->is.unversioned);
	gs_emit_string(e, "absence", NULL, absences[device->absence]);
	if (device->absence == GS_ABSENCE_MODULE)
		gs_emit_string(e, "module", NULL, device->module);
	gs_emit_u64(e, "assumed-lengths", NULL, device->is.assumed);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		gs_autojson struct gs_json *json = NULL;

		if (!c->options->directions[d])
			continue;
		json = direction_json(device, d);
		gs_emit_json(e, direction_keys[d], NULL, json);
	}
}

static void emit_devices(struct gs_emit *e, const struct check *c)
{
	static const struct gs_emit_column columns[] = {{"name", NULL, false},
							{"type-before", NULL, false},
							{"type-after", NULL, false},
							{"migratable-before", NULL, false},
							{"migratable-after", NULL, false},
							{"unversioned", NULL, false},
							{"absence", NULL, false},
							{"module", NULL, false},
							{"assumed-lengths", NULL, false},
							{"forward", NULL, false},
							{"backward", NULL, false}};

	gs_emit_table(e, "devices", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < c->device_count; i++)
		emit_device(e, c, &c->devices[i]);
	gs_emit_end(e);
}

/* ---- the document ---- */

static void emit_counts(struct gs_emit *e, const struct check *c)
{
	gs_emit_begin(e, "counts", NULL);
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (!c->options->directions[d])
			continue;
		gs_emit_begin(e, direction_keys[d], NULL);
		for (int v = 0; v < GS_VERDICT_COUNT; v++)
			gs_emit_u64(e, gs_verdict_name((enum gs_verdict)v), NULL, c->counts[d][v]);
		gs_emit_end(e);
	}
	gs_emit_end(e);
}

/* The waivers that do not hold, or for nothing. */
static void emit_waivers(struct gs_emit *e, const struct check *c)
{
	static const struct gs_emit_column columns[] = {
		{"id", NULL, false},      {"line", NULL, false},    {"expires", NULL, false},
		{"expired", NULL, false}, {"matched", NULL, false}, {"reason", NULL, false}};
	const struct gs_waiver *waiver;

	gs_emit_table(e, "waivers", NULL, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; (waiver = gs_baseline_at(c->options->baseline, i)); i++) {
		gs_emit_row(e);
		gs_emit_string(e, "id", NULL, waiver->id);
		gs_emit_u64(e, "line", NULL, waiver->line);
		gs_emit_string(e, "expires", NULL, waiver->expires);
		gs_emit_bool(e, "expired", NULL, check_is_expired(c, waiver));
		gs_emit_bool(e, "matched", NULL, c->matched[i]);
		gs_emit_string(e, "reason", NULL, waiver->reason);
	}
	gs_emit_end(e);
}

static void emit_not_judged(struct gs_emit *e)
{
	struct gs_json *array = gs_json_new_array();

	for (const char *const *text = gs_check_not_judged(); *text; text++)
		(void)!gs_json_append(array, gs_json_new_string(*text));
	gs_emit_json(e, "not-judged", NULL, array);
	gs_json_destroy(array);
}

int check_as_json(const struct check *c)
{
	struct gs_emit *e = gs_emit_create(stdout, GS_EMIT_JSON, false);

	gs_emit_begin(e, NULL, NULL);
	gs_emit_string(e, "before", NULL, c->before->name);
	gs_emit_string(e, "after", NULL, c->after->name);
	if (c->machine)
		emit_machine(e, c->machine);
	gs_emit_bool(e, "holds", NULL, !c->failed);
	gs_emit_u64(e, "assumed-lengths", NULL, c->assumed);
	emit_counts(e, c);
	emit_findings(e, c);
	emit_devices(e, c);
	emit_waivers(e, c);
	emit_not_judged(e);
	gs_emit_end(e);
	return gs_args_finish(c->args, e, c->failed ? GS_EXIT_FAILED : GS_EXIT_OK);
}
