/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine sets of devices' properties, for people and for programs. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- candidates ---- */

static bool has_predicate(const struct gs_condition *condition)
{
	for (size_t i = 0; i < condition->count; i++) {
		for (size_t j = 0; j < condition->terms[i].count; j++) {
			if (condition->terms[i].literals[j].kind != GS_LITERAL_USED)
				return true;
		}
	}
	return false;
}

/* A load that always fails, and one that only hangs on the guest's devices, hang on no property. */
static bool hangs_on_properties(const struct gs_check_finding *finding)
{
	switch (finding->verdict) {
	case GS_VERDICT_CONDITIONAL:
		return has_predicate(&finding->condition);
	case GS_VERDICT_SILENT:
	case GS_VERDICT_UNKNOWN:
		return finding->rule >= GS_RULE_SUBSECTION_GONE &&
		       finding->rule <= GS_RULE_FIELD_REPACKED;
	default:
		return false;
	}
}

static bool resembles(const char *property, const struct gs_check_finding *finding)
{
	const char *type = finding->type_before ? finding->type_before : finding->type_after;
	const struct gs_condition *condition = &finding->condition;

	if (gs_machine_resembles(property, finding->path, type))
		return true;
	for (size_t i = 0; i < condition->count; i++) {
		for (size_t j = 0; j < condition->terms[i].count; j++) {
			const struct gs_literal *literal = &condition->terms[i].literals[j];

			if (literal->kind != GS_LITERAL_USED &&
			    (gs_machine_resembles(property, literal->name, type) ||
			     gs_machine_resembles(property, literal->description, type)))
				return true;
		}
	}
	return false;
}

/* Those that resemble to the front; the others stay in their order behind. */
static size_t bring_forward(struct gs_machine_setting *settings, size_t count,
			    const struct gs_check_finding *finding)
{
	size_t front = 0;

	for (size_t i = 0; i < count; i++) {
		struct gs_machine_setting setting = settings[i];

		if (!resembles(setting.name, finding))
			continue;
		memmove(&settings[front + 1], &settings[front], (i - front) * sizeof(*settings));
		settings[front++] = setting;
	}
	return front;
}

struct gs_error *machine_candidates(const struct gs_machine *machine,
				    const struct gs_check_finding *finding,
				    struct machine_candidates *ret)
{
	struct gs_error *err;

	*ret = (struct machine_candidates){0};
	if (!hangs_on_properties(finding))
		return NULL;
	err = gs_machine_settings(machine, finding->type_before, finding->type_after,
				  &ret->settings, &ret->count);
	if (!err)
		ret->resembling = bring_forward(ret->settings, ret->count, finding);
	return err;
}

void machine_candidates_deinit(struct machine_candidates *candidates)
{
	free(candidates->settings);
}

/* ---- text ---- */

static void put_value(struct gs_text *out, const struct gs_machine_setting *setting,
		      const struct gs_machine_value *value)
{
	gs_text_puts_printable(out, value->type);
	gs_text_puts(out, ".");
	gs_text_puts_printable(out, setting->name);
	gs_text_puts(out, "=");
	gs_text_puts_printable(out, value->value);
}

static void put_one_side(struct gs_text *out, const struct gs_machine_setting *setting,
			 const struct gs_machine_value *value, const char *who,
			 const struct gs_machine_side *other, const char *other_who)
{
	gs_text_printf(out, "%s sets ", who);
	put_value(out, setting, value);
	if (gs_machine_is_told(other))
		gs_text_printf(out, ", %s does not", other_who);
}

void put_setting(struct gs_text *out, const struct gs_machine *machine,
		 const struct gs_machine_setting *setting, const char *before_name,
		 const char *after_name)
{
	const struct gs_machine_value *before = &setting->before, *after = &setting->after;

	if (!before->value) {
		put_one_side(out, setting, after, after_name, &machine->before, before_name);
	} else if (!after->value) {
		put_one_side(out, setting, before, before_name, &machine->after, after_name);
	} else if (strcmp(before->value, after->value) == 0) {
		gs_text_puts(out, "both set ");
		put_value(out, setting, after);
	} else {
		gs_text_printf(out, "%s sets ", before_name);
		put_value(out, setting, before);
		gs_text_printf(out, ", %s ", after_name);
		put_value(out, setting, after);
	}
}

void put_candidates(struct gs_text *out, const struct gs_machine *machine,
		    const struct machine_candidates *candidates, bool all)
{
	size_t resembling = candidates->resembling;
	size_t count = resembling || !all ? resembling : candidates->count;

	if (!count)
		return;
	gs_text_puts(out, " On ");
	gs_text_puts_printable(out, machine->name);
	gs_text_puts(out, resembling ? " this may decide it: "
				     : " any of this may decide it, though no name resembles it: ");
	for (size_t i = 0; i < count; i++) {
		gs_text_puts(out, i ? "; " : "");
		put_setting(out, machine, &candidates->settings[i], "A", "B");
	}
	gs_text_puts(out, ".");
}

static bool tells_machines(const struct gs_machine_side *side)
{
	return side->about && side->about->has_machines;
}

static void put_told(struct gs_text *out, const char *who, const struct gs_machine_side *side,
		     bool is_second)
{
	if (gs_machine_is_told(side))
		gs_text_printf(out, "%s sets %zu propert%s", who, side->machine->property_count,
			       side->machine->property_count == 1 ? "y" : "ies");
	else if (tells_machines(side))
		gs_text_printf(out, "%s does not tell what it sets%s", who,
			       is_second ? "" : " (QEMU does from 9.1 on)");
	else
		gs_text_printf(out, "whether %s has it is not told", who);
}

void put_machine(struct gs_text *out, const struct gs_machine *machine)
{
	bool not_before = gs_machine_is_lacking(&machine->before);
	bool not_after = gs_machine_is_lacking(&machine->after);

	gs_text_puts(out, "Machine ");
	gs_text_puts_printable(out, machine->name);
	if (not_before || not_after) {
		gs_text_printf(out,
			       ": %s does not have it, so that no guest of it comes from there, "
			       "and none can go there.",
			       not_before ? "A" : "B");
		return;
	}
	gs_text_puts(out, ": ");
	if (!tells_machines(&machine->before) && !tells_machines(&machine->after)) {
		gs_text_puts(out, "neither tells its machines (exports by vmstate do).");
		return;
	}
	put_told(out, "A", &machine->before, false);
	gs_text_puts(out, "; ");
	put_told(out, "B", &machine->after,
		 !gs_machine_is_told(&machine->before) && machine->before.machine);
	gs_text_puts(out, ".");
}

/* ---- JSON ---- */

struct gs_json *setting_json(const struct gs_machine_setting *setting)
{
	const struct gs_machine_value *before = &setting->before, *after = &setting->after;
	struct gs_json *object = gs_json_new_object();

	if (gs_json_set(object, "property", gs_json_new_string(setting->name)) &&
	    gs_json_set(object, "type-before", gs_json_new_string(before->type)) &&
	    gs_json_set(object, "before", gs_json_new_string(before->value)) &&
	    gs_json_set(object, "type-after", gs_json_new_string(after->type)) &&
	    gs_json_set(object, "after", gs_json_new_string(after->value)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

static struct gs_json *candidate_json(const struct gs_machine_setting *setting, bool does_resemble)
{
	struct gs_json *object = setting_json(setting);

	if (gs_json_set(object, "resembles", gs_json_new_bool(does_resemble)))
		return object;
	gs_json_destroy(object);
	return NULL;
}

struct gs_json *candidates_json(const struct machine_candidates *candidates)
{
	struct gs_json *array = gs_json_new_array();

	for (size_t i = 0; i < candidates->count; i++) {
		if (gs_json_append(array, candidate_json(&candidates->settings[i],
							 i < candidates->resembling)))
			continue;
		gs_json_destroy(array);
		return NULL;
	}
	return array;
}

static void emit_side(struct gs_emit *e, const char *key, const struct gs_machine_side *side)
{
	gs_emit_begin(e, key, NULL);
	if (tells_machines(side))
		gs_emit_bool(e, "present", NULL, side->machine);
	else
		gs_emit_null(e, "present", NULL);
	gs_emit_string(e, "alias", NULL, side->machine ? side->machine->alias : NULL);
	gs_emit_bool(e, "deprecated", NULL, side->machine && side->machine->deprecated);
	if (gs_machine_is_told(side))
		gs_emit_u64(e, "properties", NULL, side->machine->property_count);
	else
		gs_emit_null(e, "properties", NULL);
	gs_emit_end(e);
}

void emit_machine(struct gs_emit *e, const struct gs_machine *machine)
{
	gs_emit_begin(e, "machine", NULL);
	gs_emit_string(e, "name", NULL, machine->name);
	emit_side(e, "before", &machine->before);
	emit_side(e, "after", &machine->after);
	gs_emit_end(e);
}
